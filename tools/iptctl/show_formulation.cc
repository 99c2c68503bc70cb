#include "iptctl/show_formulation.h"

#include "ipt/formulation/v1/formulation_service.pb.h"
#include "ipt/formulation/v1/goal_service.pb.h"
#include "ipt/formulation/v1/inventory_service.pb.h"
#include "ipt/formulation/v1/problem_area_service.pb.h"
#include "ipt/formulation/v1/protocol_service.pb.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "iptctl/formulation_page.h"
#include "iptctl/formulation_sheet.h"
#include "iptctl/formulation_text.h"
#include "iptctl/json_parts.h"
#include "iptctl/part_reader.h"
#include "iptctl/value_text.h"

namespace ipt::ctl {
namespace {

namespace f = formulation::v1;

// Reads what belongs to a formulation, none of it older than that.
class FormulationReader {
 public:
  FormulationReader(Session& session, FormulationFacts& facts)
      : reader_(session, facts.missing), facts_(facts) {}

  void ReadAll() {
    ReadScheduled();
    ReadInventory();
    ReadAreas();
    ReadGoals();
    ReadProtocol();
    ReadFindings();
  }

 private:
  void ReadScheduled() {
    scheduling::v1::GetCourseRequest get;
    get.set_name(facts_.course);
    scheduling::v1::Course course;
    if (reader_.Read("ipt.scheduling.v1.CourseService.GetCourse", get, course,
                     "Phase and session are not shown: scheduling's course could not be read")) {
      facts_.scheduled = course;
    }
  }

  void ReadInventory() {
    f::GetInterpersonalInventoryRequest get;
    get.set_course(facts_.course);
    get.set_min_revision(facts_.formulation.revision());
    f::InterpersonalInventory inventory;
    if (reader_.Read("ipt.formulation.v1.InventoryService.GetInterpersonalInventory", get,
                     inventory, "People and timeline are not shown")) {
      facts_.inventory = inventory;
    }
  }

  void ReadAreas() {
    f::ListProblemAreasRequest list;
    list.set_parent(facts_.course);
    list.set_min_revision(facts_.formulation.revision());
    reader_.ReadPages<f::ListProblemAreasResponse>(
        "ipt.formulation.v1.ProblemAreaService.ListProblemAreas", list,
        "The evidence for the areas is not shown", [this](const f::ListProblemAreasResponse& page) {
          facts_.areas.insert(facts_.areas.end(), page.problem_areas().begin(),
                              page.problem_areas().end());
        });
  }

  void ReadGoals() {
    f::ListGoalsRequest list;
    list.set_parent(facts_.course);
    list.set_min_revision(facts_.formulation.revision());
    const bool read = reader_.ReadPages<f::ListGoalsResponse>(
        "ipt.formulation.v1.GoalService.ListGoals", list, "Where the goals stand is not shown",
        [this](const f::ListGoalsResponse& page) {
          facts_.goals.insert(facts_.goals.end(), page.goals().begin(), page.goals().end());
        });
    if (!read || facts_.goals.empty()) return;
    f::ListGoalRatingsRequest ratings;
    ratings.set_parent(facts_.course + "/goals/-");
    ratings.set_page_size(1000);
    ratings.set_min_revision(facts_.formulation.revision());
    reader_.ReadPages<f::ListGoalRatingsResponse>(
        "ipt.formulation.v1.GoalService.ListGoalRatings", ratings,
        "Of the ratings of goals only the first and last are shown",
        [this](const f::ListGoalRatingsResponse& page) {
          facts_.ratings.insert(facts_.ratings.end(), page.ratings().begin(), page.ratings().end());
        });
  }

  void ReadProtocol() {
    if (facts_.formulation.protocol().empty()) return;
    f::GetProtocolRequest get;
    get.set_name(facts_.formulation.protocol());
    f::Protocol protocol;
    if (reader_.Read("ipt.formulation.v1.ProtocolService.GetProtocol", get, protocol,
                     "Criteria are shown by their codes")) {
      facts_.protocol = protocol;
    }
  }

  void ReadFindings() {
    f::ListFindingsRequest list;
    list.set_parent(facts_.course);
    list.set_page_size(1000);
    list.set_min_revision(facts_.formulation.revision());
    std::vector<f::Finding> findings;
    if (reader_.ReadPages<f::ListFindingsResponse>(
            "ipt.formulation.v1.ProtocolService.ListFindings", list, "What stands out is not shown",
            [&findings](const f::ListFindingsResponse& page) {
              findings.insert(findings.end(), page.findings().begin(), page.findings().end());
            })) {
      facts_.findings = std::move(findings);
    }
  }

  PartReader reader_;
  FormulationFacts& facts_;
};

absl::TimeZone ZoneOf(const FormulationFacts& facts, Session& session) {
  ShowContext context = session.show();
  if (facts.scheduled.has_value() && !session.settings.zone.has_value()) {
    context = Within(*facts.scheduled, context);
  }
  return context.zone;
}

int PrintJson(const FormulationFacts& facts, Session& session) {
  JsonParts parts;
  parts.Put("formulation", facts.formulation);
  if (facts.scheduled.has_value()) parts.Put("course", *facts.scheduled);
  if (facts.inventory.has_value()) parts.Put("inventory", *facts.inventory);
  parts.PutAll("problemAreas", facts.areas);
  parts.PutAll("goals", facts.goals);
  parts.PutAll("ratings", facts.ratings);
  if (facts.findings.has_value()) parts.PutAll("findings", *facts.findings);
  session.env.out << parts.Text(facts.missing) << "\n";
  return 0;
}

}  // namespace

int ShowFormulation(const Message& request, Session& session) {
  f::GetFormulationRequest get;
  get.ParseFromString(request.SerializeAsString());
  FormulationFacts facts;
  facts.course = get.course();
  const MethodDescriptor& method =
      *FindMethod("ipt.formulation.v1.FormulationService.GetFormulation");
  if (const int exit = session.Call(method, get, facts.formulation)) return exit;
  FormulationReader(session, facts).ReadAll();
  facts.today = absl::ToCivilDay(session.env.clock.Now(), ZoneOf(facts, session));
  if (session.settings.json_output && !session.settings.Has("html")) {
    return PrintJson(facts, session);
  }
  const FormulationSheet sheet = PlanSheet(facts);
  if (session.settings.Has("html")) return session.Save("html", FormulationPage(sheet));
  session.env.out << FormulationText(sheet, session.show().paint);
  return 0;
}

}  // namespace ipt::ctl
