// How a command-line tool reaches a server: its address, TLS files, and where a token may travel.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"

namespace ipt::client {

struct Target {
  std::string server = "127.0.0.1:50051";
  bool tls = false;                     // implied by `ca` and `cert`
  std::string ca, cert, key, tls_name;  // PEM files; the name that the certificate must bear
};

// The file's text; INVALID_ARGUMENT.
absl::StatusOr<std::string> ReadFile(const std::string& path);

bool UsesTls(const Target& target);

// INVALID_ARGUMENT where a certificate comes without its key.
absl::Status CheckTarget(const Target& target);

// INVALID_ARGUMENT where a token would cross the network in the clear. `consent` is the flag that
// allows it, e.g. "--allow-insecure".
absl::Status CheckTokenIsSafe(const Target& target, absl::string_view consent);

// What `target`'s files hold, one after the other; to see whether they changed.
absl::StatusOr<std::string> TlsFileTexts(const Target& target);

// For a tool that repeats calls by itself, and that waits on streams: a lost connection is dialled
// again soon, and a server that vanished without a word is noticed within a minute.
grpc::ChannelArguments PatientArguments();

// Does not connect yet. INVALID_ARGUMENT when a file cannot be read.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const Target& target,
                                                           grpc::ChannelArguments args);

// What a failed call's RetryInfo asks to wait, or zero.
absl::Duration RetryDelay(const grpc::Status& status);

}  // namespace ipt::client
