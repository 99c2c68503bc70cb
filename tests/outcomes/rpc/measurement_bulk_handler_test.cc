// Bringing in and taking out in bulk, on both engines: nothing lost, nothing twice, whatever breaks
// off; and an export is of one revision, whatever is written meanwhile.
#include "outcomes/rpc/measurement_bulk_handler.h"

#include <algorithm>
#include <functional>
#include <set>
#include <thread>
#include <tuple>

#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "outcomes/domain/measurement_imports.h"
#include "outcomes/rpc/measurement_export.h"
#include "outcomes/storage/sql_bulk_purge.h"
#include "platform/rpc/paging.h"
#include "tests/outcomes/rpc/handler_fixture.h"
#include "tests/support/fake_clock.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::FakeClock;
using ipt::testing::HasBadFields;
using ipt::testing::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

constexpr char kImport[] = "7d3c6a52-0b1f-4f3e-9a55-1f2f0c2d9e10";
constexpr char kImportName[] =
    "clinics/north/measurementImports/7d3c6a52-0b1f-4f3e-9a55-1f2f0c2d9e10";

// A transaction on a thread of its own, which has written and commits when it is told to.
class OpenWrite {
 public:
  // `write` calls what it is given once it has written.
  explicit OpenWrite(std::function<absl::Status(const std::function<void()>&)> write)
      : thread_([this, write = std::move(write)] {
          status_ = write([this] {
            if (!written_.HasBeenNotified()) written_.Notify();
            may_commit_.WaitForNotification();
          });
          if (!written_.HasBeenNotified()) written_.Notify();
        }) {
    written_.WaitForNotification();
  }
  ~OpenWrite() {
    if (thread_.joinable()) Commit().IgnoreError();
  }
  absl::Status Commit() {
    may_commit_.Notify();
    thread_.join();
    return status_;
  }

 private:
  absl::Notification written_;
  absl::Notification may_commit_;
  absl::Status status_;
  std::thread thread_;  // last: it uses the others
};

class MeasurementBulkHandlerTest : public HandlerTest {
 protected:
  using Import = MeasurementBulkHandler::Import;

  // ------------------------------------------------------------------------------------- imports

  CallContext ImportCall() {
    CallContext ctx = ReadCall();
    ctx.method = "/ipt.outcomes.v1.MeasurementBulkService/ImportMeasurements";
    return ctx;
  }
  static pb::ImportMeasurementsRequest OpenRequest() {
    pb::ImportMeasurementsRequest request;
    request.mutable_open()->set_parent("clinics/north");
    request.mutable_open()->set_import_id(kImport);
    request.mutable_open()->set_display_name("forms.csv");
    return request;
  }
  absl::StatusOr<std::unique_ptr<Import>> Open(
      const pb::ImportMeasurementsRequest& request = OpenRequest()) {
    return bulk_.ImportMeasurements(ImportCall(), request, nullptr);
  }
  // A PHQ-9 of a course of its own; completed some days ago.
  pb::ImportRow Row(int64_t number, const std::vector<int>& values, int days_ago = 1) {
    pb::ImportRow row;
    row.set_row(number);
    row.set_course(absl::StrCat("clinics/north/courses/c", number));
    pb::RecordMeasurementRequest request = Phq9(values);
    SetCompleted(now_ - absl::Hours(24 * days_ago), request);
    *row.mutable_measurement() = request.measurement();
    return row;
  }
  pb::ImportRow Row(int64_t number, int risk = 0) {
    return Row(number, {1, 2, 3, 0, 1, 2, 3, 0, risk});
  }
  static pb::ImportMeasurementsRequest Rows(const std::vector<pb::ImportRow>& rows) {
    pb::ImportMeasurementsRequest request;
    for (const pb::ImportRow& row : rows) *request.mutable_rows()->add_rows() = row;
    return request;
  }
  pb::ImportMeasurementsRequest RowsFrom(int64_t first, int count) {
    std::vector<pb::ImportRow> rows;
    for (int64_t row = first; row < first + count; ++row) rows.push_back(Row(row));
    return Rows(rows);
  }
  // What is said until there is nothing to say.
  absl::StatusOr<std::vector<pb::ImportMeasurementsResponse>> Take(Import& stream) {
    std::vector<pb::ImportMeasurementsResponse> responses;
    while (true) {
      IPT_ASSIGN_OR_RETURN(auto next, stream.NextResponse(ImportCall()));
      if (!next.response.has_value()) return responses;
      responses.push_back(*std::move(next.response));
      if (next.end) return responses;
    }
  }
  // All of it, from the stream's beginning to its end.
  absl::StatusOr<std::vector<pb::ImportMeasurementsResponse>> BringIn(
      const pb::ImportMeasurementsRequest& open,
      const std::vector<pb::ImportMeasurementsRequest>& messages) {
    IPT_ASSIGN_OR_RETURN(const auto stream, Open(open));
    std::vector<pb::ImportMeasurementsResponse> all;
    const auto take = [&]() -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto some, Take(*stream));
      all.insert(all.end(), some.begin(), some.end());
      return absl::OkStatus();
    };
    IPT_RETURN_IF_ERROR(take());
    for (const auto& message : messages) {
      IPT_RETURN_IF_ERROR(stream->OnMessage(ImportCall(), message));
      IPT_RETURN_IF_ERROR(take());
    }
    stream->OnClientDone(ImportCall());
    IPT_RETURN_IF_ERROR(take());
    return all;
  }
  absl::StatusOr<pb::MeasurementImport> Progress() {
    pb::GetMeasurementImportRequest request;
    request.set_name(kImportName);
    return bulk_.GetMeasurementImport(ReadCall(), request);
  }
  int64_t Purge(absl::Time before) {
    int64_t deleted = -1;
    EXPECT_OK(db_->Write({}, [&](storage::Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(deleted, PurgeImports(conn, before, 100));
      return absl::OkStatus();
    }));
    return deleted;
  }
  static std::vector<int64_t> FailedRows(
      const std::vector<pb::ImportMeasurementsResponse>& responses) {
    std::vector<int64_t> rows;
    for (const auto& response : responses) {
      for (const auto& error : response.errors()) rows.push_back(error.row());
    }
    return rows;
  }
  static std::vector<std::string> Fields(const pb::ImportRowError& error) {
    std::vector<std::string> fields;
    for (const pb::ImportFieldError& field : error.fields()) fields.push_back(field.field());
    return fields;
  }
  std::vector<std::string> AllOfTheClinic() {
    pb::ListMeasurementsRequest request;
    request.set_parent("clinics/north/courses/-");
    request.set_page_size(250);
    return Listed(request);
  }

  // ------------------------------------------------------------------------------------- exports

  using Export = MeasurementBulkHandler::Export;
  static pb::ExportMeasurementsRequest ExportRequest(bool csv = false) {
    pb::ExportMeasurementsRequest request;
    request.set_parent("clinics/north");
    if (csv) {
      request.set_format(pb::EXPORT_FORMAT_CSV);
      request.mutable_filter()->add_instruments("clinics/north/instruments/phq-9");
    }
    return request;
  }
  absl::StatusOr<std::unique_ptr<Export>> OpenExport(const pb::ExportMeasurementsRequest& request) {
    return bulk_.ExportMeasurements(ReadCall(), request, nullptr);
  }
  absl::StatusOr<pb::ExportMeasurementsResponse> NextPart(Export& stream) {
    while (true) {
      IPT_ASSIGN_OR_RETURN(auto next, stream.NextResponse(ReadCall()));
      if (!next.response.has_value()) continue;
      EXPECT_EQ(next.response->complete(), next.end);
      return *std::move(next.response);
    }
  }
  // Its parts, each from a stream of its own where `broken`.
  absl::StatusOr<std::vector<pb::ExportMeasurementsResponse>> TakeOut(
      pb::ExportMeasurementsRequest request, bool broken = false) {
    std::vector<pb::ExportMeasurementsResponse> parts;
    std::unique_ptr<Export> stream;
    do {
      if (stream == nullptr || broken) {
        IPT_ASSIGN_OR_RETURN(stream, OpenExport(request));
      }
      IPT_ASSIGN_OR_RETURN(auto part, NextPart(*stream));
      request.set_cursor(part.cursor());
      parts.push_back(std::move(part));
    } while (!parts.back().complete());
    return parts;
  }
  static std::vector<pb::Measurement> Measurements(
      const std::vector<pb::ExportMeasurementsResponse>& parts) {
    std::vector<pb::Measurement> all;
    for (const auto& part : parts) {
      all.insert(all.end(), part.measurements().begin(), part.measurements().end());
    }
    return all;
  }

  FakeClock clock_{now_};
  MeasurementBulkHandler bulk_{store_, catalog_, ids_, clock_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(MeasurementBulkHandlerTest);

TEST_P(MeasurementBulkHandlerTest, RowsAreRecordedAsRecordMeasurementDoes) {
  ASSERT_OK_AND_ASSIGN(const auto responses,
                       BringIn(OpenRequest(), {Rows({Row(1), Row(2, 2)}), Rows({Row(3)})}));
  ASSERT_THAT(responses, SizeIs(4));
  EXPECT_EQ(responses[0].progress().name(), kImportName);
  EXPECT_EQ(responses[0].progress().display_name(), "forms.csv");
  EXPECT_EQ(responses[0].progress().next_row(), 1);
  EXPECT_EQ(responses[0].progress().update_time().seconds(), absl::ToUnixSeconds(now_));
  EXPECT_EQ(responses[1].progress().next_row(), 3);
  EXPECT_EQ(responses[1].progress().alerts(), 1);
  EXPECT_EQ(responses[2].progress().next_row(), 4);
  EXPECT_FALSE(responses[2].progress().complete());
  const pb::MeasurementImport& done = responses[3].progress();
  EXPECT_TRUE(done.complete());
  EXPECT_EQ(done.recorded_rows(), 3);
  EXPECT_EQ(done.known_rows() + done.failed_rows(), 0);
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementImport read, Progress());
  EXPECT_EQ(read.SerializeAsString(), done.SerializeAsString());

  EXPECT_THAT(NewEvents(), ElementsAre("MEASUREMENT_RECORDED", "ALERT_RAISED",
                                       "MEASUREMENT_RECORDED", "MEASUREMENT_RECORDED"));
  ASSERT_THAT(Alerts("c2"), SizeIs(1));
  pb::ListMeasurementsRequest list;
  list.set_parent("clinics/north/courses/c2");
  ASSERT_OK_AND_ASSIGN(const auto listed, measurements_.ListMeasurements(ReadCall(), list));
  ASSERT_EQ(listed.measurements_size(), 1);
  const pb::Measurement& measurement = listed.measurements(0);
  EXPECT_EQ(measurement.measurement_import(), kImportName);
  EXPECT_EQ(measurement.scores(0).rounded(), 14);
  EXPECT_EQ(measurement.changes(0).kind(), pb::MEASUREMENT_CHANGE_KIND_IMPORTED);
  EXPECT_EQ(measurement.caller(), "tester");
  EXPECT_THAT(measurement.risks(0).alert(), HasSubstr(Alerts("c2")[0].alert_id));
}

TEST_P(MeasurementBulkHandlerTest, ARowThatFailsStopsNoOtherAndLeavesNothing) {
  std::vector<pb::ImportRow> rows;
  for (int i = 1; i <= 10; ++i) rows.push_back(Row(i));
  rows[1].set_course("not a name");
  rows[2].mutable_measurement()->set_instrument("clinics/north/instruments/nope");
  rows[3].mutable_measurement()->mutable_answers()->mutable_answers(3)->set_value(9);
  rows[3].mutable_measurement()->mutable_answers()->mutable_answers(8)->set_item("q77");
  rows[4].mutable_measurement()->clear_complete_time();
  rows[5].set_course("clinics/south/courses/c6");
  rows[6].mutable_measurement()->mutable_complete_time()->set_seconds(
      absl::ToUnixSeconds(now_ + absl::Hours(1)));
  rows[7].mutable_measurement()->set_external_id(std::string(129, 'x'));
  rows[8].clear_measurement();
  ASSERT_OK_AND_ASSIGN(const auto responses, BringIn(OpenRequest(), {Rows(rows)}));
  const pb::MeasurementImport& done = responses.back().progress();
  EXPECT_TRUE(done.complete());
  EXPECT_EQ(done.next_row(), 11);
  EXPECT_EQ(done.recorded_rows(), 2);
  EXPECT_EQ(done.failed_rows(), 8);
  EXPECT_THAT(AllOfTheClinic(), SizeIs(2));
  EXPECT_EQ(Count("measurements"), 2);
  EXPECT_THAT(NewEvents(), SizeIs(2));

  ASSERT_THAT(FailedRows(responses), ElementsAre(2, 3, 4, 5, 6, 7, 8, 9));
  const auto& errors = responses[1].errors();
  EXPECT_THAT(Fields(errors[0]), ElementsAre("course"));
  EXPECT_EQ(errors[0].reason(), "INVALID_FIELDS");
  EXPECT_EQ(errors[1].reason(), "RESOURCE_NOT_FOUND");
  EXPECT_THAT(Fields(errors[2]), UnorderedElementsAre("measurement.answers.answers[8].item",
                                                      "measurement.answers.answers[3].value"));
  EXPECT_THAT(Fields(errors[3]), ElementsAre("measurement.complete_time"));
  EXPECT_THAT(Fields(errors[4]), Contains("course"));
  EXPECT_EQ(errors[5].reason(), "COMPLETED_IN_FUTURE");
  EXPECT_THAT(Fields(errors[6]), ElementsAre("measurement.external_id"));
  EXPECT_THAT(Fields(errors[7]), ElementsAre("measurement"));
  EXPECT_THAT(errors[6].DebugString(), Not(HasSubstr("xxx")));
}

TEST_P(MeasurementBulkHandlerTest, WhatBrokeOffGoesOnWithNothingLostAndNothingTwice) {
  pb::ImportRow bad = Row(2);
  bad.clear_course();
  {
    ASSERT_OK_AND_ASSIGN(const auto stream, Open());
    ASSERT_OK(Take(*stream).status());
    ASSERT_OK(stream->OnMessage(ImportCall(), Rows({Row(1), bad, Row(3)})));
    ASSERT_OK(Take(*stream).status());
    // Sent, and not committed when the connection breaks.
    ASSERT_OK(stream->OnMessage(ImportCall(), Rows({Row(4), Row(5)})));
  }
  EXPECT_EQ(Count("measurements"), 2);
  ASSERT_OK_AND_ASSIGN(const auto stream, Open());
  ASSERT_OK_AND_ASSIGN(const auto first, Take(*stream));
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].progress().next_row(), 4);
  // Its client may not have heard of it.
  ASSERT_THAT(FailedRows(first), ElementsAre(2));
  EXPECT_THAT(Fields(first[0].errors(0)), ElementsAre("course"));
  ASSERT_OK(stream->OnMessage(ImportCall(), Rows({Row(4), Row(5)})));
  stream->OnClientDone(ImportCall());
  ASSERT_OK_AND_ASSIGN(const auto rest, Take(*stream));
  EXPECT_TRUE(rest.back().progress().complete());
  EXPECT_EQ(rest.back().progress().recorded_rows(), 4);
  EXPECT_EQ(Count("measurements"), 4);
}

TEST_P(MeasurementBulkHandlerTest, ErrorsOfBeforeAreToldAgainInParts) {
  std::vector<pb::ImportRow> rows;
  for (int i = 1; i <= 250; ++i) rows.emplace_back().set_row(i);
  ASSERT_OK(BringIn(OpenRequest(), {Rows(rows)}).status());
  ASSERT_OK_AND_ASSIGN(const auto again, BringIn(OpenRequest(), {}));
  EXPECT_THAT(again, SizeIs(3));
  const std::vector<int64_t> failed = FailedRows(again);
  ASSERT_THAT(failed, SizeIs(250));
  for (int i = 0; i < 250; ++i) EXPECT_EQ(failed[i], i + 1);
}

TEST_P(MeasurementBulkHandlerTest, WhoOpensItLastGoesOnWithIt) {
  ASSERT_OK_AND_ASSIGN(const auto first, Open());
  ASSERT_OK(Take(*first).status());
  ASSERT_OK(first->OnMessage(ImportCall(), Rows({Row(1)})));
  ASSERT_OK_AND_ASSIGN(const auto second, Open());
  EXPECT_THAT(Take(*first), FailsWith(absl::StatusCode::kAborted, "IMPORT_TAKEN_OVER"));
  EXPECT_EQ(Count("measurements"), 0);
  first->OnClientDone(ImportCall());
  ASSERT_OK(Take(*second).status());
  ASSERT_OK(second->OnMessage(ImportCall(), Rows({Row(1)})));
  second->OnClientDone(ImportCall());
  ASSERT_OK_AND_ASSIGN(const auto rest, Take(*second));
  EXPECT_EQ(rest.back().progress().recorded_rows(), 1);
  EXPECT_EQ(Count("measurements"), 1);
}

// Each takes it over from the other, as impatient clients do; rows are in one of the two.
TEST_P(MeasurementBulkHandlerTest, TwoStreamsAtOnceNeverWriteARowTwice) {
  constexpr int kRows = 300;
  const auto work = [&](int patience) {
    for (int tries = 0; tries < 2000; ++tries) {
      const auto stream = Open();
      if (!stream.ok()) continue;  // lost the race to open it
      const auto first = Take(**stream);
      if (!first.ok()) continue;
      int64_t next = first->front().progress().next_row();
      while (next <= kRows) {
        const int count = static_cast<int>(std::min<int64_t>(20, kRows + 1 - next));
        ASSERT_OK((*stream)->OnMessage(ImportCall(), RowsFrom(next, count)));
        const auto said = Take(**stream);
        if (!said.ok()) {
          EXPECT_THAT(said.status(), StatusIs(absl::StatusCode::kAborted));
          // One of them gives way, so that both come to an end.
          std::this_thread::sleep_for(std::chrono::milliseconds(patience * (tries % 5)));
          break;
        }
        next = said->back().progress().next_row();
      }
      if (next > kRows) return;
    }
    ADD_FAILURE() << "never done";
  };
  std::thread other(work, 3);
  work(0);
  other.join();
  EXPECT_EQ(Count("measurements"), kRows);
  ASSERT_OK_AND_ASSIGN(const pb::MeasurementImport done, Progress());
  EXPECT_EQ(done.recorded_rows(), kRows);
  EXPECT_EQ(done.failed_rows(), 0);
}

TEST_P(MeasurementBulkHandlerTest, WhatIsThereAlreadyIsKnownByItsExternalId) {
  pb::ImportRow row = Row(1, 1);
  row.mutable_measurement()->set_external_id("form-1");
  ASSERT_OK(BringIn(OpenRequest(), {Rows({row})}).status());
  NewEvents();

  // Another import of the same file, once the measurement was corrected.
  ASSERT_OK_AND_ASSIGN(pb::Measurement held, Get(AllOfTheClinic()[0]));
  held.mutable_answers()->mutable_answers(0)->set_value(3);
  pb::CorrectMeasurementRequest correct;
  *correct.mutable_measurement() = held;
  correct.mutable_update_mask()->add_paths("answers");
  correct.set_reason("misread");
  ASSERT_OK(measurements_.CorrectMeasurement(WriteCall(correct), correct).status());
  NewEvents();

  auto open = OpenRequest();
  open.mutable_open()->set_import_id("00000000-0000-4000-8000-000000000001");
  pb::ImportRow other = row;
  other.set_row(2);
  other.mutable_measurement()->mutable_answers()->mutable_answers(1)->set_value(0);
  pb::ImportRow elsewhere = row;
  elsewhere.set_row(3);
  elsewhere.set_course("clinics/north/courses/another");
  // The same answers without an id of theirs are refused, as from anybody.
  pb::ImportRow again = row;
  again.set_row(4);
  again.mutable_measurement()->clear_external_id();
  again.mutable_measurement()->mutable_answers()->mutable_answers(0)->set_value(3);
  ASSERT_OK_AND_ASSIGN(const auto responses, BringIn(open, {Rows({row, other, elsewhere, again})}));
  const pb::MeasurementImport& done = responses.back().progress();
  EXPECT_EQ(done.known_rows(), 1);
  EXPECT_EQ(done.failed_rows(), 3);
  EXPECT_EQ(done.recorded_rows(), 0);
  EXPECT_EQ(done.alerts(), 0);
  for (const auto& error : responses[1].errors()) EXPECT_EQ(error.reason(), "MEASUREMENT_EXISTS");
  EXPECT_EQ(Count("measurements"), 1);
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_P(MeasurementBulkHandlerTest, HistoryKeepsItsRiskAndRaisesNothing) {
  auto open = OpenRequest();
  const auto set = [&](absl::Duration ago) {
    open.mutable_open()->mutable_history_before_time()->set_seconds(
        absl::ToUnixSeconds(now_ - ago));
  };
  set(absl::Hours(24 * 13));
  EXPECT_THAT(Open(open), HasBadFields("open.history_before_time"));
  set(absl::Hours(24 * 20));
  const std::vector<int> risk = {0, 0, 0, 0, 0, 0, 0, 0, 3};
  ASSERT_OK_AND_ASSIGN(const auto responses,
                       BringIn(open, {Rows({Row(1, risk, 21), Row(2, risk, 19)})}));
  EXPECT_EQ(responses.back().progress().alerts(), 1);
  EXPECT_THAT(Alerts("c1"), IsEmpty());
  EXPECT_THAT(Alerts("c2"), SizeIs(1));
  pb::ListMeasurementsRequest list;
  list.set_parent("clinics/north/courses/c1");
  list.mutable_filter()->set_risk_only(true);
  ASSERT_OK_AND_ASSIGN(const auto listed, measurements_.ListMeasurements(ReadCall(), list));
  ASSERT_EQ(listed.measurements_size(), 1);
  EXPECT_EQ(listed.measurements(0).risks(0).state(), pb::RISK_STATE_FIRED);
  EXPECT_EQ(listed.measurements(0).risks(0).alert(), "");
  // It goes on as it was begun, or not at all.
  EXPECT_THAT(Open(OpenRequest()), HasBadFields("open.history_before_time"));
  open.mutable_open()->set_validate_only(true);
  EXPECT_THAT(Open(open), HasBadFields("open.validate_only"));
}

// Off track: 6 points more are a reliable worsening of the PHQ-9.
TEST_P(MeasurementBulkHandlerTest, HistoryHasNoCourseReviewed) {
  const auto row = [&](int64_t number, int each, int days_ago) {
    pb::ImportRow made =
        Row(number, std::vector<int>{each, each, each, each, each, each, each, each, 0}, days_ago);
    made.set_course("clinics/north/courses/c1");
    return made;
  };
  auto open = OpenRequest();
  open.mutable_open()->mutable_history_before_time()->set_seconds(
      absl::ToUnixSeconds(now_ - absl::Hours(24 * 20)));
  ASSERT_OK_AND_ASSIGN(const auto stream, Open(open));
  ASSERT_OK(stream->OnMessage(ImportCall(), Rows({row(1, 0, 60), row(2, 2, 30)})));
  ASSERT_OK_AND_ASSIGN(auto said, Take(*stream));
  EXPECT_EQ(said.back().progress().recorded_rows(), 2);
  EXPECT_EQ(said.back().progress().alerts(), 0);
  EXPECT_THAT(Alerts("c1"), IsEmpty());
  // It holds on in what is no history: told once, however many rows say so.
  ASSERT_OK(stream->OnMessage(ImportCall(), Rows({row(3, 2, 10), row(4, 2, 3)})));
  ASSERT_OK_AND_ASSIGN(said, Take(*stream));
  EXPECT_EQ(said.back().progress().alerts(), 1);
  ASSERT_THAT(Alerts("c1"), SizeIs(1));
  EXPECT_EQ(Alerts("c1")[0].kind, AlertKind::kReview);
  EXPECT_EQ(Alerts("c1")[0].rule, "deterioration");
  ASSERT_OK(stream->OnMessage(ImportCall(), Rows({row(5, 2, 1)})));
  ASSERT_OK_AND_ASSIGN(said, Take(*stream));
  EXPECT_EQ(said.back().progress().alerts(), 1);
}

TEST_P(MeasurementBulkHandlerTest, WhatOnlyChecksSaysWhatItWouldDoAndGoesOn) {
  auto open = OpenRequest();
  open.mutable_open()->set_validate_only(true);
  pb::ImportRow bad = Row(2);
  bad.mutable_measurement()->mutable_answers()->mutable_answers(0)->set_value(7);
  {
    ASSERT_OK_AND_ASSIGN(const auto stream, Open(open));
    ASSERT_OK(stream->OnMessage(ImportCall(), Rows({Row(1, 1), bad})));
    ASSERT_OK(Take(*stream).status());
  }
  ASSERT_OK_AND_ASSIGN(const auto responses, BringIn(open, {Rows({Row(3)})}));
  EXPECT_EQ(responses[0].progress().next_row(), 3);
  EXPECT_THAT(FailedRows(responses), ElementsAre(2));
  const pb::MeasurementImport& done = responses.back().progress();
  EXPECT_TRUE(done.validate_only());
  EXPECT_TRUE(done.complete());
  EXPECT_EQ(done.recorded_rows(), 2);
  EXPECT_EQ(done.alerts(), 1);
  EXPECT_EQ(Count("measurements"), 0);
  EXPECT_THAT(Alerts("c1"), IsEmpty());
  EXPECT_THAT(NewEvents(), IsEmpty());
}

// Scheduling, which knows all courses, and takes its time.
class SlowDirectory final : public courses::CourseDirectory {
 public:
  SlowDirectory(FakeClock& clock, absl::Duration takes) : clock_(clock), takes_(takes) {}

  absl::StatusOr<courses::CourseAnswer> FindCourse(absl::string_view, absl::string_view course_id,
                                                   const courses::CourseDemand&, absl::Time now,
                                                   absl::Time) override {
    ++asked;
    courses::CourseAnswer answer;
    // As the real one: a second, from when it is asked.
    const bool in_time = clock_.Now() + takes_ <= now + absl::Seconds(1);
    clock_.Advance(takes_);
    if (!in_time) return answer;
    answer.known = courses::CourseAnswer::Known::kVerified;
    answer.course = courses::CopiedCourse{
        .clinic_id = "north", .course_id = std::string(course_id), .time_zone = "Europe/London"};
    return answer;
  }
  int asked = 0;

 private:
  FakeClock& clock_;
  const absl::Duration takes_;
};

TEST_P(MeasurementBulkHandlerTest, NoCourseIsUnverifiedBecauseOthersWereAskedBefore) {
  clock_.Set(std::max(now_, absl::Now()));  // the store's deadlines are real
  SlowDirectory courses(clock_, absl::Milliseconds(400));
  MeasurementBulkHandler bulk(store_, catalog_, ids_, clock_, &courses);
  // As the adapter makes them: each step has ten seconds.
  const auto step = [&] {
    CallContext ctx = ImportCall();
    ctx.now = clock_.Now();
    ctx.deadline = ctx.now + absl::Seconds(10);
    return ctx;
  };
  ASSERT_OK_AND_ASSIGN(const auto stream, bulk.ImportMeasurements(step(), OpenRequest(), nullptr));
  ASSERT_OK(stream->NextResponse(step()).status());
  ASSERT_OK(stream->OnMessage(step(), RowsFrom(1, 60)));
  int64_t before = 1;
  while (true) {
    const CallContext ctx = step();
    ASSERT_OK_AND_ASSIGN(const auto next, stream->NextResponse(ctx));
    if (!next.response.has_value()) break;
    EXPECT_GT(next.response->progress().next_row(), before);
    before = next.response->progress().next_row();
    EXPECT_LT(clock_.Now(), ctx.deadline);
  }
  EXPECT_EQ(before, 61);
  EXPECT_EQ(courses.asked, 60);
  EXPECT_EQ(Count("measurements"), 60);
  EXPECT_EQ(Count("measurements WHERE unsettled = 1"), 0);
}

TEST_P(MeasurementBulkHandlerTest, RowsComeInOrderAndNoneAfterTheLast) {
  ASSERT_OK_AND_ASSIGN(auto stream, Open());
  ASSERT_OK(stream->OnMessage(ImportCall(), Rows({Row(1)})));
  ASSERT_OK(Take(*stream).status());
  const absl::Status wrong = stream->OnMessage(ImportCall(), Rows({Row(2), Row(4)}));
  EXPECT_THAT(wrong, FailsWith(absl::StatusCode::kFailedPrecondition, "IMPORT_ROW_ORDER"));
  EXPECT_EQ(ErrorMetadataOf(wrong)["next_row"], "2");
  EXPECT_EQ(Count("measurements"), 1);
  ASSERT_OK(BringIn(OpenRequest(), {}).status());
  ASSERT_OK_AND_ASSIGN(stream, Open());
  ASSERT_OK_AND_ASSIGN(const auto said, Take(*stream));
  EXPECT_TRUE(said[0].progress().complete());
  EXPECT_THAT(stream->OnMessage(ImportCall(), Rows({Row(2)})),
              FailsWith(absl::StatusCode::kFailedPrecondition, "IMPORT_ROW_ORDER"));
}

TEST_P(MeasurementBulkHandlerTest, TheFirstMessageOpensItAndNoOther) {
  EXPECT_THAT(Open(Rows({Row(1)})), HasBadFields("open"));
  pb::ImportMeasurementsRequest bare;
  bare.mutable_open();
  EXPECT_THAT(Open(bare), HasBadFields("open.parent", "open.import_id"));
  ASSERT_OK_AND_ASSIGN(const auto stream, Open());
  EXPECT_THAT(stream->OnMessage(ImportCall(), OpenRequest()), HasBadFields("open"));
  EXPECT_THAT(stream->OnMessage(ImportCall(), {}), HasBadFields("rows"));
  pb::ImportMeasurementsRequest none;
  none.mutable_rows();
  EXPECT_THAT(stream->OnMessage(ImportCall(), none), HasBadFields("rows.rows"));
}

TEST_P(MeasurementBulkHandlerTest, AStreamHoldsNoMoreThanABatchAndAMessage) {
  ASSERT_OK_AND_ASSIGN(const auto stream, Open());
  EXPECT_TRUE(stream->WantsMessage());
  ASSERT_OK(stream->OnMessage(ImportCall(), RowsFrom(1, 250)));
  EXPECT_FALSE(stream->WantsMessage());
  // One batch a response: nothing is written for who does not take what is said.
  ASSERT_OK(stream->NextResponse(ImportCall()).status());
  ASSERT_OK(stream->NextResponse(ImportCall()).status());
  EXPECT_EQ(Count("measurements"), 100);
  EXPECT_FALSE(stream->WantsMessage());
  ASSERT_OK(stream->NextResponse(ImportCall()).status());
  EXPECT_EQ(Count("measurements"), 200);
  EXPECT_TRUE(stream->WantsMessage());
}

TEST_P(MeasurementBulkHandlerTest, AllThatItWroteIsAudited) {
  ASSERT_OK(BringIn(OpenRequest(), {Rows({Row(1, 1), Row(2)})}).status());
  const auto entries = [&](const std::string& like) {
    return Count(absl::StrCat("audit_entries WHERE resource LIKE '", like, "' AND request_id = '",
                              kImport, "'"));
  };
  EXPECT_EQ(entries(kImportName), 3);  // opened, rows, complete
  EXPECT_EQ(entries("clinics/north/courses/%/measurements/%"), 2);
  EXPECT_EQ(entries("clinics/north/courses/c1/alerts/%"), 1);
}

TEST_P(MeasurementBulkHandlerTest, ImportsAreDeletedByAgeAndTheirMeasurementsStay) {
  pb::ImportRow bad = Row(2);
  bad.clear_course();
  ASSERT_OK(BringIn(OpenRequest(), {Rows({Row(1), bad})}).status());
  EXPECT_EQ(Purge(now_), 0);
  EXPECT_EQ(Purge(now_ + absl::Seconds(1)), 2);
  EXPECT_THAT(Progress(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(Count("measurement_import_errors"), 0);
  EXPECT_EQ(Count("measurements"), 1);
}

TEST_P(MeasurementBulkHandlerTest, OneThatIsOpenedAgainIsKept) {
  pb::ImportRow bad = Row(1);
  bad.clear_course();
  ASSERT_OK_AND_ASSIGN(const auto stream, Open());
  ASSERT_OK(stream->OnMessage(ImportCall(), Rows({bad})));
  ASSERT_OK(Take(*stream).status());
  now_ += kImportKept;
  ASSERT_OK_AND_ASSIGN(const auto again, Open());
  now_ += absl::Hours(1);
  EXPECT_EQ(Purge(now_ - kImportKept), 0);
  ASSERT_OK_AND_ASSIGN(const auto told, Take(*again));
  EXPECT_THAT(FailedRows(told), ElementsAre(1));
  again->OnClientDone(ImportCall());
  ASSERT_OK(Take(*again).status());
}

// What is deleted by age may meet who opens it.
TEST_P(MeasurementBulkHandlerTest, OneThatIsBeingOpenedAgainIsKept) {
  if (GetParam() == storage::Dialect::kSqlite) GTEST_SKIP() << "its writer is one";
  pb::ImportRow bad = Row(1);
  bad.clear_course();
  ASSERT_OK(BringIn(OpenRequest(), {Rows({bad})}).status());
  now_ += kImportKept + absl::Hours(1);
  OpenWrite opening([&](const std::function<void()>& hold) {
    return store_.Write(absl::InfiniteFuture(), [&](OutcomesTx& tx) -> absl::Status {
      IPT_RETURN_IF_ERROR(
          outcomes::OpenImport(tx, ReadCall(), {.import_id = kImport, .holder = "me"}).status());
      hold();
      return absl::OkStatus();
    });
  });
  std::thread impatient([&] {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    EXPECT_OK(opening.Commit());
  });
  EXPECT_EQ(Purge(now_ - kImportKept), 0);
  impatient.join();
  EXPECT_EQ(Count("measurement_import_errors"), 1);
}

// ------------------------------------------------------------------------------------------
// exports

TEST_P(MeasurementBulkHandlerTest, AnExportIsWhatWasThereWhenItBegan) {
  ASSERT_OK(BringIn(OpenRequest(), {RowsFrom(1, 450)}).status());
  std::vector<std::string> before;
  std::vector<pb::Measurement> held;
  for (const std::string& name : AllOfTheClinic()) {
    ASSERT_OK_AND_ASSIGN(pb::Measurement measurement, Get(name));
    before.push_back(measurement.SerializeAsString());
    held.push_back(std::move(measurement));
  }
  ASSERT_THAT(held, SizeIs(450));
  std::sort(held.begin(), held.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.revision(), a.name()) < std::tuple(b.revision(), b.name());
  });
  ASSERT_OK_AND_ASSIGN(auto stream, OpenExport(ExportRequest()));
  ASSERT_OK_AND_ASSIGN(pb::ExportMeasurementsResponse part, NextPart(*stream));
  EXPECT_EQ(part.measurements_size(), 200);
  EXPECT_EQ(part.exported(), 200);
  EXPECT_FALSE(part.complete());
  std::vector<std::string> taken;
  const auto take = [&] {
    for (const auto& measurement : part.measurements()) {
      taken.push_back(measurement.SerializeAsString());
    }
  };
  take();

  // One that was told is changed, and three that were not; one is new.
  const auto correct = [&](const pb::Measurement& measurement) {
    pb::CorrectMeasurementRequest request;
    *request.mutable_measurement() = measurement;
    request.mutable_measurement()->set_mode(pb::ANSWER_MODE_PAPER);
    request.mutable_update_mask()->add_paths("mode");
    request.set_reason("as the form says");
    EXPECT_OK(measurements_.CorrectMeasurement(WriteCall(request), request).status());
  };
  correct(held[3]);
  correct(held[300]);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement corrected, Get(held[300].name()));
  correct(corrected);
  correct(held[449]);
  pb::MarkMeasurementEnteredInErrorRequest back;
  back.set_name(held[400].name());
  back.set_reason(pb::ENTERED_IN_ERROR_REASON_TEST);
  ASSERT_OK(measurements_.MarkMeasurementEnteredInError(WriteCall(back), back).status());
  ASSERT_OK(Record(Phq9({0, 0, 0, 0, 0, 0, 0, 0, 0}, "later")).status());

  // Broken off, and gone on with.
  pb::ExportMeasurementsRequest request = ExportRequest();
  request.set_cursor(part.cursor());
  ASSERT_OK_AND_ASSIGN(stream, OpenExport(request));
  const int64_t revision = part.revision();
  while (!part.complete()) {
    ASSERT_OK_AND_ASSIGN(part, NextPart(*stream));
    EXPECT_EQ(part.revision(), revision);
    take();
  }
  EXPECT_EQ(part.exported(), 450);
  EXPECT_THAT(taken, UnorderedElementsAreArray(before));

  // What changed since, and nothing else; taken back ones are asked for by their state.
  request = ExportRequest();
  request.set_after_revision(revision);
  ASSERT_OK_AND_ASSIGN(const auto since, TakeOut(request));
  std::set<std::string> names;
  for (const auto& measurement : Measurements(since)) names.insert(measurement.name());
  EXPECT_THAT(names, SizeIs(4));
  EXPECT_EQ(names.count(held[300].name()), 1);
  request.mutable_filter()->add_states(pb::MEASUREMENT_STATE_ENTERED_IN_ERROR);
  ASSERT_OK_AND_ASSIGN(const auto gone, TakeOut(request));
  ASSERT_THAT(Measurements(gone), SizeIs(1));
  EXPECT_EQ(Measurements(gone)[0].name(), held[400].name());
}

TEST_P(MeasurementBulkHandlerTest, AnExportOfNothingIsComplete) {
  ASSERT_OK_AND_ASSIGN(const auto parts, TakeOut(ExportRequest()));
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_EQ(parts[0].exported(), 0);
  EXPECT_THAT(parts[0].measurements(), IsEmpty());
}

TEST_P(MeasurementBulkHandlerTest, ACursorIsOfItsExportAndOfItsTime) {
  ASSERT_OK(BringIn(OpenRequest(), {RowsFrom(1, 1)}).status());
  ASSERT_OK_AND_ASSIGN(const auto parts, TakeOut(ExportRequest()));
  pb::ExportMeasurementsRequest request = ExportRequest();
  request.set_cursor(parts[0].cursor());
  ASSERT_OK_AND_ASSIGN(const auto nothing, TakeOut(request));
  EXPECT_THAT(Measurements(nothing), IsEmpty());
  EXPECT_EQ(nothing[0].exported(), 1);
  request.mutable_filter()->set_risk_only(true);
  EXPECT_THAT(OpenExport(request), HasBadFields("cursor"));
  request = ExportRequest();
  request.set_cursor("bm9uc2Vuc2U");
  EXPECT_THAT(OpenExport(request), HasBadFields("cursor"));
  // Neither altered nor made up: no place that no export can be at.
  std::string altered = parts[0].cursor();
  altered[altered.size() - 6] = altered[altered.size() - 6] == 'A' ? 'B' : 'A';
  request.set_cursor(altered);
  EXPECT_THAT(OpenExport(request), HasBadFields("cursor"));
  const int64_t began = absl::ToUnixMicros(now_);
  const int64_t revision = parts[0].revision();
  for (const auto& [of, exported, after] :
       {std::tuple(revision, 1, 0), std::tuple(revision + 1000, 1, 0), std::tuple(revision, -1, 0),
        std::tuple(revision, 1, -1)}) {
    request.set_cursor(rpc::SealPosition(
        request, absl::StrCat("export1 ", of, " ", began, " 0 ", exported, " ", after, " c1 m1")));
    if (of == revision && exported == 1 && after == 0) {
      EXPECT_OK(OpenExport(request).status());
    } else {
      EXPECT_THAT(OpenExport(request), HasBadFields("cursor")) << of << exported << after;
    }
  }
  request.set_cursor(parts[0].cursor());
  now_ += absl::Hours(24 * 7) + absl::Seconds(1);
  EXPECT_THAT(OpenExport(request), HasBadFields("cursor"));
}

TEST_P(MeasurementBulkHandlerTest, OldStatesAreDeletedByAge) {
  ASSERT_OK_AND_ASSIGN(pb::Measurement measurement, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0})));
  pb::MarkMeasurementEnteredInErrorRequest back;
  back.set_name(measurement.name());
  back.set_reason(pb::ENTERED_IN_ERROR_REASON_TEST);
  ASSERT_OK(measurements_.MarkMeasurementEnteredInError(WriteCall(back), back).status());
  EXPECT_EQ(Count("measurement_states"), 1);
  ASSERT_OK(db_->Write({}, [&](storage::Connection& conn) {
    return PurgeMeasurementStates(conn, now_ + absl::Seconds(1), 100).status();
  }));
  EXPECT_EQ(Count("measurement_states"), 0);
}

// However often one transaction writes it, what was there between two commits can be exported.
TEST_P(MeasurementBulkHandlerTest, WhatWasWrittenTwiceAtOnceIsKeptOnce) {
  ASSERT_OK_AND_ASSIGN(const pb::Measurement recorded, Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0})));
  const std::string id = recorded.name().substr(recorded.name().rfind('/') + 1);
  const auto write = [&](const std::vector<std::string>& languages) -> int64_t {
    int64_t revision = 0;
    EXPECT_OK(store_.Write(absl::InfiniteFuture(), [&](OutcomesTx& tx) -> absl::Status {
      for (const std::string& language : languages) {
        IPT_ASSIGN_OR_RETURN(Measurement m,
                             tx.GetMeasurement("north", "k1", id, absl::ZeroDuration()));
        m.language = language;
        IPT_RETURN_IF_ERROR(tx.UpdateMeasurement(m, now_));
        revision = m.stamp.revision;
      }
      return absl::OkStatus();
    }));
    return revision;
  };
  const auto as_of = [&](int64_t revision) {
    std::vector<std::string> languages;
    EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](OutcomesReader& reader) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const auto all, reader.ListMeasurementsAsOf("north", {}, revision, {},
                                                                       10, absl::ZeroDuration()));
      for (const Measurement& m : all) languages.push_back(m.language);
      return absl::OkStatus();
    }));
    return languages;
  };
  const int64_t twice = write({"en", "de"});
  const int64_t last = write({"pt", "pl", "cs"});
  EXPECT_THAT(as_of(recorded.revision()), ElementsAre(""));
  EXPECT_THAT(as_of(twice), ElementsAre("de"));
  EXPECT_THAT(as_of(last), ElementsAre("cs"));
  EXPECT_EQ(Count("measurement_states"), 2);
}

// On PostgreSQL a write that began earlier may commit later, under a lower revision. The slow one
// may be the newest of all transactions, or not.
TEST_P(MeasurementBulkHandlerTest, WritersThatHadBegunAreWaitedFor) {
  if (GetParam() == storage::Dialect::kSqlite) GTEST_SKIP() << "its writer is one";
  int64_t expected = 0;
  for (const bool newest : {true, false}) {
    SCOPED_TRACE(newest);
    OpenWrite slow([&](const std::function<void()>& hold) {
      return store_.Write(absl::InfiniteFuture(), [&](OutcomesTx& tx) -> absl::Status {
        MeasurementInput input;
        input.instrument_id = "phq-9";
        input.respondent = AnsweredBy::kSelf;
        input.reported = {{.scale = "total", .points = 9}};
        IPT_RETURN_IF_ERROR(outcomes::RecordMeasurement(tx, ReadCall(), ids_, catalog_,
                                                        courses::CourseAnswer(),
                                                        newest ? "newest" : "slow", "m1", input)
                                .status());
        hold();
        return absl::OkStatus();
      });
    });
    ++expected;
    if (!newest) {
      ASSERT_OK(Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0}, "fast")).status());
      ++expected;
    }
    ASSERT_OK_AND_ASSIGN(const auto stream, OpenExport(ExportRequest()));
    for (int i = 0; i < 3; ++i) {
      ASSERT_OK_AND_ASSIGN(const auto next, stream->NextResponse(ReadCall()));
      EXPECT_FALSE(next.response.has_value());
    }
    EXPECT_OK(slow.Commit());
    ASSERT_OK_AND_ASSIGN(const auto part, NextPart(*stream));
    EXPECT_EQ(part.measurements_size(), expected);
    EXPECT_TRUE(part.complete());
  }
}

TEST_P(MeasurementBulkHandlerTest, WritersElsewhereInTheClusterStopNoExport) {
  if (GetParam() == storage::Dialect::kSqlite) GTEST_SKIP() << "a file is a store";
  ipt::testing::TempDatabase elsewhere(GetParam(), {storage::PlatformMigrations()});
  OpenWrite nightly([&](const std::function<void()>& hold) {
    return elsewhere->Write({}, [&](storage::Connection& conn) -> absl::Status {
      IPT_RETURN_IF_ERROR(conn.ExecuteScript("CREATE TABLE nightly (id BIGINT)"));
      hold();
      return absl::OkStatus();
    });
  });
  ASSERT_OK(Record(Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0})).status());
  ASSERT_OK_AND_ASSIGN(const auto stream, OpenExport(ExportRequest()));
  ASSERT_OK(stream->NextResponse(ReadCall()).status());
  ASSERT_OK_AND_ASSIGN(const auto next, stream->NextResponse(ReadCall()));
  ASSERT_TRUE(next.response.has_value());
  EXPECT_EQ(next.response->measurements_size(), 1);
  EXPECT_OK(nightly.Commit());
}

TEST_P(MeasurementBulkHandlerTest, CsvHasALineAMeasurementAndAColumnAnItem) {
  std::vector<pb::ImportRow> rows = {Row(1, {0, 1, 2, 3, 0, 1, 2, 3, 1}), Row(2), Row(3)};
  rows[0].mutable_measurement()->set_external_id("=cmd|' /C calc'!A0");
  rows[0].mutable_measurement()->set_mode(pb::ANSWER_MODE_PAPER);
  pb::Answer& declined = *rows[1].mutable_measurement()->mutable_answers()->mutable_answers(8);
  declined.set_none(pb::NO_ANSWER_DECLINED);
  rows[1].mutable_measurement()->mutable_answers()->mutable_answers(0)->set_option("a2");
  rows[1].mutable_measurement()->set_external_id("a,\"b\"");
  auto& total = *rows[2].mutable_measurement()->mutable_reported()->add_scores();
  total.set_scale("total");
  total.set_points(21);
  ASSERT_OK(BringIn(OpenRequest(), {Rows(rows)}).status());
  EXPECT_THAT(OpenExport([] {
                auto request = ExportRequest(true);
                request.mutable_filter()->clear_instruments();
                return request;
              }()),
              HasBadFields("filter.instruments"));

  ASSERT_OK_AND_ASSIGN(const auto parts, TakeOut(ExportRequest(true)));
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_THAT(parts[0].measurements(), IsEmpty());
  const std::vector<std::string> lines = absl::StrSplit(parts[0].csv(), "\r\n");
  ASSERT_THAT(lines, SizeIs(5));
  EXPECT_EQ(lines[4], "");
  EXPECT_THAT(lines[0], StartsWith("course,measurement,instrument,instrument_version,state,"));
  EXPECT_THAT(lines[0], HasSubstr(",external_id,item.q1,item.q2,"));
  EXPECT_THAT(lines[0], HasSubstr(",reported.total,score.total,score_state.total,risk,"));
  std::string all;
  for (const std::string& line : lines) absl::StrAppend(&all, line, "\n");
  EXPECT_THAT(all, HasSubstr(",SELF,PAPER,"));
  EXPECT_THAT(all, HasSubstr(",'=cmd|' /C calc'!A0,0,1,2,3,0,1,2,3,1,"));
  EXPECT_THAT(all, HasSubstr(",\"a,\"\"b\"\"\",2,2,3,0,1,2,3,0,DECLINED,"));
  EXPECT_THAT(all, HasSubstr(",21,21,COMPLETE,UNKNOWN,"));
  EXPECT_THAT(all, HasSubstr(",FIRED,"));
}

// The heading comes once, and what is gone on with has the columns that were begun with.
TEST_P(MeasurementBulkHandlerTest, CsvInPartsIsOneFile) {
  ASSERT_OK(BringIn(OpenRequest(), {RowsFrom(1, 250), RowsFrom(251, 200)}).status());
  const auto csv = [](const std::vector<pb::ExportMeasurementsResponse>& parts) {
    std::string text;
    for (const auto& part : parts) absl::StrAppend(&text, part.csv());
    return text;
  };
  ASSERT_OK_AND_ASSIGN(const auto whole, TakeOut(ExportRequest(true)));
  ASSERT_OK_AND_ASSIGN(const auto broken, TakeOut(ExportRequest(true), true));
  EXPECT_THAT(whole, SizeIs(3));
  EXPECT_EQ(csv(whole), csv(broken));
  EXPECT_EQ(whole.back().exported(), 450);
}

}  // namespace
}  // namespace ipt::outcomes
