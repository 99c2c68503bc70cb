// A course's formulation as a clinician reads it: names resolved to the words that they stand for,
// put in order. What the text on the terminal and the page both say.
//
// A pure function: the same facts give the same sheet. Texts are as they were entered: whoever
// shows them escapes them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "ipt/formulation/v1/finding.pb.h"
#include "ipt/formulation/v1/formulation.pb.h"
#include "ipt/formulation/v1/goal.pb.h"
#include "ipt/formulation/v1/inventory.pb.h"
#include "ipt/formulation/v1/problem_area.pb.h"
#include "ipt/formulation/v1/protocol.pb.h"
#include "ipt/scheduling/v1/course.pb.h"

namespace ipt::ctl {

// What was read. Parts that could not be had are unset, and said in `missing`.
struct FormulationFacts {
  std::string course;
  formulation::v1::Formulation formulation;
  std::optional<formulation::v1::InterpersonalInventory> inventory;
  std::vector<formulation::v1::ProblemArea> areas;
  std::vector<formulation::v1::Goal> goals;
  std::vector<formulation::v1::GoalRating> ratings;  // of all goals
  std::optional<std::vector<formulation::v1::Finding>> findings;
  std::optional<formulation::v1::Protocol> protocol;
  std::optional<scheduling::v1::Course> scheduled;
  std::vector<std::string> missing;
  absl::CivilDay today;
};

struct SheetLine {
  std::string label;
  std::string text;
};

struct SheetEvidence {
  std::string finding;    // "present"
  std::string criterion;  // the protocol's sentence, else its code
  std::string weight;     // "core"
  std::string note;
};

struct SheetOnset {
  std::string relation;  // "before onset"
  std::string event;
  std::string note;
};

struct SheetArea {
  std::string position;  // "Primary focus"; empty: no focus
  std::string kind;
  std::string name;
  std::vector<SheetLine> lines;
  std::vector<SheetEvidence> evidence;
  std::vector<SheetOnset> onset;
};

struct SheetLink {
  std::string symptom, event, area;  // empty: not said
  std::vector<std::string> goals;
  std::string explanation;
};

struct SheetRating {
  absl::CivilDay day;
  int value = 0;
  bool patient = false;  // else the therapist's
};

struct SheetGoal {
  std::string description, area, state, measure, target;
  std::string progress;  // "patient first 2, last 6 of 10 (...); therapist 5 of 10 on ..."
  std::vector<SheetRating> ratings;
};

struct SheetFinding {
  formulation::v1::FindingSeverity severity = formulation::v1::FINDING_SEVERITY_UNSPECIFIED;
  std::string message;
  std::string since;  // "since 2026-11-02", or empty
};

struct FormulationSheet {
  std::string course;
  std::string standing;              // "Agreed: revision 2"
  std::string standing_at;           // phase, session, week
  std::vector<std::string> missing;  // what could not be had
  std::vector<std::string> to_mind;  // of the formulation itself
  std::vector<SheetArea> focus;
  std::vector<SheetArea> other_areas;
  std::string patient_narrative, clinical_narrative;
  std::vector<SheetLink> links;
  std::vector<SheetGoal> goals;        // that the formulation names
  std::vector<SheetGoal> other_goals;  // that it does not
  std::vector<SheetLine> contract;
  std::vector<std::string> agreement;
  std::vector<std::string> pending;  // beside what is agreed: what is being worked on
  std::optional<std::vector<SheetFinding>> findings;
  std::optional<formulation::v1::InterpersonalInventory> inventory;
  absl::CivilDay today;
};

FormulationSheet PlanSheet(const FormulationFacts& facts);

// "course active; middle phase; 6 of 16 sessions used; week 7 of 16; ends by 2026-12-20".
std::string StandingWords(const scheduling::v1::Course& course);

}  // namespace ipt::ctl
