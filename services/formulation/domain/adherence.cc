#include "formulation/domain/adherence.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "formulation/domain/findings.h"
#include "formulation/domain/policy.h"

namespace ipt::formulation {
namespace {

class Profile {
 public:
  explicit Profile(const CourseFacts& facts)
      : facts_(facts), view_(facts.view), records_(facts.records) {}

  ProtocolAdherence Run() {
    CountTasks();
    JudgeFormulation();
    JudgeMidpoint();
    JudgeEnding();
    CountSessions();
    CountTechniques();
    return std::move(out_);
  }

 private:
  bool closed() const { return view_.course().closed(); }

  // Sessions were attended, and of none of them is known what was done.
  bool NothingRecorded() const {
    return !view_.attended().empty() &&
           absl::c_none_of(view_.attended(), [&](const UsedSession& session) {
             return facts_.WorkOf(session) != nullptr;
           });
  }

  void CountTasks() {
    const std::vector<TaskProgress> all = ProgressOf(facts_);
    for (const Phase phase : kPhases) {
      PhaseAdherence& counts = out_.phases.emplace_back();
      counts.phase = phase;
      for (const PhaseSpan& span : view_.phases()) {
        if (span.phase == phase) counts.span = span;
      }
      for (const TaskProgress& progress : all) {
        if (progress.task->phase != phase) continue;
        counts.tasks.push_back(progress);
        if (!progress.task->optional) Count(progress.state, counts);
      }
    }
  }

  static void Count(TaskState state, PhaseAdherence& counts) {
    ++counts.expected;
    switch (state) {
      case TaskState::kDone:
        ++counts.done;
        break;
      case TaskState::kDoneLate:
        ++counts.late;
        break;
      case TaskState::kOverdue:
      case TaskState::kMissed:
        ++counts.missing;
        break;
      case TaskState::kOpen:
      case TaskState::kUpcoming:
      case TaskState::kUnspecified:
        ++counts.open;
        break;
    }
  }

  void JudgeFormulation() {
    out_.agreed_formulations = static_cast<int>(records_.agreed.size());
    const int by_session = facts_.policy.FocusBySession();
    // Agreed after the session before it, it is agreed before the middle phase.
    const int before_middle = view_.FirstAfterInitial() - 1;
    if (records_.agreed.empty()) {
      out_.focus_agreed_in_time = StillTo(view_.LastAttended() <= by_session);
      out_.formulation_before_middle = StillTo(view_.LastAttended() <= before_middle);
      return;
    }
    const absl::CivilDay day = records_.agreed.front().agreed_on;
    const int number = view_.LastAttendedBy(day);
    out_.first_agreed_on = day;
    out_.focus_agreed_session_number = number;
    out_.focus_agreed_in_time = Is(number <= by_session);
    out_.formulation_before_middle = Is(number <= before_middle);
  }

  static AdherenceVerdict Is(bool so) {
    return so ? AdherenceVerdict::kYes : AdherenceVerdict::kNo;
  }
  AdherenceVerdict StillTo(bool can_come) const {
    return can_come && !closed() ? AdherenceVerdict::kNotYet : AdherenceVerdict::kNo;
  }

  void JudgeMidpoint() {
    const UsedSession* done = FirstDone(facts_, kMidpointReview);
    const int middle = view_.mid_course_session();
    if (done != nullptr) {
      const auto beyond = absl::c_count_if(view_.attended(), [&](const UsedSession& session) {
        return session.number > middle && session.number <= done->number;
      });
      out_.midpoint_review_in_time = Is(beyond <= facts_.policy.MidpointGraceSessions());
    } else if (NothingRecorded()) {
      out_.midpoint_review_in_time = AdherenceVerdict::kNotEvaluated;
    } else {
      out_.midpoint_review_in_time = StillTo(MidpointDuePassed(facts_) == nullptr);
    }
  }

  void JudgeEnding() {
    const UsedSession* raised = FirstDone(facts_, kTerminationRaised);
    if (raised != nullptr) {
      const int left = view_.SessionsLeftAfter(raised->number);
      out_.sessions_left_when_ending_raised = left;
      out_.ending_raised_in_time =
          Is(left >= TerminationSessionsBeforeEnd(facts_.policy, facts_.protocol));
    } else if (NothingRecorded()) {
      out_.ending_raised_in_time = AdherenceVerdict::kNotEvaluated;
    } else {
      out_.ending_raised_in_time = StillTo(TerminationDuePassed(facts_) == nullptr);
    }
  }

  void CountSessions() {
    for (const UsedSession& session : view_.attended()) {
      ++out_.sessions_recorded.of;
      const RecordedWork* work = facts_.WorkOf(session);
      if (work == nullptr) continue;
      ++out_.sessions_recorded.count;
      ++out_.sessions_with_technique.of;
      if (!work->techniques.empty()) ++out_.sessions_with_technique.count;
      if (view_.PhaseOf(session.number) != Phase::kMiddle) continue;
      ++out_.middle_sessions_with_focus_work.of;
      if (WorkedOnFocus(records_, *work, session.day)) {
        ++out_.middle_sessions_with_focus_work.count;
      }
    }
  }

  void CountTechniques() {
    std::map<TechniqueFamily, FamilyCount> families;
    for (const Technique& technique : facts_.protocol.techniques) {
      families[technique.family].family = technique.family;
    }
    std::map<std::string, int> sessions;
    for (const UsedSession& session : view_.attended()) {
      const RecordedWork* work = facts_.WorkOf(session);
      if (work == nullptr) continue;
      std::set<TechniqueFamily> in_session;
      for (const std::string& code : work->techniques) {
        ++sessions[code];
        const Technique* technique = facts_.protocol.FindTechnique(code);
        if (technique == nullptr) continue;
        ++families[technique->family].uses;
        in_session.insert(technique->family);
      }
      for (const TechniqueFamily family : in_session) ++families[family].sessions;
    }
    for (const auto& [family, count] : families) out_.families.push_back(count);
    for (const auto& [code, count] : sessions) {
      out_.techniques.push_back({code, facts_.protocol.FindTechnique(code), count});
    }
    absl::c_stable_sort(out_.techniques, [](const TechniqueCount& a, const TechniqueCount& b) {
      return a.sessions > b.sessions;
    });
  }

  const CourseFacts& facts_;
  const CourseView& view_;
  const CourseRecords& records_;
  ProtocolAdherence out_;
};

}  // namespace

ProtocolAdherence EvaluateAdherence(const CourseFacts& facts) { return Profile(facts).Run(); }

}  // namespace ipt::formulation
