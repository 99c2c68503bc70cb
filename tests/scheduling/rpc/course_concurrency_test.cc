// What many callers at once may not break, on both engines: limits that are counted, not
// constrained, series that meet, and what one transaction reads while another changes it.
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/rpc/content_hash.h"
#include "platform/rpc/proto_time.h"
#include "platform/storage/platform_migrations.h"
#include "scheduling/domain/calendar_loader.h"
#include "scheduling/domain/clinics.h"
#include "scheduling/domain/course_state.h"
#include "scheduling/domain/courses.h"
#include "scheduling/domain/patients.h"
#include "scheduling/domain/sessions.h"
#include "scheduling/domain/therapists.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/transfers.h"
#include "scheduling/rpc/course_handler.h"
#include "scheduling/rpc/event_proto.h"
#include "scheduling/storage/scheduling_migrations.h"
#include "scheduling/storage/sql_scheduling_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::scheduling {
namespace {

using ipt::testing::FailsWith;

constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

class CourseConcurrencyTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  CourseConcurrencyTest() {
    auto caller = std::make_shared<Caller>();
    caller->subject = "tester";
    caller_ = std::move(caller);
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      Clinic clinic;
      clinic.clinic_id = "north";
      clinic.time_zone = "UTC";
      IPT_RETURN_IF_ERROR(tx.InsertClinic(clinic, now_));
      for (const char* id : {"a", "b", "c"}) {
        Therapist therapist;
        therapist.clinic_id = "north";
        therapist.therapist_id = id;
        therapist.time_zone = "UTC";
        for (int day = 1; day <= 7; ++day) {
          therapist.working_hours.push_back({static_cast<Weekday>(day), 0, 1440});
        }
        therapist.max_active_courses = 3;
        IPT_RETURN_IF_ERROR(tx.InsertTherapist(therapist, now_));
      }
      return absl::OkStatus();
    }));
  }

  template <typename Request>
  CallContext Call(const Request& request) {
    CallContext ctx;
    ctx.caller = caller_;
    ctx.method = Request::descriptor()->full_name();
    ctx.now = now_;
    ctx.clinic_id = "north";
    ctx.request_id = ids_.NewUuid();
    ctx.content_hash = rpc::ContentHash(request);
    return ctx;
  }
  absl::StatusOr<pb::Course> Create(const std::string& patient, const std::string& therapist,
                                    bool allow_concurrent = false) {
    pb::CreateCourseRequest request;
    request.mutable_course()->set_allow_concurrent(allow_concurrent);
    request.mutable_course()->mutable_patient()->set_system("urn:mrn");
    request.mutable_course()->mutable_patient()->set_value(patient);
    request.mutable_course()->set_therapist(absl::StrCat("clinics/north/therapists/", therapist));
    return handler_.CreateCourse(Call(request), request);
  }
  absl::StatusOr<pb::BookPlanResponse> BookPlan(const std::string& course, int first_day) {
    pb::BookPlanRequest request;
    request.set_name(course);
    for (int i = 0; i < 8; ++i) {
      rpc::WriteTime(now_ + absl::Hours(24 * (first_day + i)),
                     request.add_slots()->mutable_start_time());
    }
    return handler_.BookPlan(Call(request), request);
  }
  // Runs `body(i)` on `count` threads at once.
  template <typename Body>
  static void Together(int count, Body body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
    for (std::thread& thread : threads) thread.join();
  }

  // Runs `first` in a transaction, and `second` beside it once `first` has run: `second` waits for
  // it, or goes before its commit.
  template <typename First, typename Second>
  void Overlapping(First first, Second second) {
    std::thread beside;
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      IPT_RETURN_IF_ERROR(first(tx));
      if (!beside.joinable()) beside = std::thread(second);
      absl::SleepFor(absl::Milliseconds(300));
      return absl::OkStatus();
    }));
    beside.join();
  }
  // Whatever is stored and called fresh is what computing it anew gives.
  void ExpectForecastsHold() {
    EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](SchedulingReader& reader) -> absl::Status {
      ClinicCalendars calendars(reader, "north");
      IPT_ASSIGN_OR_RETURN(const auto courses, reader.ListCourses("north", {}, "", kNoLimit));
      for (const Course& stored : courses) {
        IPT_ASSIGN_OR_RETURN(const bool fresh, IsFresh(calendars, stored, now_));
        if (!fresh) continue;
        Course course = stored;
        IPT_ASSIGN_OR_RETURN(auto sessions, AllSessions(reader, "north", course.course_id));
        IPT_RETURN_IF_ERROR(Derive(calendars, course, sessions, now_).status());
        EXPECT_EQ(course.forecast, stored.forecast) << "of therapist " << course.therapist_id;
      }
      return absl::OkStatus();
    }));
  }
  static std::string IdOf(const pb::Course& course) {
    return course.name().substr(course.name().rfind('/') + 1);
  }
  // Books where any course of the patient would have its first session.
  BookSessionCommand FirstSessionOf(const pb::Course& course) {
    BookSessionCommand command;
    command.course_id = IdOf(course);
    command.start = now_ + absl::Minutes(15);
    return command;
  }

  template <typename Body>
  absl::Status Write(Body body) {
    return store_.Write(absl::InfiniteFuture(),
                        [&](SchedulingTx& tx) -> absl::Status { return body(tx).status(); });
  }

  // Monday 2 November 2026, 12:00.
  const absl::Time now_ = absl::FromUnixSeconds(1'793'620'800);
  std::shared_ptr<const Caller> caller_;
  RandomIdSource ids_;
  ProtoEventEncoder encoder_;
  ipt::testing::TempDatabase db_{GetParam(),
                                 {storage::PlatformMigrations(), SchedulingMigrations()}};
  SqlSchedulingStore store_{*db_, encoder_};
  CourseHandler handler_{store_, ids_};
};

TEST_P(CourseConcurrencyTest, ATherapistNeverHasMoreCoursesThanTheyMay) {
  std::atomic<int> created = 0;
  Together(12, [&](int i) {
    const auto course = Create(absl::StrCat("p", i), "a");
    if (course.ok()) {
      ++created;
    } else {
      EXPECT_THAT(course, FailsWith(kPrecondition, "THERAPIST_FULL"));
    }
  });
  EXPECT_EQ(created, 3);
}

TEST_P(CourseConcurrencyTest, APatientNeverHasTwoOpenCourses) {
  std::atomic<int> created = 0;
  Together(8, [&](int i) {
    const auto course = Create("p", i % 2 == 0 ? "a" : "b");
    if (course.ok()) {
      ++created;
    } else {
      EXPECT_THAT(course, FailsWith(kPrecondition, "OPEN_COURSE_EXISTS"));
    }
  });
  EXPECT_EQ(created, 1);
}

TEST_P(CourseConcurrencyTest, OfSeriesThatMeetOneIsBookedWhole) {
  std::vector<std::string> courses;
  for (int i = 0; i < 3; ++i) {
    const auto course = Create(absl::StrCat("p", i), "a");
    ASSERT_OK(course);
    courses.push_back(course->name());
  }
  std::atomic<int> booked = 0;
  Together(3, [&](int i) {
    const auto plan = BookPlan(courses[i], 1 + i);  // each meets the others on six days or more
    if (plan.ok()) {
      ++booked;
      EXPECT_EQ(plan->sessions_size(), 8);
    } else {
      EXPECT_THAT(plan, FailsWith(kPrecondition, "SERIES_CONFLICT"));
    }
  });
  EXPECT_EQ(booked, 1);
  EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](SchedulingReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const auto sessions, reader.ListSessions("north", {}, std::nullopt, 100));
    EXPECT_EQ(sessions.size(), 8u);
    return absl::OkStatus();
  }));
}

// A client that gives up and asks again while the first attempt still waits.
TEST_P(CourseConcurrencyTest, ARetryBesideItsFirstAttemptGetsItsAnswer) {
  pb::CreateCourseRequest request;
  request.mutable_course()->mutable_patient()->set_system("urn:mrn");
  request.mutable_course()->mutable_patient()->set_value("p");
  request.mutable_course()->set_therapist("clinics/north/therapists/a");
  const CallContext ctx = Call(request);
  std::vector<absl::StatusOr<pb::Course>> answers(3);
  Overlapping(
      [](SchedulingTx& tx) { return tx.LockTherapist("north", "a").status(); },
      [&] { Together(3, [&](int i) { answers[i] = handler_.CreateCourse(ctx, request); }); });
  for (const auto& answer : answers) {
    ASSERT_OK(answer);
    EXPECT_EQ(answer->SerializeAsString(), answers[0]->SerializeAsString());
  }
  // Another request is refused as before.
  EXPECT_THAT(Create("p", "a"), FailsWith(kPrecondition, "OPEN_COURSE_EXISTS"));
}

TEST_P(CourseConcurrencyTest, ANewCourseKnowsOfABookingBesideItThatIsUnderWay) {
  const auto first = Create("p", "a");
  ASSERT_OK(first);
  const CallContext ctx = Call(pb::CreateCourseRequest());
  Overlapping(
      [&](SchedulingTx& tx) { return BookSession(tx, ctx, ids_, FirstSessionOf(*first)).status(); },
      [&] { EXPECT_OK(Create("p", "b", /*allow_concurrent=*/true)); });
  ExpectForecastsHold();
}

TEST_P(CourseConcurrencyTest, AReopenedCourseKnowsOfABookingBesideItThatIsUnderWay) {
  const auto closed = Create("p", "b", /*allow_concurrent=*/true);
  ASSERT_OK(closed);
  const CallContext ctx = Call(pb::CreateCourseRequest());
  ASSERT_OK(Write([&](SchedulingTx& tx) {
    return DiscontinueCourse(tx, ctx, IdOf(*closed), 0, ClosureReason::kOther);
  }));
  const auto first = Create("p", "a");
  ASSERT_OK(first);
  Overlapping(
      [&](SchedulingTx& tx) { return BookSession(tx, ctx, ids_, FirstSessionOf(*first)).status(); },
      [&] {
        EXPECT_OK(Write(
            [&](SchedulingTx& tx) { return ReopenCourse(tx, ctx, IdOf(*closed), 0, "mistake"); }));
      });
  ExpectForecastsHold();
}

TEST_P(CourseConcurrencyTest, ABookingKnowsOfACourseBesideItThatIsBeingGivenAway) {
  const auto first = Create("p", "a");
  ASSERT_OK(first);
  const auto second = Create("p", "b", /*allow_concurrent=*/true);
  ASSERT_OK(second);
  const CallContext ctx = Call(pb::CreateCourseRequest());
  TransferCourseCommand transfer;
  transfer.course_id = IdOf(*second);
  transfer.therapist_id = "c";
  Overlapping([&](SchedulingTx& tx) { return TransferCourse(tx, ctx, transfer).status(); },
              [&] {
                EXPECT_OK(Write([&](SchedulingTx& tx) {
                  return BookSession(tx, ctx, ids_, FirstSessionOf(*first));
                }));
              });
  ExpectForecastsHold();
}

TEST_P(CourseConcurrencyTest, AHolidayTellsOfASessionThatIsBeingBooked) {
  const auto course = Create("p", "a");
  ASSERT_OK(course);
  const CallContext ctx = Call(pb::CreateCourseRequest());
  BookSessionCommand command;
  command.course_id = course->name().substr(course->name().rfind('/') + 1);
  command.start = now_ + absl::Hours(24);
  absl::StatusOr<HolidaysCreated> created = absl::UnknownError("did not run");
  Overlapping([&](SchedulingTx& tx) { return BookSession(tx, ctx, ids_, command).status(); },
              [&] {
                EXPECT_OK(Write([&](SchedulingTx& tx) {
                  Holiday holiday;
                  holiday.clinic_id = "north";
                  holiday.day = absl::CivilDay(2026, 11, 3);
                  created = CreateHolidays(tx, ctx, "north", {holiday});
                  return created;
                }));
              });
  ASSERT_OK(created);
  EXPECT_EQ(created->affected.total, 1);
}

TEST_P(CourseConcurrencyTest, TimeOffLiesInTheZoneThatTheTherapistHasByThen) {
  const CallContext ctx = Call(pb::CreateCourseRequest());
  absl::StatusOr<TimeOffCreatedResult> created = absl::UnknownError("did not run");
  Overlapping(
      [&](SchedulingTx& tx) -> absl::Status {
        IPT_ASSIGN_OR_RETURN(const Therapist before, tx.LockTherapist("north", "a"));
        Therapist after = before;
        after.time_zone = "Asia/Tokyo";
        return UpdateTherapist(tx, ctx, before, after).status();
      },
      [&] {
        EXPECT_OK(Write([&](SchedulingTx& tx) {
          TimeOff off;
          off.clinic_id = "north";
          off.therapist_id = "a";
          off.time_off_id = "t";
          off.days = DayRange{absl::CivilDay(2026, 12, 1), absl::CivilDay(2026, 12, 1)};
          created = CreateTimeOff(tx, ctx, off);
          return created;
        }));
      });
  ASSERT_OK(created);
  EXPECT_EQ(created->time_off.interval.start,
            absl::FromCivil(absl::CivilDay(2026, 12, 1), *LoadZone("Asia/Tokyo")));
}

TEST_P(CourseConcurrencyTest, AnIdentifierIsChangedOnce) {
  ASSERT_OK(Create("p", "a"));
  const CallContext ctx = Call(pb::CreateCourseRequest());
  const auto change = [&](SchedulingTx& tx, const std::string& to) {
    return ChangePatientIdentifier(tx, ctx, {"urn:mrn", "p"}, {"urn:mrn", to});
  };
  Overlapping([&](SchedulingTx& tx) { return change(tx, "first").status(); },
              [&] {
                EXPECT_THAT(Write([&](SchedulingTx& tx) { return change(tx, "second"); }),
                            FailsWith(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
              });
}

// Its history and its event say so.
TEST_P(CourseConcurrencyTest, ACourseThatIsOpenedDuringAMergeIsOfOnePatient) {
  const auto kept = Create("p", "a");
  ASSERT_OK(kept);
  ASSERT_OK(Create("q", "a"));
  const CallContext ctx = Call(pb::CreateCourseRequest());
  ASSERT_OK(Write([&](SchedulingTx& tx) {
    return DiscontinueCourse(tx, ctx, kept->name().substr(kept->name().rfind('/') + 1), 0,
                             ClosureReason::kOther);
  }));
  std::thread merging;
  Overlapping(
      [&](SchedulingTx& tx) {
        return tx.LockCourse("north", kept->name().substr(kept->name().rfind('/') + 1)).status();
      },
      [&] {
        merging = std::thread([&] {
          EXPECT_OK(Write([&](SchedulingTx& tx) {
            return MergePatients(tx, ctx, {"urn:mrn", "p"}, {"urn:mrn", "q"});
          }));
        });
        absl::SleepFor(absl::Milliseconds(100));  // it waits for the course
        pb::CreateCourseRequest request;
        request.mutable_course()->mutable_patient()->set_system("urn:mrn");
        request.mutable_course()->mutable_patient()->set_value("p");
        request.mutable_course()->set_therapist("clinics/north/therapists/b");
        request.mutable_course()->set_allow_concurrent(true);
        EXPECT_OK(handler_.CreateCourse(Call(request), request));
      });
  merging.join();
  EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](SchedulingReader& reader) -> absl::Status {
    CourseFilter filter;
    filter.therapist_id = "b";
    IPT_ASSIGN_OR_RETURN(const auto courses, reader.ListCourses("north", filter, "", 10));
    EXPECT_EQ(courses.size(), 1u);
    const bool merged = courses[0].patient.value == "q";
    EXPECT_EQ(courses[0].changes.back().kind,
              merged ? CourseChangeKind::kPatientChanged : CourseChangeKind::kCreated);
    return absl::OkStatus();
  }));
}

IPT_INSTANTIATE_ON_BOTH_ENGINES(CourseConcurrencyTest);

}  // namespace
}  // namespace ipt::scheduling
