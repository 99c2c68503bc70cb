#include "ipt-load/connection.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/code.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace ipt::load {
namespace {

// Pages of 1000 resources may be larger than gRPC's default of 4 MiB.
constexpr int kMaxMessageBytes = 64 << 20;

bool IsLoopback(absl::string_view server) {
  return absl::StartsWith(server, "127.") || absl::StartsWith(server, "localhost") ||
         absl::StartsWith(server, "[::1]") || absl::StartsWith(server, "unix:");
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connections>> Connections::Open(const Target& target, int count) {
  const bool tls = target.tls || !target.ca.empty() || !target.cert.empty();
  if (target.cert.empty() != target.key.empty()) {
    return absl::InvalidArgumentError("--cert and --key go together: give both or neither");
  }
  if (!target.token.empty() && !tls && !target.allow_insecure && !IsLoopback(target.server)) {
    return absl::InvalidArgumentError(
        "the token would cross the network in the clear: add --tls (or --ca FILE), or say "
        "--allow_insecure");
  }
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (tls) {
    grpc::SslCredentialsOptions options;
    for (const auto& [path, pem] :
         {std::pair<const std::string&, std::string*>{target.ca, &options.pem_root_certs},
          {target.cert, &options.pem_cert_chain},
          {target.key, &options.pem_private_key}}) {
      if (path.empty()) continue;
      absl::StatusOr<std::string> text = ReadFile(path);
      if (!text.ok()) return text.status();
      *pem = *std::move(text);
    }
    credentials = grpc::SslCredentials(options);
  }
  std::unique_ptr<Connections> connections(new Connections(target));
  for (int i = 0; i < count; ++i) {
    grpc::ChannelArguments args;
    // Equal channels would share one connection.
    args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // Trying again is done, and counted, here.
    args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    // A server that comes back is found again at once.
    args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
    args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
    args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
    args.SetMaxReceiveMessageSize(kMaxMessageBytes);
    if (!target.tls_name.empty()) args.SetSslTargetNameOverride(target.tls_name);
    const auto channel = grpc::CreateCustomChannel(target.server, credentials, args);
    connections->stubs_.push_back(
        {v1::ClinicService::NewStub(channel), v1::TherapistService::NewStub(channel),
         v1::CourseService::NewStub(channel), v1::SessionService::NewStub(channel),
         grpc::health::v1::Health::NewStub(channel)});
  }
  return connections;
}

void Connections::Prepare(grpc::ClientContext& context) const {
  context.set_deadline(absl::ToChronoTime(absl::Now() + deadline_));
  if (!authorization_.empty()) context.AddMetadata("authorization", authorization_);
}

std::string CodeName(grpc::StatusCode code) {
  return google::rpc::Code_Name(static_cast<google::rpc::Code>(code));
}

ErrorFacts FactsOf(const grpc::Status& status, const grpc::ClientContext& context) {
  ErrorFacts facts;
  bool has_precondition = false;
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    google::rpc::PreconditionFailure precondition;
    for (const auto& any : details.details()) {
      if (any.UnpackTo(&info)) {
        facts.reason = info.reason();
      } else if (any.UnpackTo(&retry)) {
        facts.has_retry_info = true;
        facts.wait = absl::Seconds(retry.retry_delay().seconds()) +
                     absl::Nanoseconds(retry.retry_delay().nanos());
      } else if (any.UnpackTo(&precondition)) {
        has_precondition = precondition.violations_size() > 0;
      }
    }
  }
  const auto& trailers = context.GetServerTrailingMetadata();
  if (const auto it = trailers.find("grpc-retry-pushback-ms"); it != trailers.end()) {
    int64_t ms = 0;
    facts.has_pushback =
        absl::SimpleAtoi(absl::string_view(it->second.data(), it->second.size()), &ms);
    if (facts.has_pushback) facts.wait = std::max(facts.wait, absl::Milliseconds(ms));
  }
  facts.explained =
      !facts.reason.empty() &&
      (status.error_code() != grpc::StatusCode::FAILED_PRECONDITION || has_precondition);
  facts.name = CodeName(status.error_code());
  if (!facts.reason.empty()) absl::StrAppend(&facts.name, " ", facts.reason);
  return facts;
}

}  // namespace ipt::load
