#include "iptctl/guide_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ipt/outcomes/v1/instrument.pb.h"
#include "iptctl/formulation_words.h"
#include "iptctl/outcome_words.h"
#include "iptctl/text_page.h"

namespace ipt::ctl {
namespace {

namespace f = formulation::v1;
namespace o = outcomes::v1;
namespace s = scheduling::v1;

// A statement of the protocol that a clinician has yet to confirm says so.
std::string Stated(const std::string& text, const f::Basis& basis) {
  return basis.evidence() == f::EVIDENCE_TO_CONFIRM ? absl::StrCat(text, " [to confirm]") : text;
}

Color ColorOf(f::TaskState state) {
  switch (state) {
    case f::TASK_STATE_OVERDUE:
    case f::TASK_STATE_MISSED:
      return Color::kRed;
    case f::TASK_STATE_OPEN:
      return Color::kYellow;
    case f::TASK_STATE_DONE:
    case f::TASK_STATE_DONE_LATE:
      return Color::kGreen;
    default:
      return Color::kDim;
  }
}

std::string WhyNotKnown(f::DueMeasuresState state) {
  switch (state) {
    case f::DUE_MEASURES_STATE_NOT_CONFIGURED:
      return "Not known: the server was not told of an outcomes service (setting outcomes).";
    case f::DUE_MEASURES_STATE_NOT_PERMITTED:
      return "Not known: outcomes does not let the server read them. Whoever runs it may look at "
             "its token (setting outcomes_token_file).";
    case f::DUE_MEASURES_STATE_UNAVAILABLE:
      return "Not known: outcomes could not be asked, or cannot say it yet. Try again in a while.";
    default:
      return "Not known: the server does not say it.";
  }
}

class GuideWriter {
 public:
  GuideWriter(const GuideFacts& facts, const Paint& paint)
      : facts_(facts), guide_(facts.guide), out_(paint) {}

  std::string Write() {
    WriteStanding();
    WriteTasks();
    for (const f::GuideFocus& focus : guide_.focus()) WriteFocus(focus);
    if (guide_.focus().empty()) {
      out_.Heading("Focus");
      out_.Paragraphs("None is agreed yet.");
    }
    WriteTechniques();
    WriteMeasures();
    WriteFindings();
    out_.Heading("From");
    out_.Paragraphs(
        absl::StrCat(LastSegment(guide_.protocol()), ", version ", guide_.protocol_version(),
                     ". A help, not a rule. What each statement rests on: --output json."));
    return out_.Finish();
  }

 private:
  void WriteStanding() {
    const f::CourseStanding& at = guide_.standing();
    out_.Title(absl::StrCat("Guide for ",
                            at.session_number() > 0 ? absl::StrCat("session ", at.session_number(),
                                                                   " of ", at.planned_sessions())
                                                    : "a session that uses up none",
                            ", ", guide_.session()));
    std::vector<std::string> words;
    if (at.phase() != s::PHASE_UNSPECIFIED) {
      words.push_back(absl::StrCat(SpokenEnum(at.phase()), " phase"));
    }
    if (at.session_number() > 0) {
      words.push_back(absl::StrCat(Counted(at.sessions_left(), "session"), " left after it"));
    }
    if (at.week_number() > 0) {
      words.push_back(absl::StrCat("week ", at.week_number(), " of ", at.duration_weeks()));
    }
    if (at.mid_course_session() > 0) {
      words.push_back(absl::StrCat("mid-course review in session ", at.mid_course_session()));
    }
    if (at.termination_session() > 0) {
      words.push_back(absl::StrCat("ending phase from session ", at.termination_session()));
    }
    if (at.has_deadline_date())
      words.push_back(absl::StrCat("ends by ", IsoDay(at.deadline_date())));
    if (!facts_.when.empty()) {
      out_.Paragraphs(absl::StrCat(facts_.when, ", ", SpokenEnum(facts_.session.state())), 0);
    }
    out_.Paragraphs(absl::StrJoin(words, "; "), 0);
    if (guide_.work_recorded()) out_.Paragraphs("Work is recorded for this session.", 0);
    if (!guide_.scheduling().current()) {
      out_.Colored(Color::kYellow,
                   "mind: scheduling could not be asked; the course may have moved on", 0);
    }
    for (const std::string& part : facts_.missing) out_.Colored(Color::kYellow, "mind: " + part, 0);
  }

  void WriteTasks() {
    out_.Heading("Tasks");
    if (guide_.tasks().empty()) out_.Paragraphs("None.");
    for (const f::GuideTask& task : guide_.tasks()) {
      const f::TaskProgress& progress = task.progress();
      std::string state = SpokenEnum(progress.state());
      std::string due;
      if (progress.due_session_number() > 0) {
        due = absl::StrCat(", due by session ", progress.due_session_number());
      } else if (task.task().due().by() == f::TASK_DUE_BY_EACH_SESSION) {
        state = "each session";
        if (progress.sessions_expected() > 0) {
          due = absl::StrCat(", done in ", progress.sessions_done(), " of ",
                             progress.sessions_expected());
        }
      }
      if (progress.voluntary()) absl::StrAppend(&due, ", voluntary");
      out_.Item(absl::StrCat(Stated(task.task().display_name(), task.task().basis()), due, " (",
                             task.task().code(), ")"),
                2, absl::StrCat("[", state, "]"), ColorOf(progress.state()));
      const bool over =
          progress.state() == f::TASK_STATE_DONE || progress.state() == f::TASK_STATE_DONE_LATE;
      if (over) continue;
      out_.Labelled("Done when", task.task().done_when(), 6);
      for (const f::Question& question : task.task().questions()) {
        out_.Item(Stated(question.text(), question.basis()), 6, "?");
      }
    }
  }

  void WriteFocus(const f::GuideFocus& focus) {
    out_.Heading(absl::StrCat(SpokenEnum(focus.position()), " focus: ", focus.kind_display_name()));
    std::vector<std::string> words;
    const auto called = facts_.areas.find(focus.problem_area());
    if (called != facts_.areas.end()) words.push_back(absl::StrCat("\"", called->second, "\""));
    if (focus.dispute_stage() != f::DISPUTE_STAGE_UNSPECIFIED) {
      words.push_back(absl::StrCat("stage: ", SpokenEnum(focus.dispute_stage())));
    }
    words.push_back(
        focus.last_worked_session_number() > 0
            ? absl::StrCat("last worked on in session ", focus.last_worked_session_number())
            : "not worked on yet");
    out_.Paragraphs(absl::StrJoin(words, "; "));
    for (const f::GuideStrategy& strategy : focus.strategies()) {
      const std::string used =
          strategy.sessions_used() > 0
              ? absl::StrCat(", used in ", Counted(strategy.sessions_used(), "session"))
              : "";
      out_.Item(absl::StrCat(Stated(strategy.strategy().text(), strategy.strategy().basis()), " (",
                             strategy.strategy().code(), used, ")"));
    }
    for (const f::Question& question : focus.questions()) {
      out_.Item(Stated(question.text(), question.basis()), 2, "?");
    }
    std::vector<std::string> techniques;
    for (const std::string& code : focus.techniques()) techniques.push_back(TechniqueName(code));
    out_.Labelled("Techniques for it", absl::StrJoin(techniques, ", "));
  }

  std::string TechniqueName(const std::string& code) const {
    for (const f::Technique& technique : guide_.techniques()) {
      if (technique.code() == code) return technique.display_name();
    }
    return code;
  }

  void WriteTechniques() {
    if (guide_.techniques().empty()) return;
    out_.Heading("Techniques");
    for (const f::Technique& technique : guide_.techniques()) {
      out_.Item(absl::StrCat(Stated(technique.display_name(), technique.basis()), " (",
                             technique.code(), "): ", technique.description()));
    }
  }

  void WriteMeasures() {
    const f::DueMeasures& due = guide_.due_measures();
    out_.Heading("Measures due");
    if (due.state() != f::DUE_MEASURES_STATE_KNOWN) {
      out_.Colored(Color::kYellow, WhyNotKnown(due.state()));
      return;
    }
    if (due.measures().empty()) out_.Paragraphs("None for this session.");
    for (const f::DueMeasure& measure : due.measures()) WriteMeasure(measure);
    if (due.has_scheduling() && !due.scheduling().current()) {
      out_.Colored(Color::kYellow,
                   "mind: outcomes could not ask scheduling; the course may have moved on");
    }
  }

  void WriteMeasure(const f::DueMeasure& measure) {
    std::string text =
        measure.display_name().empty() ? LastSegment(measure.instrument()) : measure.display_name();
    // The two contracts' numbers are the same.
    const std::string who = Spoken(static_cast<o::Respondent>(measure.respondent()));
    if (!who.empty()) absl::StrAppend(&text, ", ", who);
    absl::StrAppend(&text, ", for ", IsoDay(measure.due_date()));
    std::vector<std::string> why;
    if (const std::string occasion = SpokenEnum(measure.occasion()); !occasion.empty()) {
      why.push_back(occasion);
    }
    if (!measure.session().empty() && measure.session() != guide_.session()) {
      why.emplace_back("of an earlier session");
    }
    if (!why.empty()) absl::StrAppend(&text, " (", absl::StrJoin(why, ", "), ")");
    const bool overdue = measure.state() == f::DUE_MEASURE_STATE_OVERDUE;
    out_.Item(text, 2, absl::StrCat("[", SpokenEnum(measure.state()), "]"),
              overdue ? Color::kRed : Color::kYellow);
  }

  void WriteFindings() {
    if (guide_.findings().empty()) return;
    out_.Heading("What stands out");
    for (const f::Finding& finding : guide_.findings()) {
      const bool overdue = finding.severity() == f::FINDING_SEVERITY_OVERDUE;
      out_.Item(finding.message(), 2, absl::StrCat("[", SpokenEnum(finding.severity()), "]"),
                overdue ? Color::kRed : Color::kYellow);
    }
  }

  const GuideFacts& facts_;
  const f::SessionGuide& guide_;
  TextPage out_;
};

}  // namespace

std::string GuideText(const GuideFacts& facts, const Paint& paint) {
  return GuideWriter(facts, paint).Write();
}

}  // namespace ipt::ctl
