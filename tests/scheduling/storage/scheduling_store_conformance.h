// What the conformance tests of scheduling's store share: a fresh store of either engine, short
// verbs for one transaction each, and samples with every field set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/platform_migrations.h"
#include "platform/storage/sql_error.h"
#include "scheduling/domain/reasons.h"
#include "scheduling/domain/store.h"
#include "scheduling/storage/scheduling_migrations.h"
#include "scheduling/storage/sql_scheduling_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::scheduling {

using ::ipt::testing::FailsWith;
using ::ipt::testing::IsOk;
using ::ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

inline absl::Time At(int64_t minutes) { return absl::FromUnixSeconds(1767225600 + 60 * minutes); }
inline absl::Time Now() { return At(0) + absl::Microseconds(7); }

// Everything beyond ASCII that a text may hold, and what SQL and JSON would stumble over.
inline constexpr char kHardText[] = "Ünï ☃ 𝄞 'q' \"d\" \\ :name ? $1 % {} \n\t";

class TestEncoder final : public EventEncoder {
 public:
  Encoded Encode(const Event& event) const override {
    return {"c1", absl::StrCat("subject-", event.index()), absl::StrCat("KIND_", event.index()),
            std::string("payload\0with nul", 16)};
  }
};

inline Clinic SampleClinic(const std::string& id) {
  return {.clinic_id = id,
          .display_name = kHardText,
          .time_zone = "Europe/Berlin",
          .policy = {.session_minutes = 50,
                     .cadence_days = 7,
                     .cadence_tolerance_days = 0,
                     .cancellation_notice_hours = 24,
                     .pause_cap_days = 28,
                     .no_show_uses_session = true,
                     .late_cancellation_uses_session = false,
                     .slot_minutes = 15,
                     .variant_phases = {{"ipt-b-8", 1, 2}, {"ipsrt", 5, 3}}},
          .stamp = {}};
}

inline Therapist SampleTherapist(const std::string& id) {
  return {.clinic_id = "c1",
          .therapist_id = id,
          .display_name = kHardText,
          .time_zone = "Australia/Lord_Howe",
          .working_hours = {{Weekday::kMonday, 0, 1440}, {Weekday::kSunday, 540, 1020}},
          .session_minutes = 50,
          .buffer_minutes = 10,
          .max_active_courses = 12,
          .languages = {"de", "en-GB"},
          .variants = {"ipt-acute", "ipt-b"},
          .active = true,
          .open_courses = 0,
          .stamp = {}};
}

// An open course that stays fresh until the far future.
inline Course SampleCourse(const std::string& id, const std::string& patient_id = "p1",
                           const std::string& therapist_id = "t1") {
  Course course;
  course.clinic_id = "c1";
  course.course_id = id;
  course.patient_id = patient_id;
  course.patient = {"urn:mrn", absl::StrCat("value-", patient_id)};
  course.therapist_id = therapist_id;
  course.variant_id = "ipt-acute";
  course.indication = Indication::kPerinatalDepression;
  course.state = CourseState::kActive;
  course.planned_sessions = 16;
  course.duration_weeks = 16;
  course.cadence_days = 7;
  course.cadence_tolerance_days = 2;
  course.modality = Modality::kVideo;
  course.time_zone = "Europe/Berlin";
  course.session_minutes = 50;
  course.progress.deadline_day = absl::CivilDay(2026, 5, 1);
  course.valid_until = absl::InfiniteFuture();
  course.therapist_calendar_version = 1;
  course.clinic_calendar_version = 1;
  course.reminder_version = 1;
  return course;
}

// A booked session of 50 minutes and 10 of buffer, of therapist t1 and patient p1.
inline Session SampleSession(const std::string& id, int64_t start_minute,
                             const std::string& course_id = "k1") {
  Session session;
  session.clinic_id = "c1";
  session.course_id = course_id;
  session.session_id = id;
  session.therapist_id = "t1";
  session.patient_id = "p1";
  session.interval = {At(start_minute), At(start_minute + 50)};
  session.blocked_until = At(start_minute + 60);
  session.time_zone = "Europe/Berlin";
  session.modality = Modality::kInPerson;
  return session;
}

class SchedulingStoreTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  // One transaction each; what the body returned.
  template <typename Body>
  auto Read(Body body) -> std::invoke_result_t<Body, SchedulingReader&> {
    std::optional<std::invoke_result_t<Body, SchedulingReader&>> result;
    const absl::Status status = store_.Read(Deadline(), [&](SchedulingReader& reader) {
      result.emplace(body(reader));
      return ipt::testing::GetStatus(*result);
    });
    if (!status.ok()) return status;
    return *std::move(result);
  }
  template <typename Body>
  auto Write(Body body) -> std::invoke_result_t<Body, SchedulingTx&> {
    std::optional<std::invoke_result_t<Body, SchedulingTx&>> result;
    const absl::Status status = store_.Write(Deadline(), [&](SchedulingTx& tx) {
      result.emplace(body(tx));
      return ipt::testing::GetStatus(*result);
    });
    if (!status.ok()) return status;
    return *std::move(result);
  }
  // Raw SQL, past the store.
  absl::Status Sql(absl::string_view sql) {
    return db_->Write({}, [&](storage::Connection& conn) { return conn.ExecuteScript(sql); });
  }
  int64_t Count(absl::string_view from_where) {
    int64_t count = -1;
    const std::string sql = absl::StrCat("SELECT COUNT(*) FROM ", from_where);
    const absl::Status status = db_->Read({}, [&](storage::Connection& conn) {
      return conn.Query({sql, {storage::ColumnType::kInt64}}, {}, [&](const storage::Row& row) {
        count = row.Int64(0);
        return absl::OkStatus();
      });
    });
    EXPECT_OK(status);
    return count;
  }

  // Clinic c1, therapists t1 and t2, patients p1 and p2 (identifier urn:mrn, value-<id>).
  void AddBasics() {
    ASSERT_OK(Write([](SchedulingTx& tx) -> absl::Status {
      Clinic clinic = SampleClinic("c1");
      IPT_RETURN_IF_ERROR(tx.InsertClinic(clinic, Now()));
      for (const char* id : {"t1", "t2"}) {
        Therapist therapist = SampleTherapist(id);
        IPT_RETURN_IF_ERROR(tx.InsertTherapist(therapist, Now()));
      }
      for (const char* id : {"p1", "p2"}) {
        const Identifier identifier = {"urn:mrn", absl::StrCat("value-", id)};
        IPT_RETURN_IF_ERROR(tx.FindOrAddPatient("c1", identifier, id, Now()).status());
      }
      return absl::OkStatus();
    }));
  }
  // The same and the courses k1 (t1, p1) and k2 (t2, p2).
  void AddCourses() {
    AddBasics();
    ASSERT_OK(Insert(SampleCourse("k1", "p1", "t1")));
    ASSERT_OK(Insert(SampleCourse("k2", "p2", "t2")));
  }

  absl::StatusOr<Course> Insert(Course course, absl::Time now = Now()) {
    return Write([&](SchedulingTx& tx) -> absl::StatusOr<Course> {
      Course copy = course;
      IPT_RETURN_IF_ERROR(tx.InsertCourse(copy, now));
      return copy;
    });
  }
  absl::StatusOr<std::vector<Session>> Insert(const std::vector<Session>& sessions,
                                              absl::Time now = Now()) {
    return Write([&](SchedulingTx& tx) -> absl::StatusOr<std::vector<Session>> {
      std::vector<Session> copy = sessions;
      IPT_RETURN_IF_ERROR(tx.InsertSessions(copy, now));
      return copy;
    });
  }
  absl::StatusOr<std::vector<Session>> Update(const std::vector<Session>& sessions,
                                              absl::Time now = Now()) {
    return Write([&](SchedulingTx& tx) -> absl::StatusOr<std::vector<Session>> {
      std::vector<Session> copy = sessions;
      IPT_RETURN_IF_ERROR(tx.UpdateSessions(copy, now));
      return copy;
    });
  }
  absl::StatusOr<Course> GetCourse(absl::string_view id) {
    return Read([&](SchedulingReader& reader) { return reader.GetCourse("c1", id); });
  }
  absl::StatusOr<Session> GetSession(absl::string_view course, absl::string_view id) {
    return Read([&](SchedulingReader& reader) { return reader.GetSession("c1", course, id); });
  }

  static absl::Time Deadline() { return absl::Now() + absl::Seconds(30); }

  // One store of each engine for the whole binary (making one takes longer than any test). Each a
  // static of its own, so that it goes away before the server that it began.
  template <storage::Dialect dialect>
  static ipt::testing::TempDatabase& Shared() {
    static ipt::testing::TempDatabase db(dialect,
                                         {storage::PlatformMigrations(), SchedulingMigrations()});
    return db;
  }
  static ipt::testing::TempDatabase& Emptied(storage::Dialect dialect) {
    ipt::testing::TempDatabase& db = dialect == storage::Dialect::kSqlite
                                         ? Shared<storage::Dialect::kSqlite>()
                                         : Shared<storage::Dialect::kPostgres>();
    EXPECT_OK(db->Write({}, [](storage::Connection& conn) {
      return conn.ExecuteScript(
          "DELETE FROM reminder_attempts; DELETE FROM reminders; DELETE FROM reminder_sending; "
          "DELETE FROM contact_preferences; DELETE FROM reminder_policies; "
          "DELETE FROM sessions; DELETE FROM courses; DELETE FROM patients; "
          "DELETE FROM time_off; DELETE FROM extra_hours; DELETE FROM therapist_calendars; "
          "DELETE FROM therapists; DELETE FROM holidays; DELETE FROM clinics; "
          "DELETE FROM outbox; DELETE FROM audit_entries; DELETE FROM idempotency;");
    }));
    return db;
  }

  ipt::testing::TempDatabase& db_ = Emptied(GetParam());
  TestEncoder encoder_;
  SqlSchedulingStore store_{*db_, encoder_};
};

}  // namespace ipt::scheduling
