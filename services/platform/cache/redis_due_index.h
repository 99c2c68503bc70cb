// The due-index in Redis, shared by all replicas. Four keys a clinic, in one slot of a cluster:
//
//   rem:{clinic}:due     sorted set: id, by due time and generation (due_score.h)
//   rem:{clinic}:lease   sorted set: leased id, by when its lease runs out (ms)
//   rem:{clinic}:own     hash: leased id -> "score:lease"
//   rem:{clinic}:epoch   the epoch that it was built for, and at which server;
//                        while it is built, for which epoch alone
//   rem:{clinic}:build   the ticket of a rebuild under way
//
// Each method is one script, so it happens as a whole or not at all, at Redis' time. The epoch is
// bound to the server's run id: a server that was started anew (with whatever snapshot) or that
// took over from another may have lost writes, and is rebuilt. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "platform/cache/due_index.h"
#include "platform/cache/redis_client.h"

namespace ipt::cache {

class RedisDueIndex final : public DueIndex {
 public:
  // `redis` outlives it.
  explicit RedisDueIndex(RedisClient& redis, absl::string_view prefix = "rem");

  absl::Status Upsert(absl::string_view clinic, absl::Span<const DueEntry> entries) override;
  absl::Status Remove(absl::string_view clinic, absl::Span<const DueEntry> entries) override;
  absl::StatusOr<Claimed> Claim(absl::string_view clinic, absl::string_view epoch, int most,
                                absl::Duration lease_for) override;
  absl::StatusOr<int> Complete(absl::string_view clinic, absl::string_view lease,
                               absl::Span<const std::string> ids) override;
  absl::StatusOr<int> Release(absl::string_view clinic, absl::string_view lease,
                              absl::Span<const DueEntry> entries) override;
  absl::StatusOr<int> Extend(absl::string_view clinic, absl::string_view lease,
                             absl::Span<const std::string> ids, absl::Duration lease_for) override;
  absl::StatusOr<std::vector<std::optional<absl::Time>>> NextDue(
      absl::Span<const std::string> clinics, absl::string_view epoch) override;
  absl::StatusOr<DueDepth> Depth(absl::string_view clinic) override;
  absl::StatusOr<std::vector<std::optional<DueState>>> Lookup(
      absl::string_view clinic, absl::Span<const std::string> ids) override;
  absl::StatusOr<DuePage> Scan(absl::string_view clinic, absl::string_view from) override;
  absl::StatusOr<RebuildTicket> BeginRebuild(absl::string_view clinic, absl::string_view epoch,
                                             absl::Duration hold, bool again) override;
  absl::Status KeepRebuild(absl::string_view clinic, absl::string_view token,
                           absl::Duration hold) override;
  absl::Status FinishRebuild(absl::string_view clinic, absl::string_view token,
                             absl::string_view epoch) override;

 private:
  std::string Key(absl::string_view clinic, absl::string_view what) const;
  std::vector<std::string> Keys(absl::string_view clinic) const;
  // The epoch as it is kept.
  std::string Bound(absl::string_view epoch) const;

  // Runs the script on the clinic's keys with these arguments.
  RedisClient::Answer Run(const RedisScript& script, absl::string_view clinic,
                          const std::vector<std::string>& args);
  // Runs it once for each batch of `per_item` arguments an item, all sent together; `head` precedes
  // each batch's. In order; the first error, if any.
  absl::StatusOr<std::vector<RedisReply>> RunBatches(const RedisScript& script,
                                                     absl::string_view clinic,
                                                     const std::vector<std::string>& head,
                                                     const std::vector<std::string>& args,
                                                     size_t per_item);
  absl::StatusOr<int> Count(const RedisScript& script, absl::string_view clinic,
                            const std::vector<std::string>& head,
                            const std::vector<std::string>& args, size_t per_item);

  RedisClient& redis_;
  const std::string prefix_;
};

}  // namespace ipt::cache
