// How services that share a process call each other: the same calls, over a channel that leads back
// into the process' own server, through the same adapter.
//
// Nobody else can call that way, but a call must say who makes it, as any other: it carries a token
// of 256 random bits that this object has made and that never leaves the process. The token stands
// for a caller who is a member of ONE clinic, the one that the call is about: so a call that asks
// for another clinic's data, by whatever mistake, is answered NOT_FOUND as anybody's.
//
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "platform/auth/authenticator.h"

namespace ipt::peer {

// A service of this process as a caller.
struct LocalCaller {
  std::string subject{};                      // "service:outcomes"
  absl::flat_hash_set<std::string> scopes{};  // what it needs, and no more
  // What it may do on no clinic's behalf, with all clinics as its own: find out which there are.
  absl::flat_hash_set<std::string> scopes_of_all{};
};

// Of a channel into the process' own server.
grpc::ChannelArguments InProcessArguments();

// Knows its own tokens; asks `inner` about all others.
class InProcess final : public auth::Authenticator {
 public:
  explicit InProcess(const auth::Authenticator& inner) : inner_(inner) {}

  absl::StatusOr<std::shared_ptr<const Caller>> Authenticate(const auth::Credentials& credentials,
                                                             absl::Time now) const override;

  // The `authorization` of this caller for this clinic; empty: for none of them.
  std::string Authorization(const LocalCaller& caller, absl::string_view clinic_id);

  // The way into the server, once there is one; null when it ends. The peers that use it are
  // stopped before the server is shut down: gRPC 1.51 dereferences null when a call begins after
  // that.
  void SetChannel(std::shared_ptr<grpc::Channel> channel);
  std::shared_ptr<grpc::Channel> channel() const;

 private:
  const auth::Authenticator& inner_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::string> tokens_;  // by subject and clinic
  absl::flat_hash_map<std::string, std::shared_ptr<const Caller>> callers_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace ipt::peer
