#include "platform/peer/channel.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "platform/errors/status_macros.h"

namespace ipt::peer {
namespace {

absl::StatusOr<TlsTexts> ReadTlsFiles(const Target& target) {
  TlsTexts texts;
  for (const auto& [path, pem] : {std::pair<const std::string&, std::string*>{target.ca, &texts.ca},
                                  {target.cert, &texts.cert},
                                  {target.key, &texts.key}}) {
    if (path.empty()) continue;
    IPT_ASSIGN_OR_RETURN(*pem, ReadFile(path));
  }
  return texts;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  }
  return text;
}

bool UsesTls(const Target& target) {
  return target.tls || !target.ca.empty() || !target.cert.empty();
}

absl::StatusOr<std::string> TlsFileTexts(const Target& target) {
  IPT_ASSIGN_OR_RETURN(const TlsTexts texts, ReadTlsFiles(target));
  return absl::StrCat(texts.ca, texts.cert, texts.key);
}

grpc::ChannelArguments PatientArguments() {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  return args;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const Target& target,
                                                           grpc::ChannelArguments args) {
  TlsTexts texts;
  if (UsesTls(target)) {
    IPT_ASSIGN_OR_RETURN(texts, ReadTlsFiles(target));
  }
  return OpenChannel(target, texts, std::move(args));
}

std::shared_ptr<grpc::Channel> OpenChannel(const Target& target, const TlsTexts& texts,
                                           grpc::ChannelArguments args) {
  if (!UsesTls(target)) {
    return grpc::CreateCustomChannel(target.server, grpc::InsecureChannelCredentials(), args);
  }
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = texts.ca;
  options.pem_cert_chain = texts.cert;
  options.pem_private_key = texts.key;
  if (!target.tls_name.empty()) args.SetSslTargetNameOverride(target.tls_name);
  return grpc::CreateCustomChannel(target.server, grpc::SslCredentials(options), args);
}

absl::Duration RetryDelay(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::RetryInfo retry;
  if (!details.ParseFromString(status.error_details())) return absl::ZeroDuration();
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&retry)) {
      return absl::Seconds(retry.retry_delay().seconds()) +
             absl::Nanoseconds(retry.retry_delay().nanos());
    }
  }
  return absl::ZeroDuration();
}

}  // namespace ipt::peer
