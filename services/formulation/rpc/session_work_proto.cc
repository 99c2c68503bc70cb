#include "formulation/rpc/session_work_proto.h"

#include <string>

#include "course_copies/rpc/scheduling_view.h"
#include "formulation/domain/names.h"
#include "formulation/rpc/adherence_proto.h"
#include "formulation/rpc/course_entry.h"
#include "formulation/rpc/protocol_proto.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/stamp.h"

namespace ipt::formulation {
namespace {

namespace sched = ::ipt::scheduling::v1;

void WriteStanding(const CourseStanding& standing, pb::CourseStanding* out) {
  out->set_session_number(standing.session_number);
  out->set_planned_sessions(standing.planned_sessions);
  out->set_sessions_left(standing.sessions_left);
  out->set_week_number(standing.week_number);
  out->set_duration_weeks(standing.duration_weeks);
  if (standing.phase.has_value()) out->set_phase(static_cast<sched::Phase>(*standing.phase));
  out->set_mid_course_session(standing.mid_course_session);
  out->set_termination_session(standing.termination_session);
  if (standing.deadline_day.has_value()) {
    rpc::WriteDay(*standing.deadline_day, out->mutable_deadline_date());
  }
}

void WriteGuideFocus(absl::string_view clinic_id, absl::string_view course_id,
                     const GuideFocus& focus, pb::GuideFocus* out) {
  out->set_position(static_cast<pb::FocusPosition>(focus.position));
  out->set_problem_area(ProblemAreaName(clinic_id, course_id, focus.problem_area_id));
  out->set_kind(static_cast<pb::ProblemAreaKind>(focus.kind));
  out->set_kind_display_name(focus.kind_display_name);
  out->set_dispute_stage(static_cast<pb::DisputeStage>(focus.dispute_stage));
  for (const GuideStrategy& offered : focus.strategies) {
    pb::GuideStrategy* written = out->add_strategies();
    WriteStrategy(*offered.strategy, written->mutable_strategy());
    written->set_sessions_used(offered.sessions_used);
  }
  for (const Question* question : focus.questions) WriteQuestion(*question, out->add_questions());
  for (const std::string& technique : focus.techniques) out->add_techniques(technique);
  out->set_last_worked_session_number(focus.last_worked_session_number);
}

}  // namespace

void WriteSessionWork(const SessionWork& work, pb::SessionWork* out) {
  out->Clear();
  out->set_name(SessionWorkName(work.clinic_id, work.course_id, work.session_id));
  for (const TaskWork& task : work.tasks) {
    pb::TaskWork* written = out->add_tasks();
    written->set_task(task.task);
    written->set_state(static_cast<pb::TaskWorkState>(task.state));
    written->set_note(task.note);
  }
  for (const FocusWork& focus : work.focus_work) {
    pb::FocusWork* written = out->add_focus_work();
    written->set_problem_area(
        ProblemAreaName(work.clinic_id, work.course_id, focus.problem_area_id));
    for (const std::string& strategy : focus.strategies) written->add_strategies(strategy);
    written->set_note(focus.note);
  }
  for (const std::string& technique : work.techniques) out->add_techniques(technique);
  out->set_mood_and_events(work.mood_and_events);
  out->set_tryouts_reviewed(work.tryouts_reviewed);
  out->set_tryouts_agreed(work.tryouts_agreed);
  out->set_process_notes(work.process_notes);
  out->set_caller(work.caller);
  rpc::WriteStamp(work.stamp, out);
}

void WriteSession(const SessionPlace& place, const courses::CourseAnswer& course,
                  pb::SessionWork* out) {
  out->set_session_number(place.number);
  if (place.phase.has_value()) out->set_phase(static_cast<sched::Phase>(*place.phase));
  if (place.day.has_value()) rpc::WriteDay(*place.day, out->mutable_session_date());
  out->set_session_state(static_cast<sched::SessionState>(place.state));
  courses::WriteScheduling(course, out->mutable_scheduling());
}

SessionWork ReadSessionWork(const pb::SessionWork& in, absl::string_view course_id) {
  SessionWork work;
  for (const pb::TaskWork& task : in.tasks()) {
    work.tasks.push_back({task.task(), static_cast<TaskWorkState>(task.state()), task.note()});
  }
  for (const pb::FocusWork& focus : in.focus_work()) {
    work.focus_work.push_back({EntryIdIn(course_id, focus.problem_area()),
                               {focus.strategies().begin(), focus.strategies().end()},
                               focus.note()});
  }
  work.techniques.assign(in.techniques().begin(), in.techniques().end());
  work.mood_and_events = in.mood_and_events();
  work.tryouts_reviewed = in.tryouts_reviewed();
  work.tryouts_agreed = in.tryouts_agreed();
  work.process_notes = in.process_notes();
  return work;
}

void WriteTermination(const Termination& termination, pb::Termination* out) {
  out->Clear();
  out->set_name(TerminationName(termination.clinic_id, termination.course_id));
  out->set_gains(termination.gains);
  out->set_remaining_difficulties(termination.remaining_difficulties);
  out->set_feelings_about_ending(termination.feelings_about_ending);
  for (const std::string& sign : termination.early_warning_signs)
    out->add_early_warning_signs(sign);
  for (const std::string& situation : termination.risk_situations) {
    out->add_risk_situations(situation);
  }
  for (const std::string& step : termination.plan_steps) out->add_plan_steps(step);
  for (const HelpContact& contact : termination.contacts) {
    pb::HelpContact* written = out->add_contacts();
    written->set_display_name(contact.display_name);
    written->set_how(contact.how);
  }
  if (termination.plan_given_on.has_value()) {
    rpc::WriteDay(*termination.plan_given_on, out->mutable_plan_given_on());
  }
  out->set_nonresponse_plan(termination.nonresponse_plan);
  out->set_continuation(static_cast<pb::ContinuationDecision>(termination.continuation));
  out->set_continuation_note(termination.continuation_note);
  if (termination.decided_on.has_value()) {
    rpc::WriteDay(*termination.decided_on, out->mutable_decided_on());
  }
  out->set_caller(termination.caller);
  rpc::WriteStamp(termination.stamp, out);
}

void WriteRaised(absl::string_view clinic_id, absl::string_view course_id,
                 const EndingRaised& raised, pb::Termination* out) {
  if (raised.session_id.empty()) return;
  out->set_raised_in(SessionName(clinic_id, course_id, raised.session_id));
  if (raised.sessions_left.has_value()) out->set_sessions_left_when_raised(*raised.sessions_left);
}

Termination ReadTermination(const pb::Termination& in, FieldViolations bad) {
  Termination termination;
  termination.gains = in.gains();
  termination.remaining_difficulties = in.remaining_difficulties();
  termination.feelings_about_ending = in.feelings_about_ending();
  termination.early_warning_signs.assign(in.early_warning_signs().begin(),
                                         in.early_warning_signs().end());
  termination.risk_situations.assign(in.risk_situations().begin(), in.risk_situations().end());
  termination.plan_steps.assign(in.plan_steps().begin(), in.plan_steps().end());
  for (const pb::HelpContact& contact : in.contacts()) {
    termination.contacts.push_back({contact.display_name(), contact.how()});
  }
  if (in.has_plan_given_on()) {
    termination.plan_given_on = rpc::ReadDay(in.plan_given_on(), bad, "plan_given_on");
  }
  termination.nonresponse_plan = in.nonresponse_plan();
  termination.continuation = static_cast<ContinuationDecision>(in.continuation());
  termination.continuation_note = in.continuation_note();
  if (in.has_decided_on()) {
    termination.decided_on = rpc::ReadDay(in.decided_on(), bad, "decided_on");
  }
  return termination;
}

void WriteProgress(absl::string_view clinic_id, absl::string_view course_id,
                   const TaskProgress& progress, pb::TaskProgress* out) {
  out->set_task(progress.task->code);
  out->set_display_name(progress.task->name);
  out->set_phase(static_cast<sched::Phase>(progress.task->phase));
  out->set_state(static_cast<pb::TaskState>(progress.state));
  out->set_voluntary(progress.task->optional);
  out->set_due_session_number(progress.due_session_number);
  if (!progress.done_session_id.empty()) {
    out->set_done_session(SessionName(clinic_id, course_id, progress.done_session_id));
  }
  out->set_done_session_number(progress.done_session_number);
  out->set_inferred(progress.inferred);
  out->set_sessions_done(progress.sessions_done);
  out->set_sessions_expected(progress.sessions_expected);
}

void WriteGuide(absl::string_view clinic_id, absl::string_view course_id, const Protocol& protocol,
                const SessionGuide& guide, pb::SessionGuide* out) {
  out->set_session(SessionName(clinic_id, course_id, guide.session_id));
  WriteStanding(guide.standing, out->mutable_standing());
  out->set_protocol(NameOfProtocol(clinic_id, protocol.id));
  out->set_protocol_version(protocol.version);
  for (const TaskProgress& progress : guide.tasks) {
    pb::GuideTask* written = out->add_tasks();
    WriteTask(*progress.task, written->mutable_task());
    WriteProgress(clinic_id, course_id, progress, written->mutable_progress());
  }
  for (const GuideFocus& focus : guide.focus) {
    WriteGuideFocus(clinic_id, course_id, focus, out->add_focus());
  }
  for (const Technique* technique : guide.techniques) {
    WriteTechnique(*technique, out->add_techniques());
  }
  for (const Finding& finding : guide.findings) {
    WriteFinding(clinic_id, finding, out->add_findings());
  }
  out->set_work_recorded(guide.work_recorded);
  for (const Source* source : guide.sources) WriteSource(*source, out->add_sources());
}

}  // namespace ipt::formulation
