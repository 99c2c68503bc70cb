// Streams over a real socket: what ends them, and what a slow reader may hold.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "ipt/test/v1/echo.grpc.pb.h"
#include "platform/auth/authenticator.h"
#include "platform/errors/error.h"
#include "platform/rpc/rpc_service.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_clock.h"

namespace ipt::rpc {
namespace {

using ipt::testing::Eventually;
namespace pb = ::ipt::test::v1;
using ::testing::HasSubstr;

constexpr int kLimit = 4;
constexpr int kQueue = 8;
constexpr char kPath[] = "clinics/a";

// "Bearer <clinic>"; what it shows holds for an hour.
class HourAuthenticator final : public auth::Authenticator {
 public:
  absl::StatusOr<std::shared_ptr<const Caller>> Authenticate(const auth::Credentials& credentials,
                                                             absl::Time now) const override {
    if (!credentials.authorization.has_value()) return Unauthenticated("no token");
    auto caller = std::make_shared<Caller>();
    caller->subject = "tester";
    caller->clinics.insert(std::string(credentials.authorization->substr(7)));
    caller->scopes = {"echo.read", "echo.write"};
    caller->expires = now + absl::Hours(1);
    return caller;
  }
};

class Recorder final : public CallObserver {
 public:
  void OnStreamBegun(const FinishedCall& call) override {
    EXPECT_EQ(call.context.clinic_id, "a");
    ++begun;
  }
  void OnFinished(const FinishedCall& call) override {
    std::lock_guard<std::mutex> lock(mutex_);
    codes_.push_back(call.status.code());
    if (call.stream_begun) ++ended;
  }
  std::vector<absl::StatusCode> codes() {
    std::lock_guard<std::mutex> lock(mutex_);
    return codes_;
  }
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};

 private:
  std::mutex mutex_;
  std::vector<absl::StatusCode> codes_;
};

class StreamsTest : public ::testing::Test {
 protected:
  StreamsTest()
      : streams_(clock_, kLimit, absl::Hours(10)),
        executor_(2, kQueue),
        runtime_{authenticator_, clock_, executor_, recorder_, streams_},
        service_("ipt.test.v1.EchoService", runtime_) {
    service_.HandleStream("Count", *this, &StreamsTest::Count);
    service_.HandleBidi("Talk", *this, &StreamsTest::Talk);
    EXPECT_TRUE(service_.CheckComplete().ok());
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = pb::EchoService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  ~StreamsTest() override {
    block_ = false;
    streams_.Stop();
    server_->Shutdown();
    // Several that end at once may find the executor's queue full, and come again.
    EXPECT_TRUE(Eventually([this] {
      clock_.Advance(absl::Seconds(1));
      return streams_.open() == 0;
    }));
    executor_.Stop();
    EXPECT_EQ(recorder_.begun, recorder_.ended);
    EXPECT_EQ(over_, opened_);
  }

  // Counts, waits at `pause_at_` for a Wake, throws at 666.
  class Counter final : public ServerStream<pb::CountResponse> {
   public:
    Counter(StreamsTest& test, const pb::CountRequest& request) : test_(test), request_(request) {}
    absl::StatusOr<Next<pb::CountResponse>> NextResponse(const CallContext& ctx) override {
      EXPECT_EQ(ctx.clinic_id, "a");
      EXPECT_LE(ctx.deadline, ctx.now + absl::Seconds(10));
      while (test_.block_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (number_ == 666) throw std::runtime_error("secret");
      if (request_.to() > 0 && number_ == request_.to()) return Next<pb::CountResponse>::End();
      if (number_ == test_.pause_at_) {
        ++test_.paused_;
        return Next<pb::CountResponse>::Later(ctx.now + absl::Minutes(1));
      }
      ++test_.produced_;
      pb::CountResponse response;
      response.set_number(++number_);
      response.set_ballast(std::string(request_.weight(), 'x'));
      return Next<pb::CountResponse>::Send(std::move(response));
    }
    void OnOver(const CallContext&) override { ++test_.over_; }

   private:
    StreamsTest& test_;
    const pb::CountRequest request_;
    int number_ = 0;
  };

  absl::StatusOr<std::unique_ptr<ServerStream<pb::CountResponse>>> Count(
      const CallContext&, const pb::CountRequest& request, std::shared_ptr<StreamHandle> handle) {
    if (request.to() < 0) return InvalidField("to", "must not be negative");
    ++opened_;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      handle_ = std::move(handle);
    }
    return std::make_unique<Counter>(*this, request);
  }

  class Echo final : public BidiStream<pb::TalkRequest, pb::TalkResponse> {
   public:
    Echo(StreamsTest& test, const pb::TalkRequest& first) : test_(test) { Say(first); }
    absl::Status OnMessage(const CallContext&, const pb::TalkRequest& message) override {
      ++test_.heard_;
      if (message.text() == "fail") return ResourceExhausted("OVERLOADED", "x", absl::Seconds(1));
      Say(message);
      return absl::OkStatus();
    }
    bool WantsMessage() const override { return said_.size() < test_.room_; }
    void OnClientDone(const CallContext&) override {
      done_ = true;
      ++test_.done_;
    }
    absl::StatusOr<Next<pb::TalkResponse>> NextResponse(const CallContext&) override {
      if (said_.empty()) {
        return done_ ? Next<pb::TalkResponse>::End() : Next<pb::TalkResponse>::Later();
      }
      pb::TalkResponse response;
      response.set_text(said_.front());
      said_.pop_front();
      return Next<pb::TalkResponse>::Send(std::move(response));
    }
    void OnOver(const CallContext&) override { ++test_.over_; }

   private:
    void Say(const pb::TalkRequest& message) {
      // More than the connection takes of what nobody reads.
      said_.push_back(message.text() == "loud" ? std::string(256 << 10, 'x') : message.text());
    }
    StreamsTest& test_;
    std::deque<std::string> said_;
    bool done_ = false;
  };

  absl::StatusOr<std::unique_ptr<BidiStream<pb::TalkRequest, pb::TalkResponse>>> Talk(
      const CallContext&, const pb::TalkRequest& first, std::shared_ptr<StreamHandle>) {
    ++opened_;
    return std::make_unique<Echo>(*this, first);
  }

  void WakeLast() {
    std::lock_guard<std::mutex> lock(mutex_);
    handle_->Wake();
  }

  // One client of Count.
  struct Client {
    explicit Client(StreamsTest& test, int to = 0, int weight = 0,
                    const std::string& clinic = "a") {
      if (!clinic.empty()) context.AddMetadata("authorization", "Bearer " + clinic);
      pb::CountRequest request;
      request.set_parent(kPath);
      request.set_to(to);
      request.set_weight(weight);
      reader = test.stub_->Count(&context, request);
    }
    ~Client() {
      if (reader == nullptr) return;
      context.TryCancel();
      Finish();
    }
    int Read() {
      pb::CountResponse response;
      return reader->Read(&response) ? response.number() : -1;
    }
    grpc::Status Finish() {
      while (Read() != -1) {
      }
      grpc::Status status = reader->Finish();
      reader.reset();
      return status;
    }
    std::string Trailer(const std::string& key) {
      const auto it = context.GetServerTrailingMetadata().find(key);
      if (it == context.GetServerTrailingMetadata().end()) return "";
      return {it->second.data(), it->second.size()};
    }
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<pb::CountResponse>> reader;
  };

  testing::FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  HourAuthenticator authenticator_;
  Recorder recorder_;
  StreamSet streams_;
  Executor executor_;
  RpcRuntime runtime_;
  RpcService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<pb::EchoService::Stub> stub_;

  std::mutex mutex_;
  std::shared_ptr<StreamHandle> handle_;  // of the last Count
  std::atomic<int> opened_{0};
  std::atomic<int> over_{0};
  std::atomic<int> produced_{0};
  std::atomic<int> paused_{0};
  std::atomic<int> pause_at_{-1};
  std::atomic<bool> block_{false};
  std::atomic<int> heard_{0};
  std::atomic<int> done_{0};
  size_t room_ = 1 << 20;  // of what an Echo has not said yet
};

TEST_F(StreamsTest, ResponsesComeInOrderAndTheHandlerEndsThem) {
  Client client(*this, 3);
  for (const int number : {1, 2, 3, -1}) EXPECT_EQ(client.Read(), number);
  EXPECT_TRUE(client.Finish().ok());
  EXPECT_THAT(recorder_.codes(), ::testing::ElementsAre(absl::StatusCode::kOk));
}

TEST_F(StreamsTest, WhoMayNotIsRefusedBeforeAnythingOpens) {
  EXPECT_EQ(Client(*this, 3, 0, "").Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Client(*this, 3, 0, "b").Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(opened_, 0);
  EXPECT_EQ(Client(*this, -1).Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(recorder_.begun, 0);
  EXPECT_EQ(recorder_.codes().size(), 3u);
  EXPECT_TRUE(Eventually([&] { return streams_.open() == 0; }));
}

TEST_F(StreamsTest, AFailureOfTheHandlerIsToldWithoutItsSecret) {
  Client client(*this);
  const grpc::Status status = client.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), ::testing::Not(HasSubstr("secret")));
}

TEST_F(StreamsTest, ASlowReaderHoldsNoMoreThanTheConnectionTakes) {
  Client client(*this, 500, 64 << 10);
  EXPECT_EQ(client.Read(), 1);
  // What is produced runs ahead by what the sockets hold, then stands.
  int before = -1;
  EXPECT_TRUE(Eventually([&] {
    const int now = produced_;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const bool stands = now == before && now == produced_;
    before = now;
    return stands;
  }));
  EXPECT_LT(produced_, 250);
  for (int number = 2; number <= 500; ++number) EXPECT_EQ(client.Read(), number);
  EXPECT_TRUE(client.Finish().ok());
}

TEST_F(StreamsTest, AStreamWaitsForAWakeOrItsTime) {
  pause_at_ = 1;
  Client client(*this, 5);
  EXPECT_EQ(client.Read(), 1);
  pause_at_ = 2;
  WakeLast();
  EXPECT_EQ(client.Read(), 2);
  EXPECT_EQ(produced_, 2);
  pause_at_ = -1;
  // The stream may still be on its way to asking for its minute: the clock moves until it comes.
  std::atomic<bool> read{false};
  std::thread mover([&] {
    while (!read) {
      clock_.Advance(absl::Seconds(61));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  EXPECT_EQ(client.Read(), 3);
  read = true;
  mover.join();
}

TEST_F(StreamsTest, TheHandlerHearsOfAClientThatLeaves) {
  pause_at_ = 1;
  Client client(*this);
  EXPECT_EQ(client.Read(), 1);
  client.context.TryCancel();
  EXPECT_EQ(client.Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([&] { return over_ == 1 && streams_.open() == 0; }));
  EXPECT_THAT(recorder_.codes(), ::testing::ElementsAre(absl::StatusCode::kCancelled));
  WakeLast();  // of what is over: nothing
}

TEST_F(StreamsTest, TheClientsDeadlineEndsItAndNoOther) {
  pause_at_ = 1;
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer a");
  // Time enough for the first message, also on a machine with other work.
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(3));
  pb::CountRequest request;
  request.set_parent(kPath);
  const auto reader = stub_->Count(&context, request);
  Client without(*this);
  pb::CountResponse response;
  EXPECT_TRUE(reader->Read(&response));
  EXPECT_EQ(without.Read(), 1);
  clock_.Advance(absl::Minutes(30));  // far beyond the deadline of a unary call
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(Eventually([&] { return over_ == 1; }));
  EXPECT_EQ(recorder_.codes()[0], absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Eventually([&] { return streams_.open() == 1; }));
}

TEST_F(StreamsTest, AnExpiredTokenEndsIt) {
  pause_at_ = 1;
  Client client(*this);
  EXPECT_EQ(client.Read(), 1);
  clock_.Advance(absl::Minutes(61));
  EXPECT_EQ(client.Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(StreamsTest, ItEndsWellAtItsGreatestAge) {
  StreamSet young(clock_, kLimit, absl::Minutes(10));
  const RpcRuntime runtime{authenticator_, clock_, executor_, recorder_, young};
  RpcService service("ipt.test.v1.EchoService", runtime);
  service.HandleStream<pb::CountRequest, pb::CountResponse>(
      "Count", [this](const CallContext& ctx, const pb::CountRequest& request,
                      std::shared_ptr<StreamHandle> handle) {
        return Count(ctx, request, std::move(handle));
      });
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  pause_at_ = 1;
  pb::CountRequest request;
  request.set_parent(kPath);
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer a");
  const auto stub = pb::EchoService::NewStub(server->InProcessChannel({}));
  const auto reader = stub->Count(&context, request);
  pb::CountResponse response;
  EXPECT_TRUE(reader->Read(&response));
  clock_.Advance(absl::Minutes(7));
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  EXPECT_EQ(young.open(), 1);
  clock_.Advance(absl::Minutes(4));
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_TRUE(Eventually([&] { return young.open() == 0; }));
  server->Shutdown();
}

TEST_F(StreamsTest, AStoppingServerSendsItsClientsAway) {
  pause_at_ = 1;
  Client client(*this);
  EXPECT_EQ(client.Read(), 1);
  streams_.Stop();
  EXPECT_EQ(client.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_NE(client.Trailer("grpc-retry-pushback-ms"), "");
  EXPECT_EQ(Client(*this).Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(StreamsTest, AStoppingServerDoesNotWaitForWhoDoesNotRead) {
  Client client(*this, 0, 1 << 20);
  EXPECT_EQ(client.Read(), 1);
  int before = -1;
  for (int stands = 0; stands < 5;) {  // the writer may have no turn between two looks
    stands = before == produced_ ? stands + 1 : 0;
    before = produced_;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  streams_.Stop();
  EXPECT_EQ(over_, 0);
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(Eventually([&] { return over_ == 1 && streams_.open() == 0; }));
  EXPECT_THAT(recorder_.codes(), ::testing::ElementsAre(absl::StatusCode::kUnavailable));
}

TEST_F(StreamsTest, TooManyAreRefusedWithAdvice) {
  pause_at_ = 1;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kLimit; ++i) {
    clients.push_back(std::make_unique<Client>(*this));
    EXPECT_EQ(clients.back()->Read(), 1);
  }
  Client late(*this);
  EXPECT_EQ(late.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(late.Trailer("grpc-retry-pushback-ms"), "5000");
  clients.pop_back();
  EXPECT_TRUE(Eventually([&] { return streams_.open() == kLimit - 1; }));
  Client next(*this);
  EXPECT_EQ(next.Read(), 1);
}

TEST_F(StreamsTest, ABusyExecutorDelaysAStreamAndRefusesANewOne) {
  pause_at_ = 1;
  Client client(*this, 2);
  EXPECT_EQ(client.Read(), 1);
  EXPECT_TRUE(Eventually([&] { return paused_ == 1 && executor_.idle(); }));
  pause_at_ = -1;
  std::atomic<bool> busy{true};
  const auto wait = [&] {
    while (busy) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(executor_.TryPost(wait));
  EXPECT_TRUE(Eventually([&] { return executor_.queued() == 0; }));
  for (int i = 0; i < kQueue; ++i) EXPECT_TRUE(executor_.TryPost([] {}));
  WakeLast();
  const grpc::Status status = Client(*this).Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  busy = false;
  // Or the stream may find no room again, and the clock stands still after this.
  EXPECT_TRUE(Eventually([&] { return executor_.idle(); }));
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(client.Read(), 2);
}

TEST_F(StreamsTest, TalksBothWaysUntilTheClientIsDone) {
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer a");
  const auto stream = stub_->Talk(&context);
  pb::TalkRequest request;
  request.set_parent(kPath);
  for (int i = 0; i < 100; ++i) {
    request.set_text(absl::StrCat(i));
    EXPECT_TRUE(stream->Write(request));
    request.clear_parent();
  }
  stream->WritesDone();
  pb::TalkResponse response;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.text(), absl::StrCat(i));
  }
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamsTest, EachMessageIsChecked) {
  for (const auto& [parent, text, code] :
       {std::tuple{"clinics/b", "x", grpc::StatusCode::NOT_FOUND},
        std::tuple{"clinics/B", "x", grpc::StatusCode::INVALID_ARGUMENT},
        std::tuple{"", "fail", grpc::StatusCode::RESOURCE_EXHAUSTED}}) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer a");
    const auto stream = stub_->Talk(&context);
    pb::TalkRequest request;
    request.set_parent(kPath);
    stream->Write(request);
    request.set_parent(parent);
    request.set_text(text);
    stream->Write(request);
    pb::TalkResponse response;
    while (stream->Read(&response)) {
    }
    EXPECT_EQ(stream->Finish().error_code(), code);
  }
}

TEST_F(StreamsTest, AStreamWithoutAFirstMessageEnds) {
  grpc::ClientContext silent;
  silent.AddMetadata("authorization", "Bearer a");
  const auto waiting = stub_->Talk(&silent);
  EXPECT_TRUE(Eventually([&] { return streams_.open() == 1; }));
  clock_.Advance(absl::Seconds(11));
  EXPECT_EQ(waiting->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);

  grpc::ClientContext empty;
  empty.AddMetadata("authorization", "Bearer a");
  const auto stream = stub_->Talk(&empty);
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StreamsTest, WhoIsCutOffHasNotSaidThatTheyAreDone) {
  for (int i = 0; i < 50; ++i) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer a");
    const auto stream = stub_->Talk(&context);
    pb::TalkRequest request;
    request.set_parent(kPath);
    ASSERT_TRUE(stream->Write(request));
    pb::TalkResponse response;
    ASSERT_TRUE(stream->Read(&response));
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
    ASSERT_TRUE(Eventually([&] { return over_ == i + 1; }));  // of open ones there are so many only
  }
  EXPECT_EQ(done_, 0);
}

// Who does not read what is said is not listened to for long, either.
TEST_F(StreamsTest, AHandlerThatHasNoRoomIsSentNoMore) {
  room_ = 3;
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer a");
  const auto stream = stub_->Talk(&context);
  std::atomic<int> sent = 0;
  std::thread writer([&] {
    pb::TalkRequest request;
    request.set_parent(kPath);
    request.set_text("loud");
    while (sent < 200 && stream->Write(request)) ++sent;
    stream->WritesDone();
  });
  int before = -1;
  while (before != heard_) {
    before = heard_;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  EXPECT_LT(heard_, 100);
  pb::TalkResponse response;
  int said = 0;
  while (stream->Read(&response)) ++said;
  writer.join();
  const grpc::Status over = stream->Finish();
  EXPECT_TRUE(over.ok()) << over.error_message();
  EXPECT_EQ(sent, 200);
  EXPECT_EQ(said, 200);
}

TEST(MessageRulesTest, ElementsThatAreCheckedAloneAreLeftToTheMethod) {
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      "ipt.test.v1.EchoService.Talk");
  absl::StatusOr<MethodInfo> talk = MethodInfo::Compile(*method, {"ipt.test.v1.TalkRequest.words"});
  ASSERT_TRUE(talk.ok());
  Caller caller;
  caller.clinics = {"a"};
  pb::TalkRequest request;
  request.set_parent(kPath);
  request.add_words()->set_text("far too long");
  request.mutable_words(0)->set_about("clinics/b/courses/c");
  RequestFacts facts;
  EXPECT_TRUE(talk->CheckRequest(request, caller, facts).ok());
  EXPECT_EQ(facts.clinic_id, "a");
  FieldViolations bad;
  RequestFacts of_word;
  MessageRules(*pb::Word::descriptor(), false).Check(request.words(0), bad, of_word);
  ASSERT_EQ(FieldViolationsOf(bad.ToStatus()).size(), 1u);
  EXPECT_EQ(FieldViolationsOf(bad.ToStatus())[0].field, "text");
  EXPECT_EQ(of_word.clinic_id, "b");
  // How many there may be holds all the same.
  for (int i = 0; i < 3; ++i) request.add_words();
  EXPECT_FALSE(talk->CheckRequest(request, caller, facts).ok());
}

}  // namespace
}  // namespace ipt::rpc
