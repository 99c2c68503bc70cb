#include "iptctl/formulation_page.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "iptctl/closeness_svg.h"
#include "iptctl/formulation_words.h"
#include "iptctl/outcome_words.h"
#include "iptctl/page.h"
#include "iptctl/rating_svg.h"
#include "iptctl/svg.h"
#include "iptctl/text_page.h"
#include "iptctl/timeline_svg.h"

namespace ipt::ctl {
namespace {

namespace f = formulation::v1;

void WriteParagraphs(absl::string_view text, Markup& out) {
  for (const std::string& paragraph : ParagraphsOf(text)) out.Element("p", paragraph);
}

void WriteLines(const std::vector<SheetLine>& lines, Markup& out) {
  if (lines.empty()) return;
  out.Open("dl");
  for (const SheetLine& line : lines) {
    out.Element("dt", line.label);
    for (const std::string& paragraph : ParagraphsOf(line.text)) out.Element("dd", paragraph);
  }
  out.Close();
}

void WriteArea(const SheetArea& area, Markup& out) {
  out.Element("h3", absl::StrCat(area.position, area.position.empty() ? "" : ": ", area.name,
                                 area.kind.empty() ? "" : absl::StrCat(" (", area.kind, ")")));
  PageTable evidence{absl::StrCat("What speaks for it, and what does not: ", area.name),
                     {{"Criterion"}, {.heading = "Found", .whole = true}, {"Weight"}, {"Note"}},
                     {}};
  for (const SheetEvidence& found : area.evidence) {
    evidence.rows.push_back({found.criterion, found.finding, found.weight, found.note});
  }
  WriteTable(evidence, out);
  PageTable onset{absl::StrCat("Events that it is tied to: ", area.name),
                  {{"Event"}, {.heading = "Relation", .whole = true}, {"Note"}},
                  {}};
  for (const SheetOnset& link : area.onset) {
    onset.rows.push_back({link.event, link.relation, link.note});
  }
  WriteTable(onset, out);
  WriteLines(area.lines, out);
}

void WriteAreas(const FormulationSheet& sheet, Markup& out) {
  if (!sheet.focus.empty()) out.Element("h2", "Focus");
  for (const SheetArea& area : sheet.focus) WriteArea(area, out);
  if (sheet.other_areas.empty()) return;
  out.Element("h2", "Areas that are no focus");
  for (const SheetArea& area : sheet.other_areas) WriteArea(area, out);
}

void WriteNarratives(const FormulationSheet& sheet, Markup& out) {
  if (!sheet.patient_narrative.empty()) {
    out.Element("h2", "As told to the patient");
    WriteParagraphs(sheet.patient_narrative, out);
  }
  if (!sheet.clinical_narrative.empty()) {
    out.Element("h2", "Clinical narrative");
    out.Element("p", "For colleagues; no part of the patient's copy.", {{"class", "muted"}});
    WriteParagraphs(sheet.clinical_narrative, out);
  }
}

void WriteLinks(const FormulationSheet& sheet, Markup& out) {
  if (sheet.links.empty()) return;
  out.Element("h2", "How it hangs together");
  PageTable table{"Symptom, event, area and goals",
                  {{"Symptom"}, {"Event"}, {"Area"}, {"Goals"}, {"How the one led to the other"}},
                  {}};
  for (const SheetLink& link : sheet.links) {
    table.rows.push_back(
        {link.symptom, link.event, link.area, absl::StrJoin(link.goals, "; "), link.explanation});
  }
  WriteTable(table, out);
}

// `ids` counts the drawings of the page.
void WriteGoals(const char* heading, const std::vector<SheetGoal>& goals, int& ids, Markup& out) {
  if (goals.empty()) return;
  out.Element("h2", heading);
  out.Open("div", {{"class", "tiles"}});
  for (const SheetGoal& goal : goals) {
    out.Open("div", {{"class", "tile"}});
    out.Element("span", goal.description, {{"class", "name"}});
    std::vector<std::string> facts;
    for (const std::string* fact : {&goal.state, &goal.area}) {
      if (!fact->empty()) facts.push_back(*fact);
    }
    if (!goal.target.empty()) facts.push_back(absl::StrCat("by ", goal.target));
    if (!facts.empty()) out.Element("span", absl::StrJoin(facts, "; "));
    if (!goal.measure.empty()) out.Element("span", absl::StrCat("Seen by: ", goal.measure));
    out.Raw(RatingSvg(goal.ratings, absl::StrCat("g", ++ids)));
    if (!goal.progress.empty()) out.Element("span", goal.progress);
    out.Close();
  }
  out.Close();
}

void WriteAgreement(const FormulationSheet& sheet, Markup& out) {
  if (!sheet.contract.empty()) {
    out.Element("h2", "Treatment contract");
    WriteLines(sheet.contract, out);
  }
  if (!sheet.agreement.empty()) out.Element("h2", "Agreement");
  for (const std::string& line : sheet.agreement) WriteParagraphs(line, out);
  if (!sheet.pending.empty()) out.Element("h2", "Under revision");
  for (const std::string& line : sheet.pending) WriteParagraphs(line, out);
}

void WritePeople(const f::InterpersonalInventory& inventory, Markup& out) {
  out.Element("h2", "People");
  if (inventory.relationships().empty()) {
    out.Element("p", "Nobody is recorded.");
    return;
  }
  WriteFigure(ClosenessSvg(inventory, {.narrow = false, .id = "cw"}),
              ClosenessSvg(inventory, {.narrow = true, .id = "cn"}), out);
  PageTable table{"Everybody in the inventory",
                  {{"Who"},
                   {"To the patient"},
                   {"Status"},
                   {"Circle", true},
                   {"Quality"},
                   {"Contact"},
                   {"Satisfied, 0 to 10", true},
                   {"Can confide"},
                   {"Wants otherwise"}},
                  {}};
  for (const f::Relationship& person : inventory.relationships()) {
    const std::string until = DateWords(person.end_date());
    table.rows.push_back(
        {person.display_name(), SpokenEnum(person.kind()),
         absl::StrCat(SpokenEnum(person.status()), until.empty() ? "" : ", ", until),
         person.has_closeness_circle() ? absl::StrCat(person.closeness_circle()) : "",
         SpokenEnum(person.quality()), SpokenEnum(person.contact_frequency()),
         person.has_satisfaction() ? absl::StrCat(person.satisfaction()) : "",
         !person.has_confidant() ? ""
         : person.confidant()    ? "yes"
                                 : "no",
         person.changes_wanted()});
  }
  WriteTable(table, out);
}

void WriteTimeline(const f::InterpersonalInventory& inventory, absl::CivilDay today, Markup& out) {
  out.Element("h2", "Timeline");
  if (inventory.life_events().empty()) {
    out.Element("p", "Nothing is recorded.");
    return;
  }
  const std::string wide = TimelineSvg(inventory, today, {.width = 960, .id = "tw"});
  if (!wide.empty()) {
    WriteFigure(wide, TimelineSvg(inventory, today, {.width = 350, .id = "tn"}), out);
  }
  std::map<std::string, std::string> people;
  for (const f::Relationship& person : inventory.relationships()) {
    people[person.name()] = person.display_name();
  }
  PageTable table{
      "All events",
      {{"What"}, {"When"}, {"Kind"}, {"With"}, {"Impact on mood, -5 to 5", true}, {"How it was"}},
      {}};
  for (const f::LifeEvent& event : inventory.life_events()) {
    std::vector<std::string> with;
    for (const std::string& name : event.relationships()) {
      const auto it = people.find(name);
      if (it != people.end()) with.push_back(it->second);
    }
    table.rows.push_back({event.display_name(), DateWords(event), SpokenEnum(event.kind()),
                          absl::StrJoin(with, ", "),
                          event.has_impact() ? absl::StrCat(event.impact()) : "",
                          event.description()});
  }
  WriteTable(table, out);
}

void WriteFindings(const FormulationSheet& sheet, Markup& out) {
  if (!sheet.findings.has_value()) return;
  out.Element("h2", "What stands out");
  if (sheet.findings->empty()) {
    out.Element("p", "Nothing.");
    return;
  }
  PageTable table{"The greatest severity first", {{"Severity"}, {"Finding"}, {"Since"}}, {}};
  for (const SheetFinding& finding : *sheet.findings) {
    table.rows.push_back({SpokenEnum(finding.severity), finding.message, finding.since});
  }
  WriteTable(table, out);
  out.Element("p", "A finding is no verdict.", {{"class", "muted"}});
}

}  // namespace

std::string FormulationPage(const FormulationSheet& sheet) {
  Markup out;
  const std::string title = absl::StrCat("Formulation of ", sheet.course);
  out.Element("h1", title);
  out.Element("p", sheet.standing, {{"class", "lead"}});
  if (!sheet.standing_at.empty()) {
    out.Element("p", absl::StrCat(Capitalized(sheet.standing_at), "."), {{"class", "lead"}});
  }
  std::vector<std::string> notes = sheet.missing;
  notes.insert(notes.end(), sheet.to_mind.begin(), sheet.to_mind.end());
  WriteNotes("To mind", notes, out);
  WriteAreas(sheet, out);
  WriteNarratives(sheet, out);
  WriteLinks(sheet, out);
  int ids = 0;
  WriteGoals("Goals", sheet.goals, ids, out);
  WriteGoals("Goals that the formulation does not name", sheet.other_goals, ids, out);
  WriteAgreement(sheet, out);
  if (sheet.inventory.has_value()) {
    WritePeople(*sheet.inventory, out);
    WriteTimeline(*sheet.inventory, sheet.today, out);
  }
  WriteFindings(sheet, out);
  out.Open("footer");
  out.Element("p",
              absl::StrCat("As it stood on ", IsoDay(sheet.today),
                           ". It holds what a patient said, also of others who were not asked: "
                           "keep it as the record is kept, and delete it when it is not needed."));
  out.Close();
  return HtmlPage(title, out.Finish());
}

}  // namespace ipt::ctl
