#include "iptctl/measurement_rows.h"

#include <algorithm>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "iptctl/csv_reader.h"
#include "outcomes/rpc/measurement_csv.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;
using ::testing::HasSubstr;
using ::testing::Not;

MeasurementRows Open(const std::vector<std::string>& heading) {
  absl::StatusOr<MeasurementRows> rows = MeasurementRows::Open(heading, "clinics/north", {});
  EXPECT_TRUE(rows.ok()) << rows.status();
  return *std::move(rows);
}
std::string HeadingFault(const std::vector<std::string>& heading) {
  return std::string(MeasurementRows::Open(heading, "clinics/north", {}).status().message());
}
const std::vector<std::string> kNeeded = {"course", "instrument", "respondent", "complete_time"};
const std::vector<std::string> kCells = {"c1", "phq-9", "self", "2026-11-02T09:40Z"};

std::string FaultOf(const std::string& column, const std::string& cell) {
  std::vector<std::string> heading = kNeeded;
  std::vector<std::string> cells = kCells;
  const auto at = std::find(heading.begin(), heading.end(), column);
  if (at != heading.end()) {
    cells[at - heading.begin()] = cell;
  } else {
    heading.push_back(column);
    cells.push_back(cell);
  }
  o::ImportRow row;
  return std::string(Open(heading).Read(cells, row).message());
}

TEST(MeasurementRowsTest, MakesARowOfALine) {
  MeasurementRows rows =
      Open({"course", "instrument", "respondent", "complete_time", "session", "mode", "language",
            "external_id", "instrument_version", "item.q1", "item.q2", "item.q3", "item.q4", "risk",
            "score.total", "score_state.total", "measurement"});
  o::ImportRow row;
  ASSERT_TRUE(
      rows.Read({"c1", "phq-9", "CLINICIAN_READ", "2026-11-02T09:40:00+01:00", "s1", "paper", "'-x",
                 "'=1", "2", "3", "a2", "", "declined", "FIRED", "7", "COMPLETE", "x"},
                row)
          .ok());
  const o::Measurement& m = row.measurement();
  EXPECT_EQ(row.course(), "clinics/north/courses/c1");
  EXPECT_EQ(m.instrument(), "clinics/north/instruments/phq-9");
  EXPECT_EQ(m.session(), "clinics/north/courses/c1/sessions/s1");
  EXPECT_EQ(m.respondent(), o::RESPONDENT_CLINICIAN_READ);
  EXPECT_EQ(m.mode(), o::ANSWER_MODE_PAPER);
  EXPECT_EQ(m.complete_time().seconds(), 1793608800);
  EXPECT_EQ(m.language(), "-x");
  EXPECT_EQ(m.external_id(), "=1");
  EXPECT_EQ(m.instrument_version(), 2);
  ASSERT_EQ(m.answers().answers_size(), 3);
  EXPECT_EQ(m.answers().answers(0).value(), 3);
  EXPECT_EQ(m.answers().answers(1).option(), "a2");
  EXPECT_EQ(m.answers().answers(2).item(), "q4");
  EXPECT_EQ(m.answers().answers(2).none(), o::NO_ANSWER_DECLINED);
}

TEST(MeasurementRowsTest, TakesTotalsWithoutAnswers) {
  MeasurementRows rows =
      Open({"course", "instrument", "respondent", "complete_time", "item.q1", "reported.total"});
  std::vector<std::string> cells = kCells;
  cells.insert(cells.end(), {"", "14"});
  o::ImportRow row;
  ASSERT_TRUE(rows.Read(cells, row).ok());
  ASSERT_EQ(row.measurement().reported().scores_size(), 1);
  EXPECT_EQ(row.measurement().reported().scores(0).points(), 14);
  cells[4] = "1";
  o::ImportRow both;
  EXPECT_THAT(std::string(rows.Read(cells, both).message()), HasSubstr("either answers or"));
}

TEST(MeasurementRowsTest, SaysWhatIsWrongWithoutTheValue) {
  EXPECT_THAT(FaultOf("complete_time", "now"), HasSubstr("complete_time: must be a time"));
  EXPECT_THAT(FaultOf("complete_time", "2026-11-02 09:40"), HasSubstr("--zone"));
  EXPECT_THAT(FaultOf("respondent", "mr-brown"), HasSubstr("respondent: must be a value of"));
  EXPECT_THAT(FaultOf("respondent", "mr-brown"), Not(HasSubstr("brown")));
  EXPECT_THAT(FaultOf("instrument_version", "two"), HasSubstr("must be a whole number"));
  EXPECT_THAT(FaultOf("reported.total", "many"), HasSubstr("must be a number"));
  o::ImportRow row;
  EXPECT_THAT(std::string(Open(kNeeded).Read({"c1"}, row).message()),
              HasSubstr("the line has 1 cells, the heading 4"));
}

TEST(MeasurementRowsTest, ATimeThatIsThereTwiceNeedsAnOffset) {
  TimeContext london;
  absl::TimeZone zone;
  ASSERT_TRUE(absl::LoadTimeZone("Europe/London", &zone));
  london.zone = zone;
  absl::StatusOr<MeasurementRows> rows = MeasurementRows::Open(kNeeded, "clinics/north", london);
  ASSERT_TRUE(rows.ok());
  const auto read = [&](const std::string& time) {
    std::vector<std::string> cells = kCells;
    cells[3] = time;
    o::ImportRow row;
    return rows->Read(cells, row);
  };
  EXPECT_THAT(std::string(read("2026-10-25T01:30").message()), HasSubstr("give an offset"));
  EXPECT_TRUE(read("2026-10-25T00:30").ok());  // nothing is left of the one before
  EXPECT_TRUE(read("2026-10-25T01:30+01:00").ok());
  EXPECT_FALSE(read("2026-03-29T01:30").ok());
}

TEST(MeasurementRowsTest, WhatWasTakenBackIsNotBroughtInAgain) {
  MeasurementRows rows = Open({"course", "instrument", "respondent", "complete_time", "state"});
  std::vector<std::string> cells = kCells;
  for (const char* state : {"RECORDED", "CORRECTED", ""}) {
    o::ImportRow row;
    cells.resize(4);
    cells.emplace_back(state);
    EXPECT_TRUE(rows.Read(cells, row).ok()) << state;
  }
  cells[4] = "ENTERED_IN_ERROR";
  o::ImportRow row;
  EXPECT_THAT(std::string(rows.Read(cells, row).message()), HasSubstr("was taken back"));
}

TEST(MeasurementRowsTest, AnIdElsewhereKeepsItsBlanks) {
  MeasurementRows rows =
      Open({"course", "instrument", "respondent", "complete_time", "external_id"});
  for (const auto& [cell, id] :
       {std::pair<const char*, const char*>{" a 1 ", " a 1 "}, {"  ", ""}, {"'=1 ", "=1 "}}) {
    std::vector<std::string> cells = kCells;
    cells.emplace_back(cell);
    o::ImportRow row;
    ASSERT_TRUE(rows.Read(cells, row).ok());
    EXPECT_EQ(row.measurement().external_id(), id);
  }
}

// What is taken out can be brought in.
TEST(MeasurementRowsTest, KnowsAllColumnsOfAnExport) {
  outcomes::HeldInstrument instrument;
  instrument.definition.version = 1;
  instrument.definition.items = {{.id = "q1"}, {.id = "q2"}};
  instrument.definition.subscales = {{.id = "mood"}};
  std::string heading = outcomes::MeasurementCsv({instrument}).Heading();
  std::istringstream in(heading);
  CsvReader reader(in);
  std::vector<std::string> columns;
  ASSERT_TRUE(reader.Next(columns).ok());
  EXPECT_GT(columns.size(), 25u);
  EXPECT_EQ(HeadingFault(columns), "");
}

TEST(MeasurementRowsTest, KnowsItsColumns) {
  EXPECT_THAT(HeadingFault({"course", "instrument", "respondent"}),
              HasSubstr("complete_time is missing"));
  EXPECT_THAT(HeadingFault({"course", "course"}), HasSubstr("column course is there twice"));
  EXPECT_THAT(HeadingFault({"course", "external-id"}), HasSubstr("did you mean external_id?"));
  EXPECT_THAT(HeadingFault({"q1"}), HasSubstr("items are item.ID"));
}

}  // namespace
}  // namespace ipt::ctl
