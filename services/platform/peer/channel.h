// How a client reaches a server: its address and TLS files. What services and command-line tools
// share.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"

namespace ipt::peer {

// A page of courses with their histories is larger than what gRPC takes by itself.
inline constexpr int kMaxMessageBytes = 64 << 20;

struct Target {
  std::string server = "127.0.0.1:50051";
  bool tls = false;  // implied by `ca` and `cert`
  std::string ca{}, cert{}, key{},
      tls_name{};  // PEM files; the name that the certificate must bear
};

// The file's text; INVALID_ARGUMENT.
absl::StatusOr<std::string> ReadFile(const std::string& path);

bool UsesTls(const Target& target);

// What `target`'s files hold, one after the other; to see whether they changed.
absl::StatusOr<std::string> TlsFileTexts(const Target& target);

// For a client that repeats calls by itself, and that waits on streams: a lost connection is
// dialled again soon, and a server that vanished without a word is noticed within a minute.
grpc::ChannelArguments PatientArguments();

// What the files of a Target hold; empty where it names none.
struct TlsTexts {
  std::string ca{}, cert{}, key{};
};

// Does not connect yet. INVALID_ARGUMENT when a file cannot be read.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const Target& target,
                                                           grpc::ChannelArguments args);
// The same for who has read the files already.
std::shared_ptr<grpc::Channel> OpenChannel(const Target& target, const TlsTexts& texts,
                                           grpc::ChannelArguments args);

// What a failed call's RetryInfo asks to wait, or zero.
absl::Duration RetryDelay(const grpc::Status& status);

}  // namespace ipt::peer
