// TLS end to end: a real gRPC server and real clients over loopback.
#include "platform/auth/tls_credentials.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_keys.h"

namespace ipt::auth {
namespace {

namespace fs = std::filesystem;
using ::ipt::testing::TestCa;
using ::ipt::testing::TestCertificate;
using ::testing::HasSubstr;

// Answers every method with what the server knows of the client's certificate.
class WhoAmI final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    class Reactor final : public grpc::ServerGenericBidiReactor {
     public:
      explicit Reactor(const grpc::AuthContext& context) {
        const auto peer = PeerCertificateOf(context);
        const std::string text =
            peer.has_value()
                ? absl::StrCat("cn=", peer->common_name, " uris=", absl::StrJoin(peer->uris, ","),
                               " dns=", absl::StrJoin(peer->dns_names, ","), "\n", peer->pem)
                : "nobody";
        const grpc::Slice slice(text);
        answer_ = grpc::ByteBuffer(&slice, 1);
        StartRead(&request_);
      }
      void OnReadDone(bool) override { StartWriteAndFinish(&answer_, {}, grpc::Status::OK); }
      void OnDone() override { delete this; }

     private:
      grpc::ByteBuffer request_, answer_;
    };
    return new Reactor(*context->auth_context());
  }
};

class TlsCredentialsTest : public ::testing::Test {
 protected:
  TlsCredentialsTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/tls_XXXXXX");
    folder_ = mkdtemp(name.data());
    WritePair(server_);
    Write("ca.pem", clients_ca_.certificate_pem());
  }
  ~TlsCredentialsTest() override {
    StopServer();
    fs::remove_all(folder_);
  }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }
  void WritePair(const TestCertificate& pair) {
    Write("tls.crt", pair.certificate_pem);
    Write("tls.key", pair.key_pem);
  }

  absl::StatusOr<std::unique_ptr<ServerTls>> Open(ClientCertificates mode,
                                                  absl::Duration refresh = absl::Hours(1)) {
    return ServerTls::Open(
        {.certificate_file = folder_ / "tls.crt",
         .key_file = folder_ / "tls.key",
         .client_ca_file = mode == ClientCertificates::kNone ? "" : folder_ / "ca.pem",
         .client_certificates = mode,
         .refresh = refresh},
        clock_, [this](const absl::Status& result) { ++(result.ok() ? reloads_ : refusals_); });
  }

  void StartServer(ClientCertificates mode, absl::Duration refresh = absl::Hours(1)) {
    auto tls = Open(mode, refresh);
    ASSERT_OK(tls);
    tls_ = *std::move(tls);
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort("127.0.0.1:0", tls_->Credentials(), &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_process_ = builder.BuildAndStart();
    ASSERT_NE(server_process_, nullptr);
    ASSERT_NE(port_, 0);
  }
  void StopServer() {
    if (server_process_ != nullptr) server_process_->Shutdown();
    server_process_.reset();
    tls_.reset();
  }

  struct Answer {
    grpc::Status status{};
    std::string text{};
    std::string server_certificate{};
  };
  // One call over a connection of its own.
  Answer Call(const std::string& trusted_ca, const TestCertificate* client = nullptr) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = trusted_ca;
    if (client != nullptr) {
      options.pem_cert_chain = client->certificate_pem;
      options.pem_private_key = client->key_pem;
    }
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_),
                                                   grpc::SslCredentials(options), arguments);
    return CallOver(channel);
  }
  static Answer CallOver(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::GenericStub stub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    const grpc::Slice nothing;
    grpc::ByteBuffer request(&nothing, 1), response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/test/WhoAmI", {}, &request, &response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    Answer answer{.status = done.get_future().get()};
    if (!answer.status.ok()) return answer;
    grpc::Slice slice;
    EXPECT_TRUE(response.DumpToSingleSlice(&slice).ok());
    answer.text.assign(reinterpret_cast<const char*>(slice.begin()), slice.size());
    const auto seen = context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
    if (!seen.empty()) answer.server_certificate.assign(seen[0].data(), seen[0].size());
    return answer;
  }

  // Can a client that speaks at most this version get through the handshake?
  bool HandshakeUpTo(int version) const {
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                              SSL_CTX_free);
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), version);
    SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
    const unsigned char alpn[] = {2, 'h', '2'};
    SSL_set_alpn_protos(ssl.get(), alpn, sizeof(alpn));
    SSL_set_fd(ssl.get(), fd);
    const bool connected = SSL_connect(ssl.get()) == 1;
    close(fd);
    return connected;
  }

  TestCertificate Server() const {
    return servers_ca_.Issue({.common_name = "localhost", .ips = {"127.0.0.1"}});
  }

  const TestCa servers_ca_{"servers"}, clients_ca_{"clients"}, stranger_ca_{"stranger"};
  const TestCertificate server_ = Server();
  const TestCertificate client_ = clients_ca_.Issue(
      {.common_name = "gateway", .dns = {"gw.test"}, .uris = {"spiffe://h.test/ns/ehr/sa/gw"}});
  testing::FakeClock clock_{absl::Now()};
  fs::path folder_;
  std::atomic<int> reloads_ = 0, refusals_ = 0;
  std::unique_ptr<ServerTls> tls_;
  WhoAmI service_;
  std::unique_ptr<grpc::Server> server_process_;
  int port_ = 0;
};

TEST_F(TlsCredentialsTest, ServesThoseWhoTrustItsCa) {
  StartServer(ClientCertificates::kNone);
  const Answer answer = Call(servers_ca_.certificate_pem(), &client_);
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.text, "nobody") << "certificates that were not asked for say nothing";
  EXPECT_EQ(answer.server_certificate, server_.certificate_pem);
  EXPECT_EQ(Call(stranger_ca_.certificate_pem()).status.error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsCredentialsTest, OffersTls12And13Only) {
  StartServer(ClientCertificates::kNone);
  EXPECT_TRUE(HandshakeUpTo(TLS1_3_VERSION));
  EXPECT_TRUE(HandshakeUpTo(TLS1_2_VERSION));
  EXPECT_FALSE(HandshakeUpTo(TLS1_1_VERSION));
}

TEST_F(TlsCredentialsTest, MutualTlsDemandsAGoodCertificate) {
  StartServer(ClientCertificates::kRequire);
  const std::string& ca = servers_ca_.certificate_pem();
  const Answer known = Call(ca, &client_);
  EXPECT_TRUE(known.status.ok()) << known.status.error_message();
  EXPECT_EQ(known.text, absl::StrCat("cn=gateway uris=spiffe://h.test/ns/ehr/sa/gw dns=gw.test\n",
                                     client_.certificate_pem));

  EXPECT_FALSE(Call(ca).status.ok()) << "no certificate";
  const auto stranger = stranger_ca_.Issue({.common_name = "gateway", .dns = {"gw.test"}});
  EXPECT_FALSE(Call(ca, &stranger).status.ok()) << "another CA";
  const auto expired = clients_ca_.Issue({.common_name = "gateway", .ends_in = -absl::Seconds(5)});
  EXPECT_FALSE(Call(ca, &expired).status.ok()) << "expired";
  const auto server_only =
      clients_ca_.Issue({.common_name = "gateway", .extended_key_usage = "serverAuth"});
  EXPECT_FALSE(Call(ca, &server_only).status.ok()) << "not a client's certificate";
}

TEST_F(TlsCredentialsTest, RequestedCertificatesMayBeMissingButNotBad) {
  StartServer(ClientCertificates::kRequest);
  const std::string& ca = servers_ca_.certificate_pem();
  EXPECT_EQ(Call(ca).text, "nobody");
  EXPECT_THAT(Call(ca, &client_).text, HasSubstr("cn=gateway"));
  const auto stranger = stranger_ca_.Issue({.common_name = "gateway"});
  EXPECT_FALSE(Call(ca, &stranger).status.ok());
}

TEST_F(TlsCredentialsTest, ClientsRefuseAServerCertificateThatExpired) {
  const auto short_lived = servers_ca_.Issue({.common_name = "localhost",
                                              .ips = {"127.0.0.1"},
                                              .starts_in = -absl::Hours(3),
                                              .ends_in = -absl::Hours(1)});
  WritePair(short_lived);
  clock_.Advance(-absl::Hours(2));  // It was good when the server started.
  StartServer(ClientCertificates::kNone);
  EXPECT_LT(tls_->NotAfter(), absl::Now());
  EXPECT_FALSE(Call(servers_ca_.certificate_pem()).status.ok());
}

TEST_F(TlsCredentialsTest, StartNamesTheFileAndTheReason) {
  Write("tls.key", "no key");
  const auto broken = Open(ClientCertificates::kNone);
  EXPECT_THAT(std::string(broken.status().message()), HasSubstr("tls.key: the key file holds no"));
  fs::remove(folder_ / "tls.crt");
  EXPECT_THAT(std::string(Open(ClientCertificates::kNone).status().message()),
              HasSubstr("tls.crt cannot be read: No such file"));
  EXPECT_THAT(ServerTls::Open({.certificate_file = "c",
                               .key_file = "k",
                               .client_certificates = ClientCertificates::kRequire},
                              clock_),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      ServerTls::Open({.certificate_file = "c", .key_file = "k", .client_ca_file = "ca"}, clock_),
      testing::StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(TlsCredentialsTest, HalfWrittenPairKeepsTheOldOne) {
  StartServer(ClientCertificates::kNone);
  const std::string& ca = servers_ca_.certificate_pem();
  const TestCertificate next = servers_ca_.Issue(
      {.common_name = "localhost", .ips = {"127.0.0.1"}, .ends_in = absl::Hours(99)});
  Write("tls.crt", next.certificate_pem);  // The key is still the old one.
  EXPECT_THAT(tls_->CheckNow(), testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Call(ca).server_certificate, server_.certificate_pem);
  Write("tls.key", next.key_pem.substr(0, 50));
  EXPECT_THAT(tls_->CheckNow(), testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Call(ca).server_certificate, server_.certificate_pem);
  EXPECT_EQ(refusals_, 2);
  Write("tls.key", next.key_pem);
  EXPECT_OK(tls_->CheckNow());
  EXPECT_EQ(Call(ca).server_certificate, next.certificate_pem);
  EXPECT_GT(tls_->NotAfter(), clock_.Now() + absl::Hours(98));
}

TEST_F(TlsCredentialsTest, NewClientCaTakesOverForNewConnections) {
  StartServer(ClientCertificates::kRequire);
  const auto stranger = stranger_ca_.Issue({.common_name = "new"});
  const std::string& ca = servers_ca_.certificate_pem();
  EXPECT_FALSE(Call(ca, &stranger).status.ok());
  Write("ca.pem", stranger_ca_.certificate_pem());
  ASSERT_OK(tls_->CheckNow());
  EXPECT_TRUE(Call(ca, &stranger).status.ok());
  EXPECT_FALSE(Call(ca, &client_).status.ok());
}

TEST_F(TlsCredentialsTest, TwentySwapsUnderLoadLoseNoCall) {
  StartServer(ClientCertificates::kRequire, absl::Milliseconds(5));
  const std::string& ca = servers_ca_.certificate_pem();
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0;
  std::mutex mutex;
  std::vector<std::string> errors;
  const auto record = [&](const Answer& answer) {
    if (answer.status.ok()) {
      ++good;
    } else {
      std::lock_guard<std::mutex> lock(mutex);
      errors.push_back(answer.status.error_message());
    }
  };
  std::vector<std::thread> clients;
  clients.reserve(3);
  for (int i = 0; i < 2; ++i) {  // A connection for each call.
    clients.emplace_back([&] {
      while (!stop) record(Call(ca, &client_));
    });
  }
  clients.emplace_back([&] {  // One connection for all of them.
    grpc::SslCredentialsOptions options{ca, client_.key_pem, client_.certificate_pem};
    const auto channel =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port_), grpc::SslCredentials(options));
    while (!stop) {
      record(CallOver(channel));
      absl::SleepFor(absl::Milliseconds(1));
    }
  });

  TestCertificate last;
  for (int i = 0; i < 20; ++i) {
    last = Server();
    const int before = reloads_;
    // Slowly and in both orders, so that the server looks at mixed pairs and torn files.
    const bool key_first = i % 2 == 0;
    Write(key_first ? "tls.key" : "tls.crt",
          (key_first ? last.key_pem : last.certificate_pem).substr(0, 100));
    // The first of them for certain.
    for (int ms = 0; i == 0 && refusals_ == 0 && ms < 20'000; ++ms) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    absl::SleepFor(absl::Milliseconds(10));
    Write(key_first ? "tls.key" : "tls.crt", key_first ? last.key_pem : last.certificate_pem);
    absl::SleepFor(absl::Milliseconds(10));
    Write(key_first ? "tls.crt" : "tls.key", key_first ? last.certificate_pem : last.key_pem);
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (reloads_ == before && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(2));
    EXPECT_GT(reloads_, before) << "swap " << i;
  }
  EXPECT_OK(tls_->CheckNow());  // Whatever the last look saw, this one sees the last pair whole.
  for (int i = 0; i < 6000 && good <= 20; ++i) absl::SleepFor(absl::Milliseconds(10));
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(errors, ::testing::IsEmpty());
  EXPECT_GT(good, 20);
  EXPECT_GT(refusals_, 0) << "mixed pairs were looked at";
  EXPECT_EQ(Call(ca, &client_).server_certificate, last.certificate_pem);
}

}  // namespace
}  // namespace ipt::auth
