// One server, called synchronously.
//
// Calls that are safe to repeat (reads; writes, which carry a request_id) are repeated on
// UNAVAILABLE and nothing else: at most 3 times more, with the same bytes, after RetryInfo's delay
// or a growing one, within the deadline.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"
#include "iptctl/contract.h"
#include "iptctl/settings.h"

namespace ipt::ctl {

class Connection {
 public:
  // INVALID_ARGUMENT when a file of the settings cannot be read. Does not connect yet.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Settings& settings);

  // Leaves `response` as it was on an error.
  grpc::Status Call(const MethodDescriptor& method, const Message& request, Message& response);

  // Reads a stream of responses, as bytes, until it ends or `on_response` returns false (then OK).
  // No deadline; a server that is gone without a word is noticed within a minute. Not repeated.
  grpc::Status Watch(const MethodDescriptor& method, const Message& request,
                     absl::FunctionRef<bool(const std::string&)> on_response);

  // Talks both ways. On a thread of its own sends what `next` gives, until it gives nothing: then
  // the client's side ends; an error of its own ends all. `on_response` gets each response's bytes,
  // here; `on_over` is called once no more will come, and `next` must then return soon. No
  // deadline. Not repeated.
  grpc::Status Converse(const MethodDescriptor& method,
                        absl::FunctionRef<absl::StatusOr<std::optional<std::string>>()> next,
                        absl::FunctionRef<void(const std::string&)> on_response,
                        absl::FunctionRef<void()> on_over);

  // Waits for a connection, at most so long. Between calls nothing drives one that is being made:
  // over TLS, calls that are merely repeated would never find it ready.
  void Reach(absl::Duration limit);

  // The full names of the services that the server lists by reflection, and their methods' paths.
  grpc::Status ListMethods(std::vector<std::string>& paths);

 private:
  Connection(std::shared_ptr<grpc::Channel> channel, const Settings& settings)
      : channel_(std::move(channel)),
        token_(settings.token),
        token_file_(settings.token_file),
        deadline_(settings.deadline) {}

  void Prepare(absl::Time deadline, grpc::ClientContext& context) const;

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string token_;
  const std::string token_file_;
  const absl::Duration deadline_;
};

}  // namespace ipt::ctl
