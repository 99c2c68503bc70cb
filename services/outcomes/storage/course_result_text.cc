#include "outcomes/storage/course_result_text.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/charconv.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace ipt::outcomes {
namespace {

// Single digits stand together, every other field ends with ';'. Measures go on to the end.
class Writer {
 public:
  void Text(absl::string_view value) { absl::StrAppend(&out_, value, ";"); }
  void Number(int64_t value) { absl::StrAppend(&out_, value, ";"); }
  void Day(const std::optional<DayNumber>& day) {
    if (day.has_value()) absl::StrAppend(&out_, day->number());
    out_ += ';';
  }
  void Exact(double value) { absl::StrAppendFormat(&out_, "%.17g;", value); }
  // One digit each.
  void Digit(int value) { out_ += static_cast<char>('0' + value); }
  void Verdict(const std::optional<bool>& is) { Digit(is.has_value() ? 1 + *is : 0); }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(absl::string_view text) : left_(text) {}

  absl::string_view Text() {
    const size_t end = left_.find(';');
    if (end == absl::string_view::npos) {
      bad_ = true;
      return "";
    }
    const absl::string_view field = left_.substr(0, end);
    left_.remove_prefix(end + 1);
    return field;
  }
  int Number() {
    int value = 0;
    bad_ |= !Whole(value);
    return value;
  }
  std::optional<DayNumber> Day() {
    if (!left_.empty() && left_[0] == ';') {
      left_.remove_prefix(1);
      return std::nullopt;
    }
    return DayNumber(Number());
  }
  double Exact() {
    int whole = 0;
    if (Whole(whole)) return whole;  // nearly all
    const absl::string_view field = Text();
    double value = 0;
    const auto read = absl::from_chars(field.data(), field.data() + field.size(), value);
    bad_ |= read.ec != std::errc() || read.ptr != field.data() + field.size();
    return value;
  }
  int Digit(int most) {
    if (left_.empty() || left_[0] < '0' || left_[0] > '0' + most) {
      bad_ = true;
      return 0;
    }
    const int value = left_[0] - '0';
    left_.remove_prefix(1);
    return value;
  }
  bool Flag() { return Digit(1) == 1; }
  std::optional<bool> Verdict() {
    const int value = Digit(2);
    return value == 0 ? std::nullopt : std::optional<bool>(value == 2);
  }
  bool done() const { return left_.empty(); }
  bool bad() const { return bad_; }
  absl::string_view left() const { return left_; }

 private:
  // A field of up to nine digits, with a sign or without. False: it is another, and is not read.
  bool Whole(int& value) {
    const bool negative = !left_.empty() && left_[0] == '-';
    const size_t begin = negative ? 1 : 0;
    const size_t end = std::min(left_.size(), begin + 9);
    size_t at = begin;
    int read = 0;
    for (; at < end && left_[at] >= '0' && left_[at] <= '9'; ++at) {
      read = 10 * read + (left_[at] - '0');
    }
    if (at == begin || at == left_.size() || left_[at] != ';') return false;
    left_.remove_prefix(at + 1);
    value = negative ? -read : read;
    return true;
  }

  absl::string_view left_;
  bool bad_ = false;
};

void Assign(absl::string_view from, std::string& to) { to.assign(from.data(), from.size()); }

}  // namespace

std::string EncodeCourseResult(const CourseResult& result) {
  Writer out;
  out.Digit(result.known);
  out.Digit(result.in_error);
  out.Digit(static_cast<int>(result.end));
  const RecoveryResult& recovery = result.recovery;
  out.Digit(recovery.finished);
  out.Digit(static_cast<int>(recovery.no_outcome));
  out.Verdict(recovery.case_at_start);
  out.Digit(static_cast<int>(recovery.reliable));
  out.Digit(recovery.mixed);
  out.Digit(recovery.recovered);
  out.Digit(recovery.reliably_recovered);
  out.Day(result.closed_day);
  out.Day(result.start_day);
  out.Day(result.last_day);
  for (const int number :
       {result.planned_sessions, result.attended_sessions, result.attended, result.missed,
        result.indication, result.focus, result.measurements, result.left_out}) {
    out.Number(number);
  }
  out.Text(result.therapist_id);
  out.Text(result.variant_id);
  out.Text(result.baseline_band);
  for (const MeasureResult& measure : result.measures) {
    out.Digit(measure.better == BetterWhen::kHigher);
    out.Digit(measure.paired);
    out.Verdict(measure.case_at_first);
    out.Verdict(measure.response);
    out.Verdict(measure.remission);
    out.Digit(static_cast<int>(measure.reliable));
    out.Digit(static_cast<int>(measure.significant));
    out.Exact(measure.first);
    out.Exact(measure.last);
    out.Text(measure.instrument_id);
    out.Text(measure.rule_sets);
  }
  return out.Take();
}

bool DecodeCourseResult(absl::string_view text, CourseResult& result) {
  return DecodeCourse(text, result) && DecodeMeasures(text, result);
}

bool DecodeCourse(absl::string_view& text, CourseResult& result) {
  Reader in(text);
  result.known = in.Flag();
  result.in_error = in.Flag();
  result.end = static_cast<CourseEnd>(in.Digit(static_cast<int>(CourseEnd::kOther)));
  RecoveryResult& recovery = result.recovery;
  recovery.finished = in.Flag();
  recovery.no_outcome = static_cast<NoOutcome>(in.Digit(static_cast<int>(NoOutcome::kSingleScore)));
  recovery.case_at_start = in.Verdict();
  recovery.reliable =
      static_cast<ReliableOutcome>(in.Digit(static_cast<int>(ReliableOutcome::kDeteriorated)));
  recovery.mixed = in.Flag();
  recovery.recovered = in.Flag();
  recovery.reliably_recovered = in.Flag();
  result.closed_day = in.Day();
  result.start_day = in.Day();
  result.last_day = in.Day();
  for (int* number :
       {&result.planned_sessions, &result.attended_sessions, &result.attended, &result.missed,
        &result.indication, &result.focus, &result.measurements, &result.left_out}) {
    *number = in.Number();
  }
  Assign(in.Text(), result.therapist_id);
  Assign(in.Text(), result.variant_id);
  Assign(in.Text(), result.baseline_band);
  text = in.left();
  return !in.bad();
}

bool DecodeMeasures(absl::string_view text, CourseResult& result) {
  Reader in(text);
  size_t measures = 0;
  for (; !in.done() && !in.bad(); ++measures) {
    if (measures == result.measures.size()) result.measures.emplace_back();
    MeasureResult& measure = result.measures[measures];
    measure.better = in.Flag() ? BetterWhen::kHigher : BetterWhen::kLower;
    measure.paired = in.Flag();
    measure.case_at_first = in.Verdict();
    measure.response = in.Verdict();
    measure.remission = in.Verdict();
    measure.reliable =
        static_cast<ReliableVerdict>(in.Digit(static_cast<int>(ReliableVerdict::kDeteriorated)));
    measure.significant = static_cast<SignificantChange>(
        in.Digit(static_cast<int>(SignificantChange::kDeteriorated)));
    measure.first = in.Exact();
    measure.last = in.Exact();
    Assign(in.Text(), measure.instrument_id);
    Assign(in.Text(), measure.rule_sets);
  }
  result.measures.resize(measures);
  return !in.bad();
}

}  // namespace ipt::outcomes
