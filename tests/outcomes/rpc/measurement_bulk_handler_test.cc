// Bringing in and taking out in bulk, on both engines: nothing lost, nothing twice, whatever breaks
// off; and an export is of one revision, whatever is written meanwhile.
#include "outcomes/rpc/measurement_bulk_handler.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "outcomes/domain/measurement_imports.h"
#include "outcomes/rpc/measurement_csv.h"
#include "outcomes/rpc/measurement_export.h"
#include "outcomes/storage/sql_bulk_purge.h"
#include "tests/outcomes/rpc/handler_fixture.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::FailsWith;
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

  MeasurementBulkHandler bulk_{store_, catalog_, ids_};
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(MeasurementBulkHandlerTest);

TEST_P(MeasurementBulkHandlerTest, RowsAreRecordedAsRecordMeasurementDoes) {
  ASSERT_OK_AND_ASSIGN(const auto responses,
                       BringIn(OpenRequest(), {Rows({Row(1), Row(2, 2)}), Rows({Row(3)})}));
  ASSERT_THAT(responses, SizeIs(4));
  EXPECT_EQ(responses[0].progress().name(), kImportName);
  EXPECT_EQ(responses[0].progress().display_name(), "forms.csv");
  EXPECT_EQ(responses[0].progress().next_row(), 1);
  EXPECT_FALSE(responses[0].progress().has_update_time());
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
    for (int tries = 0; tries < 200; ++tries) {
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
  const auto purge = [&](absl::Time before) {
    int64_t deleted = 0;
    EXPECT_OK(db_->Write({}, [&](storage::Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(deleted, PurgeImports(conn, before, 100));
      return absl::OkStatus();
    }));
    return deleted;
  };
  EXPECT_EQ(purge(now_), 0);
  EXPECT_EQ(purge(now_ + absl::Seconds(1)), 2);
  EXPECT_THAT(Progress(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(Count("measurement_import_errors"), 0);
  EXPECT_EQ(Count("measurements"), 1);
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

// On PostgreSQL a write that began earlier may commit later, under a lower revision.
TEST_P(MeasurementBulkHandlerTest, WritersThatHadBegunAreWaitedFor) {
  if (GetParam() == storage::Dialect::kSqlite) GTEST_SKIP() << "its writer is one";
  std::mutex mutex;
  std::condition_variable changed;
  bool written = false;
  bool may_commit = false;
  std::thread writer([&] {
    const auto status = store_.Write(absl::InfiniteFuture(), [&](OutcomesTx& tx) -> absl::Status {
      CallContext ctx = ReadCall();
      MeasurementInput input;
      input.instrument_id = "phq-9";
      input.respondent = AnsweredBy::kSelf;
      input.reported = {{.scale = "total", .points = 9}};
      IPT_RETURN_IF_ERROR(outcomes::RecordMeasurement(tx, ctx, ids_, catalog_, CourseAnswer(),
                                                      "slow", "m1", std::move(input))
                              .status());
      std::unique_lock<std::mutex> lock(mutex);
      written = true;
      changed.notify_all();
      changed.wait(lock, [&] { return may_commit; });
      return absl::OkStatus();
    });
    EXPECT_OK(status);
  });
  {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return written; });
  }
  // It is the newest of all: nothing after it has committed.
  ASSERT_OK_AND_ASSIGN(const auto stream, OpenExport(ExportRequest()));
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto next, stream->NextResponse(ReadCall()));
    EXPECT_FALSE(next.response.has_value());
  }
  {
    const std::unique_lock<std::mutex> lock(mutex);
    may_commit = true;
    changed.notify_all();
  }
  writer.join();
  ASSERT_OK_AND_ASSIGN(const auto part, NextPart(*stream));
  EXPECT_EQ(part.measurements_size(), 1);
  EXPECT_TRUE(part.complete());
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

TEST(MeasurementCsvTest, CellsThatSpreadsheetsTakeForFormulasAreGuarded) {
  for (const char* formula : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "'x"}) {
    EXPECT_EQ(GuardedCsvCell(formula), absl::StrCat("'", formula));
  }
  EXPECT_EQ(GuardedCsvCell("\r=1"), "\"'\r=1\"");
  EXPECT_EQ(GuardedCsvCell("a=1"), "a=1");
  EXPECT_EQ(GuardedCsvCell(""), "");
  EXPECT_EQ(GuardedCsvCell("=1,2"), "\"'=1,2\"");
  EXPECT_EQ(CsvCell("=1"), "=1");
  EXPECT_EQ(CsvCell("a\nb"), "\"a\nb\"");
}

}  // namespace
}  // namespace ipt::outcomes
