// Formulations as a server would send them, for tests of what is shown of them.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "iptctl/formulation_sheet.h"

namespace ipt::ctl::samples {

namespace f = formulation::v1;

inline constexpr char kCourse[] = "clinics/north/courses/c1";
inline constexpr char kHostile[] = "<script>alert('\"x\"')</script>&\x1b[31m\xE2\x80\xAE";

inline std::string NameOf(const char* collection, const std::string& id) {
  return absl::StrCat(kCourse, "/", collection, "/", id);
}

inline void SetDate(google::type::Date* out, int year, int month = 0, int day = 0) {
  out->set_year(year);
  out->set_month(month);
  out->set_day(day);
}

inline f::Relationship& AddPerson(f::InterpersonalInventory& inventory, const std::string& who,
                                  f::RelationshipKind kind, int circle,
                                  f::RelationshipQuality quality) {
  f::Relationship& person = *inventory.add_relationships();
  person.set_name(NameOf("relationships", absl::StrCat("r", inventory.relationships_size())));
  person.set_display_name(who);
  person.set_kind(kind);
  person.set_status(f::RELATIONSHIP_STATUS_CURRENT);
  if (circle > 0) person.set_closeness_circle(circle);
  person.set_quality(quality);
  return person;
}

inline f::LifeEvent& AddEvent(f::InterpersonalInventory& inventory, const std::string& what,
                              f::LifeEventKind kind, int year, int month = 0, int day = 0) {
  f::LifeEvent& event = *inventory.add_life_events();
  event.set_name(NameOf("lifeEvents", absl::StrCat("e", inventory.life_events_size())));
  event.set_display_name(what);
  event.set_kind(kind);
  if (year > 0) SetDate(event.mutable_start_date()->mutable_date(), year, month, day);
  return event;
}

inline f::InterpersonalInventory SampleInventory() {
  f::InterpersonalInventory inventory;
  AddPerson(inventory, "T., husband", f::RELATIONSHIP_KIND_PARTNER, 1,
            f::RELATIONSHIP_QUALITY_CONFLICTUAL)
      .set_contact_frequency(f::CONTACT_FREQUENCY_DAILY);
  AddPerson(inventory, "L., daughter", f::RELATIONSHIP_KIND_CHILD, 1,
            f::RELATIONSHIP_QUALITY_SUPPORTIVE)
      .set_confidant(false);
  f::Relationship& father = AddPerson(inventory, "Father", f::RELATIONSHIP_KIND_PARENT, 1,
                                      f::RELATIONSHIP_QUALITY_SUPPORTIVE);
  father.set_status(f::RELATIONSHIP_STATUS_DECEASED);
  SetDate(father.mutable_end_date()->mutable_date(), 2026, 3, 12);
  AddPerson(inventory, "M., sister", f::RELATIONSHIP_KIND_SIBLING, 2, f::RELATIONSHIP_QUALITY_MIXED)
      .set_satisfaction(4);
  AddPerson(inventory, "J., friend since school", f::RELATIONSHIP_KIND_FRIEND, 2,
            f::RELATIONSHIP_QUALITY_SUPPORTIVE)
      .set_confidant(true);
  AddPerson(inventory, "Mother", f::RELATIONSHIP_KIND_PARENT, 3, f::RELATIONSHIP_QUALITY_ESTRANGED);
  AddPerson(inventory, "K., head of ward", f::RELATIONSHIP_KIND_SUPERVISOR, 3,
            f::RELATIONSHIP_QUALITY_DISTANT);
  AddPerson(inventory, "A., colleague", f::RELATIONSHIP_KIND_COLLEAGUE, 3,
            f::RELATIONSHIP_QUALITY_UNSPECIFIED)
      .set_status(f::RELATIONSHIP_STATUS_PAST);
  AddPerson(inventory, "the choir", f::RELATIONSHIP_KIND_NEIGHBOUR_OR_COMMUNITY, 0,
            f::RELATIONSHIP_QUALITY_SUPPORTIVE);
  f::LifeEvent& episode =
      AddEvent(inventory, "First episode, after L. was born", f::LIFE_EVENT_KIND_EPISODE, 2009);
  SetDate(episode.mutable_end_date()->mutable_date(), 2010, 5);
  AddEvent(inventory, "Marriage", f::LIFE_EVENT_KIND_ROLE_CHANGE, 2007, 6);
  f::LifeEvent& illness =
      AddEvent(inventory, "Father's illness", f::LIFE_EVENT_KIND_OTHER_LOSS, 2025, 8);
  SetDate(illness.mutable_end_date()->mutable_date(), 2026, 3, 12);
  f::LifeEvent& death =
      AddEvent(inventory, "Death of father", f::LIFE_EVENT_KIND_LOSS_BY_DEATH, 2026, 3, 12);
  death.add_relationships(NameOf("relationships", "r3"));
  death.set_impact(-5);
  AddEvent(inventory, "Sleepless, no appetite", f::LIFE_EVENT_KIND_SYMPTOM_ONSET, 2026, 4);
  AddEvent(inventory, "Quarrel with T. about the house", f::LIFE_EVENT_KIND_DISPUTE, 2026, 6)
      .mutable_start_date()
      ->set_approximate(true);
  AddEvent(inventory, "Off work", f::LIFE_EVENT_KIND_SYMPTOM_WORSENING, 2026, 7, 6);
  AddEvent(inventory, "Sertraline", f::LIFE_EVENT_KIND_TREATMENT, 2026, 7, 20).set_ongoing(true);
  AddEvent(inventory, "Sleeps through", f::LIFE_EVENT_KIND_SYMPTOM_IMPROVEMENT, 2026, 11, 2);
  AddEvent(inventory, "Something, she does not know when", f::LIFE_EVENT_KIND_OTHER, 0);
  return inventory;
}

inline f::ProblemArea& AddArea(FormulationFacts& facts, const std::string& id,
                               f::ProblemAreaKind kind, const std::string& called) {
  f::ProblemArea& area = facts.areas.emplace_back();
  area.set_name(NameOf("problemAreas", id));
  area.set_kind(kind);
  area.set_display_name(called);
  return area;
}

inline f::Goal& AddGoal(FormulationFacts& facts, const std::string& id, const std::string& words,
                        const std::string& area) {
  f::Goal& goal = facts.goals.emplace_back();
  goal.set_name(NameOf("goals", id));
  goal.set_description(words);
  goal.set_problem_area(NameOf("problemAreas", area));
  goal.set_state(f::GOAL_STATE_ACTIVE);
  return goal;
}

inline void Rate(FormulationFacts& facts, const std::string& goal, int value, f::GoalRater rater,
                 int month, int day) {
  f::GoalRating& rating = facts.ratings.emplace_back();
  rating.set_name(absl::StrCat(NameOf("goals", goal), "/ratings/x", facts.ratings.size()));
  rating.set_value(value);
  rating.set_rater(rater);
  SetDate(rating.mutable_rated_on(), 2026, month, day);
  for (f::Goal& rated : facts.goals) {
    if (rated.name() != NameOf("goals", goal)) continue;
    if (rater == f::GOAL_RATER_THERAPIST) {
      *rated.mutable_last_therapist_rating() = rating;
    } else {
      if (!rated.has_first_patient_rating()) *rated.mutable_first_patient_rating() = rating;
      *rated.mutable_last_patient_rating() = rating;
    }
  }
}

inline void AddFinding(FormulationFacts& facts, f::FindingSeverity severity,
                       const std::string& message) {
  if (!facts.findings.has_value()) facts.findings.emplace();
  f::Finding& finding = facts.findings->emplace_back();
  finding.set_severity(severity);
  finding.set_message(message);
  SetDate(finding.mutable_since_date(), 2026, 11, 9);
}

inline f::Protocol SampleProtocol() {
  f::Protocol protocol;
  f::ProtocolArea& grief = *protocol.add_areas();
  grief.set_kind(f::PROBLEM_AREA_KIND_GRIEF);
  grief.set_display_name("complicated bereavement");
  f::Criterion& death = *grief.add_criteria();
  death.set_code("DEATH_OF_SOMEONE_CLOSE");
  death.set_text("Somebody close has died.");
  death.set_weight(f::CRITERION_WEIGHT_CORE);
  return protocol;
}

// An agreed second revision with two focuses, goals that were rated, and a draft beside it.
inline FormulationFacts SampleFormulation() {
  FormulationFacts facts;
  facts.course = kCourse;
  facts.today = absl::CivilDay(2026, 11, 29);
  facts.inventory = SampleInventory();
  facts.protocol = SampleProtocol();
  f::Formulation& formulation = facts.formulation;
  formulation.set_name(absl::StrCat(kCourse, "/formulation"));
  formulation.set_state(f::FORMULATION_STATE_AGREED);
  formulation.set_agreed_revisions(2);
  formulation.mutable_scheduling()->set_current(true);
  f::FormulationRevision& current = *formulation.mutable_current();
  current.set_number(2);
  current.set_based_on(1);
  current.set_state(f::REVISION_STATE_AGREED);
  current.set_reason(f::REVISION_REASON_NEW_INFORMATION);
  f::FormulationContent& content = *current.mutable_content();
  content.set_patient_narrative(
      "You have a depression. It is an illness, it is not your fault, and it can be treated.\n"
      "It began in the weeks after your father died, and there was no time to mourn him.");
  content.set_clinical_narrative(
      "Second episode. Onset four weeks after the death; mourning was put off for the family's "
      "sake, and the quarrel about the house keeps it going.");
  content.add_focus()->set_problem_area(NameOf("problemAreas", "dad"));
  f::FocusArea& second = *content.add_focus();
  second.set_problem_area(NameOf("problemAreas", "house"));
  second.set_reason("It keeps the mood low from week to week.");
  f::FormulationLink& link = *content.add_links();
  link.set_symptom_event(NameOf("lifeEvents", "e5"));
  link.set_life_event(NameOf("lifeEvents", "e4"));
  link.set_problem_area(NameOf("problemAreas", "dad"));
  link.add_goals(NameOf("goals", "g1"));
  link.set_explanation("She was at work again three days after the funeral.");
  content.add_goals(NameOf("goals", "g1"));
  content.add_goals(NameOf("goals", "g2"));
  f::TreatmentContract& contract = *content.mutable_contract();
  contract.set_sessions(16);
  contract.set_weeks(16);
  contract.set_session_minutes(50);
  contract.set_cadence_days(7);
  contract.set_missed_session_policy("Two may be missed with a day's notice.");
  f::FocusSnapshot& kept = *current.mutable_snapshot()->add_problem_areas();
  kept.set_problem_area(NameOf("problemAreas", "dad"));
  kept.set_kind(f::PROBLEM_AREA_KIND_GRIEF);
  kept.set_display_name("Losing Dad");
  f::GoalSnapshot& kept_goal = *current.mutable_snapshot()->add_goals();
  kept_goal.set_goal(NameOf("goals", "g1"));
  kept_goal.set_description("Tell J. about Dad");
  kept_goal.set_problem_area(NameOf("problemAreas", "dad"));
  f::Agreement& agreement = *current.mutable_agreement();
  SetDate(agreement.mutable_agreed_on(), 2026, 10, 5);
  agreement.set_agreed_by(f::AGREEMENT_PARTY_PATIENT);
  agreement.set_mode(f::AGREEMENT_MODE_IN_SESSION);
  agreement.set_session_number(4);
  agreement.set_caller("ana@north.example");
  f::FormulationRevision& pending = *formulation.mutable_pending();
  pending.set_state(f::REVISION_STATE_DRAFT);
  pending.set_reason(f::REVISION_REASON_MIDPOINT_REVIEW);
  pending.add_open_points()->set_message("A focus has no goal.");
  formulation.set_pending_differs(true);

  f::ProblemArea& dad = AddArea(facts, "dad", f::PROBLEM_AREA_KIND_GRIEF, "Losing my father");
  f::AreaEvidence& unclear = *dad.add_evidence();
  unclear.set_criterion("AVOIDED_REMINDERS");
  unclear.set_finding(f::CRITERION_FINDING_UNCLEAR);
  f::AreaEvidence& present = *dad.add_evidence();
  present.set_criterion("DEATH_OF_SOMEONE_CLOSE");
  present.set_finding(f::CRITERION_FINDING_PRESENT);
  present.set_note("Her father, in March.");
  f::OnsetLink& onset = *dad.add_onset_links();
  onset.set_life_event(NameOf("lifeEvents", "e4"));
  onset.set_relation(f::EVENT_RELATION_BEFORE_ONSET);
  dad.set_patient_severity(8);
  dad.set_therapist_severity(7);
  dad.set_change_prospect(f::CHANGE_PROSPECT_LIKELY);
  dad.mutable_grief()->set_deceased(NameOf("relationships", "r3"));
  dad.mutable_grief()->set_mourning("Put off.");
  f::ProblemArea& house =
      AddArea(facts, "house", f::PROBLEM_AREA_KIND_ROLE_DISPUTE, "Whose house it is");
  house.mutable_role_dispute()->set_other_party(NameOf("relationships", "r1"));
  house.mutable_role_dispute()->set_stage(f::DISPUTE_STAGE_IMPASSE);
  AddArea(facts, "alone", f::PROBLEM_AREA_KIND_INTERPERSONAL_DEFICITS, "Few friends").set_rank(3);
  AddGoal(facts, "g1", "Tell J. and M. about Dad", "dad").set_measure("Both know how he died.");
  AddGoal(facts, "g2", "Speak with T. without shouting", "house");
  AddGoal(facts, "g3", "Sing again", "alone").set_state(f::GOAL_STATE_PROPOSED);
  Rate(facts, "g1", 2, f::GOAL_RATER_PATIENT, 10, 5);
  Rate(facts, "g1", 3, f::GOAL_RATER_PATIENT, 10, 19);
  Rate(facts, "g1", 4, f::GOAL_RATER_THERAPIST, 10, 19);
  Rate(facts, "g1", 5, f::GOAL_RATER_THERAPIST, 11, 16);
  Rate(facts, "g1", 7, f::GOAL_RATER_PATIENT, 11, 23);
  Rate(facts, "g2", 1, f::GOAL_RATER_PATIENT, 10, 5);
  AddFinding(facts, f::FINDING_SEVERITY_INFO, "The last session has no technique.");
  AddFinding(facts, f::FINDING_SEVERITY_OVERDUE, "The mid-course review is not done.");
  scheduling::v1::Course& course = facts.scheduled.emplace();
  course.set_state(scheduling::v1::COURSE_STATE_ACTIVE);
  course.set_planned_sessions(16);
  course.set_duration_weeks(16);
  course.mutable_progress()->set_phase(scheduling::v1::PHASE_MIDDLE);
  course.mutable_progress()->set_used_sessions(9);
  course.mutable_progress()->set_week_number(10);
  return facts;
}

// As many as a course can have, with names as long as they can be.
inline f::InterpersonalInventory FullInventory() {
  f::InterpersonalInventory inventory;
  for (int i = 0; i < 100; ++i) {
    const std::string name = absl::StrCat(i, " ", std::string(96, i % 2 == 0 ? 'W' : 'e'));
    AddPerson(inventory, name, f::RELATIONSHIP_KIND_FRIEND, i % 10 == 0 ? 0 : i % 3 + 1,
              static_cast<f::RelationshipQuality>(i % 6));
  }
  for (int i = 0; i < 200; ++i) {
    AddEvent(inventory, absl::StrCat(i, " ", std::string(96, 'm')),
             static_cast<f::LifeEventKind>(i % 10 + 1), 1950 + i / 3, i % 13,
             i % 13 == 0 ? 0 : i % 29)
        .set_ongoing(i % 17 == 0);
  }
  return inventory;
}

}  // namespace ipt::ctl::samples
