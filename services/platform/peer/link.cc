#include "platform/peer/link.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "platform/auth/tls_material.h"
#include "platform/errors/status_macros.h"
#include "platform/server/loopback.h"

namespace ipt::peer {
namespace {

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments args = PatientArguments();
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return args;
}

struct OpenedChannel {
  std::shared_ptr<grpc::Channel> channel;
};

absl::StatusOr<std::shared_ptr<const std::string>> ParseToken(absl::string_view text) {
  const absl::string_view token = absl::StripAsciiWhitespace(text);
  if (token.empty() || token.find_first_of(" \t\r\n,") != absl::string_view::npos) {
    return absl::InvalidArgumentError("must hold exactly one token");
  }
  return std::make_shared<const std::string>(absl::StrCat("Bearer ", token));
}

class NetworkLink final : public Link {
 public:
  static absl::StatusOr<std::unique_ptr<Link>> Open(const Settings& settings, const Clock& clock,
                                                    const auth::ReloadObserver& observer,
                                                    const ExpiryObserver& expiry) {
    auto link = std::make_unique<NetworkLink>();
    const Target& target = settings.target;
    std::vector<std::string> paths;
    for (const std::string& path : {target.ca, target.cert, target.key}) {
      if (!path.empty()) paths.push_back(path);
    }
    if (paths.empty()) {
      link->channel_ = OpenChannel(target, TlsTexts{}, Arguments());
    } else {
      // A connection keeps what it began with: other files, another channel.
      const auto open = [target, &clock, expiry](const auth::FileWatcher::Contents& contents)
          -> absl::StatusOr<std::shared_ptr<const OpenedChannel>> {
        TlsTexts texts;
        size_t next = 0;
        if (!target.ca.empty()) {
          texts.ca = contents[next++];
          IPT_RETURN_IF_ERROR(auth::TlsMaterial::CheckAuthorities(texts.ca));
        }
        if (!target.cert.empty()) {
          texts.cert = contents[next++];
          texts.key = contents[next++];
          IPT_ASSIGN_OR_RETURN(const auto material,
                               auth::TlsMaterial::Parse(texts.cert, texts.key, "", clock.Now(),
                                                        auth::CertificateUse::kClient));
          if (expiry != nullptr) expiry(material->not_after);
        }
        return std::make_shared<const OpenedChannel>(
            OpenedChannel{OpenChannel(target, texts, Arguments())});
      };
      IPT_ASSIGN_OR_RETURN(
          link->files_, auth::WatchedFiles<OpenedChannel>::Open(std::move(paths), open, observer));
    }
    if (!settings.token_file.empty()) {
      IPT_ASSIGN_OR_RETURN(link->token_, auth::OpenWatchedFile<std::string>(settings.token_file,
                                                                            &ParseToken, observer));
    }
    return link;
  }

  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel() const override {
    return files_ == nullptr ? channel_ : files_->current()->channel;
  }
  std::string Authorization(absl::string_view) override {
    return token_ == nullptr ? "" : *token_->current();
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;  // without TLS files
  std::unique_ptr<auth::WatchedFiles<OpenedChannel>> files_;
  std::unique_ptr<auth::WatchedFiles<std::string>> token_;
};

class InProcessLink final : public Link {
 public:
  InProcessLink(InProcess& in_process, LocalCaller caller)
      : in_process_(in_process), caller_(std::move(caller)) {}

  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel() const override {
    std::shared_ptr<grpc::Channel> channel = in_process_.channel();
    if (channel == nullptr) return absl::UnavailableError("the server has not started yet");
    return channel;
  }
  std::string Authorization(absl::string_view clinic_id) override {
    return in_process_.Authorization(caller_, clinic_id);
  }

 private:
  InProcess& in_process_;
  const LocalCaller caller_;
};

}  // namespace

absl::Status CheckSettings(const Settings& settings, absl::string_view flag) {
  const Target& target = settings.target;
  const auto wrong = [](const auto&... parts) {
    return absl::InvalidArgumentError(absl::StrCat(parts...));
  };
  if (target.server.empty()) {
    return wrong("--", flag, " is missing: the address of that service, host:port");
  }
  if (target.cert.empty() != target.key.empty()) {
    return wrong("--", flag, "_cert_file and --", flag,
                 "_key_file belong together; give both or neither");
  }
  if (!target.tls_name.empty() && !UsesTls(target)) {
    return wrong("--", flag, "_tls_name needs --", flag, "_tls or --", flag, "_ca_file");
  }
  if (!UsesTls(target) && !server::IsLoopback(target.server) && !settings.allow_insecure) {
    return wrong("--", flag, "=", target.server, " is another machine: give --", flag,
                 "_ca_file or --", flag, "_tls, or say --", flag,
                 "_allow_insecure when something between provides TLS");
  }
  return absl::OkStatus();
}

ExpiryObserver ReportExpiry(const std::string& peer, Metrics& metrics) {
  return [peer, &metrics](absl::Time not_after) {
    metrics
        .Gauge("tls_peer_certificate_not_after_seconds",
               "When the certificate expires that another service is shown.", {{"peer", peer}})
        .Set(static_cast<double>(absl::ToUnixSeconds(not_after)));
  };
}

absl::StatusOr<std::unique_ptr<Link>> OpenNetworkLink(const Settings& settings, const Clock& clock,
                                                      auth::ReloadObserver observer,
                                                      ExpiryObserver expiry) {
  return NetworkLink::Open(settings, clock, observer, expiry);
}

std::unique_ptr<Link> MakeInProcessLink(InProcess& in_process, LocalCaller caller) {
  return std::make_unique<InProcessLink>(in_process, std::move(caller));
}

}  // namespace ipt::peer
