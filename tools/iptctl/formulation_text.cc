#include "iptctl/formulation_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "iptctl/formulation_words.h"
#include "iptctl/outcome_words.h"
#include "iptctl/text_page.h"

namespace ipt::ctl {
namespace {

namespace f = formulation::v1;

Color ColorOf(f::FindingSeverity severity) {
  switch (severity) {
    case f::FINDING_SEVERITY_OVERDUE:
      return Color::kRed;
    case f::FINDING_SEVERITY_REVIEW:
      return Color::kYellow;
    default:
      return Color::kDim;
  }
}

std::string InBrackets(const std::string& text) {
  return text.empty() ? "" : absl::StrCat(" (", text, ")");
}

std::string AfterColon(const std::string& text) {
  return text.empty() ? "" : absl::StrCat(": ", text);
}

void WriteArea(const SheetArea& area, TextPage& out) {
  const std::string head =
      absl::StrCat(area.kind, area.kind.empty() ? "" : ", ", "\"", area.name, "\"");
  out.Item(head, 2, area.position.empty() ? "-" : absl::StrCat(area.position, ":"), Color::kBold);
  for (const SheetLine& line : area.lines) out.Labelled(line.label, line.text, 4);
  for (const SheetEvidence& evidence : area.evidence) {
    out.Item(
        absl::StrCat(evidence.criterion, InBrackets(evidence.weight), AfterColon(evidence.note)), 4,
        absl::StrCat("[", evidence.finding, "]"));
  }
  for (const SheetOnset& onset : area.onset) {
    out.Item(absl::StrCat(onset.event, AfterColon(onset.note)), 4,
             absl::StrCat("<", onset.relation, ">"));
  }
}

void WriteGoal(const SheetGoal& goal, TextPage& out) {
  out.Item(absl::StrCat(goal.description, InBrackets(goal.area)), 2,
           absl::StrCat("[", goal.state.empty() ? "not to be had" : goal.state, "]"));
  if (!goal.progress.empty()) out.Labelled("Progress", goal.progress, 6);
  out.Labelled("Seen by", goal.measure, 6);
  out.Labelled("By", goal.target, 6);
}

void WriteLink(const SheetLink& link, TextPage& out) {
  std::vector<std::string> chain;
  for (const std::string* part : {&link.symptom, &link.event, &link.area}) {
    if (!part->empty()) chain.push_back(*part);
  }
  if (!link.goals.empty()) chain.push_back(absl::StrJoin(link.goals, "; "));
  out.Item(absl::StrJoin(chain, " -> "));
  out.Paragraphs(link.explanation, 6);
}

}  // namespace

std::string FormulationText(const FormulationSheet& sheet, const Paint& paint) {
  TextPage out(paint);
  out.Title(absl::StrCat("Formulation of ", sheet.course));
  out.Colored(sheet.agreement.empty() ? Color::kYellow : Color::kGreen, sheet.standing, 0);
  out.Paragraphs(sheet.standing_at, 0);
  for (const std::string& part : sheet.missing) out.Colored(Color::kYellow, "mind: " + part, 0);
  for (const std::string& note : sheet.to_mind) out.Colored(Color::kYellow, "mind: " + note, 0);

  if (!sheet.focus.empty()) out.Heading("Focus");
  for (const SheetArea& area : sheet.focus) WriteArea(area, out);
  if (!sheet.other_areas.empty()) out.Heading("Areas that are no focus");
  for (const SheetArea& area : sheet.other_areas) WriteArea(area, out);

  if (!sheet.patient_narrative.empty()) out.Heading("As told to the patient");
  out.Paragraphs(sheet.patient_narrative);
  if (!sheet.clinical_narrative.empty()) out.Heading("Clinical narrative");
  out.Paragraphs(sheet.clinical_narrative);

  if (!sheet.links.empty()) out.Heading("How it hangs together: symptom -> event -> area -> goals");
  for (const SheetLink& link : sheet.links) WriteLink(link, out);

  if (!sheet.goals.empty()) out.Heading("Goals");
  for (const SheetGoal& goal : sheet.goals) WriteGoal(goal, out);
  if (!sheet.other_goals.empty()) out.Heading("Goals that the formulation does not name");
  for (const SheetGoal& goal : sheet.other_goals) WriteGoal(goal, out);

  if (!sheet.contract.empty()) out.Heading("Treatment contract");
  for (const SheetLine& line : sheet.contract) out.Labelled(line.label, line.text);
  if (!sheet.agreement.empty()) out.Heading("Agreement");
  for (const std::string& line : sheet.agreement) out.Paragraphs(line);
  if (!sheet.pending.empty()) out.Heading("Under revision");
  for (const std::string& line : sheet.pending) out.Paragraphs(line);

  if (sheet.findings.has_value()) {
    out.Heading("What stands out");
    if (sheet.findings->empty()) out.Paragraphs("Nothing.");
    for (const SheetFinding& finding : *sheet.findings) {
      out.Item(absl::StrCat(finding.message, InBrackets(finding.since)), 2,
               absl::StrCat("[", SpokenEnum(finding.severity), "]"), ColorOf(finding.severity));
    }
  }
  return out.Finish();
}

}  // namespace ipt::ctl
