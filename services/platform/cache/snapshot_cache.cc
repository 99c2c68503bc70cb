#include "platform/cache/snapshot_cache.h"

#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "platform/ids/ids.h"

namespace ipt::cache {
namespace {

// The longest that a reader may take from its ticket to its copy.
constexpr char kTicketMs[] = "15000";

// A key holds "T<ticket>" or "V<version> <copy>". ARGV: ticket, its time in ms. 1: the ticket
// holds.
const RedisScript& BeginFillScript() {
  static const RedisScript* const script = new RedisScript(R"lua(
local there = redis.call('GETRANGE', KEYS[1], 0, 0)
if there == 'V' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
)lua");
  return *script;
}

// ARGV: ticket, version, copy, time to keep in ms. Versions have up to 19 digits, more than Lua's
// numbers hold: they are compared as texts, the longer one being the greater.
const RedisScript& FillScript() {
  static const RedisScript* const script = new RedisScript(R"lua(
local there = redis.call('GETRANGE', KEYS[1], 0, 40)
if there == '' then return 0 end
if there ~= ARGV[1] then
  local version = string.match(there, '^V(%d+) ')
  if not version then return 0 end
  local mine = ARGV[2]
  if #mine < #version or (#mine == #version and mine <= version) then return 0 end
end
redis.call('SET', KEYS[1], 'V' .. ARGV[2] .. ' ' .. ARGV[3], 'PX', ARGV[4])
return 1
)lua");
  return *script;
}

// The copy in what a key holds, if it is one of at least this version.
std::shared_ptr<const std::string> CopyIn(absl::string_view held, int64_t min_version) {
  if (!absl::ConsumePrefix(&held, "V")) return nullptr;
  const size_t space = held.find(' ');
  int64_t version = 0;
  if (space == absl::string_view::npos || !absl::SimpleAtoi(held.substr(0, space), &version) ||
      version < min_version) {
    return nullptr;
  }
  return std::make_shared<const std::string>(held.substr(space + 1));
}

}  // namespace

SnapshotCache::SnapshotCache(RedisClient& redis, absl::string_view prefix, History history)
    : redis_(redis), prefix_(prefix), history_(std::move(history)) {}

std::string SnapshotCache::Key(absl::string_view key) const {
  const std::string history = history_();
  return history.empty() ? "" : absl::StrCat(prefix_, ":", history, ":", key);
}

void SnapshotCache::Get(absl::string_view key, int64_t min_version, Found found) {
  const std::string at = Key(key);
  if (at.empty()) return found(nullptr);
  RedisObserver* const observer = redis_.observer();
  redis_.Send({"GET", at},
              [observer, min_version, found = std::move(found)](const RedisClient::Answer& answer) {
                std::shared_ptr<const std::string> copy;
                if (answer.ok()) copy = CopyIn(answer->text(), min_version);
                if (observer != nullptr) {
                  observer->OnCacheRead(!answer.ok()      ? CacheRead::kError
                                        : copy == nullptr ? CacheRead::kMiss
                                                          : CacheRead::kHit);
                }
                found(std::move(copy));
              });
}

std::string SnapshotCache::BeginFill(absl::string_view key) {
  static RandomIdSource ids;
  const std::string at = Key(key);
  if (at.empty()) return "";
  std::string ticket = absl::StrCat("T", ids.NewUuid());
  const RedisClient::Answer answer =
      redis_.CallScript(BeginFillScript(), {at}, {ticket, kTicketMs});
  return answer.ok() && answer->integer() == 1 ? ticket : "";
}

void SnapshotCache::Fill(absl::string_view key, absl::string_view ticket, int64_t version,
                         absl::string_view value, absl::Duration keep) {
  thread_local absl::BitGen random;
  const int64_t ms = absl::ToInt64Milliseconds(keep * absl::Uniform(random, 0.9, 1.0));
  const std::string at = Key(key);
  if (ms <= 0 || at.empty()) return;
  redis_.SendScript(FillScript(), {at}, {ticket, absl::StrCat(version), value, absl::StrCat(ms)},
                    nullptr);
}

void SnapshotCache::Invalidate(absl::Span<const std::string> keys) {
  for (const std::string& key : keys) {
    const std::string at = Key(key);
    if (!at.empty()) redis_.Send({"DEL", at}, nullptr);
  }
}

}  // namespace ipt::cache
