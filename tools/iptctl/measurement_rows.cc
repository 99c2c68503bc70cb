#include "iptctl/measurement_rows.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "iptctl/text.h"
#include "platform/errors/status_macros.h"
#include "platform/text/csv.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;

constexpr char kItem[] = "item.";
constexpr char kReported[] = "reported.";
constexpr const char* kRead[] = {"course",      "instrument", "instrument_version", "respondent",
                                 "mode",        "language",   "complete_time",      "session",
                                 "external_id", "state"};
// What an export says and the service finds out by itself.
constexpr const char* kPassedOver[] = {"measurement", "receive_time",    "session_number",
                                       "week_number", "phase",           "occasion",
                                       "risk",        "superseded",      "revision_number",
                                       "unverified",  "binding_problem", "measurement_import",
                                       "revision"};

bool IsOneOf(const std::string& column, absl::Span<const char* const> names) {
  for (const char* name : names) {
    if (column == name) return true;
  }
  return false;
}

absl::Status WrongCell(absl::string_view column, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(column, ": ", what));
}

// "clinics/north" and "courses/" make clinics/north/courses/c1 of c1.
std::string FullName(const std::string& cell, const std::string& parent,
                     const std::string& collection) {
  return absl::StrContains(cell, "/") ? cell : absl::StrCat(parent, "/", collection, "/", cell);
}

// A value of an enum by its name or the end of it, in either case: self, RESPONDENT_SELF.
template <typename Enum>
absl::StatusOr<Enum> ReadEnum(const std::string& column, const std::string& cell) {
  const auto* type = google::protobuf::GetEnumDescriptor<Enum>();
  const std::string word = absl::StrReplaceAll(absl::AsciiStrToLower(cell), {{"_", "-"}});
  for (int i = 1; i < type->value_count(); ++i) {
    const std::string name = absl::AsciiStrToLower(type->value(i)->name());
    if (word == EnumText(*type->value(i)) || word == absl::StrReplaceAll(name, {{"_", "-"}})) {
      return static_cast<Enum>(type->value(i)->number());
    }
  }
  return WrongCell(column, absl::StrCat("must be a value of ", type->name(), ", such as ",
                                        EnumText(*type->value(1))));
}

absl::Status ReadAnswer(const std::string& column, const std::string& cell, o::Answer& answer) {
  int32_t value = 0;
  if (absl::SimpleAtoi(cell, &value)) {
    answer.set_value(value);
    return absl::OkStatus();
  }
  if (const auto none = ReadEnum<o::NoAnswer>(column, cell); none.ok()) {
    answer.set_none(*none);
    return absl::OkStatus();
  }
  answer.set_option(cell);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MeasurementRows> MeasurementRows::Open(const std::vector<std::string>& heading,
                                                      const std::string& clinic,
                                                      const TimeContext& time) {
  MeasurementRows rows(clinic, time);
  std::set<std::string> seen;
  for (const std::string& cell : heading) {
    const std::string column(absl::StripAsciiWhitespace(cell));
    const bool is_item = absl::StartsWith(column, kItem) || absl::StartsWith(column, kReported);
    const bool is_score =
        absl::StartsWith(column, "score.") || absl::StartsWith(column, "score_state.");
    if (!is_item && !is_score && !IsOneOf(column, kRead) && !IsOneOf(column, kPassedOver)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "unknown column ", column,
          DidYouMean(column, std::vector<std::string>(std::begin(kRead), std::end(kRead))),
          ": items are item.ID, totals without answers reported.total"));
    }
    if (!seen.insert(column).second) {
      return absl::InvalidArgumentError(absl::StrCat("column ", column, " is there twice"));
    }
    rows.columns_.push_back(column);
  }
  for (const char* needed : {"course", "instrument", "respondent", "complete_time"}) {
    if (!seen.contains(needed)) {
      return absl::InvalidArgumentError(absl::StrCat("column ", needed, " is missing"));
    }
  }
  return rows;
}

absl::Status MeasurementRows::Read(const std::vector<std::string>& cells, o::ImportRow& row) {
  if (cells.size() != columns_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the line has ", cells.size(), " cells, the heading ", columns_.size()));
  }
  row.mutable_measurement();
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string cell(absl::StripAsciiWhitespace(cells[i]));
    if (cell.empty()) continue;
    // An id elsewhere is whatever it is there, blanks and all.
    const bool as_it_is = columns_[i] == "external_id";
    IPT_RETURN_IF_ERROR(ReadCell(columns_[i], as_it_is ? cells[i] : cell, row));
  }
  o::Measurement& measurement = *row.mutable_measurement();
  if (!measurement.session().empty()) {
    measurement.set_session(FullName(measurement.session(), row.course(), "sessions"));
  }
  return absl::OkStatus();
}

absl::Status MeasurementRows::ReadCell(const std::string& column, const std::string& cell,
                                       o::ImportRow& row) {
  o::Measurement& measurement = *row.mutable_measurement();
  absl::string_view id = column;
  if (absl::ConsumePrefix(&id, kItem)) {
    if (measurement.has_reported()) return WrongCell(column, "either answers or reported scores");
    o::Answer& answer = *measurement.mutable_answers()->add_answers();
    answer.set_item(std::string(id));
    return ReadAnswer(column, cell, answer);
  }
  if (absl::ConsumePrefix(&id, kReported)) {
    if (measurement.has_answers()) return WrongCell(column, "either answers or reported scores");
    o::ReportedScore& score = *measurement.mutable_reported()->add_scores();
    score.set_scale(std::string(id));
    double points = 0;
    if (!absl::SimpleAtod(cell, &points)) return WrongCell(column, "must be a number");
    score.set_points(points);
    return absl::OkStatus();
  }
  if (column == "course") {
    row.set_course(FullName(cell, clinic_, "courses"));
  } else if (column == "instrument") {
    measurement.set_instrument(FullName(cell, clinic_, "instruments"));
  } else if (column == "instrument_version") {
    int32_t version = 0;
    if (!absl::SimpleAtoi(cell, &version)) return WrongCell(column, "must be a whole number");
    measurement.set_instrument_version(version);
  } else if (column == "respondent") {
    IPT_ASSIGN_OR_RETURN(const auto respondent, ReadEnum<o::Respondent>(column, cell));
    measurement.set_respondent(respondent);
  } else if (column == "mode") {
    IPT_ASSIGN_OR_RETURN(const auto mode, ReadEnum<o::AnswerMode>(column, cell));
    measurement.set_mode(mode);
  } else if (column == "language") {
    measurement.set_language(UnguardedCsvCell(cell));
  } else if (column == "session") {
    measurement.set_session(cell);  // completed once the course is known
  } else if (column == "external_id") {
    measurement.set_external_id(UnguardedCsvCell(cell));
  } else if (column == "state") {
    const auto state = ReadEnum<o::MeasurementState>(column, cell);
    if (state.ok() && *state == o::MEASUREMENT_STATE_ENTERED_IN_ERROR) {
      return WrongCell(column, "was taken back, and is not brought in: leave the line out");
    }
  } else if (column == "complete_time") {
    // A file says when, and never "now".
    const absl::StatusOr<absl::Time> time =
        absl::ascii_isdigit(cell[0]) ? ParseInstant(cell, time_)
                                     : absl::StatusOr<absl::Time>(absl::InvalidArgumentError(""));
    const bool is_twice = !time_.notes.empty();
    time_.notes.clear();
    if (is_twice) {
      return WrongCell(column,
                       "is there twice in that zone, where clocks go back: give an offset, such as "
                       "2026-10-25T01:30+01:00");
    }
    if (!time.ok()) {
      return WrongCell(column,
                       "must be a time such as 2026-11-02T09:40Z; one without a zone needs --zone");
    }
    measurement.mutable_complete_time()->set_seconds(absl::ToUnixSeconds(*time));
  }
  return absl::OkStatus();
}

}  // namespace ipt::ctl
