// The adapter over a real socket, with handlers of the test's own behind ClinicService's contract.
#include "platform/rpc/rpc_service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "ipt/scheduling/v1/clinic_service.grpc.pb.h"
#include "ipt/scheduling/v1/session_service.grpc.pb.h"
#include "platform/auth/authenticator.h"
#include "platform/errors/error.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace ipt::rpc {
namespace {

namespace pb = ::ipt::scheduling::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr char kUuid[] = "6f9619ff-8b86-4011-b42d-00c04fc964ff";

// Lets in whoever says "Bearer <clinic>" to that clinic, with the scopes of the test.
class FakeAuthenticator final : public auth::Authenticator {
 public:
  absl::StatusOr<std::shared_ptr<const Caller>> Authenticate(const auth::Credentials& credentials,
                                                             absl::Time) const override {
    if (!credentials.authorization.has_value()) return Unauthenticated("no token");
    auto caller = std::make_shared<Caller>();
    caller->subject = "tester";
    caller->clinics.insert(std::string(credentials.authorization->substr(7)));
    caller->scopes = scopes;
    return caller;
  }
  absl::flat_hash_set<std::string> scopes = {"clinics.read", "clinics.write", "sessions.read"};
};

class Recorder final : public CallObserver {
 public:
  void OnFinished(const FinishedCall& call) override {
    std::lock_guard<std::mutex> lock(mutex);
    codes.push_back(call.status.code());
    clinics.push_back(call.context.clinic_id);
  }
  size_t count() {
    std::lock_guard<std::mutex> lock(mutex);
    return codes.size();
  }
  std::mutex mutex;
  std::vector<absl::StatusCode> codes;
  std::vector<std::string> clinics;
};

class RpcServiceTest : public ::testing::Test {
 protected:
  RpcServiceTest()
      : executor_(2, 2),
        runtime_{authenticator_, clock_, executor_, recorder_, streams_},
        service_("ipt.scheduling.v1.ClinicService", runtime_) {
    service_.Handle<pb::GetClinicRequest, pb::Clinic>(
        "GetClinic", [this](const CallContext& ctx, const pb::GetClinicRequest& request) {
          return Get(ctx, request);
        });
    service_.Handle<pb::UpdateClinicRequest, pb::Clinic>(
        "UpdateClinic",
        [this](const CallContext& ctx,
               const pb::UpdateClinicRequest& request) -> absl::StatusOr<pb::Clinic> {
          last_ = ctx;
          return request.clinic();
        });
    service_.Handle<pb::CreateClinicRequest, pb::Clinic>(
        "CreateClinic",
        [this](const CallContext& ctx,
               const pb::CreateClinicRequest& request) -> absl::StatusOr<pb::Clinic> {
          last_ = ctx;
          return request.clinic();
        });
    service_.AnswerFromMemory<pb::GetClinicRequest>(
        "GetClinic",
        [this](const CallContext&, const pb::GetClinicRequest&) { return remembered_; });
    service_.AnswerFromCache<pb::GetClinicRequest>(
        "GetClinic", [this](const CallContext&, const pb::GetClinicRequest& request,
                            RpcService::FoundAnswer found) {
          ++asked_;
          if (request.name() != "clinics/cached") return found(nullptr);
          // As a cache's own thread does it, later.
          answers_.emplace_back([this, found = std::move(found)] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            found(cached_);
          });
        });
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    channel_ =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials());
    stub_ = pb::ClinicService::NewStub(channel_);
  }
  ~RpcServiceTest() override {
    block_ = false;
    server_->Shutdown();
    for (std::thread& answer : answers_) answer.join();
    executor_.Stop();
  }

  absl::StatusOr<pb::Clinic> Get(const CallContext& ctx, const pb::GetClinicRequest& request) {
    last_ = ctx;
    ++handled_;
    while (block_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (request.name() == "clinics/throws") throw std::runtime_error("secret");
    if (request.name() == "clinics/busy") {
      return Unavailable(reason::kStoreUnavailable, "later", absl::Milliseconds(1500));
    }
    pb::Clinic clinic;
    clinic.set_name(request.name());
    return clinic;
  }

  grpc::Status CallGet(grpc::ClientContext& context, const std::string& name,
                       const std::string& clinic = "a") {
    if (!clinic.empty()) context.AddMetadata("authorization", "Bearer " + clinic);
    pb::GetClinicRequest request;
    request.set_name(name);
    pb::Clinic response;
    return stub_->GetClinic(&context, request, &response);
  }
  grpc::Status CallGet(const std::string& name, const std::string& clinic = "a") {
    grpc::ClientContext context;
    return CallGet(context, name, clinic);
  }

  // Sends bytes as they are.
  grpc::Status CallRaw(const std::string& method, const std::string& bytes) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer a");
    grpc::Slice slice(bytes);
    grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::CompletionQueue queue;
    grpc::Status status;
    auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return status;
  }

  static std::string ReasonOf(const grpc::Status& status) {
    google::rpc::Status details;
    details.ParseFromString(status.error_details());
    google::rpc::ErrorInfo info;
    for (const auto& any : details.details()) {
      if (any.UnpackTo(&info)) return info.reason();
    }
    return "";
  }
  static std::vector<std::string> FieldsOf(const grpc::Status& status) {
    google::rpc::Status details;
    details.ParseFromString(status.error_details());
    std::vector<std::string> fields;
    google::rpc::BadRequest bad;
    for (const auto& any : details.details()) {
      if (!any.UnpackTo(&bad)) continue;
      for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
    }
    return fields;
  }

  testing::FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  FakeAuthenticator authenticator_;
  Recorder recorder_;
  Executor executor_;
  StreamSet streams_{clock_, 10, absl::Hours(1)};
  RpcRuntime runtime_;
  RpcService service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<pb::ClinicService::Stub> stub_;
  std::shared_ptr<const std::string> remembered_;
  std::shared_ptr<const std::string> cached_;
  std::atomic<int> asked_{0};
  std::vector<std::thread> answers_;
  CallContext last_;
  std::atomic<int> handled_{0};
  std::atomic<bool> block_{false};
};

TEST_F(RpcServiceTest, AHandlerGetsCallerClinicResourceAndNow) {
  EXPECT_TRUE(CallGet("clinics/a").ok());
  EXPECT_EQ(last_.caller->subject, "tester");
  EXPECT_EQ(last_.clinic_id, "a");
  EXPECT_EQ(last_.resource, "clinics/a");
  EXPECT_EQ(last_.method, "/ipt.scheduling.v1.ClinicService/GetClinic");
  EXPECT_EQ(last_.now, clock_.Now());
  EXPECT_EQ(last_.deadline, clock_.Now() + absl::Seconds(10));
}

TEST_F(RpcServiceTest, ACallIdIsTakenOverOrMadeAndSentBack) {
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "trace-7");
  EXPECT_TRUE(CallGet(context, "clinics/a").ok());
  EXPECT_EQ(context.GetServerTrailingMetadata().find("x-request-id")->second, "trace-7");
  grpc::ClientContext hostile;
  hostile.AddMetadata("x-request-id", "a\"b");
  EXPECT_TRUE(CallGet(hostile, "clinics/a").ok());
  EXPECT_EQ(hostile.GetServerTrailingMetadata().find("x-request-id")->second.size(), 36u);
}

TEST_F(RpcServiceTest, ATraceIsTakenOverWithASpanOfItsOwn) {
  const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  grpc::ClientContext context;
  context.AddMetadata("traceparent", parent);
  context.AddMetadata("tracestate", "rojo=1");
  context.AddMetadata("tracestate", "congo=2");
  EXPECT_TRUE(CallGet(context, "clinics/a").ok());
  ASSERT_TRUE(last_.trace.has_value());
  EXPECT_EQ(last_.trace->trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(last_.trace->parent_id, "b7ad6b7169203331");
  EXPECT_EQ(last_.trace->span_id.size(), 16u);
  EXPECT_EQ(last_.trace->state, "rojo=1,congo=2");

  grpc::ClientContext two;
  two.AddMetadata("traceparent", parent);
  two.AddMetadata("traceparent", parent);
  EXPECT_TRUE(CallGet(two, "clinics/a").ok());
  EXPECT_FALSE(last_.trace.has_value());

  EXPECT_TRUE(CallGet("clinics/a").ok());
  EXPECT_FALSE(last_.trace.has_value());
}

TEST_F(RpcServiceTest, ACallIdNobodyAskedForComesBackWithErrorsOnly) {
  grpc::ClientContext well;
  EXPECT_TRUE(CallGet(well, "clinics/a").ok());
  EXPECT_EQ(well.GetServerTrailingMetadata().count("x-request-id"), 0u);
  grpc::ClientContext wrong;
  EXPECT_FALSE(CallGet(wrong, "clinics/A").ok());
  EXPECT_EQ(wrong.GetServerTrailingMetadata().find("x-request-id")->second.size(), 36u);
}

TEST_F(RpcServiceTest, WithoutATokenNothingRuns) {
  const grpc::Status status = CallGet("clinics/a", "");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(status), "UNAUTHENTICATED");
  EXPECT_EQ(handled_, 0);
}

TEST_F(RpcServiceTest, TheMissingScopeIsNamed) {
  authenticator_.scopes = {"clinics.write"};
  const grpc::Status status = CallGet("clinics/a");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(status), "SCOPE_MISSING");
  EXPECT_THAT(status.error_message(), HasSubstr("clinics.read"));
}

TEST_F(RpcServiceTest, AnotherClinicIsNotFound) {
  const grpc::Status status = CallGet("clinics/b");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "RESOURCE_NOT_FOUND");
  EXPECT_EQ(handled_, 0);
}

TEST_F(RpcServiceTest, WhatARefusedCallAskedForIsKnownToTheObserver) {
  EXPECT_EQ(CallGet("clinics/b").error_code(), grpc::StatusCode::NOT_FOUND);
  authenticator_.scopes = {};
  EXPECT_EQ(CallGet("clinics/a").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(CallGet("clinics/c").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(CallGet("clinics/A").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  std::lock_guard<std::mutex> lock(recorder_.mutex);
  EXPECT_THAT(recorder_.clinics, ElementsAre("b", "a", "c", ""));
}

TEST_F(RpcServiceTest, AllBadFieldsAreNamedAtOnce) {
  EXPECT_THAT(FieldsOf(CallGet("clinic/a")), ElementsAre("name"));
  EXPECT_THAT(FieldsOf(CallGet("")), ElementsAre("name"));

  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer a");
  pb::UpdateClinicRequest request;
  request.mutable_clinic()->set_display_name(std::string(200, 'x'));
  request.mutable_clinic()->set_time_zone(std::string(65, 'z'));
  request.set_request_id(kUuid);
  pb::Clinic response;
  const grpc::Status status = stub_->UpdateClinic(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FieldsOf(status),
              UnorderedElementsAre("clinic.name", "clinic.display_name", "clinic.time_zone"));
}

TEST_F(RpcServiceTest, AWriteNeedsARequestId) {
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer a");
  pb::CreateClinicRequest request;
  request.set_clinic_id("a");
  request.mutable_clinic()->set_display_name("A");
  pb::Clinic response;
  const grpc::Status status = stub_->CreateClinic(&context, request, &response);
  EXPECT_EQ(ReasonOf(status), "REQUEST_ID_REQUIRED");
  EXPECT_THAT(FieldsOf(status), ElementsAre("request_id"));
}

TEST_F(RpcServiceTest, AMissingRequestIdIsNamedBesideOtherFaults) {
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer a");
  pb::CreateClinicRequest request;
  request.set_clinic_id("a");
  request.mutable_clinic()->set_display_name(std::string("A\0B", 3));
  pb::Clinic response;
  const grpc::Status status = stub_->CreateClinic(&context, request, &response);
  EXPECT_EQ(ReasonOf(status), "INVALID_FIELDS");
  EXPECT_THAT(FieldsOf(status), UnorderedElementsAre("clinic.display_name", "request_id"));
}

TEST_F(RpcServiceTest, AWriteCarriesItsKeyAndHash) {
  auto create = [&](const std::string& id, const std::string& title) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer a");
    pb::CreateClinicRequest request;
    request.set_clinic_id(id);
    request.mutable_clinic()->set_display_name(title);
    request.set_request_id(kUuid);
    pb::Clinic response;
    return stub_->CreateClinic(&context, request, &response);
  };
  EXPECT_TRUE(create("a", "A").ok());
  const std::string hash = last_.content_hash;
  EXPECT_EQ(last_.request_id, kUuid);
  EXPECT_EQ(last_.clinic_id, "a");
  EXPECT_TRUE(create("a", "A").ok());
  EXPECT_EQ(last_.content_hash, hash);
  EXPECT_TRUE(create("a", "B").ok());
  EXPECT_NE(last_.content_hash, hash);
  EXPECT_EQ(create("b", "B").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(FieldsOf(create("No Id", "B")), ElementsAre("clinic_id"));
}

TEST_F(RpcServiceTest, InvalidUtf8NamesItsField) {
  // UpdateClinicRequest{clinic{display_name: "\xff"}}
  const std::string clinic("\x12\x01\xff", 3);
  const grpc::Status status =
      CallRaw("/ipt.scheduling.v1.ClinicService/UpdateClinic", std::string("\x0a\x03", 2) + clinic);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FieldsOf(status), ElementsAre("clinic.display_name"));
}

TEST_F(RpcServiceTest, RandomBytesAreAMalformedRequest) {
  const grpc::Status status =
      CallRaw("/ipt.scheduling.v1.ClinicService/GetClinic", "\xff\xff\xff garbage");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "MALFORMED_REQUEST");
}

TEST_F(RpcServiceTest, AnExceptionIsInternalAndSaysNothing) {
  authenticator_.scopes = {"clinics.read"};
  const grpc::Status status = CallGet("clinics/throws", "throws");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), ::testing::Not(HasSubstr("secret")));
  EXPECT_THAT(status.error_message(), HasSubstr("internal error"));
}

TEST_F(RpcServiceTest, RetryAdviceComesAsPushbackToo) {
  grpc::ClientContext context;
  const grpc::Status status = CallGet(context, "clinics/busy", "busy");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(context.GetServerTrailingMetadata().find("grpc-retry-pushback-ms")->second, "1500");
}

// One call in HTTP/2's own bytes, for headers that gRPC's clients here would not send.
class RawCall {
 public:
  RawCall(int port, const std::string& path, const std::string& timeout) {
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    std::string headers;
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, std::string>>{{":method", "POST"},
                                                          {":scheme", "http"},
                                                          {":path", path},
                                                          {":authority", "localhost"},
                                                          {"te", "trailers"},
                                                          {"content-type", "application/grpc"},
                                                          {"grpc-timeout", timeout},
                                                          {"authorization", "Bearer a"}}) {
      // A literal field without indexing, both lengths in one byte.
      absl::StrAppend(&headers, std::string(1, '\0'),
                      std::string(1, static_cast<char>(name.size())), name,
                      std::string(1, static_cast<char>(value.size())), value);
    }
    const std::string message(
        "\0\0\0\0\x0b\x0a\x09"
        "clinics/a",
        16);
    const std::string bytes = absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Frame(4, 0, 0, ""),
                                           Frame(1, 4, 1, headers), Frame(0, 1, 1, message));
    EXPECT_EQ(send(socket_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  ~RawCall() { close(socket_); }

 private:
  static std::string Frame(char type, char flags, char stream, const std::string& payload) {
    const auto size = static_cast<char>(payload.size() & 0xff);
    const auto more = static_cast<char>(payload.size() >> 8);
    return absl::StrCat(std::string({'\0', more, size, type, flags, '\0', '\0', '\0', stream}),
                        payload);
  }

  int socket_;
};

// Some clients mean "no deadline" by one beyond all calendars. Neither holds a thread for ever.
TEST_F(RpcServiceTest, ADeadlineFarAheadHasNotPassedAndIsCutToTheLongestCall) {
  for (const int hours : {1, 2'000'000, 9'999'999, 99'999'999}) {
    const size_t before = recorder_.count();
    const RawCall call(port_, "/ipt.scheduling.v1.ClinicService/GetClinic",
                       absl::StrCat(hours, "H"));
    while (recorder_.count() == before) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(recorder_.codes.back(), absl::StatusCode::kOk) << hours;
    EXPECT_EQ(last_.deadline - clock_.Now(), absl::Seconds(60)) << hours;
  }
}

TEST_F(RpcServiceTest, ADeadlineBelowTheLongestCallIsTheClients) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  EXPECT_TRUE(CallGet(context, "clinics/a").ok());
  EXPECT_GT(last_.deadline - clock_.Now(), absl::Seconds(20));
  EXPECT_LE(last_.deadline - clock_.Now(), absl::Seconds(31));
}

TEST_F(RpcServiceTest, AFullQueueRefusesAtOnce) {
  block_ = true;
  std::vector<std::thread> threads;
  std::atomic<int> refused{0};
  std::atomic<int> served{0};
  auto call = [&] {
    const grpc::Status status = CallGet("clinics/a");
    if (status.ok()) {
      ++served;
    } else if (ReasonOf(status) == "OVERLOADED") {
      if (++refused == 4) block_ = false;
    }
  };
  // Two run, two wait, four are refused.
  for (int i = 0; i < 2; ++i) threads.emplace_back(call);
  while (handled_ < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  for (int i = 0; i < 6; ++i) threads.emplace_back(call);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused, 4);
  EXPECT_EQ(served, 4);
}

TEST_F(RpcServiceTest, WhatACacheHoldsNeedsNoHandlerButTheSameChecks) {
  pb::Clinic clinic;
  clinic.set_display_name("from the cache");
  cached_ = std::make_shared<const std::string>(clinic.SerializeAsString());
  const auto get = [&] {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer cached");
    pb::GetClinicRequest request;
    request.set_name("clinics/cached");
    pb::Clinic response;
    EXPECT_TRUE(stub_->GetClinic(&context, request, &response).ok());
    return response;
  };
  EXPECT_EQ(get().display_name(), "from the cache");
  EXPECT_EQ(handled_, 0);
  EXPECT_EQ(asked_, 1);
  cached_ = nullptr;  // not there: the handler answers
  EXPECT_EQ(get().name(), "clinics/cached");
  EXPECT_EQ(handled_, 1);
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(CallGet("clinics/cached", "").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(CallGet("clinics/b").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(asked_, 2);
}

TEST_F(RpcServiceTest, WhatIsRememberedNeedsNoHandlerButTheSameChecks) {
  pb::Clinic clinic;
  clinic.set_display_name("from memory");
  remembered_ = std::make_shared<const std::string>(clinic.SerializeAsString());
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer a");
  pb::GetClinicRequest request;
  request.set_name("clinics/a");
  pb::Clinic response;
  EXPECT_TRUE(stub_->GetClinic(&context, request, &response).ok());
  EXPECT_EQ(response.display_name(), "from memory");
  EXPECT_EQ(handled_, 0);
  EXPECT_EQ(CallGet("clinics/b").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(CallGet("clinics/a", "").error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(RpcServiceTest, EveryCallIsObservedOnce) {
  CallGet("clinics/a");
  CallGet("clinics/b");
  CallGet("clinics/a", "");
  std::lock_guard<std::mutex> lock(recorder_.mutex);
  EXPECT_THAT(recorder_.codes, ElementsAre(absl::StatusCode::kOk, absl::StatusCode::kNotFound,
                                           absl::StatusCode::kUnauthenticated));
}

TEST_F(RpcServiceTest, AnIncompleteServiceIsFoundOut) {
  EXPECT_THAT(std::string(service_.CheckComplete().message()),
              HasSubstr("ListClinics, CreateHolidays, ListHolidays, DeleteHoliday"));
  RpcService unknown("ipt.none.v1.Service", runtime_);
  EXPECT_FALSE(unknown.CheckComplete().ok());
}

// Names of two clinics in one request, unknown enum numbers, lists beyond their bound, wildcards.
TEST(MethodInfoTest, ChecksWhatTheContractStates) {
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      "ipt.scheduling.v1.SessionService.FindSlots");
  ASSERT_OK_AND_ASSIGN(const MethodInfo find, MethodInfo::Compile(*method));
  Caller caller;
  caller.all_clinics = true;
  RequestFacts facts;
  pb::FindSlotsRequest request;
  request.set_parent("clinics/a");
  request.mutable_start_time()->set_seconds(1);
  request.mutable_end_time()->set_seconds(2);
  request.add_therapists("clinics/a/therapists/t");
  request.add_therapists("clinics/b/therapists/t");
  request.set_course("clinics/a/courses/-");
  EXPECT_THAT(find.CheckRequest(request, caller, facts),
              testing::HasBadFields("therapists[1]", "course"));
  for (int i = 0; i < 100; ++i) request.add_therapists("clinics/a/therapists/t");
  EXPECT_THAT(find.CheckRequest(request, caller, facts),
              testing::HasBadFields("therapists", "course"));

  const auto* list_method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      "ipt.scheduling.v1.SessionService.ListSessions");
  ASSERT_OK_AND_ASSIGN(const MethodInfo list, MethodInfo::Compile(*list_method));
  pb::ListSessionsRequest sessions;
  sessions.set_parent("clinics/a/courses/-");
  sessions.add_states(pb::SESSION_STATE_BOOKED);
  ASSERT_OK(list.CheckRequest(sessions, caller, facts));
  sessions.add_states(static_cast<pb::SessionState>(99));
  EXPECT_THAT(list.CheckRequest(sessions, caller, facts), testing::HasBadFields("states[1]"));
}

TEST(MethodInfoTest, AMaskHasABoundedNumberOfPaths) {
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      "ipt.scheduling.v1.ClinicService.UpdateClinic");
  ASSERT_OK_AND_ASSIGN(const MethodInfo update, MethodInfo::Compile(*method));
  Caller caller;
  caller.all_clinics = true;
  RequestFacts facts;
  pb::UpdateClinicRequest request;
  request.mutable_clinic()->set_name("clinics/a");
  request.set_request_id(kUuid);
  for (int i = 0; i < 100; ++i) request.mutable_update_mask()->add_paths("display_name");
  EXPECT_OK(update.CheckRequest(request, caller, facts));
  request.mutable_update_mask()->add_paths("display_name");
  EXPECT_THAT(update.CheckRequest(request, caller, facts),
              testing::HasBadFields("update_mask.paths"));
}

// Bytes that are nothing but faults cost no more than the answer that they get.
TEST(MethodInfoTest, FaultsBeyondNumberAreNotAllKept) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes.append("\x12\x01\xff", 3);
  const absl::Status status = DiagnoseUnparsable(bytes, *pb::FindSlotsRequest::descriptor());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const size_t kept = FieldViolationsOf(status).size();
  EXPECT_GT(kept, 0u);
  EXPECT_LE(kept, 1000u);
}

// Every method of every service of the suite has a policy, and every write a request_id.
TEST(MethodInfoTest, EveryMethodOfTheContractCompiles) {
  for (const char* file_name :
       {"ipt/scheduling/v1/clinic_service.proto", "ipt/scheduling/v1/session_service.proto"}) {
    const auto* file =
        google::protobuf::DescriptorPool::generated_pool()->FindFileByName(file_name);
    ASSERT_NE(file, nullptr) << file_name;
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        EXPECT_OK(MethodInfo::Compile(*file->service(s)->method(m)));
      }
    }
  }
}

}  // namespace
}  // namespace ipt::rpc
