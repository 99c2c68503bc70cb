#include "platform/peer/in_process.h"

#include <cstdint>
#include <random>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/peer/channel.h"

namespace ipt::peer {
namespace {

constexpr char kPrefix[] = "Bearer ipt-in-process-";

std::string NewSecret() {
  std::random_device device;  // the system's own generator
  std::string bytes;
  for (int i = 0; i < 8; ++i) {
    const uint32_t word = device();
    bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  return absl::BytesToHexString(bytes);
}

}  // namespace

grpc::ChannelArguments InProcessArguments() {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return args;
}

absl::StatusOr<std::shared_ptr<const Caller>> InProcess::Authenticate(
    const auth::Credentials& credentials, absl::Time now) const {
  if (credentials.authorization.has_value() &&
      absl::StartsWith(*credentials.authorization, kPrefix)) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (const auto it = callers_.find(*credentials.authorization); it != callers_.end()) {
      return it->second;
    }
  }
  return inner_.Authenticate(credentials, now);
}

std::string InProcess::Authorization(const LocalCaller& caller, absl::string_view clinic_id) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::string& token = tokens_[{caller.subject, std::string(clinic_id)}];
  if (token.empty()) {
    token = absl::StrCat(kPrefix, NewSecret());
    auto identity = std::make_shared<Caller>();
    identity->subject = caller.subject;
    if (clinic_id.empty()) {
      identity->all_clinics = true;
      identity->scopes = caller.scopes_of_all;
    } else {
      identity->clinics.emplace(clinic_id);
      identity->scopes = caller.scopes;
    }
    callers_.emplace(token, std::move(identity));
  }
  return token;
}

void InProcess::SetChannel(std::shared_ptr<grpc::Channel> channel) {
  std::lock_guard<std::mutex> lock(mutex_);
  channel_ = std::move(channel);
}

std::shared_ptr<grpc::Channel> InProcess::channel() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return channel_;
}

}  // namespace ipt::peer
