#include "ipt-load/fight.h"

#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "ipt-load/clinic_maker.h"
#include "platform/errors/status_macros.h"

namespace ipt::load {
namespace {

constexpr absl::Duration kSlot = absl::Hours(1);
constexpr int kSlotsADay = 10;
constexpr int kClientsAPatient = 4;
constexpr int kSetUpAtOnce = 16;  // while setting up

// What is fought for.
struct Field {
  std::string clinic;
  std::vector<std::string> therapists;
  std::vector<absl::Time> starts;  // free with each therapist
  // courses[patient][therapist]
  std::vector<std::vector<std::string>> courses;
};

struct Booking {
  std::string session;
  size_t therapist;
};

absl::StatusOr<Field> MakeField(const Connections& connections, const FightOptions& options) {
  Field field;
  RetryingCaller caller(connections, 0, options.patience);
  IPT_ASSIGN_OR_RETURN(field.clinic, MakeClinic(caller, options.clinic));
  for (int t = 0; t < options.therapists; ++t) {
    IPT_ASSIGN_OR_RETURN(field.therapists.emplace_back(),
                         MakeTherapist(caller, field.clinic, absl::StrCat("t", t)));
  }
  const absl::Time base = absl::UnixEpoch() +
                          absl::Floor(absl::Now() - absl::UnixEpoch(), absl::Hours(24)) +
                          absl::Hours(7 * 24 + 8);
  for (int i = 0; i < options.slots / options.therapists; ++i) {
    field.starts.push_back(base + absl::Hours(24) * (i / kSlotsADay) + kSlot * (i % kSlotsADay));
  }
  // An hour's slots need a patient each.
  const size_t patients = std::max(options.clients / kClientsAPatient, options.therapists);
  field.courses.assign(patients, std::vector<std::string>(options.therapists));
  IPT_RETURN_IF_ERROR(ForEach(connections, kSetUpAtOnce, patients * options.therapists,
                              [&](RetryingCaller& maker, size_t i) -> absl::Status {
                                const size_t patient = i / options.therapists;
                                const size_t therapist = i % options.therapists;
                                IPT_ASSIGN_OR_RETURN(
                                    field.courses[patient][therapist],
                                    MakeCourse(maker, field.clinic, field.therapists[therapist],
                                               absl::StrCat("p", patient), true));
                                return absl::OkStatus();
                              }));
  return field;
}

class Client {
 public:
  Client(const Connections& connections, const FightOptions& options, const Field& field,
         size_t index, BookingLog& log)
      : field_(field),
        log_(log),
        patient_(index % field.courses.size()),
        caller_(connections, index, options.patience) {}

  void Run(absl::Time until) {
    while (absl::Now() < until && result_.failed.size() < 20) Act();
    while (!straddling_.empty()) {
      // Whatever happens they must go, or slots stay blocked.
      if (!Cancel(straddling_)) break;
    }
  }

  // For the filling at the end: true once it is booked.
  bool BookFor(size_t patient, size_t therapist, absl::Time start) {
    return Book(field_.courses[patient][therapist], therapist, start, bookings_);
  }

  FightResult TakeResult() {
    result_.retries = caller_.counts();
    return std::move(result_);
  }

 private:
  void Act() {
    const size_t therapist = Below(field_.therapists.size());
    const std::string& course = field_.courses[patient_][therapist];
    const size_t dice = Below(100);
    if (!straddling_.empty()) {
      Cancel(straddling_);
    } else if (dice < 8 && !bookings_.empty()) {
      std::swap(bookings_[Below(bookings_.size())], bookings_.back());
      Cancel(bookings_);
    } else if (dice < 16 && !bookings_.empty()) {
      Move(bookings_[Below(bookings_.size())]);
    } else if (dice < 20) {
      Book(course, therapist, RandomStart() + kSlot / 2, straddling_);
    } else if (dice < 35) {
      BookSeries(course, therapist);
    } else {
      Book(course, therapist, RandomStart(), bookings_);
    }
  }

  bool Book(const std::string& course, size_t therapist, absl::Time start,
            std::vector<Booking>& into) {
    v1::BookSessionRequest request;
    request.set_parent(course);
    *request.mutable_start_time() = ToTimestamp(start);
    request.set_request_id(NewRequestId());
    v1::Session session;
    if (!Settled("BookSession",
                 caller_.Call(caller_.stubs().sessions, &v1::SessionService::Stub::BookSession,
                              request, session))) {
      return false;
    }
    CountFoundAgain(session.update_time());
    Keep("booked", session, therapist);
    into.push_back({session.name(), therapist});
    return true;
  }

  void BookSeries(const std::string& course, size_t therapist) {
    v1::BookPlanRequest request;
    request.set_name(course);
    std::set<absl::Time> starts;
    for (size_t n = 2 + Below(3); n > 0; --n) starts.insert(RandomStart());
    for (const absl::Time start : starts) {
      *request.add_slots()->mutable_start_time() = ToTimestamp(start);
    }
    request.set_request_id(NewRequestId());
    v1::BookPlanResponse response;
    if (!Settled("BookPlan", caller_.Call(caller_.stubs().courses,
                                          &v1::CourseService::Stub::BookPlan, request, response))) {
      return;
    }
    if (response.sessions_size() != static_cast<int>(starts.size())) {
      return Fail("BookPlan answered with another number of sessions than it was asked for");
    }
    CountFoundAgain(response.course().update_time());
    for (const v1::Session& session : response.sessions()) {
      Keep("booked", session, therapist);
      bookings_.push_back({session.name(), therapist});
    }
  }

  void Move(const Booking& booking) {
    v1::RescheduleSessionRequest request;
    request.set_name(booking.session);
    *request.mutable_start_time() = ToTimestamp(RandomStart());
    request.set_scope(v1::RESCHEDULE_SCOPE_THIS);
    request.set_request_id(NewRequestId());
    v1::RescheduleSessionResponse response;
    if (!Settled("RescheduleSession",
                 caller_.Call(caller_.stubs().sessions,
                              &v1::SessionService::Stub::RescheduleSession, request, response))) {
      return;
    }
    if (response.sessions_size() != 1) {
      return Fail("RescheduleSession answered with another number of sessions than one");
    }
    Keep("moved", response.sessions(0), booking.therapist);
  }

  // The last one of `from`.
  bool Cancel(std::vector<Booking>& from) {
    const Booking booking = from.back();
    from.pop_back();
    v1::CancelSessionRequest request;
    request.set_name(booking.session);
    request.set_cancelled_by(v1::CANCELLED_BY_CLINIC);
    request.set_request_id(NewRequestId());
    v1::Session session;
    const grpc::Status status = caller_.Call(
        caller_.stubs().sessions, &v1::SessionService::Stub::CancelSession, request, session);
    if (status.ok()) {
      CountFoundAgain(session.update_time());
      log_.Write(absl::StrCat("cancelled ", booking.session));
    }
    // One's own booking to come is always there to be cancelled.
    if (!Settled("CancelSession", status)) {
      if (MayBeRefused()) Fail(absl::StrCat("CancelSession was refused: ", caller_.facts().name));
      return false;
    }
    return true;
  }

  void Keep(const char* event, const v1::Session& session, size_t therapist) {
    if (session.therapist() != field_.therapists[therapist]) {
      Fail(absl::StrCat(session.name(), " was booked with another therapist"));
    }
    log_.Write(absl::StrCat(event, " ", session.name(), " ", session.therapist(), " ",
                            absl::ToUnixMicros(FromTimestamp(session.start_time()))));
  }

  // Counts the answer. True: it was done.
  bool Settled(const char* method, const grpc::Status& status) {
    ++result_.calls;
    if (status.ok()) {
      ++result_.acknowledged[method];
      return true;
    }
    if (status.error_code() == grpc::StatusCode::FAILED_PRECONDITION && MayBeRefused()) {
      ++result_.refused[caller_.facts().reason];
    } else {
      Fail(absl::StrCat(method, ": ", caller_.facts().name, ": ", status.error_message()),
           absl::StrCat(method, " ", caller_.facts().name));
    }
    return false;
  }

  bool MayBeRefused() const {
    const ErrorFacts& facts = caller_.facts();
    return facts.explained && (facts.reason == "SLOT_TAKEN" || facts.reason == "SERIES_CONFLICT" ||
                               facts.reason == "SESSION_LIMIT");
  }

  void Fail(const std::string& what, const std::string& kind = "wrong answer") {
    ++result_.failed[kind];
    if (result_.failures.size() < 20) result_.failures.push_back(what);
  }

  // Server and client share a clock in drills: work done before the last attempt was sent is an
  // earlier attempt's.
  void CountFoundAgain(const google::protobuf::Timestamp& done) {
    if (caller_.repeated() && FromTimestamp(done) < caller_.last_sent()) ++result_.found_again;
  }

  absl::Time RandomStart() { return field_.starts[Below(field_.starts.size())]; }
  size_t Below(size_t limit) { return absl::Uniform<size_t>(random_, 0, limit); }

  const Field& field_;
  BookingLog& log_;
  const size_t patient_;
  RetryingCaller caller_;
  absl::InsecureBitGen random_;
  std::vector<Booking> bookings_;
  std::vector<Booking> straddling_;  // off the grid: cancelled at once
  FightResult result_;
};

void AddInto(std::map<std::string, int64_t>& sum, const std::map<std::string, int64_t>& part) {
  for (const auto& [name, n] : part) sum[name] += n;
}

void Merge(FightResult& sum, const FightResult& part) {
  sum.calls += part.calls;
  AddInto(sum.acknowledged, part.acknowledged);
  AddInto(sum.refused, part.refused);
  AddInto(sum.failed, part.failed);
  sum.failures.insert(sum.failures.end(), part.failures.begin(), part.failures.end());
  if (sum.failures.size() > 20) sum.failures.resize(20);
  sum.retries.Add(part.retries);
  sum.found_again += part.found_again;
}

}  // namespace

absl::StatusOr<FightResult> Fight(const Connections& connections, const FightOptions& options,
                                  BookingLog& log) {
  IPT_ASSIGN_OR_RETURN(const Field field, MakeField(connections, options));
  log.Write(absl::StrCat("clinic ", field.clinic));
  for (const std::string& therapist : field.therapists) {
    for (const absl::Time start : field.starts) {
      log.Write(absl::StrCat("slot ", therapist, " ", absl::ToUnixMicros(start)));
    }
  }

  FightResult result;
  std::mutex mutex;
  std::vector<std::thread> clients;
  const absl::Time until = absl::Now() + options.duration;
  for (int i = 0; i < options.clients; ++i) {
    clients.emplace_back([&, i] {
      Client client(connections, options, field, i, log);
      client.Run(until);
      const FightResult part = client.TakeResult();
      const std::lock_guard lock(mutex);
      Merge(result, part);
    });
  }
  for (std::thread& client : clients) client.join();

  // What is left, one by one.
  RetryingCaller reader(connections, 0, options.patience);
  v1::ListSessionsRequest request;
  request.set_parent(absl::StrCat(field.clinic, "/courses/-"));
  request.add_states(v1::SESSION_STATE_BOOKED);
  IPT_ASSIGN_OR_RETURN(const std::vector<v1::Session> sessions, ListAllSessions(reader, request));
  std::set<SlotKey> taken;
  for (const v1::Session& session : sessions) {
    taken.emplace(session.therapist(), absl::ToUnixMicros(FromTimestamp(session.start_time())));
  }
  Client filler(connections, options, field, 0, log);
  for (size_t t = 0; t < field.therapists.size(); ++t) {
    for (size_t s = 0; s < field.starts.size(); ++s) {
      if (taken.contains({field.therapists[t], absl::ToUnixMicros(field.starts[s])})) continue;
      bool booked = false;
      for (size_t p = 0; p < field.courses.size() && !booked; ++p) {
        booked = filler.BookFor((s + p) % field.courses.size(), t, field.starts[s]);
      }
      booked ? ++result.filled_at_the_end : ++result.never_filled;
    }
  }
  Merge(result, filler.TakeResult());
  result.retries.Add(reader.counts());
  return result;
}

}  // namespace ipt::load
