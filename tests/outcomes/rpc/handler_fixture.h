// What tests of outcomes' handlers share: a fresh store of either engine, and calls made as the
// adapter would make them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "gtest/gtest.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/rpc/alert_proto.h"
#include "outcomes/rpc/event_proto.h"
#include "outcomes/rpc/instrument_handler.h"
#include "outcomes/rpc/measurement_handler.h"
#include "outcomes/rpc/outcome_policy_handler.h"
#include "outcomes/storage/copied_directory.h"
#include "outcomes/storage/instrument_json.h"
#include "outcomes/storage/outcomes_migrations.h"
#include "outcomes/storage/sql_outcomes_store.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/rpc/content_hash.h"
#include "platform/storage/platform_migrations.h"
#include "platform/transaction/call_context.h"
#include "tests/support/status_matchers.h"
#include "tests/support/store_look.h"
#include "tests/support/temp_database.h"

namespace ipt::outcomes {

// What scheduling would say of a course.
class FixedDirectory final : public courses::CourseDirectory {
 public:
  absl::StatusOr<courses::CourseAnswer> FindCourse(absl::string_view, absl::string_view,
                                                   const courses::CourseDemand&, absl::Time,
                                                   absl::Time) override {
    return answer;
  }
  courses::CourseAnswer answer;
};

class HandlerTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  // `formulation_age`: how old the copy of focuses is; nullptr: formulation is not followed.
  explicit HandlerTest(SqlCourseFocuses::AgeOf formulation_age = nullptr)
      : store_(
            *db_, encoder_, alert_encoder_,
            [](storage::Connection& conn) { return std::make_unique<CopiedDirectory>(conn); },
            nullptr, formulation_age) {
    auto caller = std::make_shared<Caller>();
    caller->subject = "tester";
    caller->clinics = {"north", "south"};
    caller_ = std::move(caller);
  }

  CallContext ReadCall(std::string clinic = "north") {
    CallContext ctx;
    ctx.caller = caller_;
    ctx.method = "/test/Read";
    ctx.now = now_;
    ctx.clinic_id = std::move(clinic);
    ctx.resource = absl::StrCat("clinics/", ctx.clinic_id);
    return ctx;
  }
  // With a request_id of its own.
  template <typename Request>
  CallContext WriteCall(const Request& request, std::string clinic = "north") {
    CallContext ctx = ReadCall(std::move(clinic));
    ctx.method = Request::descriptor()->full_name();
    ctx.request_id = ids_.NewUuid();
    ctx.content_hash = rpc::ContentHash(request);
    if constexpr (requires { request.validate_only(); }) {
      ctx.validate_only = request.validate_only();
    }
    return ctx;
  }

  // Answers a PHQ-9: its items in order, -1 for one that was left out.
  static pb::RecordMeasurementRequest Phq9(const std::vector<int>& values,
                                           const std::string& course = "k1") {
    pb::RecordMeasurementRequest request;
    request.set_parent(absl::StrCat("clinics/north/courses/", course));
    pb::Measurement& measurement = *request.mutable_measurement();
    measurement.set_instrument("clinics/north/instruments/phq-9");
    measurement.set_respondent(pb::RESPONDENT_SELF);
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] < 0) continue;
      pb::Answer& answer = *measurement.mutable_answers()->add_answers();
      answer.set_item(absl::StrCat("q", i + 1));
      answer.set_value(values[i]);
    }
    return request;
  }
  static void SetCompleted(absl::Time time, pb::RecordMeasurementRequest& request) {
    request.mutable_measurement()->mutable_complete_time()->set_seconds(absl::ToUnixSeconds(time));
  }
  absl::StatusOr<pb::Measurement> Record(const pb::RecordMeasurementRequest& request) {
    return measurements_.RecordMeasurement(WriteCall(request), request);
  }
  absl::StatusOr<pb::Measurement> Get(const std::string& name, int revision = 0) {
    pb::GetMeasurementRequest request;
    request.set_name(name);
    request.set_revision_number(revision);
    return measurements_.GetMeasurement(ReadCall(), request);
  }
  std::vector<std::string> Listed(pb::ListMeasurementsRequest request = {}) {
    if (request.parent().empty()) request.set_parent("clinics/north/courses/k1");
    std::vector<std::string> names;
    do {
      const auto page = measurements_.ListMeasurements(ReadCall(), request);
      EXPECT_THAT(page, ipt::testing::IsOk());
      if (!page.ok()) break;
      for (const auto& measurement : page->measurements()) names.push_back(measurement.name());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return names;
  }

  // The alerts of a course as they are stored; without `states`, those that are not resolved.
  std::vector<Alert> Alerts(const std::string& course = "k1",
                            const std::vector<AlertState>& states = {}) {
    std::vector<Alert> alerts;
    EXPECT_THAT(store_.Write(absl::InfiniteFuture(),
                             [&](OutcomesTx& tx) -> absl::Status {
                               IPT_ASSIGN_OR_RETURN(
                                   alerts, tx.alerts().ListAlerts(
                                               "north", {.course_id = course, .states = states},
                                               std::nullopt, 100));
                               return absl::OkStatus();
                             }),
                ipt::testing::IsOk());
    return alerts;
  }
  // Kinds of the events written since the last call, in order.
  std::vector<std::string> NewEvents() { return ipt::testing::NewEvents(*db_, seen_); }
  int64_t Count(const std::string& table) { return ipt::testing::CountRows(*db_, table); }

  absl::Time now_ = absl::FromUnixSeconds(1'790'000'000) + absl::Milliseconds(250);
  std::shared_ptr<const Caller> caller_;
  RandomIdSource ids_;
  const Catalog catalog_{ShippedInstruments().value()};
  ProtoEventEncoder encoder_;
  ProtoAlertEventEncoder alert_encoder_;
  ipt::testing::TempDatabase db_{GetParam(), {storage::PlatformMigrations(), OutcomesMigrations()}};
  SqlOutcomesStore store_;
  InstrumentHandler instruments_{store_, catalog_};
  MeasurementHandler measurements_{store_, catalog_, ids_};
  OutcomePolicyHandler policies_{store_, catalog_};

 private:
  int64_t seen_ = 0;
};

}  // namespace ipt::outcomes
