// Delivers by HTTP POST, one reminder a request, signed.
//
// Connections are kept open and used again, the one last used first. Redirects are not followed,
// the answer's body is read up to a bound and forgotten, and a certificate that does not verify
// ends the attempt.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "ipt-deliver/signing_keys.h"
#include "ipt-deliver/sink.h"

namespace ipt::deliver {

struct WebhookOptions {
  std::string url;
  std::string ca_file;  // PEM; empty: the system's
  absl::Duration timeout = absl::Seconds(10);
  size_t concurrency = 8;
  std::string user_agent;
};

// INVALID_ARGUMENT with what to write instead. Without TLS only to this machine, unless
// `allow_insecure`; `consent` is the flag that says so.
absl::Status CheckWebhookUrl(const std::string& url, bool allow_insecure,
                             absl::string_view consent);

class Webhook final : public Sink {
 public:
  using KeySource = std::function<std::shared_ptr<const SigningKeys>()>;

  // REQUIRES: curl_global_init() before any thread started.
  Webhook(WebhookOptions options, KeySource keys);
  ~Webhook() override;

  std::vector<Outcome> Deliver(absl::Span<const Letter> letters) override;
  size_t senders() const override { return options_.concurrency; }
  size_t most_at_once() const override { return 1; }
  int window() const override { return static_cast<int>(options_.concurrency); }

 private:
  class Connection;

  const WebhookOptions options_;
  const KeySource keys_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace ipt::deliver
