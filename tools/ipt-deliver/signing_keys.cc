#include "ipt-deliver/signing_keys.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "platform/errors/status_macros.h"

namespace ipt::deliver {
namespace {

constexpr size_t kMostKeys = 5;
constexpr size_t kShortestSecret = 32;
constexpr size_t kLongestSecret = 256;

bool IsKeyId(absl::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
}

bool HasOnly(const nlohmann::json& object, std::initializer_list<const char*> keys) {
  return object.size() == keys.size() &&
         std::all_of(keys.begin(), keys.end(), [&](const char* k) { return object.contains(k); });
}

absl::Status CheckMode(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || (info.st_mode & 027) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("it is open to others (mode %04o): chmod 600, or 640 for a group that may "
                      "read it",
                      info.st_mode & 07777));
}

}  // namespace

std::string HmacSha256Hex(absl::string_view key, absl::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
}

absl::StatusOr<std::shared_ptr<const SigningKeys>> SigningKeys::Parse(absl::string_view json) {
  const nlohmann::json file = nlohmann::json::parse(json.begin(), json.end(), nullptr, false);
  if (!file.is_object() || !HasOnly(file, {"keys"}) || !file["keys"].is_array()) {
    return absl::InvalidArgumentError(
        "must be {\"keys\": [{\"id\": \"...\", \"secret\": \"<base64>\"}]}");
  }
  auto keys = std::make_shared<SigningKeys>();
  for (const nlohmann::json& entry : file["keys"]) {
    const std::string where = absl::StrCat("key ", keys->keys_.size() + 1);
    if (!entry.is_object() || !HasOnly(entry, {"id", "secret"}) || !entry["id"].is_string() ||
        !entry["secret"].is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": must have \"id\" and \"secret\", both texts, and nothing else"));
    }
    Key key{.id = entry["id"].get<std::string>(), .secret = {}};
    if (!IsKeyId(key.id)) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": its id must be 1 to 64 of A-Z, a-z, 0-9, \".\", \"_\" and \"-\""));
    }
    const auto same = [&](const Key& other) { return other.id == key.id; };
    if (std::any_of(keys->keys_.begin(), keys->keys_.end(), same)) {
      return absl::InvalidArgumentError(absl::StrCat("two keys have the id ", key.id));
    }
    if (!absl::Base64Unescape(entry["secret"].get<std::string>(), &key.secret) ||
        key.secret.size() < kShortestSecret || key.secret.size() > kLongestSecret) {
      return absl::InvalidArgumentError(
          absl::StrCat("key ", key.id,
                       ": its secret must be base64 of 32 to 256 bytes: openssl "
                       "rand -base64 32 makes one"));
    }
    keys->keys_.push_back(std::move(key));
  }
  if (keys->keys_.empty() || keys->keys_.size() > kMostKeys) {
    return absl::InvalidArgumentError("must hold 1 to 5 keys");
  }
  return std::shared_ptr<const SigningKeys>(std::move(keys));
}

std::string SigningKeys::Sign(absl::string_view timestamp, absl::string_view body) const {
  const std::string text = absl::StrCat(timestamp, ".", body);
  std::string header;
  for (const Key& key : keys_) {
    absl::StrAppend(&header, header.empty() ? "" : ", ", "v1=", HmacSha256Hex(key.secret, text),
                    ";key=", key.id);
  }
  return header;
}

std::vector<std::string> SigningKeys::ids() const {
  std::vector<std::string> ids;
  for (const Key& key : keys_) ids.push_back(key.id);
  return ids;
}

absl::StatusOr<std::unique_ptr<auth::WatchedFiles<SigningKeys>>> WatchKeys(
    const std::string& path, auth::ReloadObserver observer) {
  return auth::WatchedFiles<SigningKeys>::Open(
      {path},
      [path](const auth::FileWatcher::Contents& contents)
          -> absl::StatusOr<std::shared_ptr<const SigningKeys>> {
        IPT_RETURN_IF_ERROR(CheckMode(path));
        return SigningKeys::Parse(contents[0]);
      },
      std::move(observer));
}

}  // namespace ipt::deliver
