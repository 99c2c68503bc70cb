// What tests of handlers share: a fresh store (SQLite, unless said otherwise), calls made as the
// adapter would make them, and courses and sessions put straight into the store.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/rpc/content_hash.h"
#include "platform/storage/platform_migrations.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/rpc/event_proto.h"
#include "scheduling/storage/scheduling_migrations.h"
#include "scheduling/storage/sql_scheduling_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::scheduling {

// Names an event by what it is, so that tests can ask which were written.
class EventNames final : public EventEncoder {
 public:
  Encoded Encode(const Event& event) const override {
    static constexpr const char* kNames[] = {
        "clinic", "holiday+", "holiday-", "therapist", "time_off+", "time_off-", "extra+",
        "extra-", "course",   "forecast", "session",   "time_off~", "policy",    "sending"};
    Encoded encoded = ProtoEventEncoder().Encode(event);
    encoded.kind = kNames[event.index()];
    return encoded;
  }
};

class HandlerTest : public ::testing::Test {
 protected:
  explicit HandlerTest(storage::Dialect dialect = storage::Dialect::kSqlite)
      : db_(dialect, {storage::PlatformMigrations(), SchedulingMigrations()}) {
    auto caller = std::make_shared<Caller>();
    caller->subject = "tester";
    caller->clinics = {"north"};
    caller_ = std::move(caller);
  }

  // Monday 2 November 2026, 12:00 in London.
  static absl::Time Now() { return At(absl::CivilMinute(2026, 11, 2, 12, 0)); }
  static absl::Time At(absl::CivilMinute local, const char* zone = "Europe/London") {
    return absl::FromCivil(local, *LoadZone(zone));
  }

  CallContext ReadCall(std::string resource = "clinics/north") {
    CallContext ctx;
    ctx.caller = caller_;
    ctx.method = "/test/Read";
    ctx.now = Now();
    ctx.clinic_id = "north";
    ctx.resource = std::move(resource);
    return ctx;
  }
  // With a request_id of its own.
  template <typename Request>
  CallContext WriteCall(const Request& request) {
    CallContext ctx = ReadCall();
    ctx.method = Request::descriptor()->full_name();
    ctx.request_id = ids_.NewUuid();
    ctx.content_hash = rpc::ContentHash(request);
    if constexpr (requires { request.validate_only(); }) {
      ctx.validate_only = request.validate_only();
    }
    return ctx;
  }

  // A course k<patient> of the therapist with booked sessions of 50 minutes at these starts.
  void AddCourse(const std::string& patient, const std::string& therapist,
                 const std::vector<absl::Time>& starts,
                 SessionState state = SessionState::kBooked) {
    ASSERT_OK(store_.Write(absl::InfiniteFuture(), [&](SchedulingTx& tx) -> absl::Status {
      IPT_RETURN_IF_ERROR(
          tx.FindOrAddPatient("north", {"urn:mrn", patient}, patient, Now()).status());
      Course course;
      course.clinic_id = "north";
      course.course_id = absl::StrCat("k", patient);
      course.patient_id = patient;
      course.patient = {"urn:mrn", patient};
      course.therapist_id = therapist;
      course.variant_id = "ipt-uk-16";
      course.state = CourseState::kActive;
      course.planned_sessions = 16;
      course.duration_weeks = 16;
      course.cadence_days = 7;
      course.time_zone = "Europe/London";
      course.session_minutes = 50;
      course.valid_until = absl::InfiniteFuture();
      IPT_RETURN_IF_ERROR(tx.InsertCourse(course, Now()));
      std::vector<Session> sessions;
      for (size_t i = 0; i < starts.size(); ++i) {
        Session session;
        session.clinic_id = "north";
        session.course_id = course.course_id;
        session.session_id = absl::StrCat("s", i + 1);
        session.therapist_id = therapist;
        session.patient_id = patient;
        session.interval = {starts[i], starts[i] + absl::Minutes(50)};
        session.blocked_until = session.interval.end;
        session.blocking = state != SessionState::kCancelled;
        session.time_zone = "Europe/London";
        session.state = state;
        sessions.push_back(session);
      }
      return tx.InsertSessions(sessions, Now());
    }));
  }

  // Events written since the last call, in order.
  std::vector<std::string> NewEvents() {
    std::vector<std::string> kinds;
    const std::string sql =
        absl::StrCat("SELECT kind, seq FROM outbox WHERE seq > ", seen_, " ORDER BY seq");
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) {
      return conn.Query({sql, {storage::ColumnType::kText, storage::ColumnType::kInt64}}, {},
                        [&](const storage::Row& row) {
                          kinds.push_back(row.Text(0));
                          seen_ = row.Int64(1);
                          return absl::OkStatus();
                        });
    }));
    return kinds;
  }
  int64_t ClinicVersion() {
    return Version([](SchedulingReader& r) { return r.ClinicCalendarVersion("north"); });
  }
  int64_t TherapistVersion(const std::string& id) {
    return Version([&](SchedulingReader& r) { return r.TherapistCalendarVersion("north", id); });
  }

  std::shared_ptr<const Caller> caller_;
  RandomIdSource ids_;
  EventNames encoder_;
  ipt::testing::TempDatabase db_;
  SqlSchedulingStore store_{*db_, encoder_};

 private:
  template <typename Get>
  int64_t Version(Get get) {
    int64_t version = -1;
    EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](SchedulingReader& r) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(version, get(r));
      return absl::OkStatus();
    }));
    return version;
  }

  int64_t seen_ = 0;
};

// The names of a list of resources.
template <typename Resources>
std::vector<std::string> NamesOf(const Resources& resources) {
  std::vector<std::string> names;
  for (const auto& resource : resources) names.push_back(resource.name());
  return names;
}

}  // namespace ipt::scheduling
