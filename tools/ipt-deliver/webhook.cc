#include "ipt-deliver/webhook.h"

#include <curl/curl.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/server/loopback.h"

namespace ipt::deliver {
namespace {

constexpr size_t kMostAnswerBytes = 64 << 10;
constexpr absl::Duration kLongestConnect = absl::Seconds(5);

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Counts, and gives up beyond the bound: the status has been read by then.
size_t Forget(char*, size_t size, size_t count, void* left) {
  auto& room = *static_cast<size_t*>(left);
  const size_t bytes = size * count;
  if (bytes > room) return 0;
  room -= bytes;
  return bytes;
}

Outcome OutcomeOfFailure(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return ReceiverFault("TIMEOUT");
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return ReceiverFault("HOST_NOT_FOUND");
    case CURLE_COULDNT_CONNECT:
      return ReceiverFault("CONNECTION_FAILED");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
      return ReceiverFault("TLS_FAILED");
    default:
      // It broke in the middle: the receiver may have read the request or not.
      return ReceiverFault("CONNECTION_BROKEN");
  }
}

std::string UrlPart(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string copy(text);
  curl_free(text);
  return copy;
}

}  // namespace

// One at a time uses it.
class Webhook::Connection {
 public:
  Connection(const WebhookOptions& options, const KeySource& keys)
      : options_(options), keys_(keys), easy_(curl_easy_init()) {
    CURL* const easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_URL, options_.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    const absl::Duration connect = std::min(options_.timeout, kLongestConnect);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, long{absl::ToInt64Milliseconds(options_.timeout)});
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, long{absl::ToInt64Milliseconds(connect)});
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!options_.ca_file.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
      curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    }
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Forget);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Forget);
  }

  Outcome Post(const Letter& letter) {
    CURL* const easy = easy_.get();
    const std::string now = absl::StrCat(absl::ToUnixSeconds(absl::Now()));
    std::unique_ptr<curl_slist, FreeList> headers;
    for (const std::string& line :
         {std::string("Content-Type: application/json"), std::string("Expect:"),
          absl::StrCat("Idempotency-Key: ", letter.idempotency_key),
          absl::StrCat("Ipt-Timestamp: ", now),
          absl::StrCat("Ipt-Signature: ", keys_()->Sign(now, letter.body))}) {
      headers.reset(curl_slist_append(headers.release(), line.c_str()));
    }
    size_t body_left = kMostAnswerBytes;
    size_t headers_left = kMostAnswerBytes;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, letter.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(letter.body.size()));
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body_left);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &headers_left);
    const CURLcode code = curl_easy_perform(easy);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
    long status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
    // Its first line is the answer, whatever becomes of a body that is too long, slow or broken
    // off.
    if (status < 200) return OutcomeOfFailure(code);
    return OutcomeOfStatus(status, absl::Seconds(retry_after));
  }

  const WebhookOptions& options_;
  const KeySource& keys_;
  struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };

  const std::unique_ptr<CURL, FreeEasy> easy_;
};

Webhook::Webhook(WebhookOptions options, KeySource keys)
    : options_(std::move(options)), keys_(std::move(keys)) {}
Webhook::~Webhook() = default;

std::vector<Outcome> Webhook::Deliver(absl::Span<const Letter> letters) {
  std::unique_ptr<Connection> connection;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (connection == nullptr) connection = std::make_unique<Connection>(options_, keys_);
  std::vector<Outcome> outcomes;
  for (const Letter& letter : letters) outcomes.push_back(connection->Post(letter));
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(connection));
  return outcomes;
}

absl::Status CheckWebhookUrl(const std::string& url, bool allow_insecure,
                             absl::string_view consent) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--webhook: \"", url, "\" is no URL such as https://gateway.hospital.example/reminders"));
  }
  if (!UrlPart(parsed.get(), CURLUPART_USER).empty() ||
      !UrlPart(parsed.get(), CURLUPART_PASSWORD).empty()) {
    return absl::InvalidArgumentError(
        "--webhook: leave the user and password out; requests are signed (--keys-file)");
  }
  const std::string scheme = UrlPart(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") {
    return absl::InvalidArgumentError("--webhook: the URL must begin with https:// (or http://)");
  }
  const std::string host = UrlPart(parsed.get(), CURLUPART_HOST);
  if (scheme == "http" && !allow_insecure && !server::IsLoopback(host)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--webhook: patients would cross the network in the clear: use https://, or say ",
        consent));
  }
  return absl::OkStatus();
}

}  // namespace ipt::deliver
