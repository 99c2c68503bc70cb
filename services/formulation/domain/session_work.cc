#include "formulation/domain/session_work.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "formulation/domain/course_access.h"
#include "formulation/domain/formulations.h"
#include "formulation/domain/names.h"
#include "formulation/domain/refusals.h"
#include "platform/errors/status_macros.h"

namespace ipt::formulation {
namespace {

constexpr size_t kMostWorkBytes = 16000;
constexpr size_t kMostTerminationBytes = 32000;

std::string NameOf(const SessionWork& work) {
  return SessionWorkName(work.clinic_id, work.course_id, work.session_id);
}

size_t TextBytes(const SessionWork& work) {
  size_t bytes = work.mood_and_events.size() + work.tryouts_reviewed.size() +
                 work.tryouts_agreed.size() + work.process_notes.size();
  for (const TaskWork& task : work.tasks) bytes += task.note.size();
  for (const FocusWork& focus : work.focus_work) bytes += focus.note.size();
  return bytes;
}

size_t TextBytes(const Termination& termination) {
  size_t bytes = termination.gains.size() + termination.remaining_difficulties.size() +
                 termination.feelings_about_ending.size() + termination.nonresponse_plan.size() +
                 termination.continuation_note.size();
  for (const auto* list :
       {&termination.early_warning_signs, &termination.risk_situations, &termination.plan_steps}) {
    for (const std::string& text : *list) bytes += text.size();
  }
  for (const HelpContact& contact : termination.contacts) {
    bytes += contact.display_name.size() + contact.how.size();
  }
  return bytes;
}

class WorkCheck {
 public:
  WorkCheck(const SessionWork& work, const SessionWork& before, const CourseParts& parts,
            const CourseProtocol& protocol, FieldViolations& bad)
      : work_(work), before_(before), parts_(parts), protocol_(protocol), bad_(bad) {}

  void Run() {
    CheckTasks();
    CheckFocusWork();
    std::set<std::string> seen;
    for (size_t i = 0; i < work_.techniques.size(); ++i) {
      const std::string& code = work_.techniques[i];
      const bool known =
          protocol_.HasTechnique(code) || absl::c_linear_search(before_.techniques, code);
      CheckOnce(code, known, "must be a technique of the course's protocol", seen,
                bad_.At("techniques", i));
    }
    CheckTotal(TextBytes(work_), kMostWorkBytes, bad_);
  }

 private:
  void CheckTasks() {
    std::set<std::string> seen;
    for (size_t i = 0; i < work_.tasks.size(); ++i) {
      const TaskWork& task = work_.tasks[i];
      FieldViolations at = bad_.At("tasks", i);
      const bool known =
          protocol_.HasTask(task.task) ||
          absl::c_any_of(before_.tasks, [&](const TaskWork& t) { return t.task == task.task; });
      CheckOnce(task.task, known, "must be a task of the course's protocol", seen, at.In("task"));
      if (task.state == TaskWorkState::kUnspecified) at.Add("state", "is required");
    }
  }

  const FocusWork* FindBefore(const std::string& area_id) const {
    const auto found = absl::c_find_if(
        before_.focus_work, [&](const FocusWork& f) { return f.problem_area_id == area_id; });
    return found == before_.focus_work.end() ? nullptr : &*found;
  }

  void CheckFocusWork() {
    std::set<std::string> areas;
    for (size_t i = 0; i < work_.focus_work.size(); ++i) {
      const FocusWork& focus = work_.focus_work[i];
      FieldViolations at = bad_.At("focus_work", i);
      const ProblemArea* area = parts_.FindArea(focus.problem_area_id);
      CheckOnce(focus.problem_area_id, area != nullptr, "must be a problem area of the same course",
                areas, at.In("problem_area"));
      if (area == nullptr) continue;
      const Area* defined = protocol_.FindArea(area->kind);
      const FocusWork* before = FindBefore(focus.problem_area_id);
      std::set<std::string> seen;
      for (size_t s = 0; s < focus.strategies.size(); ++s) {
        const std::string& code = focus.strategies[s];
        const bool known = (defined != nullptr && defined->FindStrategy(code) != nullptr) ||
                           (before != nullptr && absl::c_linear_search(before->strategies, code));
        CheckOnce(code, known, "must be a strategy of the area's kind in the course's protocol",
                  seen, at.At("strategies", s));
      }
    }
  }

  const SessionWork& work_;
  const SessionWork& before_;
  const CourseParts& parts_;
  const CourseProtocol& protocol_;
  FieldViolations& bad_;
};

}  // namespace

void CheckSessionWork(const SessionWork& work, const SessionWork& before, const CourseParts& parts,
                      const CourseProtocol& protocol, FieldViolations bad) {
  WorkCheck(work, before, parts, protocol, bad).Run();
}

void CheckTermination(const Termination& termination, FieldViolations bad) {
  for (size_t i = 0; i < termination.contacts.size(); ++i) {
    if (IsBlank(termination.contacts[i].display_name)) {
      bad.At("contacts", i).Add("display_name", "is required");
    }
  }
  CheckTotal(TextBytes(termination), kMostTerminationBytes, bad);
}

absl::StatusOr<SessionWork> RecordSessionWork(FormulationTx& tx, const CallContext& ctx,
                                              const ProtocolSet& protocols,
                                              const courses::CopiedCourse& course,
                                              const SessionWork& before, SessionWork after,
                                              int64_t if_revision) {
  IPT_ASSIGN_OR_RETURN(const courses::CopiedSession* session, SessionOf(course, before.session_id));
  IPT_RETURN_IF_ERROR(
      CheckRevision(if_revision, before.stamp.revision, kSessionWorkType, NameOf(before)));
  IPT_RETURN_IF_ERROR(RefuseNotHeld(course, *session, ctx.now));
  after.clinic_id = before.clinic_id;
  after.course_id = before.course_id;
  after.session_id = before.session_id;
  after.stamp = before.stamp;
  after.caller = ctx.caller->subject;
  IPT_ASSIGN_OR_RETURN(
      const FormulationGround ground,
      ReadGround(tx, protocols, before.clinic_id, before.course_id, course.variant_id));
  FieldViolations bad;
  CheckSessionWork(after, before, ground.parts, ground.protocol, bad.In("session_work"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_RETURN_IF_ERROR(tx.PutSessionWork(after, ctx.now));
  IPT_RETURN_IF_ERROR(
      tx.Emit(SessionWorkChanged{{after.clinic_id, after.course_id, after.session_id},
                                 before.stamp.revision == 0},
              ctx.now));
  return after;
}

absl::StatusOr<Termination> UpdateTermination(FormulationTx& tx, const CallContext& ctx,
                                              const Termination& before, Termination after,
                                              int64_t if_revision) {
  IPT_RETURN_IF_ERROR(CheckRevision(if_revision, before.stamp.revision, kTerminationType,
                                    TerminationName(before.clinic_id, before.course_id)));
  after.clinic_id = before.clinic_id;
  after.course_id = before.course_id;
  after.stamp = before.stamp;
  after.caller = ctx.caller->subject;
  FieldViolations bad;
  CheckTermination(after, bad.In("termination"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_RETURN_IF_ERROR(tx.PutTermination(after, ctx.now));
  IPT_RETURN_IF_ERROR(tx.Emit(TerminationChanged{after.clinic_id, after.course_id}, ctx.now));
  return after;
}

}  // namespace ipt::formulation
