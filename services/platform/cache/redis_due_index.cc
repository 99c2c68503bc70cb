#include "platform/cache/redis_due_index.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/cache/due_score.h"
#include "platform/errors/status_macros.h"
#include "platform/sync/countdown.h"

namespace ipt::cache {
namespace {

// What every script begins with. Scores are written out in full: Redis' own text of a big number
// may be rounded or have an exponent.
#define IPT_LUA_HEAD                                                                    \
  "local due, lease, own, epoch, build = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]\n" \
  "local G, UNIT = 262144, 125\n"                                                       \
  "local function gen(score) return tonumber(score) % G end\n"                          \
  "local function text(score) return string.format('%.0f', score) end\n"                \
  "local function held(value) return string.match(value, '^(%d+):(.*)$') end\n"         \
  "local function now_ms()\n"                                                           \
  "  local t = redis.call('TIME')\n"                                                    \
  "  return t[1] * 1000 + math.floor(t[2] / 1000)\n"                                    \
  "end\n"                                                                               \
  "local function heads()\n"                                                            \
  "  local d = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')\n"                         \
  "  local l = redis.call('ZRANGE', lease, 0, 0, 'WITHSCORES')\n"                       \
  "  return d[2] and text(d[2]) or '', l[2] and text(l[2]) or ''\n"                     \
  "end\n"

static_assert(kGenerations == 262144 && kUnitMs == 125);

// ARGV: id, score, ... In all scripts, what frees memory comes before what takes some: once a
// script has written, Redis lets it finish though memory is full.
const RedisScript& UpsertScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
local ids = {}
for i = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
local queued = redis.call('ZMSCORE', due, unpack(ids))
local owned = redis.call('EXISTS', own) == 1 and redis.call('HMGET', own, unpack(ids)) or {}
local best, drop, add = {}, {}, {}
for i, id in ipairs(ids) do
  local score = ARGV[2 * i]
  local g = gen(score)
  local take
  if owned[i] then
    take = gen((held(owned[i]))) < g
    if take then drop[#drop + 1] = id end
  else
    take = not queued[i] or gen(queued[i]) <= g
  end
  if take and (not best[id] or best[id] <= g) then
    best[id] = g
    add[#add + 1] = score
    add[#add + 1] = id
  end
end
if #drop > 0 then
  redis.call('ZREM', lease, unpack(drop))
  redis.call('HDEL', own, unpack(drop))
end
if #add > 0 then redis.call('ZADD', due, unpack(add)) end
return #add / 2
)lua");
  return *script;
}

// ARGV: id, generation, ...
const RedisScript& RemoveScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
local ids = {}
for i = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
local queued = redis.call('ZMSCORE', due, unpack(ids))
local owned = redis.call('HMGET', own, unpack(ids))
local drop = {}
for i, id in ipairs(ids) do
  local score = owned[i] and held(owned[i]) or queued[i]
  if score and gen(score) <= tonumber(ARGV[2 * i]) then drop[#drop + 1] = id end
end
if #drop > 0 then
  redis.call('ZREM', due, unpack(drop))
  redis.call('ZREM', lease, unpack(drop))
  redis.call('HDEL', own, unpack(drop))
end
return #drop
)lua");
  return *script;
}

// ARGV: epoch, most, lease in ms, lease's name. -1: rebuild.
const RedisScript& ClaimScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
if redis.call('GET', epoch) ~= ARGV[1] then return -1 end
local now = now_ms()
local late = redis.call('ZRANGEBYSCORE', lease, '-inf', now, 'LIMIT', 0, 500)
if #late > 0 then
  local owned = redis.call('HMGET', own, unpack(late))
  redis.call('ZREM', lease, unpack(late))
  redis.call('HDEL', own, unpack(late))
  local back = {}
  for i, id in ipairs(late) do
    if owned[i] then
      back[#back + 1] = held(owned[i])
      back[#back + 1] = id
    end
  end
  if #back > 0 then redis.call('ZADD', due, unpack(back)) end
end
local out = {'', ''}
local last = math.floor(now / UNIT) * G + G - 1
local found = redis.call('ZRANGEBYSCORE', due, '-inf', text(last), 'WITHSCORES', 'LIMIT', 0, ARGV[2])
if #found > 0 then
  local ids, leases, owners = {}, {}, {}
  local till = text(now + ARGV[3])
  for i = 1, #found, 2 do
    local id, score = found[i], text(found[i + 1])
    ids[#ids + 1] = id
    leases[i], leases[i + 1] = till, id
    owners[i], owners[i + 1] = id, score .. ':' .. ARGV[4]
    out[i + 2], out[i + 3] = id, score
  end
  redis.call('ZREM', due, unpack(ids))
  redis.call('ZADD', lease, unpack(leases))
  redis.call('HSET', own, unpack(owners))
end
out[1], out[2] = heads()
return out
)lua");
  return *script;
}

// ARGV: lease, id, ...
const RedisScript& CompleteScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
local ids = {unpack(ARGV, 2)}
local owned = redis.call('HMGET', own, unpack(ids))
local drop = {}
for i, id in ipairs(ids) do
  if owned[i] then
    local _, name = held(owned[i])
    if name == ARGV[1] then drop[#drop + 1] = id end
  end
end
if #drop == 0 then return 0 end
redis.call('ZREM', lease, unpack(drop))
return redis.call('HDEL', own, unpack(drop))
)lua");
  return *script;
}

// ARGV: lease, id, score of generation 0, ...
const RedisScript& ReleaseScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
local count = 0
for i = 2, #ARGV, 2 do
  local value = redis.call('HGET', own, ARGV[i])
  if value then
    local score, name = held(value)
    if name == ARGV[1] then
      redis.call('ZREM', lease, ARGV[i])
      redis.call('HDEL', own, ARGV[i])
      redis.call('ZADD', due, text(ARGV[i + 1] + gen(score)), ARGV[i])
      count = count + 1
    end
  end
end
return count
)lua");
  return *script;
}

// ARGV: lease, lease in ms, id, ...
const RedisScript& ExtendScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
local till = text(now_ms() + ARGV[2])
local count = 0
for i = 3, #ARGV do
  local value = redis.call('HGET', own, ARGV[i])
  if value then
    local _, name = held(value)
    if name == ARGV[1] then
      redis.call('ZADD', lease, 'XX', till, ARGV[i])
      count = count + 1
    end
  end
end
return count
)lua");
  return *script;
}

// ARGV: epoch. -1: rebuild.
const RedisScript& NextScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
if redis.call('GET', epoch) ~= ARGV[1] then return -1 end
return {heads()}
)lua");
  return *script;
}

const RedisScript& DepthScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
return {redis.call('ZCARD', due), redis.call('ZCARD', lease), (heads())}
)lua");
  return *script;
}

// ARGV: id, ...
const RedisScript& LookupScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
local queued = redis.call('ZMSCORE', due, unpack(ARGV))
local owned = redis.call('HMGET', own, unpack(ARGV))
local out = {}
for i = 1, #ARGV do
  local leased = owned[i] and true
  local score = leased and held(owned[i]) or queued[i]
  out[#out + 1] = score and text(score) or ''
  out[#out + 1] = leased and 1 or 0
end
return out
)lua");
  return *script;
}

// ARGV: epoch, again, token, hold in ms. Until it is built, the key keeps whose contents these are,
// bound to no server, so that an interrupted rebuild does not make them look like another epoch's.
const RedisScript& BeginScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
if redis.call('EXISTS', build) == 1 then return 'busy' end
local function unbound(value) return string.match(value or '', '^(.*)@') end
local kept = redis.call('GET', epoch)
if ARGV[2] == '0' and kept == ARGV[1] then return 'built' end
redis.call('DEL', epoch)
if unbound(kept) ~= unbound(ARGV[1]) then redis.call('UNLINK', due, lease, own) end
redis.call('SET', epoch, unbound(ARGV[1]) .. '@-')
redis.call('SET', build, ARGV[3], 'PX', ARGV[4])
return 'started'
)lua");
  return *script;
}

// ARGV: token, hold in ms.
const RedisScript& KeepScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
if redis.call('GET', build) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', build, ARGV[2])
)lua");
  return *script;
}

// ARGV: token, epoch.
const RedisScript& FinishScript() {
  static const RedisScript* const script = new RedisScript(IPT_LUA_HEAD R"lua(
if redis.call('GET', build) ~= ARGV[1] then return 0 end
redis.call('DEL', build)
redis.call('SET', epoch, ARGV[2])
return 1
)lua");
  return *script;
}

#undef IPT_LUA_HEAD

std::string Ms(absl::Duration duration) {
  return absl::StrCat(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, int64_t{366} * 24 * 3600 * 1000));
}

int64_t ScoreIn(absl::string_view text) {
  double score = 0;  // exact: it is less than 2^53
  return absl::SimpleAtod(text, &score) ? static_cast<int64_t>(score) : 0;
}

DueEntry EntryOf(absl::string_view id, absl::string_view score) {
  const int64_t number = ScoreIn(score);
  return {std::string(id), GenerationOf(number), DueOf(number)};
}

// Of what heads() gives.
absl::Time NextOf(RedisReplyView queued, RedisReplyView leased) {
  absl::Time next = absl::InfiniteFuture();
  if (!queued.text().empty()) next = DueOf(ScoreIn(queued.text()));
  if (!leased.text().empty()) {
    next = std::min(next, absl::UnixEpoch() + absl::Milliseconds(ScoreIn(leased.text())));
  }
  return next;
}

std::vector<absl::string_view> Views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

RedisDueIndex::RedisDueIndex(RedisClient& redis, absl::string_view prefix)
    : redis_(redis), prefix_(prefix) {}

std::string RedisDueIndex::Key(absl::string_view clinic, absl::string_view what) const {
  return absl::StrCat(prefix_, ":{", clinic, "}:", what);
}

std::vector<std::string> RedisDueIndex::Keys(absl::string_view clinic) const {
  return {Key(clinic, "due"), Key(clinic, "lease"), Key(clinic, "own"), Key(clinic, "epoch"),
          Key(clinic, "build")};
}

std::string RedisDueIndex::Bound(absl::string_view epoch) const {
  return absl::StrCat(epoch, "@", redis_.run_id());
}

RedisClient::Answer RedisDueIndex::Run(const RedisScript& script, absl::string_view clinic,
                                       const std::vector<std::string>& args) {
  return redis_.CallScript(script, Views(Keys(clinic)), Views(args));
}

absl::StatusOr<std::vector<RedisReply>> RedisDueIndex::RunBatches(
    const RedisScript& script, absl::string_view clinic, const std::vector<std::string>& head,
    const std::vector<std::string>& args, size_t per_item) {
  const size_t per_batch = per_item * kMaxBatch;
  const size_t batches = (args.size() + per_batch - 1) / per_batch;
  const std::vector<std::string> keys = Keys(clinic);
  std::vector<RedisClient::Answer> answers(batches);
  Countdown outstanding(batches);
  for (size_t b = 0; b < batches; ++b) {
    std::vector<absl::string_view> batch(head.begin(), head.end());
    const auto begin = args.begin() + static_cast<ptrdiff_t>(b * per_batch);
    batch.insert(batch.end(), begin,
                 begin + static_cast<ptrdiff_t>(std::min(per_batch, args.size() - b * per_batch)));
    redis_.SendScript(script, Views(keys), batch, [&, b](RedisClient::Answer answer) {
      answers[b] = std::move(answer);
      outstanding.Done();
    });
  }
  outstanding.Wait();
  std::vector<RedisReply> replies;
  for (RedisClient::Answer& answer : answers) {
    IPT_RETURN_IF_ERROR(answer.status());
    replies.push_back(*std::move(answer));
  }
  return replies;
}

absl::StatusOr<int> RedisDueIndex::Count(const RedisScript& script, absl::string_view clinic,
                                         const std::vector<std::string>& head,
                                         const std::vector<std::string>& args, size_t per_item) {
  IPT_ASSIGN_OR_RETURN(const auto replies, RunBatches(script, clinic, head, args, per_item));
  int64_t count = 0;
  for (const RedisReply& reply : replies) count += reply.integer();
  return static_cast<int>(count);
}

absl::Status RedisDueIndex::Upsert(absl::string_view clinic, absl::Span<const DueEntry> entries) {
  IPT_RETURN_IF_ERROR(CheckEntries(entries));
  std::vector<std::string> args;
  args.reserve(2 * entries.size());
  for (const DueEntry& entry : entries) {
    args.push_back(entry.id);
    args.push_back(absl::StrCat(ScoreOf(entry.generation, entry.due)));
  }
  return RunBatches(UpsertScript(), clinic, {}, args, 2).status();
}

absl::Status RedisDueIndex::Remove(absl::string_view clinic, absl::Span<const DueEntry> entries) {
  IPT_RETURN_IF_ERROR(CheckEntries(entries));
  std::vector<std::string> args;
  args.reserve(2 * entries.size());
  for (const DueEntry& entry : entries) {
    args.push_back(entry.id);
    args.push_back(absl::StrCat(entry.generation));
  }
  return RunBatches(RemoveScript(), clinic, {}, args, 2).status();
}

absl::StatusOr<Claimed> RedisDueIndex::Claim(absl::string_view clinic, absl::string_view epoch,
                                             int most, absl::Duration lease_for) {
  if (epoch.empty()) return RebuildNeeded();
  Claimed claimed;
  claimed.lease = NewToken();
  IPT_ASSIGN_OR_RETURN(const RedisReply reply,
                       Run(ClaimScript(), clinic,
                           {Bound(epoch), absl::StrCat(std::clamp(most, 0, kMaxBatch)),
                            Ms(lease_for), claimed.lease}));
  if (reply.integer() < 0) return RebuildNeeded();
  claimed.next = NextOf(reply[0], reply[1]);
  for (size_t i = 2; i + 1 < reply.size(); i += 2) {
    claimed.entries.push_back(EntryOf(reply[i].text(), reply[i + 1].text()));
  }
  return claimed;
}

absl::StatusOr<int> RedisDueIndex::Complete(absl::string_view clinic, absl::string_view lease,
                                            absl::Span<const std::string> ids) {
  return Count(CompleteScript(), clinic, {std::string(lease)}, {ids.begin(), ids.end()}, 1);
}

absl::StatusOr<int> RedisDueIndex::Release(absl::string_view clinic, absl::string_view lease,
                                           absl::Span<const DueEntry> entries) {
  IPT_RETURN_IF_ERROR(CheckEntries(entries));
  std::vector<std::string> args;
  for (const DueEntry& entry : entries) {
    args.push_back(entry.id);
    args.push_back(absl::StrCat(ScoreOf(0, entry.due)));
  }
  return Count(ReleaseScript(), clinic, {std::string(lease)}, args, 2);
}

absl::StatusOr<int> RedisDueIndex::Extend(absl::string_view clinic, absl::string_view lease,
                                          absl::Span<const std::string> ids,
                                          absl::Duration lease_for) {
  return Count(ExtendScript(), clinic, {std::string(lease), Ms(lease_for)},
               {ids.begin(), ids.end()}, 1);
}

absl::StatusOr<std::vector<std::optional<absl::Time>>> RedisDueIndex::NextDue(
    absl::Span<const std::string> clinics, absl::string_view epoch) {
  std::vector<RedisClient::Answer> answers(clinics.size());
  Countdown outstanding(clinics.size());
  const std::string bound = Bound(epoch);
  for (size_t i = 0; i < clinics.size(); ++i) {
    const std::vector<std::string> keys = Keys(clinics[i]);
    redis_.SendScript(NextScript(), Views(keys), {bound}, [&, i](RedisClient::Answer answer) {
      answers[i] = std::move(answer);
      outstanding.Done();
    });
  }
  outstanding.Wait();
  std::vector<std::optional<absl::Time>> next;
  for (const RedisClient::Answer& answer : answers) {
    IPT_RETURN_IF_ERROR(answer.status());
    const bool rebuild = epoch.empty() || answer->integer() < 0;
    next.push_back(rebuild ? std::nullopt : std::make_optional(NextOf((*answer)[0], (*answer)[1])));
  }
  return next;
}

absl::StatusOr<DueDepth> RedisDueIndex::Depth(absl::string_view clinic) {
  IPT_ASSIGN_OR_RETURN(const RedisReply reply, Run(DepthScript(), clinic, {}));
  return DueDepth{.queued = reply[0].integer(),
                  .leased = reply[1].integer(),
                  .oldest = NextOf(reply[2], RedisReplyView())};
}

absl::StatusOr<std::vector<std::optional<DueState>>> RedisDueIndex::Lookup(
    absl::string_view clinic, absl::Span<const std::string> ids) {
  IPT_ASSIGN_OR_RETURN(const auto replies,
                       RunBatches(LookupScript(), clinic, {}, {ids.begin(), ids.end()}, 1));
  std::vector<std::optional<DueState>> states;
  for (const RedisReply& reply : replies) {
    for (size_t i = 0; i + 1 < reply.size(); i += 2) {
      if (reply[i].text().empty()) {
        states.emplace_back();
        continue;
      }
      const int64_t score = ScoreIn(reply[i].text());
      states.push_back(DueState{GenerationOf(score), DueOf(score), reply[i + 1].integer() != 0});
    }
  }
  return states;
}

absl::StatusOr<DuePage> RedisDueIndex::Scan(absl::string_view clinic, absl::string_view from) {
  uint64_t cursor = 0;
  if (!from.empty() && !absl::SimpleAtoi(from, &cursor)) {
    return absl::InvalidArgumentError("not a page of this index");
  }
  IPT_ASSIGN_OR_RETURN(const RedisReply reply,
                       redis_.Call({"ZSCAN", Key(clinic, "due"), absl::StrCat(cursor), "COUNT",
                                    absl::StrCat(kMaxBatch)}));
  DuePage page;
  page.next = std::string(reply[0].text());
  if (page.next == "0") page.next.clear();
  const RedisReplyView found = reply[1];
  for (size_t i = 0; i + 1 < found.size(); i += 2) {
    page.entries.push_back(EntryOf(found[i].text(), found[i + 1].text()));
  }
  return page;
}

absl::StatusOr<RebuildTicket> RedisDueIndex::BeginRebuild(absl::string_view clinic,
                                                          absl::string_view epoch,
                                                          absl::Duration hold, bool again) {
  if (epoch.empty()) return absl::InvalidArgumentError("an epoch is not empty");
  RebuildTicket ticket;
  ticket.token = Bound(NewToken());
  IPT_ASSIGN_OR_RETURN(
      const RedisReply reply,
      Run(BeginScript(), clinic, {Bound(epoch), again ? "1" : "0", ticket.token, Ms(hold)}));
  if (reply.text() == "started") {
    ticket.outcome = RebuildTicket::kStarted;
    return ticket;
  }
  return RebuildTicket{reply.text() == "built" ? RebuildTicket::kNotNeeded : RebuildTicket::kBusy,
                       ""};
}

absl::Status RedisDueIndex::KeepRebuild(absl::string_view clinic, absl::string_view token,
                                        absl::Duration hold) {
  IPT_ASSIGN_OR_RETURN(const RedisReply reply,
                       Run(KeepScript(), clinic, {std::string(token), Ms(hold)}));
  // A ticket of another server's: what was upserted there may not be here.
  const bool here = absl::EndsWith(token, absl::StrCat("@", redis_.run_id()));
  return here && reply.integer() == 1 ? absl::OkStatus() : RebuildNeeded();
}

absl::Status RedisDueIndex::FinishRebuild(absl::string_view clinic, absl::string_view token,
                                          absl::string_view epoch) {
  if (epoch.empty()) return absl::InvalidArgumentError("an epoch is not empty");
  // Bound to the server that the ticket was for: on any other one, the epoch is not good.
  const size_t at = token.rfind('@');
  if (at == absl::string_view::npos) return RebuildNeeded();
  IPT_ASSIGN_OR_RETURN(
      const RedisReply reply,
      Run(FinishScript(), clinic, {std::string(token), absl::StrCat(epoch, token.substr(at))}));
  return reply.integer() == 1 ? absl::OkStatus() : RebuildNeeded();
}

}  // namespace ipt::cache
