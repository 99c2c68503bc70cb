// What tests of alerts share: a fresh store, a clock that stands still, therapists as a test says
// they are, and measurements that raise what a test wants.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "outcomes/domain/alert_coverage.h"
#include "outcomes/domain/alert_routing.h"
#include "outcomes/domain/alerts.h"
#include "outcomes/rpc/alert_proto.h"
#include "outcomes/storage/outcomes_migrations.h"
#include "outcomes/storage/sql_alert_store.h"
#include "platform/ids/ids.h"
#include "platform/rpc/content_hash.h"
#include "platform/storage/platform_migrations.h"
#include "platform/transaction/call_context.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_database.h"

namespace ipt::outcomes {

// Scheduling, as the copy has it. Unless a test says so, nothing is known of it.
struct Therapists {
  bool known = false;
  bool current = true;
  std::map<std::string, TherapistPresence> by_id{};
  std::vector<std::string> with_courses{};
  std::vector<std::string> clinics{};

  void Add(const std::string& id, bool active = true,
           std::optional<absl::Time> away_until = std::nullopt) {
    known = true;
    by_id[id] = {.exists = true, .active = active, .away_until = away_until};
  }
};

class FakeDirectory final : public AlertDirectory {
 public:
  explicit FakeDirectory(const Therapists& therapists) : therapists_(therapists) {}

  absl::StatusOr<TherapistPresence> Presence(absl::string_view, absl::string_view therapist_id,
                                             absl::Time now) override {
    TherapistPresence presence;
    const auto found = therapists_.by_id.find(std::string(therapist_id));
    if (found != therapists_.by_id.end()) presence = found->second;
    presence.known = therapists_.known;
    presence.current = therapists_.current;
    presence.as_of = now;
    return presence;
  }
  absl::StatusOr<std::vector<std::string>> TherapistsWithCourses(absl::string_view, int) override {
    return therapists_.with_courses;
  }
  absl::StatusOr<std::vector<std::string>> Clinics(absl::string_view after_id, int) override {
    std::vector<std::string> after;
    for (const std::string& clinic : therapists_.clinics) {
      if (clinic > after_id) after.push_back(clinic);
    }
    return after;
  }

 private:
  const Therapists& therapists_;
};

inline AlertRecipient Desk(const std::string& id) { return {.desk = id}; }
inline AlertRecipient Therapist(const std::string& id) { return {.therapist_id = id}; }

class AlertTestBase {
 protected:
  explicit AlertTestBase(storage::Dialect dialect)
      : db_(dialect, {storage::PlatformMigrations(), OutcomesMigrations()}, {}, &clock_),
        store_(*db_, encoder_, OpenDirectory(), [this] {
          if (on_commit_) on_commit_();
        }) {
    auto caller = std::make_shared<Caller>();
    caller->subject = "dr-jones";
    caller->clinics = {"north"};
    caller_ = std::move(caller);
  }
  ~AlertTestBase() = default;

  SqlAlertStore::OpenDirectory OpenDirectory() {
    return [this](storage::Connection&) { return std::make_unique<FakeDirectory>(therapists_); };
  }

  template <typename Body>
  auto Write(Body body) -> std::invoke_result_t<Body, AlertTx&> {
    using Result = std::invoke_result_t<Body, AlertTx&>;
    std::optional<Result> result;
    const absl::Status status = store_.Write(absl::InfiniteFuture(), [&](AlertTx& tx) {
      result.emplace(body(tx));
      return ipt::testing::GetStatus(*result);
    });
    if (!status.ok()) return status;
    return *std::move(result);
  }
  template <typename Body>
  auto Read(Body body) -> std::invoke_result_t<Body, AlertReader&> {
    using Result = std::invoke_result_t<Body, AlertReader&>;
    std::optional<Result> result;
    const absl::Status status = store_.Read(absl::InfiniteFuture(), [&](AlertReader& reader) {
      result.emplace(body(reader));
      return ipt::testing::GetStatus(*result);
    });
    if (!status.ok()) return status;
    return *std::move(result);
  }

  AlertCause Cause(const std::string& measurement = "m1", int revision = 1,
                   const std::string& therapist = "ann") {
    return {.clinic_id = "north",
            .course_id = "k1",
            .patient = AlertPatient{"urn:mrn", "4711"},
            .therapist_id = therapist,
            .measurement_id = measurement,
            .measurement_revision = revision,
            .instrument_id = "phq-9",
            .instrument_version = 1,
            .completed = clock_.Now() - absl::Minutes(1)};
  }
  static AlertFinding Q9(double points) {
    return {.kind = AlertKind::kRiskItem, .rule = "q9", .item = "q9", .points = points};
  }
  static AlertFinding Q9Unknown() {
    return {.kind = AlertKind::kRiskUnknown, .rule = "q9", .item = "q9"};
  }
  absl::StatusOr<std::vector<std::string>> Raise(const AlertCause& cause,
                                                 const std::vector<AlertFinding>& findings) {
    return Write([&](AlertTx& tx) { return RaiseAlerts(tx, ids_, cause, findings, clock_.Now()); });
  }
  // One alert of a measurement of its own.
  std::string RaiseOne(const AlertFinding& finding = Q9(1), const std::string& therapist = "ann") {
    const auto raised =
        Raise(Cause(absl::StrCat("m", ++measurements_, "x"), 1, therapist), {finding});
    EXPECT_OK(raised);
    return raised.ok() ? raised->at(0) : "";
  }
  Alert Get(const std::string& id) {
    const auto alert =
        Read([&](AlertReader& reader) { return reader.GetAlert("north", "k1", id); });
    EXPECT_OK(alert);
    return alert.value_or(Alert());
  }
  static AlertRef Ref(const std::string& id, int64_t if_revision = 0) {
    return {.clinic_id = "north", .course_id = "k1", .alert_id = id, .if_revision = if_revision};
  }
  void State(AlertRouting routing) {
    routing.clinic_id = "north";
    ASSERT_OK(Write([&](AlertTx& tx) {
      return SetRouting(
          tx, "north", routing.therapist_id, 0,
          [&](const AlertRouting&) -> absl::StatusOr<AlertRouting> { return routing; },
          clock_.Now());
    }));
  }
  absl::Status Sql(const std::string& sql) {
    return db_->Write({}, [&](storage::Connection& conn) { return conn.ExecuteScript(sql); });
  }
  int64_t Count(const std::string& from_where) {
    int64_t count = -1;
    const std::string sql = "SELECT COUNT(*) FROM " + from_where;
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) {
      return conn.Query({sql, {storage::ColumnType::kInt64}}, {}, [&](const storage::Row& row) {
        count = row.Int64(0);
        return absl::OkStatus();
      });
    }));
    return count;
  }

  CallContext ReadCall() {
    CallContext ctx;
    ctx.caller = caller_;
    ctx.clinic_id = "north";
    ctx.resource = "clinics/north";
    ctx.method = "/ipt.outcomes.v1.AlertService/Get";
    ctx.now = clock_.Now();
    return ctx;
  }
  template <typename Request>
  CallContext WriteCall(const Request& request, const std::string& method = "Write") {
    CallContext ctx = ReadCall();
    ctx.method = absl::StrCat("/ipt.outcomes.v1.AlertService/", method);
    ctx.request_id =
        request.request_id().empty() ? RandomIdSource().NewUuid() : request.request_id();
    ctx.content_hash = rpc::ContentHash(request);
    return ctx;
  }

  // Monday 2 March 2026, 12:00 UTC.
  const absl::Time start_ =
      absl::FromCivil(absl::CivilMinute(2026, 3, 2, 12, 0), absl::UTCTimeZone());
  ipt::testing::FakeClock clock_{start_};
  Therapists therapists_;
  ProtoAlertEventEncoder encoder_;
  RandomIdSource ids_;
  std::function<void()> on_commit_;
  int measurements_ = 0;
  ipt::testing::TempDatabase db_;
  SqlAlertStore store_;
  std::shared_ptr<const Caller> caller_;
};

class AlertTest : public ::testing::TestWithParam<storage::Dialect>, protected AlertTestBase {
 protected:
  AlertTest() : AlertTestBase(GetParam()) {}
};

}  // namespace ipt::outcomes
