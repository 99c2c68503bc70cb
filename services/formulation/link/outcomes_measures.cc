#include "formulation/link/outcomes_measures.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "formulation/domain/names.h"
#include "ipt/formulation/v1/due_measure.pb.h"
#include "ipt/outcomes/v1/measurement_plan_service.pb.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"
#include "platform/observability/trace_context.h"
#include "platform/peer/pages.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"

namespace ipt::formulation {
namespace {

namespace ov1 = ::ipt::outcomes::v1;
namespace fv1 = ::ipt::formulation::v1;

constexpr int kPage = 1000;
constexpr absl::Duration kReportEvery = absl::Hours(1);

// The two contracts' numbers are the same.
static_assert(int{ov1::DUE_STATE_UPCOMING} == int{fv1::DUE_MEASURE_STATE_UPCOMING});
static_assert(int{ov1::DUE_STATE_DUE} == int{fv1::DUE_MEASURE_STATE_DUE});
static_assert(int{ov1::DUE_STATE_OVERDUE} == int{fv1::DUE_MEASURE_STATE_OVERDUE});
static_assert(int{ov1::PLAN_TIMING_EVERY_SESSION} == int{fv1::DUE_MEASURE_OCCASION_EVERY_SESSION});
static_assert(int{ov1::PLAN_TIMING_EVERY_WEEKS} == int{fv1::DUE_MEASURE_OCCASION_EVERY_WEEKS});
static_assert(int{ov1::PLAN_TIMING_BASELINE} == int{fv1::DUE_MEASURE_OCCASION_BASELINE});
static_assert(int{ov1::PLAN_TIMING_PHASE_CHANGE} == int{fv1::DUE_MEASURE_OCCASION_PHASE_CHANGE});
static_assert(int{ov1::PLAN_TIMING_MID_COURSE} == int{fv1::DUE_MEASURE_OCCASION_MID_COURSE});
static_assert(int{ov1::PLAN_TIMING_END} == int{fv1::DUE_MEASURE_OCCASION_END});
static_assert(int{ov1::PLAN_TIMING_FOLLOW_UP} == int{fv1::DUE_MEASURE_OCCASION_FOLLOW_UP});
static_assert(int{ov1::RESPONDENT_SELF} == int{fv1::DUE_MEASURE_RESPONDENT_SELF});
static_assert(int{ov1::RESPONDENT_CLINICIAN_READ} ==
              int{fv1::DUE_MEASURE_RESPONDENT_CLINICIAN_READ});
static_assert(int{ov1::RESPONDENT_PROXY} == int{fv1::DUE_MEASURE_RESPONDENT_PROXY});
static_assert(int{ov1::RESPONDENT_CLINICIAN_RATED} ==
              int{fv1::DUE_MEASURE_RESPONDENT_CLINICIAN_RATED});

DueMeasures NothingTold(std::optional<absl::Time> asked_at) {
  return {.state = DueMeasuresState::kUnavailable, .asked_at = asked_at};
}

absl::Status Unreadable() {
  return Internal("outcomes tells a due measure that this release cannot read");
}

}  // namespace

// Not the subject that calls scheduling: a token in the process stands for one set of scopes.
peer::LocalCaller CallerOfOutcomes() {
  return {
      .subject = "service:formulation/measures", .scopes = {"outcomes.read"}, .scopes_of_all = {}};
}

absl::StatusOr<DueMeasure> CopyOf(const ov1::DueMeasurement& due, absl::string_view clinic_id,
                                  absl::string_view course_id) {
  FieldViolations bad;
  const std::optional<absl::CivilDay> day = rpc::ReadDay(due.due_date(), bad, "due_date");
  if (due.course() != CourseName(clinic_id, course_id) || !day.has_value() ||
      !rpc::MatchesPattern(due.instrument(), "clinics/{clinic}/instruments/{instrument}", false)) {
    return Unreadable();
  }
  DueMeasure measure{.instrument_id = rpc::IdsOf(due.instrument())[1],
                     .display_name = due.instrument_display_name(),
                     .state = static_cast<DueMeasureState>(due.state()),
                     .occasion = due.timing(),
                     .respondent = due.respondent(),
                     .week_number = due.week_number(),
                     .due_day = *day};
  if (due.has_overdue_date()) {
    measure.overdue_day = rpc::ReadDay(due.overdue_date(), bad, "overdue_date");
    if (!measure.overdue_day.has_value()) return Unreadable();
  }
  if (!due.session().empty()) {
    if (!rpc::MatchesPattern(due.session(), "clinics/{clinic}/courses/{course}/sessions/{session}",
                             false)) {
      return Unreadable();
    }
    measure.session_id = rpc::IdsOf(due.session())[2];
  }
  return measure;
}

std::future<DueMeasures> OutcomesMeasures::Ask(DueQuestion question) {
  const absl::Time now = clock_.Now();
  // What is left after it is for the guide itself.
  const absl::Time deadline = std::min(now + kAskTime, now + (question.deadline - now) / 2);
  const auto until = std::chrono::steady_clock::now() +
                     absl::ToChronoNanoseconds(std::max(deadline - now, absl::ZeroDuration()));
  struct Asked {
    std::promise<DueMeasures> promised;
    std::atomic<bool> begun = false;
  };
  auto asked = std::make_shared<Asked>();
  std::future<DueMeasures> answer = asked->promised.get_future();
  const bool taken = post_(
      [this, asked, question = std::move(question), now, deadline, trace = TraceScope::Copy()] {
        const TraceScope scope(trace);
        asked->begun = true;
        asked->promised.set_value(AskNow(question, now, deadline));
      });
  if (!taken) asked->promised.set_value(NothingTold(std::nullopt));
  // A question that still waits for its turn behind slow ones is not waited for, either.
  auto wait = [asked, answer = std::move(answer), now, until]() mutable -> DueMeasures {
    if (answer.wait_until(until) == std::future_status::ready) return answer.get();
    return NothingTold(asked->begun ? std::make_optional(now) : std::nullopt);
  };
  return std::async(std::launch::deferred, std::move(wait));
}

DueMeasures OutcomesMeasures::AskNow(const DueQuestion& question, absl::Time asked_at,
                                     absl::Time deadline) {
  ov1::ListDueMeasurementsRequest request;
  request.set_parent(CourseName(question.clinic_id, question.course_id));
  request.set_page_size(kPage);
  for (const auto state : {ov1::DUE_STATE_UPCOMING, ov1::DUE_STATE_DUE, ov1::DUE_STATE_OVERDUE}) {
    request.add_states(state);
  }
  rpc::WriteDay(question.last_day + 1, request.mutable_due_before());
  DueMeasures due{.state = DueMeasuresState::kKnown, .asked_at = asked_at};
  const absl::Status told = peer::CallPages<ov1::ListDueMeasurementsResponse>(
      outcomes_, "ipt.outcomes.v1.MeasurementPlanService.ListDueMeasurements", request,
      {.clinic_id = question.clinic_id, .deadline = deadline},
      [&](const ov1::ListDueMeasurementsResponse& page) -> absl::Status {
        for (const ov1::DueMeasurement& measure : page.due_measurements()) {
          IPT_ASSIGN_OR_RETURN(due.measures.emplace_back(),
                               CopyOf(measure, question.clinic_id, question.course_id));
        }
        due.age = {.current = page.scheduling().current()};
        if (page.scheduling().has_as_of_time()) {
          FieldViolations bad;
          const auto as_of = rpc::ReadTime(page.scheduling().as_of_time(), bad, "as_of_time");
          if (!as_of.has_value()) return Unreadable();
          due.age.as_of = *as_of;
        }
        return absl::OkStatus();
      });
  if (!told.ok()) return NotTold(told, question, asked_at);
  // Outcomes has not heard of the course yet: that nothing is due does not follow.
  if (due.age.as_of == absl::InfinitePast()) return NothingTold(asked_at);
  return due;
}

DueMeasures OutcomesMeasures::NotTold(const absl::Status& why, const DueQuestion& question,
                                      absl::Time asked_at) {
  const DueMeasures refused{.state = DueMeasuresState::kNotPermitted, .asked_at = asked_at};
  if (peer::IsNotAllowed(why) || peer::IsNotKnown(why)) {
    Report(why.message(), "", asked_at);
    return refused;
  }
  if (absl::IsNotFound(why)) {
    // The course: it came a moment ago, or scheduling has lost it. The clinic: it is not the
    // token's.
    if (courses::IsNoSuchCourse(why, question.clinic_id, question.course_id)) {
      return NothingTold(asked_at);
    }
    Report("outcomes does not let this service read this clinic: look at its token",
           question.clinic_id, asked_at);
    return refused;
  }
  // A caller in a hurry, or a process that ends, tells nothing of outcomes.
  if (absl::IsUnavailable(why) || absl::IsInternal(why)) Report(why.message(), "", asked_at);
  return NothingTold(asked_at);
}

void OutcomesMeasures::Report(absl::string_view cause, absl::string_view clinic_id,
                              absl::Time now) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto [told, first] = reported_.try_emplace(absl::StrCat(cause, "\n", clinic_id), now);
    if (!first && now - told->second < kReportEvery) return;
    told->second = now;
  }
  if (clinic_id.empty()) {
    log::Line(log::Level::kWarning, "due_measures_not_told", {{log::Key::kDetail, cause}});
  } else {
    log::Line(log::Level::kWarning, "due_measures_not_told",
              {{log::Key::kClinic, clinic_id}, {log::Key::kDetail, cause}});
  }
}

}  // namespace ipt::formulation
