#include "iptctl/guide_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/iptctl/chart_samples.h"
#include "tests/tools/iptctl/formulation_samples.h"

namespace ipt::ctl {
namespace {

using samples::Keep;
using samples::NameOf;
using samples::SetDate;
using ::testing::HasSubstr;
using ::testing::Not;

namespace f = formulation::v1;
namespace s = scheduling::v1;

f::GuideTask& AddTask(f::SessionGuide& guide, const char* code, const char* words,
                      f::TaskState state, int due) {
  f::GuideTask& task = *guide.add_tasks();
  task.mutable_task()->set_code(code);
  task.mutable_task()->set_display_name(words);
  task.mutable_task()->set_done_when(std::string(words) + " is written down.");
  task.mutable_progress()->set_state(state);
  task.mutable_progress()->set_due_session_number(due);
  return task;
}

GuideFacts SampleGuide() {
  GuideFacts facts;
  f::SessionGuide& guide = facts.guide;
  guide.set_session(NameOf("sessions", "s7"));
  guide.set_protocol("clinics/north/protocols/ipt-uk-16--ipt-uk");
  guide.set_protocol_version(3);
  guide.mutable_scheduling()->set_current(true);
  f::CourseStanding& at = *guide.mutable_standing();
  at.set_session_number(7);
  at.set_planned_sessions(16);
  at.set_sessions_left(9);
  at.set_week_number(8);
  at.set_duration_weeks(16);
  at.set_phase(s::PHASE_MIDDLE);
  at.set_mid_course_session(8);
  at.set_termination_session(14);
  SetDate(at.mutable_deadline_date(), 2026, 12, 20);
  f::GuideTask& each =
      AddTask(guide, "SYMPTOM_REVIEW", "Review of the symptoms", f::TASK_STATE_OPEN, 0);
  each.mutable_task()->mutable_due()->set_by(f::TASK_DUE_BY_EACH_SESSION);
  each.mutable_progress()->set_sessions_done(5);
  each.mutable_progress()->set_sessions_expected(6);
  each.mutable_task()->add_questions()->set_text("How have things been since we last met?");
  AddTask(guide, "TIMELINE", "Timeline", f::TASK_STATE_OVERDUE, 3);
  AddTask(guide, "INVENTORY", "Inventory", f::TASK_STATE_DONE, 3);
  f::GuideFocus& focus = *guide.add_focus();
  focus.set_position(f::FOCUS_POSITION_PRIMARY);
  focus.set_problem_area(NameOf("problemAreas", "house"));
  focus.set_kind_display_name("Role dispute");
  focus.set_dispute_stage(f::DISPUTE_STAGE_IMPASSE);
  focus.set_last_worked_session_number(6);
  f::GuideStrategy& strategy = *focus.add_strategies();
  strategy.mutable_strategy()->set_code("REOPEN");
  strategy.mutable_strategy()->set_text("Bring the conflict up.");
  strategy.mutable_strategy()->mutable_basis()->set_evidence(f::EVIDENCE_TO_CONFIRM);
  strategy.set_sessions_used(2);
  focus.add_questions()->set_text("What did you hope he would say?");
  focus.add_techniques("COMMUNICATION_ANALYSIS");
  f::Technique& technique = *guide.add_techniques();
  technique.set_code("COMMUNICATION_ANALYSIS");
  technique.set_display_name("Communication analysis");
  technique.set_description("Going through what was said, word by word.");
  guide.add_findings()->set_message("No work is recorded of two sessions.");
  guide.mutable_findings(0)->set_severity(f::FINDING_SEVERITY_REVIEW);
  facts.areas[NameOf("problemAreas", "house")] = "Whose house it is";
  guide.mutable_due_measures()->set_state(f::DUE_MEASURES_STATE_KNOWN);
  f::DueMeasure& overdue = *guide.mutable_due_measures()->add_measures();
  overdue.set_instrument("clinics/north/instruments/phq-9");
  overdue.set_display_name("PHQ-9");
  overdue.set_state(f::DUE_MEASURE_STATE_OVERDUE);
  overdue.set_occasion(f::DUE_MEASURE_OCCASION_EVERY_SESSION);
  overdue.set_respondent(f::DUE_MEASURE_RESPONDENT_SELF);
  overdue.set_session(NameOf("sessions", "s6"));
  SetDate(overdue.mutable_due_date(), 2026, 11, 23);
  f::DueMeasure& coming = *guide.mutable_due_measures()->add_measures();
  coming.set_instrument("clinics/north/instruments/ham-d17");
  coming.set_state(f::DUE_MEASURE_STATE_UPCOMING);
  coming.set_respondent(f::DUE_MEASURE_RESPONDENT_CLINICIAN_RATED);
  coming.set_session(guide.session());
  SetDate(coming.mutable_due_date(), 2026, 11, 30);
  facts.session.set_state(s::SESSION_STATE_BOOKED);
  facts.when = "Mon 2026-11-30 09:00 GMT";
  return facts;
}

TEST(GuideTextTest, ShowsWhatToHaveBesideASession) {
  const std::string text = GuideText(SampleGuide(), {});
  Keep("guide.txt", text);
  for (const char* line :
       {"Guide for session 7 of 16, clinics/north/courses/c1/sessions/s7\n",
        "Mon 2026-11-30 09:00 GMT, booked\n",
        "middle phase; 9 sessions left after it; week 8 of 16; mid-course review in session 8; "
        "ending phase\n",
        "  [each session] Review of the symptoms, done in 5 of 6 (SYMPTOM_REVIEW)\n",
        "      ? How have things been since we last met?\n",
        "  [overdue] Timeline, due by session 3 (TIMELINE)\n",
        "      Done when: Timeline is written down.\n", "  [done] Inventory",
        "PRIMARY FOCUS: ROLE DISPUTE\n",
        "  \"Whose house it is\"; stage: impasse; last worked on in session 6\n",
        "  - Bring the conflict up. [to confirm] (REOPEN, used in 2 sessions)\n",
        "  ? What did you hope he would say?\n", "  Techniques for it: Communication analysis\n",
        "  - Communication analysis (COMMUNICATION_ANALYSIS): Going through", "MEASURES DUE\n",
        "  [overdue] PHQ-9, answered by the patient, for 2026-11-23 (every session, of an earlier\n"
        "      session)\n",
        "  [upcoming] ham-d17, rated by a clinician, for 2026-11-30\n",
        "  [review] No work is recorded of two sessions.\n", "ipt-uk-16--ipt-uk, version 3"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("Inventory is written down")));
}

TEST(GuideTextTest, SaysWhatIsNotThere) {
  GuideFacts facts;
  facts.missing.emplace_back("When the session is, is not shown (UNAVAILABLE).");
  const std::string text = GuideText(facts, {});
  EXPECT_THAT(text, HasSubstr("a session that uses up none"));
  EXPECT_THAT(text, HasSubstr("mind: scheduling could not be asked"));
  EXPECT_THAT(text, HasSubstr("mind: When the session is, is not shown"));
  EXPECT_THAT(text, HasSubstr("None is agreed yet."));
}

TEST(GuideTextTest, SaysWhyItIsNotKnownWhatIsDue) {
  GuideFacts facts = SampleGuide();
  f::DueMeasures& due = *facts.guide.mutable_due_measures();
  due.mutable_scheduling()->set_current(true);
  EXPECT_THAT(GuideText(facts, {}), Not(HasSubstr("could not ask scheduling")));
  due.mutable_scheduling()->set_current(false);
  EXPECT_THAT(GuideText(facts, {}), HasSubstr("mind: outcomes could not ask scheduling"));
  due.clear_measures();
  EXPECT_THAT(GuideText(facts, {}), HasSubstr("MEASURES DUE\n  None for this session.\n"));
  for (const auto& [state, words] : std::initializer_list<std::pair<int, const char*>>{
           {f::DUE_MEASURES_STATE_UNSPECIFIED, "the server does not say it."},
           {f::DUE_MEASURES_STATE_NOT_CONFIGURED, "the server was not told of an outcomes service"},
           {f::DUE_MEASURES_STATE_NOT_PERMITTED, "outcomes does not let the server read them."},
           {f::DUE_MEASURES_STATE_UNAVAILABLE, "outcomes could not be asked"}}) {
    due.set_state(static_cast<f::DueMeasuresState>(state));
    const std::string text = GuideText(facts, {});
    EXPECT_THAT(text, HasSubstr(std::string("MEASURES DUE\n  Not known: ") + words));
    EXPECT_THAT(text, Not(HasSubstr("None for this session")));
  }
}

TEST(GuideTextTest, HostileWordsSteerNoTerminal) {
  GuideFacts facts = SampleGuide();
  facts.areas.begin()->second = samples::kHostile;
  facts.guide.mutable_focus(0)->mutable_questions(0)->set_text(samples::kHostile);
  facts.guide.mutable_due_measures()->mutable_measures(0)->set_display_name(samples::kHostile);
  EXPECT_THAT(GuideText(facts, {}), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace ipt::ctl
