// What a booking costs the process that does it: BookSession from its handler to the commit on
// SQLite, one after the other on one thread, booked as ipt-load books (therapists around the clock,
// 16 weekly sessions a course). Prints the processor time of a booking and its statements with the
// wall clock of each.
//
//   booking_bench            96 courses
//   booking_bench 12
//
// On a machine that does other work instructions tell more than time; of the bookings alone:
//   valgrind --tool=callgrind --collect-atstart=no
//     '--toggle-collect=ipt::scheduling::SessionHandler::BookSession*' booking_bench 12
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/rpc/content_hash.h"
#include "platform/rpc/proto_time.h"
#include "platform/storage/platform_migrations.h"
#include "scheduling/rpc/course_handler.h"
#include "scheduling/rpc/event_proto.h"
#include "scheduling/rpc/session_handler.h"
#include "scheduling/storage/scheduling_migrations.h"
#include "scheduling/storage/sql_scheduling_store.h"
#include "tests/support/temp_database.h"

namespace ipt::scheduling {
namespace {

constexpr int kTherapists = 8;
constexpr int kSessions = 16;

class Statements final : public storage::StorageObserver {
 public:
  void OnStatement(absl::string_view sql, absl::Duration took, bool) override { Add(sql, took); }
  void OnCommit(size_t, absl::Duration took, bool) override { Add("COMMIT", took); }

  void Forget() { by_text_.clear(); }
  void Print(int bookings) const {
    for (const auto& [sql, runs] : by_text_) {
      std::printf("%7.2f a booking %9.1f us each  %.90s\n", 1.0 * runs.first / bookings,
                  absl::ToDoubleMicroseconds(runs.second / runs.first), sql.c_str());
    }
  }

 private:
  void Add(absl::string_view sql, absl::Duration took) {
    auto& [count, all] = by_text_[std::string(sql)];
    ++count;
    all += took;
  }

  std::map<std::string, std::pair<int, absl::Duration>> by_text_;
};

class Desk {
 public:
  Desk() {
    auto caller = std::make_shared<Caller>();
    caller->subject = "clinic-desk-program";
    caller->clinics = {"north"};
    caller_ = std::move(caller);
  }

  template <typename Request>
  CallContext Write(const Request& request) {
    CallContext ctx;
    ctx.caller = caller_;
    ctx.method = Request::descriptor()->full_name();
    ctx.now = now_;
    ctx.deadline = deadline_;
    ctx.clinic_id = "north";
    ctx.request_id = ids_.NewUuid();
    ctx.content_hash = rpc::ContentHash(request);
    return ctx;
  }

  absl::Status Open() {
    return store_.Write(deadline_, [&](SchedulingTx& tx) -> absl::Status {
      Clinic clinic;
      clinic.clinic_id = "north";
      clinic.display_name = "North";
      clinic.time_zone = "Etc/UTC";
      IPT_RETURN_IF_ERROR(tx.InsertClinic(clinic, now_));
      for (int t = 0; t < kTherapists; ++t) {
        Therapist therapist;
        therapist.clinic_id = "north";
        therapist.therapist_id = absl::StrCat("therapist-", t);
        therapist.display_name = therapist.therapist_id;
        therapist.time_zone = "Etc/UTC";
        for (int day = 1; day <= 7; ++day) {
          therapist.working_hours.push_back({static_cast<Weekday>(day), 0, 1440});
        }
        IPT_RETURN_IF_ERROR(tx.InsertTherapist(therapist, now_));
      }
      return absl::OkStatus();
    });
  }

  absl::StatusOr<pb::Course> OpenCourse(int number) {
    pb::CreateCourseRequest request;
    request.set_parent("clinics/north");
    request.mutable_course()->mutable_patient()->set_system("urn:ipt-load");
    request.mutable_course()->mutable_patient()->set_value(absl::StrCat("patient-", number));
    request.mutable_course()->set_therapist(
        absl::StrCat("clinics/north/therapists/therapist-", number % kTherapists));
    return courses_.CreateCourse(Write(request), request);
  }

  absl::StatusOr<pb::Session> Book(const std::string& course, int number, int session) {
    pb::BookSessionRequest request;
    request.set_parent(course);
    const absl::Time first = absl::UnixEpoch() +
                             absl::Floor(now_ - absl::UnixEpoch(), absl::Hours(24)) +
                             absl::Hours(48 + number / kTherapists);
    rpc::WriteTime(first + absl::Hours(24 * 7 * session), request.mutable_start_time());
    return sessions_.BookSession(Write(request), request);
  }

  Statements& statements() { return statements_; }

 private:
  const absl::Time now_ = absl::Now();
  // Without one, valgrind's arithmetic lets the store time out at once.
  const absl::Time deadline_ = now_ + absl::Hours(1);
  std::shared_ptr<const Caller> caller_;
  RandomIdSource ids_;
  Statements statements_;
  ProtoEventEncoder encoder_;
  ipt::testing::TempDatabase db_{storage::Dialect::kSqlite,
                                 {storage::PlatformMigrations(), SchedulingMigrations()},
                                 {},
                                 nullptr,
                                 &statements_};
  SqlSchedulingStore store_{*db_, encoder_};
  CourseHandler courses_{store_, ids_};
  SessionHandler sessions_{store_, ids_};
};

absl::Status Run(int courses) {
  Desk desk;
  IPT_RETURN_IF_ERROR(desk.Open());
  std::vector<std::string> names;
  for (int i = 0; i < courses; ++i) {
    IPT_ASSIGN_OR_RETURN(const pb::Course course, desk.OpenCourse(i));
    names.push_back(course.name());
  }
  desk.statements().Forget();
  const std::clock_t begin = std::clock();
  for (int i = 0; i < courses; ++i) {
    for (int k = 0; k < kSessions; ++k) {
      IPT_RETURN_IF_ERROR(desk.Book(names[i], i, k).status());
    }
  }
  const double seconds = 1.0 * (std::clock() - begin) / CLOCKS_PER_SEC;
  const int bookings = courses * kSessions;
  std::printf("%d bookings, %.0f us of processor time each\n", bookings, 1e6 * seconds / bookings);
  desk.statements().Print(bookings);
  return absl::OkStatus();
}

}  // namespace
}  // namespace ipt::scheduling

int main(int argc, char** argv) {
  int courses = 96;
  if (argc > 2 || (argc == 2 && (!absl::SimpleAtoi(argv[1], &courses) || courses < 1))) {
    std::fprintf(stderr, "usage: booking_bench [COURSES]\n");
    return 2;
  }
  const absl::Status status = ipt::scheduling::Run(courses);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
