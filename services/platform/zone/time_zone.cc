#include "platform/zone/time_zone.h"

#include <sys/stat.h>

#include <cstdlib>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"

namespace ipt {
namespace {

// Whether the name is spelled as IANA's are and tzdata has a file of it. Lower-case first letters
// are tzdata's own housekeeping ("localtime", "posixrules", "right/..." with leap seconds).
bool IsIanaName(absl::string_view name) {
  if (name.empty() || name.size() > 64 || !absl::ascii_isupper(name.front())) return false;
  for (char c : name) {
    if (!absl::ascii_isalnum(c) && c != '/' && c != '_' && c != '-' && c != '+') return false;
  }
  if (name == "Factory") return false;
  // Asked first, since the library keeps every name that it was ever asked for, bad ones too.
  const char* dir = std::getenv("TZDIR");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  const std::string path = absl::StrCat(dir != nullptr ? dir : "/usr/share/zoneinfo", "/", name);
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

class ZoneCache {
 public:
  bool Find(absl::string_view name, absl::TimeZone* zone) {
    std::shared_lock<std::shared_mutex> lock(mutex_);
    auto it = zones_.find(name);
    if (it == zones_.end()) return false;
    *zone = it->second;
    return true;
  }
  void Put(absl::string_view name, const absl::TimeZone& zone) {
    std::lock_guard<std::shared_mutex> lock(mutex_);
    zones_.emplace(name, zone);
  }

 private:
  std::shared_mutex mutex_;
  absl::flat_hash_map<std::string, absl::TimeZone> zones_;
};

}  // namespace

absl::StatusOr<absl::TimeZone> LoadZone(absl::string_view name) {
  static auto* const kCache = new ZoneCache;
  absl::TimeZone zone;
  if (kCache->Find(name, &zone)) return zone;
  // absl leaves UTC in `zone` when it fails.
  if (!IsIanaName(name) || !absl::LoadTimeZone(name, &zone)) {
    return InvalidField("time_zone", "must be an IANA time zone such as Europe/London");
  }
  kCache->Put(name, zone);
  return zone;
}

absl::StatusOr<absl::TimeZone> StoredZone(absl::string_view name) {
  auto zone = LoadZone(name);
  if (!zone.ok()) {
    return Internal(absl::StrCat("tzdata does not know the stored zone ", std::string(name)));
  }
  return zone;
}

}  // namespace ipt
