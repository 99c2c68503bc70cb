// Calls to another service over a real socket, and to one of this process: what is repeated, what
// is said when it is away, and who is said to call.
#include "platform/peer/peer.h"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "ipt/scheduling/v1/clinic_service.grpc.pb.h"
#include "ipt/scheduling/v1/event_service.grpc.pb.h"
#include "platform/errors/error.h"
#include "platform/errors/grpc_status.h"
#include "platform/observability/trace_context.h"
#include "platform/rpc/rpc_service.h"
#include "tests/support/eventually.h"
#include "tests/support/nobody_known.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_keys.h"

namespace ipt::peer {
namespace {

namespace fs = std::filesystem;
namespace pb = ::ipt::scheduling::v1;
using ipt::testing::Eventually;
using ipt::testing::FailsWith;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kGet[] = "ipt.scheduling.v1.ClinicService.GetClinic";
constexpr char kUpdate[] = "ipt.scheduling.v1.ClinicService.UpdateClinic";
constexpr char kWatch[] = "ipt.scheduling.v1.EventService.WatchEvents";

// Answers as the test has it, and remembers what came.
class FakeClinics final : public pb::ClinicService::Service {
 public:
  grpc::Status GetClinic(grpc::ServerContext* context, const pb::GetClinicRequest* request,
                         pb::Clinic* clinic) override {
    clinic->set_name(request->name());
    return Answer(*context, "");
  }
  grpc::Status UpdateClinic(grpc::ServerContext* context, const pb::UpdateClinicRequest* request,
                            pb::Clinic* clinic) override {
    *clinic = request->clinic();
    return Answer(*context, request->request_id());
  }

  std::function<grpc::Status(int call, grpc::ServerContext&)> answer = [](int, auto&) {
    return grpc::Status::OK;
  };
  int calls() {
    std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<int>(request_ids_.size());
  }
  std::vector<std::string> request_ids() {
    std::lock_guard<std::mutex> lock(mutex_);
    return request_ids_;
  }
  std::string authorization() {
    std::lock_guard<std::mutex> lock(mutex_);
    return authorization_;
  }

 private:
  grpc::Status Answer(grpc::ServerContext& context, const std::string& request_id) {
    int call = 0;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      request_ids_.push_back(request_id);
      call = static_cast<int>(request_ids_.size());
      const auto it = context.client_metadata().find("authorization");
      authorization_ = it == context.client_metadata().end()
                           ? ""
                           : std::string(it->second.data(), it->second.size());
    }
    return answer(call, context);
  }

  std::mutex mutex_;
  std::vector<std::string> request_ids_;
  std::string authorization_;
};

// Begins, and then says nothing until it is cancelled.
class SilentEvents final : public pb::EventService::Service {
 public:
  grpc::Status WatchEvents(grpc::ServerContext* context, const pb::WatchEventsRequest*,
                           grpc::ServerWriter<pb::WatchEventsResponse>* writer) override {
    pb::WatchEventsResponse response;
    response.set_cursor("here");
    writer->Write(response);
    while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return grpc::Status::CANCELLED;
  }
};

class PeerTest : public ::testing::Test {
 protected:
  PeerTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/peer_XXXXXX");
    folder_ = mkdtemp(name.data());
    options_.name = "scheduling";
    options_.call_time = absl::Seconds(20);
    options_.first_pause = absl::Milliseconds(1);
    options_.breaker.failures = 100;
    request_.set_name("clinics/north");
  }
  ~PeerTest() override {
    peer_.reset();
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    fs::remove_all(folder_);
  }

  std::string Path(const std::string& name) { return folder_ / name; }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name) + ".new") << text;
    fs::rename(Path(name) + ".new", Path(name));
  }

  void StartServer(
      std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials()) {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_), credentials, &port_);
    builder.RegisterService(&clinics_);
    builder.RegisterService(&events_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    settings_.target.server = absl::StrCat("127.0.0.1:", port_);
  }
  void OpenPeer() {
    ASSERT_OK_AND_ASSIGN(
        std::unique_ptr<Link> link,
        OpenNetworkLink(settings_, clock_, nullptr, ReportExpiry("scheduling", metrics_)));
    peer_ = std::make_unique<Peer>(options_, std::move(link), clock_, metrics_);
  }

  absl::Status Get(CallOptions options = {}) {
    return peer_->Call(kGet, request_, clinic_, options);
  }
  double Retries() {
    return metrics_.Counter("ipt_peer_retries_total", "", {{"peer", "scheduling"}}).Value();
  }

  fs::path folder_;
  SystemClock clock_;
  Metrics metrics_{"test", "0"};
  PeerOptions options_;
  Settings settings_;
  int port_ = 0;
  FakeClinics clinics_;
  SilentEvents events_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Peer> peer_;
  pb::GetClinicRequest request_;
  pb::Clinic clinic_;
};

grpc::Status Away() { return {grpc::StatusCode::UNAVAILABLE, "stopping"}; }

TEST_F(PeerTest, ReadsAreRepeatedUntilTheyAreAnswered) {
  StartServer();
  OpenPeer();
  clinics_.answer = [](int call, auto&) { return call < 3 ? Away() : grpc::Status::OK; };
  ASSERT_OK(Get());
  EXPECT_EQ(clinic_.name(), "clinics/north");
  EXPECT_EQ(clinics_.calls(), 3);
  EXPECT_EQ(Retries(), 2);
}

TEST_F(PeerTest, RepetitionsAreBounded) {
  StartServer();
  OpenPeer();
  clinics_.answer = [](int, auto&) { return Away(); };
  const absl::Status status = Get();
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kUnavailable, reason::kPeerUnavailable));
  EXPECT_THAT(ErrorMetadataOf(status), ElementsAre(Pair("service", "scheduling")));
  EXPECT_GT(RetryDelayOf(status), absl::ZeroDuration());
  EXPECT_EQ(clinics_.calls(), options_.attempts);
}

TEST_F(PeerTest, AWriteIsRepeatedUnderItsRequestIdAndNeverWithoutOne) {
  StartServer();
  OpenPeer();
  clinics_.answer = [](int call, auto&) { return call == 1 ? Away() : grpc::Status::OK; };
  pb::UpdateClinicRequest update;
  update.set_request_id("6f9619ff-8b86-4011-b42d-00c04fc964ff");
  EXPECT_OK(peer_->Call(kUpdate, update, clinic_, {}));
  EXPECT_THAT(clinics_.request_ids(), ElementsAre(update.request_id(), update.request_id()));

  clinics_.answer = [](int, auto&) { return Away(); };
  update.clear_request_id();
  EXPECT_THAT(peer_->Call(kUpdate, update, clinic_, {}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(clinics_.calls(), 3);
}

TEST_F(PeerTest, AnAnswerOfTheServiceComesAsItIs) {
  StartServer();
  OpenPeer();
  clinics_.answer = [](int, auto&) {
    return ToGrpcStatus(NotFound("clinic", "clinics/north"), "their-call-1");
  };
  const absl::Status status = Get();
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kNotFound, reason::kResourceNotFound));
  EXPECT_FALSE(status.GetPayload("type.googleapis.com/google.rpc.RequestInfo").has_value());
  EXPECT_EQ(clinics_.calls(), 1);
}

TEST_F(PeerTest, WhatIsWrongBetweenTheServicesIsNotTheCallersFault) {
  StartServer();
  OpenPeer();
  for (const grpc::StatusCode code :
       {grpc::StatusCode::UNAUTHENTICATED, grpc::StatusCode::PERMISSION_DENIED,
        grpc::StatusCode::INTERNAL, grpc::StatusCode::UNKNOWN}) {
    clinics_.answer = [code](int, auto&) { return grpc::Status(code, "token abc"); };
    const absl::Status status = Get();
    EXPECT_THAT(status, FailsWith(absl::StatusCode::kUnavailable, reason::kPeerUnavailable));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("abc")));
    EXPECT_EQ(IsNotKnown(status), code == grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(IsNotAllowed(status), code == grpc::StatusCode::PERMISSION_DENIED);
  }
  EXPECT_EQ(clinics_.calls(), 4);  // repeating would not help
}

TEST_F(PeerTest, AServiceThatDoesNotAnswerInTimeIsAway) {
  StartServer();
  options_.call_time = absl::Milliseconds(50);
  options_.attempts = 1;
  OpenPeer();
  clinics_.answer = [](int, grpc::ServerContext& context) {
    while (!context.IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return grpc::Status::CANCELLED;
  };
  const absl::Status status = Get();
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kUnavailable, reason::kPeerUnavailable));
  EXPECT_THAT(std::string(status.message()), HasSubstr("did not answer in time"));
}

TEST_F(PeerTest, ACallerInAHurryProvesNothing) {
  StartServer();
  options_.breaker.failures = 1;
  OpenPeer();
  clinics_.answer = [](int, grpc::ServerContext& context) {
    while (!context.IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return grpc::Status::CANCELLED;
  };
  EXPECT_THAT(Get({.deadline = clock_.Now() + absl::Milliseconds(50)}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(peer_->away());
  EXPECT_THAT(Get({.deadline = clock_.Now() - absl::Seconds(1)}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(PeerTest, TheBreakerRefusesAtOnceAndHealsByItself) {
  StartServer();
  options_.attempts = 1;
  options_.breaker = {.failures = 3, .first_pause = absl::Hours(1)};
  OpenPeer();
  clinics_.answer = [](int, auto&) { return Away(); };
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(Get().ok());
  EXPECT_TRUE(peer_->away());
  const absl::Status refused = Get();
  EXPECT_THAT(refused, FailsWith(absl::StatusCode::kUnavailable, reason::kPeerUnavailable));
  EXPECT_GT(RetryDelayOf(refused), absl::Minutes(20));
  EXPECT_EQ(clinics_.calls(), 3);

  // A stream is not held up, and its first message is an answer.
  pb::WatchEventsRequest watch;
  watch.set_parent("clinics/north");
  ASSERT_OK_AND_ASSIGN(const auto stream, peer_->Open(kWatch, watch, "north"));
  pb::WatchEventsResponse response;
  ASSERT_OK_AND_ASSIGN(const bool came, stream->Read(response));
  EXPECT_TRUE(came);
  EXPECT_FALSE(peer_->away());
  clinics_.answer = [](int, auto&) { return grpc::Status::OK; };
  EXPECT_OK(Get());
}

TEST_F(PeerTest, AServiceThatComesBackIsFoundAgain) {
  StartServer();
  options_.breaker = {.failures = 1, .first_pause = absl::Milliseconds(1)};
  OpenPeer();
  ASSERT_OK(Get());
  server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
  EXPECT_THAT(Get(), FailsWith(absl::StatusCode::kUnavailable, reason::kPeerUnavailable));
  EXPECT_TRUE(peer_->away());
  StartServer();
  EXPECT_TRUE(Eventually([&] { return Get().ok(); }));
  EXPECT_FALSE(peer_->away());
}

TEST_F(PeerTest, StopEndsWhatWaits) {
  StartServer();
  OpenPeer();
  pb::WatchEventsRequest watch;
  watch.set_parent("clinics/north");
  ASSERT_OK_AND_ASSIGN(const auto stream, peer_->Open(kWatch, watch, "north"));
  pb::WatchEventsResponse response;
  ASSERT_OK(stream->Read(response));
  std::thread stopper([&] { peer_->Stop(); });
  EXPECT_THAT(stream->Read(response), StatusIs(absl::StatusCode::kCancelled));
  stopper.join();
  EXPECT_THAT(Get(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(PeerTest, TheTokenOfTheMomentIsSent) {
  StartServer();
  Write("token", "first\n");
  settings_.token_file = Path("token");
  OpenPeer();
  ASSERT_OK(Get());
  EXPECT_EQ(clinics_.authorization(), "Bearer first");
  Write("token", "");  // torn: the last good one goes on
  Write("token", "second\n");
  EXPECT_TRUE(
      Eventually([&] { return Get().ok() && clinics_.authorization() == "Bearer second"; }));
}

TEST_F(PeerTest, MutualTlsAndItsFilesOfTheMoment) {
  ipt::testing::TestCa ca("CA"), clients("Clients"), others("Others");
  const auto server = ca.Issue({.common_name = "localhost", .dns = {"scheduling.test"}});
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = clients.certificate_pem();
  tls.pem_key_cert_pairs.push_back({server.key_pem, server.certificate_pem});
  StartServer(grpc::SslServerCredentials(tls));

  const auto wrong = others.Issue({.common_name = "x", .extended_key_usage = "clientAuth"});
  Write("ca.pem", ca.certificate_pem());
  Write("tls.crt", wrong.certificate_pem);
  Write("tls.key", wrong.key_pem);
  settings_.target.ca = Path("ca.pem");
  settings_.target.cert = Path("tls.crt");
  settings_.target.key = Path("tls.key");
  settings_.target.tls_name = "scheduling.test";
  OpenPeer();
  EXPECT_THAT(Get(), FailsWith(absl::StatusCode::kUnavailable, reason::kPeerUnavailable));

  // Operators are told when it expires, of a new one once it is taken over.
  const auto not_after = [&] {
    return metrics_.Gauge("tls_peer_certificate_not_after_seconds", "", {{"peer", "scheduling"}})
        .Value();
  };
  const double first = not_after();
  EXPECT_GT(first, static_cast<double>(absl::ToUnixSeconds(clock_.Now())));

  const auto right = clients.Issue(
      {.common_name = "x", .extended_key_usage = "clientAuth", .ends_in = absl::Hours(48)});
  Write("tls.crt", right.certificate_pem);  // for a moment, with the other key
  Write("tls.key", right.key_pem);
  EXPECT_TRUE(Eventually([&] { return Get().ok(); }));
  EXPECT_GT(not_after(), first);
}

TEST_F(PeerTest, FilesThatCannotBeUsedAreSaidAtOnce) {
  settings_.target.server = "127.0.0.1:1";
  Write("ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB");
  settings_.target.ca = Path("ca.pem");
  absl::StatusOr<std::unique_ptr<Link>> link = OpenNetworkLink(settings_, clock_);
  EXPECT_THAT(link, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(link.status().message()), HasSubstr("ca.pem"));

  settings_.target.ca = "";
  settings_.token_file = Path("none");
  EXPECT_THAT(std::string(OpenNetworkLink(settings_, clock_).status().message()),
              HasSubstr("none cannot be read"));
  Write("token", "two words");
  settings_.token_file = Path("token");
  EXPECT_THAT(std::string(OpenNetworkLink(settings_, clock_).status().message()),
              HasSubstr("must hold exactly one token"));
}

TEST_F(PeerTest, MethodsAndMessagesAreHeldToTheContract) {
  settings_.target.server = "127.0.0.1:1";
  OpenPeer();
  pb::WatchEventsRequest watch;
  EXPECT_THAT(peer_->Call("ipt.scheduling.v1.ClinicService.Nothing", request_, clinic_, {}),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(peer_->Call(kGet, watch, clinic_, {}), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(peer_->Call(kGet, request_, watch, {}), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(peer_->Open(kGet, request_, ""), StatusIs(absl::StatusCode::kInternal));
}

TEST(PeerSettingsTest, WhatIsNotSafeOrNotWholeIsRefused) {
  const auto complaint = [](const Settings& settings) {
    return std::string(CheckSettings(settings, "scheduling").message());
  };
  EXPECT_THAT(complaint({.target = {.server = ""}}), HasSubstr("--scheduling is missing"));
  EXPECT_THAT(complaint({.target = {.server = "127.0.0.1:5"}}), IsEmpty());
  EXPECT_THAT(complaint({.target = {.server = "other:5"}}), HasSubstr("another machine"));
  EXPECT_THAT(complaint({.target = {.server = "other:5"}, .allow_insecure = true}), IsEmpty());
  EXPECT_THAT(complaint({.target = {.server = "other:5", .tls = true}}), IsEmpty());
  Settings settings;
  settings.target.server = "other:5";
  settings.target.ca = "ca.pem";
  EXPECT_THAT(complaint(settings), IsEmpty());
  settings.target.key = "tls.key";
  EXPECT_THAT(complaint(settings), HasSubstr("belong together"));
  settings = {};
  settings.target.server = "127.0.0.1:5";
  settings.target.tls_name = "x";
  EXPECT_THAT(complaint(settings), HasSubstr("--scheduling_tls_name needs"));
}

// Two services of one process: the same adapter, the same checks.
class InProcessTest : public ::testing::Test {
 protected:
  class Ignore final : public rpc::CallObserver {
   public:
    void OnFinished(const rpc::FinishedCall&) override {}
  };

  InProcessTest()
      : in_process_(nobody_),
        executor_(2, 8),
        streams_(clock_, 4, absl::Hours(1)),
        runtime_{in_process_, clock_, executor_, ignore_, streams_},
        service_("ipt.scheduling.v1.ClinicService", runtime_) {
    service_.Handle<pb::GetClinicRequest, pb::Clinic>(
        "GetClinic", [this](const CallContext& ctx, const pb::GetClinicRequest& request) {
          trace_ = ctx.trace;
          pb::Clinic clinic;
          clinic.set_name(request.name());
          clinic.set_display_name(ctx.caller->subject);
          return absl::StatusOr<pb::Clinic>(clinic);
        });
    service_.Handle<pb::ListClinicsRequest, pb::ListClinicsResponse>(
        "ListClinics", [](const CallContext& ctx, const pb::ListClinicsRequest&) {
          pb::ListClinicsResponse response;
          if (ctx.caller->all_clinics) response.add_clinics()->set_name("clinics/north");
          return absl::StatusOr<pb::ListClinicsResponse>(response);
        });
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~InProcessTest() override {
    peer_.reset();
    in_process_.SetChannel(nullptr);
    server_->Shutdown();
    executor_.Stop();
  }

  void Open(LocalCaller caller) {
    peer_ =
        std::make_unique<Peer>(PeerOptions{.name = "scheduling", .attempts = 1},
                               MakeInProcessLink(in_process_, std::move(caller)), clock_, metrics_);
  }
  absl::Status Get(const std::string& clinic, const std::string& on_behalf_of) {
    pb::GetClinicRequest request;
    request.set_name(absl::StrCat("clinics/", clinic));
    return peer_->Call(kGet, request, clinic_, {.clinic_id = on_behalf_of});
  }

  SystemClock clock_;
  Metrics metrics_{"test", "0"};
  ipt::testing::NobodyKnown nobody_;
  InProcess in_process_;
  Ignore ignore_;
  rpc::Executor executor_;
  rpc::StreamSet streams_;
  rpc::RpcRuntime runtime_;
  rpc::RpcService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Peer> peer_;
  pb::Clinic clinic_;
  std::optional<TraceContext> trace_;  // that the last call came with
};

TEST_F(InProcessTest, ACallIsOfTheTraceThatItsThreadWorksFor) {
  Open({.subject = "service:outcomes", .scopes = {"clinics.read"}, .scopes_of_all = {}});
  in_process_.SetChannel(server_->InProcessChannel(InProcessArguments()));
  const std::string id(32, 'a');
  const TraceContext trace{id, std::string(16, 'b'), std::string(16, 'c'), true, "x=1"};
  {
    const TraceScope scope(&trace);
    ASSERT_OK(Get("north", "north"));
  }
  ASSERT_TRUE(trace_.has_value());
  EXPECT_EQ(trace_->trace_id, id);
  EXPECT_EQ(trace_->parent_id, trace.span_id);
  EXPECT_NE(trace_->span_id, trace.span_id);
  EXPECT_TRUE(trace_->sampled);
  EXPECT_EQ(trace_->state, "x=1");
  ASSERT_OK(Get("north", "north"));
  EXPECT_FALSE(trace_.has_value());
}

TEST_F(InProcessTest, ACallSaysWhoMakesItAndReachesOneClinic) {
  Open({.subject = "service:outcomes", .scopes = {"clinics.read"}, .scopes_of_all = {}});
  EXPECT_THAT(Get("north", "north"), FailsWith(absl::StatusCode::kUnavailable,
                                               reason::kPeerUnavailable));  // not serving yet
  in_process_.SetChannel(server_->InProcessChannel(InProcessArguments()));
  ASSERT_OK(Get("north", "north"));
  EXPECT_EQ(clinic_.display_name(), "service:outcomes");
  EXPECT_THAT(Get("south", "north"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(Get("south", "south"));
}

TEST_F(InProcessTest, AServiceHasTheScopesThatItNeedsAndNoOthers) {
  Open({.subject = "service:outcomes",
        .scopes = {"events.read"},
        .scopes_of_all = {"clinics.read"}});
  in_process_.SetChannel(server_->InProcessChannel(InProcessArguments()));
  EXPECT_THAT(std::string(Get("north", "north").message()), HasSubstr("scopes"));
  pb::ListClinicsResponse clinics;
  ASSERT_OK(peer_->Call("ipt.scheduling.v1.ClinicService.ListClinics", pb::ListClinicsRequest(),
                        clinics, {}));
  EXPECT_EQ(clinics.clinics_size(), 1);
}

TEST_F(InProcessTest, NobodyElseCanSayToBeAService) {
  const std::string good = in_process_.Authorization({.subject = "service:outcomes"}, "north");
  EXPECT_EQ(in_process_.Authorization({.subject = "service:outcomes"}, "north"), good);
  EXPECT_NE(in_process_.Authorization({.subject = "service:outcomes"}, "south"), good);
  EXPECT_NE(in_process_.Authorization({.subject = "service:formulation"}, "north"), good);
  for (std::string wrong : {good.substr(0, good.size() - 1), good + "0",
                            std::string("Bearer ipt-in-process-"), std::string("Bearer x")}) {
    EXPECT_THAT(in_process_.Authenticate({.authorization = wrong}, clock_.Now()),
                StatusIs(absl::StatusCode::kUnauthenticated));
  }
  EXPECT_OK(in_process_.Authenticate({.authorization = good}, clock_.Now()));
}

}  // namespace
}  // namespace ipt::peer
