#include "platform/server/admin_http.h"

#include <atomic>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "civetweb.h"

namespace ipt::server {
namespace {

class Civet final : public AdminHttp {
 public:
  explicit Civet(const Metrics& metrics) : metrics_(metrics) {}
  ~Civet() override {
    if (context_ != nullptr) mg_stop(context_);
  }

  bool Listen(const std::string& address) {
    const std::string port = absl::StrReplaceAll(address, {{"localhost:", "127.0.0.1:"}});
    // A connection that sends nothing keeps a thread until its time is over, and a probe that finds
    // no thread restarts a healthy server.
    const char* options[] = {
        "listening_ports",   port.c_str(), "num_threads", "16", "request_timeout_ms", "2000",
        "enable_keep_alive", "no",         nullptr};
    context_ = mg_start(nullptr, nullptr, options);
    if (context_ == nullptr) return false;
    mg_set_request_handler(context_, "/metrics", &Civet::OnMetrics, this);
    mg_set_request_handler(context_, "/startupz", &Civet::OnStarted, this);
    mg_set_request_handler(context_, "/readyz", &Civet::OnReady, this);
    mg_set_request_handler(context_, "/livez", &Civet::OnLive, this);
    return true;
  }

  void SetStarted() override { started_ = true; }
  void SetReady(bool ready) override { ready_ = ready; }
  void SetReason(const std::string& reason) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    reason_ = reason;
  }

 private:
  static int Answer(mg_connection* connection, int code, const char* type,
                    const std::string& body) {
    mg_printf(connection,
              "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: "
              "close\r\n\r\n",
              code, code == 200 ? "OK" : "Service Unavailable", type, body.size());
    mg_write(connection, body.data(), body.size());
    return code;
  }
  static int Probe(mg_connection* connection, bool good, const std::string& why) {
    return Answer(connection, good ? 200 : 503, "text/plain",
                  absl::StrCat(good ? "ok" : why, "\n"));
  }
  std::string Reason() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return reason_;
  }
  static int OnMetrics(mg_connection* connection, void* self) {
    return Answer(connection, 200, "text/plain; version=0.0.4; charset=utf-8",
                  static_cast<Civet*>(self)->metrics_.Text());
  }
  static int OnStarted(mg_connection* connection, void* self) {
    auto* civet = static_cast<Civet*>(self);
    return Probe(connection, civet->started_, civet->Reason());
  }
  static int OnReady(mg_connection* connection, void* self) {
    auto* civet = static_cast<Civet*>(self);
    return Probe(connection, civet->started_ && civet->ready_, civet->Reason());
  }
  static int OnLive(mg_connection* connection, void*) { return Probe(connection, true, ""); }

  const Metrics& metrics_;
  std::atomic<bool> started_{false};
  std::atomic<bool> ready_{false};
  std::mutex mutex_;
  std::string reason_ = "starting";
  mg_context* context_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AdminHttp>> AdminHttp::Start(const std::string& address,
                                                            const Metrics& metrics) {
  auto civet = std::make_unique<Civet>(metrics);
  if (!civet->Listen(address)) {
    return absl::UnavailableError(absl::StrCat("--admin_listen: cannot listen on ", address,
                                               "; is it in use by another process?"));
  }
  return civet;
}

}  // namespace ipt::server
