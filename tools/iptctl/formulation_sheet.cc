#include "iptctl/formulation_sheet.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "iptctl/course_weeks.h"
#include "iptctl/formulation_words.h"
#include "iptctl/outcome_words.h"

namespace ipt::ctl {
namespace {

namespace f = formulation::v1;

void AddLine(const char* label, const std::string& text, std::vector<SheetLine>& lines) {
  if (!text.empty()) lines.push_back({label, text});
}

std::string Known(const std::map<std::string, std::string>& words, const std::string& name) {
  if (name.empty()) return "";
  const auto it = words.find(name);
  return it == words.end() ? LastSegment(name) : it->second;
}

std::string WithDate(const std::string& text, const std::string& date) {
  return date.empty() ? text : absl::StrCat(text, " (", date, ")");
}

// Builds the sheet of one revision: what is agreed, else what is being worked on.
class SheetWriter {
 public:
  explicit SheetWriter(const FormulationFacts& facts)
      : facts_(facts),
        revision_(facts.formulation.has_current() ? facts.formulation.current()
                                                  : facts.formulation.pending()) {}

  FormulationSheet Write() {
    LearnNames();
    sheet_.course = facts_.course;
    sheet_.missing = facts_.missing;
    sheet_.inventory = facts_.inventory;
    sheet_.today = facts_.today;
    sheet_.standing = Standing();
    if (facts_.scheduled.has_value()) sheet_.standing_at = StandingWords(*facts_.scheduled);
    WriteToMind();
    WriteAreas();
    sheet_.patient_narrative = revision_.content().patient_narrative();
    sheet_.clinical_narrative = revision_.content().clinical_narrative();
    WriteLinks();
    WriteGoals();
    WriteContract();
    WriteAgreement();
    WritePending();
    WriteFindings();
    return std::move(sheet_);
  }

 private:
  // What a revision keeps reads as it did then; all else as it reads now.
  void LearnNames() {
    for (const f::ProblemArea& area : facts_.areas) {
      areas_[area.name()] = area.display_name();
      recorded_[area.name()] = &area;
    }
    for (const f::Goal& goal : facts_.goals) goals_[goal.name()] = goal.description();
    if (facts_.inventory.has_value()) {
      for (const f::Relationship& person : facts_.inventory->relationships()) {
        people_[person.name()] = person.display_name();
      }
      for (const f::LifeEvent& event : facts_.inventory->life_events()) {
        events_[event.name()] = WithDate(event.display_name(), DateWords(event));
      }
    }
    for (const f::FocusSnapshot& area : revision_.snapshot().problem_areas()) {
      areas_[area.problem_area()] = area.display_name();
      kept_[area.problem_area()] = &area;
    }
    for (const f::GoalSnapshot& goal : revision_.snapshot().goals()) {
      goals_[goal.goal()] = goal.description();
    }
    for (const f::LifeEventSnapshot& event : revision_.snapshot().life_events()) {
      events_[event.life_event()] = WithDate(event.display_name(), DateWords(event.start_date()));
    }
  }

  std::string Standing() const {
    const std::string number =
        revision_.number() > 0 ? absl::StrCat(": revision ", revision_.number()) : "";
    switch (facts_.formulation.state()) {
      case f::FORMULATION_STATE_AGREED:
        return absl::StrCat("Agreed", number);
      case f::FORMULATION_STATE_PROPOSED:
        return absl::StrCat("Put to the patient, not agreed yet", number);
      case f::FORMULATION_STATE_DRAFT:
        return "Draft: being written, not agreed yet";
      default:
        return "None yet";
    }
  }

  void WriteToMind() {
    const f::SchedulingView& view = facts_.formulation.scheduling();
    if (!view.current()) {
      sheet_.to_mind.push_back(
          view.has_as_of_time()
              ? absl::StrCat("Scheduling could not be asked: the course as it was known on ",
                             absl::FormatTime("%Y-%m-%d %H:%M UTC",
                                              absl::FromUnixSeconds(view.as_of_time().seconds()),
                                              absl::UTCTimeZone()),
                             ".")
              : "Scheduling could not be asked: nothing is known of the course.");
    }
    for (const f::OpenPoint& point : revision_.open_points()) {
      sheet_.to_mind.push_back(absl::StrCat("To propose it: ", point.message()));
    }
    for (const f::Warning& warning : revision_.warnings()) {
      sheet_.to_mind.push_back(warning.message());
    }
  }

  const f::ProtocolArea* ProtocolAreaOf(f::ProblemAreaKind kind) const {
    if (!facts_.protocol.has_value()) return nullptr;
    for (const f::ProtocolArea& area : facts_.protocol->areas()) {
      if (area.kind() == kind) return &area;
    }
    return nullptr;
  }

  std::string KindWords(f::ProblemAreaKind kind) const {
    const f::ProtocolArea* area = ProtocolAreaOf(kind);
    return Capitalized(area == nullptr ? SpokenEnum(kind) : area->display_name());
  }

  void WriteAreas() {
    std::set<std::string> in_focus;
    for (const f::FocusArea& focus : revision_.content().focus()) {
      SheetArea area;
      area.position = in_focus.empty() ? "Primary focus" : "Secondary focus";
      in_focus.insert(focus.problem_area());
      area.name = Known(areas_, focus.problem_area());
      AddLine("Why this one", focus.reason(), area.lines);
      if (const auto kept = kept_.find(focus.problem_area()); kept != kept_.end()) {
        area.kind = KindWords(kept->second->kind());
      }
      if (const auto it = recorded_.find(focus.problem_area()); it != recorded_.end()) {
        WriteAssessment(*it->second, area);
      }
      sheet_.focus.push_back(std::move(area));
    }
    for (const f::ProblemArea& recorded : facts_.areas) {
      if (in_focus.contains(recorded.name())) continue;
      SheetArea area;
      area.name = recorded.display_name();
      WriteAssessment(recorded, area);
      sheet_.other_areas.push_back(std::move(area));
    }
  }

  void WriteAssessment(const f::ProblemArea& recorded, SheetArea& area) {
    if (area.kind.empty()) area.kind = KindWords(recorded.kind());
    std::vector<std::string> severity;
    if (recorded.has_patient_severity()) {
      severity.push_back(absl::StrCat("patient ", recorded.patient_severity(), " of 10"));
    }
    if (recorded.has_therapist_severity()) {
      severity.push_back(absl::StrCat("therapist ", recorded.therapist_severity(), " of 10"));
    }
    AddLine("How heavy it weighs", absl::StrJoin(severity, ", "), area.lines);
    AddLine("Change", SpokenEnum(recorded.change_prospect()), area.lines);
    if (recorded.rank() > 0) AddLine("Rank", absl::StrCat(recorded.rank()), area.lines);
    WriteDetail(recorded, area.lines);
    AddLine("As the patient sees it", recorded.patient_view(), area.lines);
    AddLine("As the therapist sees it", recorded.therapist_view(), area.lines);
    for (const f::Warning& warning : recorded.warnings()) {
      AddLine("Look at it once more", warning.message(), area.lines);
    }
    WriteEvidence(recorded, area);
    for (const f::OnsetLink& link : recorded.onset_links()) {
      area.onset.push_back(
          {SpokenEnum(link.relation()), Known(events_, link.life_event()), link.note()});
    }
  }

  void WriteDetail(const f::ProblemArea& recorded, std::vector<SheetLine>& lines) const {
    switch (recorded.detail_case()) {
      case f::ProblemArea::kGrief:
        AddLine("Who died", Known(people_, recorded.grief().deceased()), lines);
        AddLine("Circumstances", recorded.grief().circumstances(), lines);
        AddLine("Mourning", recorded.grief().mourning(), lines);
        return;
      case f::ProblemArea::kRoleDispute: {
        const f::RoleDisputeDetail& dispute = recorded.role_dispute();
        AddLine("With whom", Known(people_, dispute.other_party()), lines);
        AddLine("Stage", SpokenEnum(dispute.stage()), lines);
        AddLine("About", dispute.issue(), lines);
        AddLine("The patient expects", dispute.patient_expectation(), lines);
        AddLine("The other expects", dispute.other_expectation(), lines);
        AddLine("How it went before", dispute.history(), lines);
        return;
      }
      case f::ProblemArea::kRoleTransition: {
        const f::RoleTransitionDetail& transition = recorded.role_transition();
        AddLine("The change", Known(events_, transition.life_event()), lines);
        AddLine("Old role", transition.old_role(), lines);
        AddLine("New role", transition.new_role(), lines);
        AddLine("Lost with it", transition.losses(), lines);
        AddLine("Support", transition.supports(), lines);
        return;
      }
      case f::ProblemArea::kInterpersonalDeficits:
        AddLine("Past relationships", recorded.interpersonal_deficits().past_relationships(),
                lines);
        AddLine("Patterns", recorded.interpersonal_deficits().patterns(), lines);
        return;
      default:
        return;
    }
  }

  // What is present first, then what is absent, then what is unclear.
  void WriteEvidence(const f::ProblemArea& recorded, SheetArea& area) const {
    std::map<std::string, const f::Criterion*> criteria;
    if (const f::ProtocolArea* protocol = ProtocolAreaOf(recorded.kind()); protocol != nullptr) {
      for (const f::Criterion& criterion : protocol->criteria()) {
        criteria[criterion.code()] = &criterion;
      }
    }
    std::vector<const f::AreaEvidence*> found;
    for (const f::AreaEvidence& evidence : recorded.evidence()) found.push_back(&evidence);
    std::stable_sort(found.begin(), found.end(), [](const auto* left, const auto* right) {
      return left->finding() < right->finding();
    });
    for (const f::AreaEvidence* evidence : found) {
      const auto it = criteria.find(evidence->criterion());
      const bool known = it != criteria.end();
      area.evidence.push_back({SpokenEnum(evidence->finding()),
                               known ? it->second->text() : evidence->criterion(),
                               known ? SpokenEnum(it->second->weight()) : "", evidence->note()});
    }
  }

  void WriteLinks() {
    for (const f::FormulationLink& link : revision_.content().links()) {
      SheetLink& out = sheet_.links.emplace_back();
      out.symptom =
          link.has_symptom_event() ? Known(events_, link.symptom_event()) : link.symptom_text();
      out.event = Known(events_, link.life_event());
      out.area = Known(areas_, link.problem_area());
      for (const std::string& goal : link.goals()) out.goals.push_back(Known(goals_, goal));
      out.explanation = link.explanation();
    }
  }

  void WriteGoals() {
    std::map<std::string, const f::Goal*> live;
    for (const f::Goal& goal : facts_.goals) live[goal.name()] = &goal;
    std::map<std::string, std::string> area_then;
    for (const f::GoalSnapshot& goal : revision_.snapshot().goals()) {
      area_then[goal.goal()] = goal.problem_area();
    }
    std::set<std::string> named;
    for (const std::string& name : revision_.content().goals()) {
      named.insert(name);
      const auto it = live.find(name);
      SheetGoal goal = it == live.end() ? SheetGoal() : GoalOf(*it->second);
      goal.description = Known(goals_, name);
      if (const auto then = area_then.find(name); then != area_then.end()) {
        goal.area = Known(areas_, then->second);
      }
      sheet_.goals.push_back(std::move(goal));
    }
    for (const f::Goal& goal : facts_.goals) {
      if (!named.contains(goal.name())) sheet_.other_goals.push_back(GoalOf(goal));
    }
  }

  SheetGoal GoalOf(const f::Goal& goal) const {
    SheetGoal out;
    out.description = goal.description();
    out.area = Known(areas_, goal.problem_area());
    out.state = SpokenEnum(goal.state());
    out.measure = goal.measure();
    out.target = IsoDay(goal.target_date());
    std::vector<std::string> progress;
    if (goal.has_last_patient_rating()) progress.push_back(PatientProgress(goal));
    if (goal.has_last_therapist_rating()) {
      const f::GoalRating& last = goal.last_therapist_rating();
      progress.push_back(
          absl::StrCat("therapist ", last.value(), " of 10 on ", IsoDay(last.rated_on())));
    }
    out.progress = progress.empty() ? "not rated yet" : absl::StrJoin(progress, "; ");
    const std::string of_goal = absl::StrCat(goal.name(), "/ratings/");
    for (const f::GoalRating& rating : facts_.ratings) {
      const std::optional<absl::CivilDay> day = DayOf(rating.rated_on());
      if (!absl::StartsWith(rating.name(), of_goal) || !day.has_value()) continue;
      out.ratings.push_back({*day, rating.value(), rating.rater() == f::GOAL_RATER_PATIENT});
    }
    return out;
  }

  static std::string PatientProgress(const f::Goal& goal) {
    const f::GoalRating& first = goal.first_patient_rating();
    const f::GoalRating& last = goal.last_patient_rating();
    if (first.name() == last.name()) {
      return absl::StrCat("patient ", last.value(), " of 10 on ", IsoDay(last.rated_on()));
    }
    return absl::StrCat("patient first ", first.value(), ", last ", last.value(), " of 10 (",
                        IsoDay(first.rated_on()), " to ", IsoDay(last.rated_on()), ")");
  }

  void WriteContract() {
    const f::TreatmentContract& contract = revision_.content().contract();
    std::vector<std::string> frame;
    if (contract.has_sessions()) frame.push_back(Counted(contract.sessions(), "session"));
    if (contract.has_weeks())
      frame.push_back(absl::StrCat("in ", Counted(contract.weeks(), "week")));
    if (contract.has_session_minutes()) {
      frame.push_back(absl::StrCat(contract.session_minutes(), " minutes each"));
    }
    if (contract.has_cadence_days()) frame.push_back(CadenceWords(contract.cadence_days()));
    AddLine("Sessions", absl::StrJoin(frame, ", "), sheet_.contract);
    AddLine("Ends on", IsoDay(contract.end_date()), sheet_.contract);
    AddLine("Missed sessions", contract.missed_session_policy(), sheet_.contract);
    AddLine("Here and now", contract.here_and_now_focus(), sheet_.contract);
    AddLine("Practicalities", contract.practicalities(), sheet_.contract);
  }

  void WriteAgreement() {
    if (revision_.has_agreement()) {
      const f::Agreement& agreement = revision_.agreement();
      std::string how = SpokenEnum(agreement.mode());
      if (agreement.session_number() > 0) {
        how = absl::StrCat("in session ", agreement.session_number());
      }
      sheet_.agreement.push_back(absl::StrCat("Agreed on ", IsoDay(agreement.agreed_on()),
                                              " by the ", SpokenEnum(agreement.agreed_by()),
                                              how.empty() ? "" : ", ", how, "; recorded by ",
                                              agreement.caller(), "."));
    }
    if (revision_.number() > 0) {
      std::string line = absl::StrCat("Revision ", revision_.number());
      if (revision_.based_on() > 0) absl::StrAppend(&line, ", made of ", revision_.based_on());
      if (revision_.reason() != f::REVISION_REASON_UNSPECIFIED) {
        absl::StrAppend(&line, ", because: ", SpokenEnum(revision_.reason()));
      }
      if (!revision_.reason_text().empty()) absl::StrAppend(&line, ". ", revision_.reason_text());
      sheet_.agreement.push_back(line);
    }
    if (facts_.formulation.agreed_revisions() > 1) {
      sheet_.agreement.push_back(
          absl::StrCat(facts_.formulation.agreed_revisions(), " revisions were agreed so far."));
    }
  }

  void WritePending() {
    if (!facts_.formulation.has_current() || !facts_.formulation.has_pending()) return;
    const f::FormulationRevision& pending = facts_.formulation.pending();
    std::string line = pending.state() == f::REVISION_STATE_PROPOSED
                           ? absl::StrCat("Revision ", pending.number(),
                                          " was put to the patient, and is not agreed yet")
                           : "A revision is being written, and is not agreed";
    if (pending.reason() != f::REVISION_REASON_UNSPECIFIED) {
      absl::StrAppend(&line, ", because: ", SpokenEnum(pending.reason()));
    }
    absl::StrAppend(&line, ".");
    sheet_.pending.push_back(line);
    if (!pending.reason_text().empty()) sheet_.pending.push_back(pending.reason_text());
    sheet_.pending.emplace_back(facts_.formulation.pending_differs()
                                    ? "It says something else than what is agreed."
                                    : "It says the same so far.");
    for (const f::OpenPoint& point : pending.open_points()) {
      sheet_.pending.push_back(absl::StrCat("To propose it: ", point.message()));
    }
  }

  void WriteFindings() {
    if (!facts_.findings.has_value()) return;
    std::vector<SheetFinding>& out = sheet_.findings.emplace();
    for (const f::Finding& finding : *facts_.findings) {
      const std::string since = IsoDay(finding.since_date());
      out.push_back({finding.severity(), finding.message(),
                     since.empty() ? "" : absl::StrCat("since ", since)});
    }
    std::stable_sort(out.begin(), out.end(), [](const SheetFinding& a, const SheetFinding& b) {
      return a.severity > b.severity;
    });
  }

  const FormulationFacts& facts_;
  const f::FormulationRevision& revision_;
  FormulationSheet sheet_;
  std::map<std::string, std::string> areas_, goals_, events_, people_;
  std::map<std::string, const f::ProblemArea*> recorded_;
  std::map<std::string, const f::FocusSnapshot*> kept_;
};

}  // namespace

std::string StandingWords(const scheduling::v1::Course& course) {
  const scheduling::v1::CourseProgress& progress = course.progress();
  std::vector<std::string> words = {absl::StrCat("course ", SpokenEnum(course.state()))};
  if (progress.phase() != scheduling::v1::PHASE_UNSPECIFIED) {
    words.push_back(absl::StrCat(SpokenEnum(progress.phase()), " phase"));
  }
  words.push_back(absl::StrCat(progress.used_sessions(), " of ",
                               Counted(course.planned_sessions(), "session"), " used"));
  if (progress.week_number() > 0) {
    words.push_back(absl::StrCat("week ", progress.week_number(), " of ", course.duration_weeks()));
  }
  const std::string deadline = IsoDay(progress.deadline_date());
  if (!deadline.empty()) words.push_back(absl::StrCat("ends by ", deadline));
  return absl::StrJoin(words, "; ");
}

FormulationSheet PlanSheet(const FormulationFacts& facts) { return SheetWriter(facts).Write(); }

}  // namespace ipt::ctl
