#include "ipt-load/forms.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ipt-load/clinic_maker.h"

namespace ipt::load {
namespace {

constexpr size_t kFormWeeks = 50;
constexpr absl::Duration kApart = absl::Hours(24 * 7);
constexpr int kOtherItems = 8;  // beside the one of risk
// A server asks scheduling for few courses at once.
constexpr size_t kAskedAtOnce = 4;

// How much each item has at most: two thirds of what a course is for has gone by week 14.
int Level(size_t week) { return week < 7 ? 3 : week < 14 ? 2 : 1; }

}  // namespace

Forms::Forms(std::vector<std::string> courses, double risk, absl::Time now)
    : courses_(std::move(courses)),
      risk_(risk),
      first_(absl::FromUnixSeconds(absl::ToUnixSeconds(now)) - kFormWeeks * kApart) {}

Form Forms::Next() {
  const size_t i = next_++;
  const size_t place = i % courses_.size();
  const size_t number = i / courses_.size();
  const size_t week = number % kFormWeeks;
  Form form;
  // A share that keeps no step with anything: the courses' order, a year's weeks.
  form.risk = std::fmod(static_cast<double>(i) * 0.61803398875, 1.0) < risk_;

  form.request.set_parent(courses_[place]);
  form.request.set_measurement_id(NewRequestId());
  form.request.set_request_id(NewRequestId());
  ov1::Measurement& measurement = *form.request.mutable_measurement();
  const std::string& course = courses_[place];
  measurement.set_instrument(
      absl::StrCat(course.substr(0, course.find("/courses/")), "/instruments/phq-9"));
  measurement.set_respondent(ov1::RESPONDENT_SELF);
  measurement.set_mode(ov1::ANSWER_MODE_PORTAL);
  *measurement.mutable_complete_time() = ToTimestamp(first_ + week * kApart);
  // Where the weeks begin anew, other answers than a year before: 256 different ones of each week.
  const size_t bits = number * 37 + place * 11;
  for (int item = 0; item <= kOtherItems; ++item) {
    ov1::Answer& answer = *measurement.mutable_answers()->add_answers();
    answer.set_item(absl::StrCat("q", item + 1));
    if (item < kOtherItems) {
      answer.set_value(Level(week) - static_cast<int>(bits >> item & 1));
    } else {
      answer.set_value(form.risk ? 1 + static_cast<int>(number % 3) : 0);
    }
  }
  return form;
}

absl::Status Introduce(const Connections& connections, const std::vector<std::string>& courses) {
  return ForEach(connections, kAskedAtOnce, courses.size(),
                 [&](RetryingCaller& caller, size_t i) -> absl::Status {
                   ov1::RecordMeasurementRequest request =
                       Forms({courses[i]}, 0, absl::Now()).Next().request;
                   request.set_validate_only(true);
                   ov1::Measurement measurement;
                   return ToAbsl(caller.Call(caller.stubs().measurements,
                                             &ov1::MeasurementService::Stub::RecordMeasurement,
                                             request, measurement),
                                 "RecordMeasurement");
                 });
}

}  // namespace ipt::load
