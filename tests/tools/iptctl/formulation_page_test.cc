#include "iptctl/formulation_page.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "iptctl/formulation_text.h"
#include "iptctl/rating_svg.h"
#include "iptctl/text.h"
#include "tests/tools/iptctl/chart_samples.h"
#include "tests/tools/iptctl/formulation_samples.h"
#include "tests/tools/iptctl/xml_elements.h"

namespace ipt::ctl {
namespace {

using samples::FullInventory;
using samples::Keep;
using samples::ReadXml;
using samples::SampleFormulation;
using samples::XmlDocument;
using samples::XmlElement;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace f = formulation::v1;

FormulationFacts Empty() {
  FormulationFacts facts;
  facts.course = samples::kCourse;
  facts.formulation.set_state(f::FORMULATION_STATE_NONE);
  facts.formulation.mutable_scheduling()->set_current(true);
  facts.today = absl::CivilDay(2026, 11, 29);
  return facts;
}

// Hostile words wherever something can be entered.
void Poison(google::protobuf::Message& message) {
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const auto* field = message.GetDescriptor()->field(i);
    const bool text = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING;
    if (field->is_repeated()) {
      if (field->message_type() == nullptr) continue;
      for (int k = 0; k < reflection->FieldSize(message, field); ++k) {
        Poison(*reflection->MutableRepeatedMessage(&message, field, k));
      }
    } else if (field->message_type() != nullptr) {
      if (reflection->HasField(message, field))
        Poison(*reflection->MutableMessage(&message, field));
    } else if (text && field->options().GetExtension(common::v1::rules).resource().empty() &&
               field->name() != "name" &&
               (field->real_containing_oneof() == nullptr ||
                reflection->HasField(message, field))) {
      reflection->SetString(&message, field, samples::kHostile);
    }
  }
}

// That texts are in this order.
void ExpectInOrder(const std::string& page, const std::vector<const char*>& texts) {
  size_t last = 0;
  for (const char* text : texts) {
    const size_t place = page.find(text, last);
    ASSERT_NE(place, std::string::npos) << text;
    last = place;
  }
}

TEST(FormulationSheetTest, ReadsAsItDidWhenItWasAgreed) {
  const FormulationSheet sheet = PlanSheet(SampleFormulation());
  EXPECT_EQ(sheet.standing, "Agreed: revision 2");
  EXPECT_EQ(sheet.standing_at, "course active; middle phase; 9 of 16 sessions used; week 10 of 16");
  ASSERT_THAT(sheet.focus, SizeIs(2));
  EXPECT_EQ(sheet.focus[0].name, "Losing Dad") << "the snapshot's word, not today's";
  EXPECT_EQ(sheet.focus[0].kind, "Complicated bereavement");
  EXPECT_EQ(sheet.focus[1].position, "Secondary focus");
  EXPECT_EQ(sheet.goals[0].description, "Tell J. about Dad");
  EXPECT_EQ(sheet.goals[0].area, "Losing Dad");
  EXPECT_EQ(sheet.goals[0].progress,
            "patient first 2, last 7 of 10 (2026-10-05 to 2026-11-23); therapist 5 of 10 on "
            "2026-11-16");
  EXPECT_THAT(sheet.goals[0].ratings, SizeIs(5));
  EXPECT_EQ(sheet.goals[1].progress, "patient 1 of 10 on 2026-10-05");
  EXPECT_THAT(sheet.other_goals, SizeIs(1));
  EXPECT_THAT(sheet.other_areas, SizeIs(1));
  ASSERT_THAT(sheet.links, SizeIs(1));
  EXPECT_EQ(sheet.links[0].symptom, "Sleepless, no appetite (Apr 2026)");
  EXPECT_EQ(sheet.links[0].event, "Death of father (12 Mar 2026)");
  EXPECT_THAT(sheet.links[0].goals, ElementsAre("Tell J. about Dad"));
}

TEST(FormulationSheetTest, PutsWhatIsPresentFirstInTheProtocolsWords) {
  const FormulationSheet sheet = PlanSheet(SampleFormulation());
  ASSERT_THAT(sheet.focus[0].evidence, SizeIs(2));
  EXPECT_EQ(sheet.focus[0].evidence[0].criterion, "Somebody close has died.");
  EXPECT_EQ(sheet.focus[0].evidence[0].weight, "core");
  EXPECT_EQ(sheet.focus[0].evidence[1].criterion, "AVOIDED_REMINDERS") << "not in the protocol";
  EXPECT_EQ(sheet.focus[0].onset[0].relation, "before onset");
}

TEST(FormulationSheetTest, SaysHowItWasAgreedAndWhatIsBeingWorkedOn) {
  const FormulationSheet sheet = PlanSheet(SampleFormulation());
  EXPECT_THAT(sheet.agreement,
              ElementsAre("Agreed on 2026-10-05 by the patient, in session 4; recorded by "
                          "ana@north.example.",
                          "Revision 2, made of 1, because: new information",
                          "2 revisions were agreed so far."));
  EXPECT_THAT(sheet.pending,
              ElementsAre("A revision is being written, and is not agreed, because: midpoint "
                          "review.",
                          "It says something else than what is agreed.",
                          "To propose it: A focus has no goal."));
  EXPECT_THAT(sheet.to_mind, IsEmpty());
  ASSERT_THAT(*sheet.findings, SizeIs(2));
  EXPECT_EQ(sheet.findings->front().severity, f::FINDING_SEVERITY_OVERDUE);
}

TEST(FormulationSheetTest, ADraftReadsAsThingsAreNow) {
  FormulationFacts facts = SampleFormulation();
  *facts.formulation.mutable_pending() = facts.formulation.current();
  facts.formulation.mutable_pending()->clear_snapshot();
  facts.formulation.mutable_pending()->clear_agreement();
  facts.formulation.mutable_pending()->add_open_points()->set_message("There is no link.");
  facts.formulation.clear_current();
  facts.formulation.set_state(f::FORMULATION_STATE_DRAFT);
  facts.formulation.mutable_scheduling()->set_current(false);
  const FormulationSheet sheet = PlanSheet(facts);
  EXPECT_EQ(sheet.standing, "Draft: being written, not agreed yet");
  EXPECT_EQ(sheet.focus[0].name, "Losing my father");
  EXPECT_EQ(sheet.goals[0].description, "Tell J. and M. about Dad");
  EXPECT_THAT(sheet.to_mind,
              ElementsAre("Scheduling could not be asked: nothing is known of the course.",
                          "To propose it: There is no link."));
  EXPECT_THAT(sheet.pending, IsEmpty());
}

TEST(FormulationSheetTest, WithoutWhatCouldNotBeReadItShowsTheRest) {
  FormulationFacts facts = SampleFormulation();
  facts.inventory.reset();
  facts.protocol.reset();
  facts.scheduled.reset();
  facts.findings.reset();
  facts.areas.clear();
  facts.goals.clear();
  facts.ratings.clear();
  facts.missing.emplace_back("People and timeline are not shown (PERMISSION_DENIED).");
  const FormulationSheet sheet = PlanSheet(facts);
  EXPECT_EQ(sheet.focus[0].name, "Losing Dad");
  EXPECT_EQ(sheet.focus[0].kind, "Grief");
  EXPECT_EQ(sheet.focus[1].name, "house") << "its id, for want of a name";
  EXPECT_EQ(sheet.links[0].event, "e4");
  const std::string page = FormulationPage(sheet);
  EXPECT_EQ(ReadXml(page).error, "");
  EXPECT_THAT(page, AllOf(HasSubstr("PERMISSION_DENIED"), Not(HasSubstr("<h2>People")),
                          Not(HasSubstr("What stands out"))));
}

TEST(FormulationTextTest, IsInTheOrderInWhichItIsRead) {
  const std::string text = FormulationText(PlanSheet(SampleFormulation()), {});
  Keep("formulation.txt", text);
  ExpectInOrder(text,
                {"Formulation of clinics/north/courses/c1\n",
                 "Agreed: revision 2\n",
                 "course active; middle phase",
                 "\nFOCUS\n",
                 "  Primary focus: Complicated bereavement, \"Losing Dad\"\n",
                 "    [present] Somebody close has died. (core): Her father, in March.\n",
                 "    [unclear] AVOIDED_REMINDERS\n",
                 "    <before onset> Death of father",
                 "  Secondary focus: Role dispute, \"Whose house it is\"\n",
                 "    Why this one: It keeps the mood low",
                 "    With whom: T., husband\n",
                 "\nAREAS THAT ARE NO FOCUS\n",
                 "\nAS TOLD TO THE PATIENT\n",
                 "  It began in the weeks",
                 "\nCLINICAL NARRATIVE\n",
                 "HOW IT HANGS TOGETHER",
                 "  - Sleepless, no appetite (Apr 2026) -> Death of father (12 Mar 2026) -> Losing "
                 "Dad -> Tell",
                 "\nGOALS\n",
                 "  [active] Tell J. about Dad (Losing Dad)\n",
                 "      Progress: patient first 2, last 7 of 10",
                 "\nTREATMENT CONTRACT\n",
                 "  Sessions: 16 sessions, in 16 weeks, 50 minutes each, weekly\n",
                 "\nAGREEMENT\n",
                 "\nUNDER REVISION\n",
                 "\nWHAT STANDS OUT\n",
                 "  [overdue] The mid-course review is not done. (since 2026-11-09)\n",
                 "  [info] The last session has no technique."});
}

TEST(FormulationTextTest, IsAHundredColumnsWideAndSteersNoTerminal) {
  FormulationFacts facts = SampleFormulation();
  facts.formulation.mutable_current()->mutable_content()->set_patient_narrative(
      std::string(5000, 'x') + "\n\n\r\n" + samples::kHostile);
  facts.areas[0].set_therapist_view("one \x1b[2J two\n\tthree");
  std::string text = FormulationText(PlanSheet(facts), {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("    As the therapist sees it: one [2J two\n        three\n"));
  facts.formulation.mutable_current()->mutable_content()->set_patient_narrative("short");
  text = FormulationText(PlanSheet(facts), {});
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    EXPECT_LE(DisplayWidth(text.substr(begin, end - begin)), 100) << text.substr(begin, 110);
    begin = end + 1;
  }
}

TEST(FormulationTextTest, NoneYetSaysSo) {
  const std::string text = FormulationText(PlanSheet(Empty()), {});
  EXPECT_EQ(text, "Formulation of clinics/north/courses/c1\nNone yet\n");
}

TEST(FormulationPageTest, IsWellFormedWholeAndInOrder) {
  const std::string page = FormulationPage(PlanSheet(SampleFormulation()));
  Keep("formulation.html", page);
  EXPECT_EQ(ReadXml(page).error, "");
  for (const char* word :
       {"<script", "<img", "<link", "src=", "href=", "@import", "http-equiv=\"r"}) {
    EXPECT_THAT(page, Not(HasSubstr(word)));
  }
  ExpectInOrder(
      page,
      {"<h1>Formulation of clinics/north/courses/c1", "Agreed: revision 2", "<h2>Focus",
       "Primary focus: Losing Dad (Complicated bereavement)", "<h2>Areas that are no focus",
       "<h2>As told to the patient", "<p>It began in the weeks", "<h2>Clinical narrative",
       "<h2>How it hangs together", "<h2>Goals", "<h2>Treatment contract", "<h2>Agreement",
       "<h2>Under revision", "<h2>People", "<h2>Timeline", "<h2>What stands out", "<footer>"});
  const XmlDocument document = ReadXml(page);
  // Each drawing says in words what it shows, and no id is there twice.
  std::set<std::string> ids;
  for (const XmlElement& element : document.elements) {
    if (const std::string id = element.Get("id"); !id.empty()) {
      EXPECT_TRUE(ids.insert(id).second) << id;
    }
  }
  for (const XmlElement* svg : document.All("svg")) {
    EXPECT_EQ(svg->Get("role"), "img");
    for (const char* part : {"-t", "-d"}) {
      EXPECT_THAT(svg->Get("aria-labelledby"), HasSubstr(part));
    }
  }
  EXPECT_THAT(document.All("svg"),
              SizeIs(6));  // circles and timeline twice, two goals with ratings
}

TEST(FormulationPageTest, TakesAsMuchAsACourseCanHave) {
  FormulationFacts facts = SampleFormulation();
  facts.inventory = FullInventory();
  const std::string page = FormulationPage(PlanSheet(facts));
  Keep("formulation-full.html", page);
  EXPECT_EQ(ReadXml(page).error, "");
}

TEST(FormulationPageTest, HostileWordsStayWords) {
  FormulationFacts facts = SampleFormulation();
  Poison(facts.formulation);
  Poison(*facts.inventory);
  Poison(*facts.protocol);
  for (auto& area : facts.areas) Poison(area);
  for (auto& goal : facts.goals) Poison(goal);
  for (auto& finding : *facts.findings) Poison(finding);
  facts.missing.emplace_back(samples::kHostile);
  const FormulationSheet sheet = PlanSheet(facts);
  const std::string page = FormulationPage(sheet);
  EXPECT_EQ(ReadXml(page).error, "");
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("\xE2\x80\xAE")));
  const std::string text = FormulationText(sheet, {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("<script>"));
}

TEST(FormulationPageTest, NoneYetIsAPageThatSaysSo) {
  FormulationFacts facts = Empty();
  facts.inventory.emplace();
  facts.findings.emplace();
  const std::string page = FormulationPage(PlanSheet(facts));
  EXPECT_EQ(ReadXml(page).error, "");
  EXPECT_THAT(page, AllOf(HasSubstr("None yet"), HasSubstr("Nobody is recorded."),
                          HasSubstr("Nothing is recorded."), HasSubstr("Nothing.")));
}

TEST(RatingSvgTest, TheLastOfADayIsTheDays) {
  const absl::CivilDay day(2026, 10, 5);
  const XmlDocument document = ReadXml(
      RatingSvg({{day, 2, true}, {day, 4, true}, {day + 7, 10, true}, {day, 3, false}}, "g"));
  EXPECT_EQ(document.error, "");
  EXPECT_EQ(document.All("desc").front()->text,
            "Patient 2026-10-05: 4, 2026-10-12: 10. Therapist 2026-10-05: 3. ");
  EXPECT_THAT(document.All("circle", "dot"), SizeIs(2));
  EXPECT_THAT(document.All("rect", "hollow"), SizeIs(1));
  EXPECT_EQ(RatingSvg({}, "g"), "");
}

}  // namespace
}  // namespace ipt::ctl
