#include "ipt-load/closed_loop.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "google/protobuf/arena.h"
#include "grpcpp/alarm.h"
#include "grpcpp/generic/generic_stub.h"
#include "ipt-load/clinic_maker.h"
#include "ipt/formulation/v1/formulation_service.pb.h"
#include "ipt/formulation/v1/protocol_service.pb.h"
#include "platform/sync/countdown.h"

namespace ipt::load {
namespace {

namespace fv1 = ::ipt::formulation::v1;

constexpr absl::Duration kRest = absl::Milliseconds(20);

// What all lanes share.
struct Run {
  const Connections& connections;
  Workload& workload;
  Forms& forms;
  std::vector<std::string> deck;  // an entry for each unit of weight
  absl::Time measure_from;
  absl::Time until;
  std::atomic<bool> ran_out = false;
  Countdown lanes;
};

template <typename Stub>
using AsyncOf = std::remove_pointer_t<decltype(std::declval<Stub>().async())>;
using HealthAsync = AsyncOf<grpc::health::v1::Health::Stub>;
using CoursesAsync = AsyncOf<v1::CourseService::Stub>;
using SessionsAsync = AsyncOf<v1::SessionService::Stub>;
using MeasurementsAsync = AsyncOf<ov1::MeasurementService::Stub>;

// One call in flight after the other. Runs on gRPC's threads, one at a time.
class Lane {
 public:
  Lane(Run& run, size_t index) : run_(run), stubs_(run.connections.at(index)) {}

  void Next() {
    if (absl::Now() >= run_.until || run_.ran_out) {
      run_.lanes.Done();
      return;
    }
    const std::string& operation = Any(run_.deck);
    if (operation == "empty") return Empty();
    if (operation == "get-course") return GetCourse();
    if (operation == "get-forecast") return GetForecast();
    if (operation == "list-courses") return ListCourses();
    if (operation == "list-sessions") return ListSessions();
    if (operation == "find-slots") return FindSlots();
    if (operation == "plan") return Plan();
    if (operation == "record") return RecordMeasurement();
    if (operation == "get-formulation") return GetFormulation();
    if (operation == "get-guide") return GetGuide();
    return BookSession();
  }

  std::map<std::string, MethodResult>& results() { return results_; }

 private:
  template <typename Request, typename Response>
  struct Pending {
    grpc::ClientContext context;
    Request request;
    // Answers are parsed into an arena, as a client in a hurry does.
    alignas(8) char block[4096];
    google::protobuf::Arena arena{block, sizeof(block)};
    Response& response = *google::protobuf::Arena::CreateMessage<Response>(&arena);
  };

  template <typename Async, typename Request, typename Response>
  void Send(const char* operation, Async* stub,
            void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                  std::function<void(grpc::Status)>),
            Request request, std::function<void(const Response&)> keep = nullptr) {
    auto pending = std::make_shared<Pending<Request, Response>>();
    pending->request = std::move(request);
    run_.connections.Prepare(pending->context);
    const absl::Time began = absl::Now();
    (stub->*method)(&pending->context, &pending->request, &pending->response,
                    [this, pending, operation, began, keep = std::move(keep)](grpc::Status status) {
                      Record(operation, began, status, pending->context);
                      if (status.ok() && keep) keep(pending->response);
                      GoOn(status);
                    });
  }

  // Of a service without a stub here: "/package.Service/Method".
  template <typename Response, typename Request>
  void SendTo(const char* operation, const char* method, Request request) {
    auto pending = std::make_shared<Pending<Request, Response>>();
    pending->request = std::move(request);
    run_.connections.Prepare(pending->context);
    const absl::Time began = absl::Now();
    grpc::TemplatedGenericStub<Request, Response>(stubs_.channel)
        .UnaryCall(&pending->context, method, {}, &pending->request, &pending->response,
                   [this, pending, operation, began](grpc::Status status) {
                     Record(operation, began, status, pending->context);
                     GoOn(status);
                   });
  }

  void GoOn(const grpc::Status& status) {
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return Rest();
    Next();
  }

  void Record(const char* operation, absl::Time began, const grpc::Status& status,
              const grpc::ClientContext& context) {
    const absl::Time now = absl::Now();
    if (now < run_.measure_from || now >= run_.until) return;
    MethodResult& result = results_[operation];
    result.latency.Add(now - began);
    if (!status.ok()) CountError(status, context, result);
  }

  void Rest() {
    alarm_.emplace();
    alarm_->Set(absl::ToChronoTime(absl::Now() + kRest), [this](bool) { Next(); });
  }

  void Empty() { Send("empty", stubs_.health->async(), &HealthAsync::Check, {}); }

  void GetCourse() {
    v1::GetCourseRequest request;
    request.set_name(Any(run_.workload.courses()));
    Send("get-course", stubs_.courses->async(), &CoursesAsync::GetCourse, std::move(request));
  }

  void GetForecast() {
    v1::GetCourseForecastRequest request;
    request.set_name(Any(run_.workload.courses()));
    Send("get-forecast", stubs_.courses->async(), &CoursesAsync::GetCourseForecast,
         std::move(request));
  }

  void ListCourses() {
    v1::ListCoursesRequest request;
    request.set_parent(Any(run_.workload.clinics()));
    request.set_page_size(20);
    Send("list-courses", stubs_.courses->async(), &CoursesAsync::ListCourses, std::move(request));
  }

  void ListSessions() {
    v1::ListSessionsRequest request;
    request.set_parent(Any(run_.workload.courses()));
    Send("list-sessions", stubs_.sessions->async(), &SessionsAsync::ListSessions,
         std::move(request));
  }

  void FindSlots() {
    v1::FindSlotsRequest request;
    request.set_parent(Any(run_.workload.clinics()));
    const absl::Time from = absl::Now() + absl::Hours(24);
    *request.mutable_start_time() = ToTimestamp(from);
    *request.mutable_end_time() = ToTimestamp(from + absl::Hours(24 * 7));
    request.set_page_size(20);
    Send("find-slots", stubs_.sessions->async(), &SessionsAsync::FindSlots, std::move(request));
  }

  void Plan() {
    v1::PlanCourseRequest request;
    request.set_name(Any(run_.workload.courses()));
    request.set_session_count(kCourseSessions);
    Send("plan", stubs_.courses->async(), &CoursesAsync::PlanCourse, std::move(request));
  }

  void RecordMeasurement() {
    Send("record", stubs_.measurements->async(), &MeasurementsAsync::RecordMeasurement,
         run_.forms.Next().request);
  }

  void GetFormulation() {
    fv1::GetFormulationRequest request;
    request.set_course(Any(run_.workload.courses()));
    SendTo<fv1::Formulation>("get-formulation",
                             "/ipt.formulation.v1.FormulationService/GetFormulation",
                             std::move(request));
  }

  void GetGuide() {
    fv1::GetSessionGuideRequest request;
    request.set_session(Any(run_.workload.sessions()));
    SendTo<fv1::SessionGuide>("get-guide", "/ipt.formulation.v1.ProtocolService/GetSessionGuide",
                              std::move(request));
  }

  void BookSession() {
    if (!open_.has_value() || booked_ == kCourseSessions) {
      open_ = run_.workload.TakeOpenCourse();
      booked_ = 0;
    }
    if (!open_.has_value()) return CreateCourse();
    v1::BookSessionRequest request;
    request.set_parent(open_->name);
    *request.mutable_start_time() = ToTimestamp(open_->first + booked_ * absl::Hours(24 * 7));
    request.set_request_id(NewRequestId());
    ++booked_;
    Send("book-session", stubs_.sessions->async(), &SessionsAsync::BookSession, std::move(request));
  }

  // No prepared course is left to book sessions of.
  void CreateCourse() {
    const std::optional<CoursePlace> place = run_.workload.NextPlace();
    if (!place.has_value()) {
      run_.ran_out = true;
      return Next();
    }
    std::function<void(const v1::Course&)> keep = [this, place](const v1::Course& course) {
      open_ = OpenCourse{course.name(), place->first};
    };
    Send("create-course", stubs_.courses->async(), &CoursesAsync::CreateCourse,
         CourseRequest(place->clinic, place->therapist, NewRequestId(), false), std::move(keep));
  }

  const std::string& Any(const std::vector<std::string>& of) {
    return of[absl::Uniform<size_t>(random_, 0, of.size())];
  }

  Run& run_;
  const Stubs& stubs_;
  absl::InsecureBitGen random_;
  std::optional<OpenCourse> open_;
  int booked_ = 0;
  std::optional<grpc::Alarm> alarm_;
  std::map<std::string, MethodResult> results_;
};

}  // namespace

const std::vector<Operation>& Operations() {
  static const auto* const operations = new std::vector<Operation>{
      {"empty", "grpc.health.v1.Health/Check, which no handler of ours runs: the limit of gRPC"},
      {"get-course", "GetCourse of any course"},
      {"get-forecast", "GetCourseForecast of any course"},
      {"list-courses", "ListCourses of any clinic, a page of 20"},
      {"list-sessions", "ListSessions of any course"},
      {"find-slots", "FindSlots of any clinic, the week from tomorrow, a page of 20"},
      {"plan", "PlanCourse of any course, 16 sessions around what is booked"},
      {"get-formulation", "GetFormulation of any course; the server has formulation, too"},
      {"get-guide", "GetSessionGuide of any session of any course; as get-formulation"},
      {"record",
       "RecordMeasurement, durable, of all courses in turn: a PHQ-9, --risk of them with a risk "
       "answer; needs --setup"},
      {"book-session",
       "BookSession, durable, of a course of its own; needs --setup. When a course is full the "
       "next "
       "is taken from --spare_courses, else made (shown as create-course)"},
  };
  return *operations;
}

absl::StatusOr<std::map<std::string, int>> ParseMix(absl::string_view text) {
  std::map<std::string, int> mix;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(part, absl::MaxSplits('=', 1));
    std::vector<std::string> names;
    bool known = false;
    for (const Operation& operation : Operations()) {
      names.push_back(operation.name);
      known |= pair.first == operation.name;
    }
    if (!known) {
      return absl::InvalidArgumentError(absl::StrCat("--mix: there is no operation ", pair.first,
                                                     "; take ", absl::StrJoin(names, ", ")));
    }
    int weight = 1;
    if (!pair.second.empty() &&
        (!absl::SimpleAtoi(pair.second, &weight) || weight < 1 || weight > 1000)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--mix: the weight of ", pair.first, " must be 1 to 1000"));
    }
    mix[pair.first] = weight;
  }
  if (mix.empty()) return absl::InvalidArgumentError("--mix: name at least one operation");
  return mix;
}

void CountError(const grpc::Status& status, const grpc::ClientContext& context,
                MethodResult& result) {
  const ErrorFacts facts = FactsOf(status, context);
  ++result.errors[facts.name];
  ++result.error_calls;
  result.with_retry_info += facts.has_retry_info ? 1 : 0;
  result.with_pushback += facts.has_pushback ? 1 : 0;
}

LoadResult RunLoad(const Connections& connections, Workload& workload, Forms& forms,
                   const LoadOptions& options) {
  const absl::Time began = absl::Now();
  Run run{connections,
          workload,
          forms,
          {},
          began + options.warmup,
          began + options.warmup + options.duration,
          false,
          Countdown(options.in_flight)};
  for (const auto& [operation, weight] : options.mix) {
    run.deck.insert(run.deck.end(), weight, operation);
  }
  std::vector<std::unique_ptr<Lane>> lanes;
  for (int i = 0; i < options.in_flight; ++i) lanes.push_back(std::make_unique<Lane>(run, i));
  for (const auto& lane : lanes) lane->Next();
  run.lanes.Wait();

  LoadResult result;
  result.measured = std::min(absl::Now(), run.until) - run.measure_from;
  result.ran_out = run.ran_out;
  for (const auto& lane : lanes) {
    for (auto& [operation, part] : lane->results()) {
      MethodResult& sum = result.methods[operation];
      sum.latency.Merge(part.latency);
      for (const auto& [name, n] : part.errors) sum.errors[name] += n;
      sum.error_calls += part.error_calls;
      sum.with_retry_info += part.with_retry_info;
      sum.with_pushback += part.with_pushback;
    }
  }
  return result;
}

}  // namespace ipt::load
