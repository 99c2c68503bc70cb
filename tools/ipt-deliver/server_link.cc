#include "ipt-deliver/server_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/code.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"

namespace ipt::deliver {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(250);
constexpr absl::Duration kLongestPause = absl::Seconds(10);
constexpr std::chrono::seconds kReach{2};
// What a stream may answer at once: 500 reminders.
constexpr int kMaxMessageBytes = 16 << 20;

absl::StatusOr<std::shared_ptr<const std::string>> ParseToken(absl::string_view text) {
  const absl::string_view token = absl::StripAsciiWhitespace(text);
  if (token.empty() || !std::all_of(token.begin(), token.end(),
                                    [](unsigned char c) { return absl::ascii_isgraph(c); })) {
    return absl::InvalidArgumentError("must hold one bearer token and nothing else");
  }
  return std::make_shared<const std::string>(token);
}

}  // namespace

bool MayHeal(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
      return true;
    default:
      return false;
  }
}

std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (details.ParseFromString(status.error_details())) {
    for (const auto& any : details.details()) {
      if (any.UnpackTo(&info) && !info.reason().empty()) return info.reason();
    }
  }
  return google::rpc::Code_Name(static_cast<google::rpc::Code>(status.error_code()));
}

absl::Duration Pause::Next(const grpc::Status& status) {
  last_ = std::clamp(2 * last_, kFirstPause, kLongestPause);
  return std::max(last_ * absl::Uniform(random_, 0.5, 1.0),
                  std::min(client::RetryDelay(status), kLongestPause));
}

absl::StatusOr<std::unique_ptr<ServerLink>> ServerLink::Open(const client::Target& target,
                                                             const std::string& token_file,
                                                             const auth::ReloadObserver& observer) {
  std::unique_ptr<ServerLink> link(new ServerLink(target));
  if (!token_file.empty()) {
    IPT_ASSIGN_OR_RETURN(link->token_,
                         auth::OpenWatchedFile<std::string>(token_file, &ParseToken, observer));
  }
  IPT_RETURN_IF_ERROR(link->Dial());
  return link;
}

absl::Status ServerLink::Dial() {
  IPT_ASSIGN_OR_RETURN(std::string texts, client::TlsFileTexts(target_));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (stubs_ != nullptr && texts == tls_texts_) return absl::OkStatus();
  grpc::ChannelArguments args = client::PatientArguments();
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  auto stubs = std::make_shared<Stubs>();
  IPT_ASSIGN_OR_RETURN(stubs->channel, client::OpenChannel(target_, std::move(args)));
  stubs->deliveries = v1::DeliveryService::NewStub(stubs->channel);
  stubs->reminders = v1::ReminderService::NewStub(stubs->channel);
  stubs_ = std::move(stubs);
  tls_texts_ = std::move(texts);
  return absl::OkStatus();
}

void ServerLink::Reach() {
  if (const absl::Status dialled = Dial(); !dialled.ok()) {
    log::Line(log::Level::kError, "file_reload",
              {{log::Key::kDetail, absl::string_view(dialled.message())}});
  }
  (void)stubs()->channel->WaitForConnected(std::chrono::system_clock::now() + kReach);
}

std::shared_ptr<const ServerLink::Stubs> ServerLink::stubs() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return stubs_;
}

void ServerLink::Prepare(grpc::ClientContext& context) const {
  if (token_ != nullptr) {
    context.AddMetadata("authorization", absl::StrCat("Bearer ", *token_->current()));
  }
}

}  // namespace ipt::deliver
