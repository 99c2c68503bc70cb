// The way to the suite: a channel, a token, and calls that are repeated while that can help.
//
// Token and TLS files are followed: a new token is used with the next call, new TLS files with the
// next stream. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "ipt/scheduling/v1/delivery_service.grpc.pb.h"
#include "ipt/scheduling/v1/reminder_service.grpc.pb.h"
#include "platform/auth/watched_files.h"
#include "platform/ids/ids.h"

namespace ipt::deliver {

namespace v1 = ipt::scheduling::v1;

// Whether the same call may go well a moment later: the server is away, busy, or has a fault.
bool MayHeal(grpc::StatusCode code);

// ErrorInfo's reason, else the name of the code: for a log line.
std::string ReasonOf(const grpc::Status& status);

// How long to wait before the next attempt: grows, with jitter, and heeds what the server asks for.
class Pause {
 public:
  absl::Duration Next(const grpc::Status& status);
  void Reset() { last_ = absl::ZeroDuration(); }

 private:
  absl::Duration last_ = absl::ZeroDuration();
  absl::BitGen random_;
};

class ServerLink {
 public:
  struct Stubs {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<v1::DeliveryService::Stub> deliveries;
    std::unique_ptr<v1::ReminderService::Stub> reminders;
  };

  // INVALID_ARGUMENT when a file cannot be read. `token_file` may be empty. Does not connect yet.
  static absl::StatusOr<std::unique_ptr<ServerLink>> Open(const client::Target& target,
                                                          const std::string& token_file,
                                                          const auth::ReloadObserver& observer);

  std::shared_ptr<const Stubs> stubs() const;

  // To be called before trying again: reads the TLS files, dials anew where they changed, and waits
  // a moment for the connection. Without a call, or this, gRPC gets no further with a handshake.
  void Reach();

  // Puts the token on it. A stream has no deadline.
  void Prepare(grpc::ClientContext& context) const;

  // One attempt, with a deadline.
  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(std::unique_ptr<Stub> Stubs::*service,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response& response) const {
    const std::shared_ptr<const Stubs> stubs = this->stubs();
    grpc::ClientContext context;
    Prepare(context);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    return (((*stubs).*service).get()->*method)(&context, request, &response);
  }

  std::string NewRequestId() { return ids_.NewUuid(); }

 private:
  explicit ServerLink(client::Target target) : target_(std::move(target)) {}

  absl::Status Dial();

  const client::Target target_;
  std::unique_ptr<auth::WatchedFiles<std::string>> token_;  // null: none
  RandomIdSource ids_;
  mutable std::mutex mutex_;
  std::string tls_texts_;
  std::shared_ptr<const Stubs> stubs_;
};

}  // namespace ipt::deliver
