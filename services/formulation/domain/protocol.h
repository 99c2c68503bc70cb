// The protocol of interpersonal psychotherapy as data: problem areas, tasks, techniques, and what
// the traditions and the variants of IPT change of them. Plain values; protocol/README.md says
// field by field what each means.
//
// A ProtocolCatalog is what the data files say. A Protocol is what holds for one course: one
// variant, followed in one tradition (protocol_resolver.h). Read-only once made, so thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ipt::formulation {

// How well a statement is founded; of a statement in several parts, its weakest.
enum class Evidence {
  kSeen = 1,     // in the text of a source that is named
  kEstablished,  // well established
  kLikely,       // for a clinician to confirm before it is relied on
  kClinic,       // a clinic's own decision
};

struct Basis {
  Evidence evidence = Evidence::kSeen;
  std::vector<std::string> sources = {};  // keys of sources, one at least
  std::string note = {};
  friend bool operator==(const Basis&, const Basis&) = default;
};

struct Source {
  std::string key = {};
  std::string text = {};  // the full citation
  friend bool operator==(const Source&, const Source&) = default;
};

// The numbers are those of ipt.scheduling.v1.Phase, whose TERMINATION is the ending phase.
enum class Phase { kInitial = 1, kMiddle, kEnding };
inline constexpr Phase kPhases[] = {Phase::kInitial, Phase::kMiddle, Phase::kEnding};

// A phase and its sessions by number, both included.
struct PhaseSpan {
  Phase phase = Phase::kInitial;
  int first_session = 0;
  int last_session = 0;
  friend bool operator==(const PhaseSpan&, const PhaseSpan&) = default;
};

struct Question {
  std::string code = {};
  std::string text = {};
  std::vector<Phase> phases = {};        // empty for a task's: whenever the task is due
  std::vector<std::string> stages = {};  // codes of the area's stages; empty: any
  Basis basis = {};
  friend bool operator==(const Question&, const Question&) = default;
};

// What a criterion says of its area.
enum class Weight {
  kCore = 1,    // belongs to the definition: without it the area is doubtful
  kSupporting,  // speaks for the area
  kContext,     // to be recorded with it, but speaks neither for nor against it
};

struct Criterion {
  std::string code = {};
  std::string text = {};
  Weight weight = Weight::kSupporting;
  Basis basis = {};
  friend bool operator==(const Criterion&, const Criterion&) = default;
};

// What work on the area is to reach; a patient's own goals are set beside it.
struct AreaGoal {
  std::string code = {};
  std::string text = {};
  Basis basis = {};
  friend bool operator==(const AreaGoal&, const AreaGoal&) = default;
};

// Where an area stands, where its work depends on that: the stages of a dispute.
struct Stage {
  std::string code = {};
  std::string name = {};
  std::string text = {};
  Basis basis = {};
  friend bool operator==(const Stage&, const Stage&) = default;
};

struct Strategy {
  std::string code = {};
  std::string text = {};
  std::vector<Phase> phases = {};
  std::vector<std::string> stages = {};      // codes of the area's stages; empty: any
  std::vector<std::string> techniques = {};  // codes, the most apt first
  Basis basis = {};
  friend bool operator==(const Strategy&, const Strategy&) = default;
};

// Whom a problem area is about beside the patient, of the patient's relationships.
enum class Person {
  kNobody = 1,
  kDeceased,    // who died
  kOtherParty,  // who is in dispute with the patient
};

// The areas that there can be, and the stages, which are those of ROLE_DISPUTE. The contract has a
// value for each: data may leave some out, and have no others.
inline constexpr absl::string_view kRoleDispute = "ROLE_DISPUTE";
inline constexpr absl::string_view kAreaCodes[] = {"GRIEF", kRoleDispute, "ROLE_TRANSITION",
                                                   "INTERPERSONAL_DEFICITS",
                                                   "GRIEF_FOR_THE_HEALTHY_SELF"};
inline constexpr absl::string_view kStageCodes[] = {"RENEGOTIATION", "IMPASSE", "DISSOLUTION"};

struct Area {
  std::string code = {};
  std::string name = {};        // as clinicians of the tradition say it
  std::string plain_name = {};  // as a patient reads it
  std::string definition = {};
  Person person = Person::kNobody;
  bool standard = true;      // false: only in variants that add it
  bool last_resort = false;  // only where no other area fits
  std::vector<Stage> stages = {};
  std::vector<Criterion> criteria = {};
  std::vector<AreaGoal> goals = {};
  std::vector<Strategy> strategies = {};  // what matters first, first; so are all lists
  std::vector<Question> questions = {};
  Basis basis = {};  // of name and definition
  friend bool operator==(const Area&, const Area&) = default;

  // nullptr where there is none.
  const Criterion* FindCriterion(absl::string_view criterion_code) const;
  const Strategy* FindStrategy(absl::string_view strategy_code) const;
  const Stage* FindStage(absl::string_view stage_code) const;
  // Those of a phase, in order. With a stage, those of other stages are left out, and the stage's
  // own come first; without one, those of any stage are in.
  std::vector<const Strategy*> StrategiesIn(Phase phase, absl::string_view stage = "") const;
  std::vector<const Question*> QuestionsIn(Phase phase, absl::string_view stage = "") const;
  // The codes that the strategies name, each once, in the strategies' order.
  std::vector<std::string> TechniquesIn(Phase phase, absl::string_view stage = "") const;
};

// When a task must be done at the latest, if never later than its phase ends.
enum class DueBy {
  kPhaseEnd = 1,
  kSession,       // the session of this number
  kHalfway,       // half of the course's sessions, rounded up
  kSessionsLeft,  // while so many sessions are still to come after the one it is done in
  kEachSession,   // in every session of its phases
};

struct Due {
  DueBy by = DueBy::kPhaseEnd;
  int number = 0;  // of kSession and kSessionsLeft
  int from = 0;    // of kSessionsLeft: offered from so many sessions left on
  friend bool operator==(const Due&, const Due&) = default;
};

struct Task {
  std::string code = {};
  std::string name = {};
  Phase phase = Phase::kInitial;  // that it belongs to
  std::vector<Phase> also = {};   // where it is offered, too
  std::string done_when = {};
  Due due = {};
  bool optional = false;  // offered, but not missed
  std::vector<Question> questions = {};
  Basis basis = {};
  friend bool operator==(const Task&, const Task&) = default;

  bool OfferedIn(Phase in) const;
};

// The suite's own grouping, to count by; no scale of adherence.
enum class TechniqueFamily {
  kExploratory = 1,
  kAffective,
  kCommunication,
  kBehavioural,
  kDirective,
  kRelational,
  kAdjunctive,
};

struct Technique {
  std::string code = {};
  std::string name = {};
  std::string description = {};
  TechniqueFamily family = TechniqueFamily::kExploratory;
  // In use in these traditions and in these variants; with neither, everywhere.
  std::vector<std::string> traditions = {};
  std::vector<std::string> variants = {};
  Basis basis = {};
  friend bool operator==(const Technique&, const Technique&) = default;

  bool UsedEverywhere() const { return traditions.empty() && variants.empty(); }
  bool UsedIn(absl::string_view variant_id, absl::string_view tradition) const;
};

// A form or drawing that a tradition or variant works with.
struct Tool {
  std::string code = {};
  std::string name = {};
  std::string description = {};
  Basis basis = {};
  friend bool operator==(const Tool&, const Tool&) = default;
};

// A measure that a tradition or variant asks for.
struct MeasureHint {
  std::string name = {};
  std::string instrument = {};  // its id in the outcomes service; empty: none there
  int every_sessions = 0;       // 0: not stated
  Basis basis = {};
  friend bool operator==(const MeasureHint&, const MeasureHint&) = default;
};

// Something to know of a tradition or variant that changes no list.
struct Note {
  std::string code = {};
  std::string text = {};
  Basis basis = {};
  friend bool operator==(const Note&, const Note&) = default;
};

// An area that becomes one, or ceases to be, and why.
struct AreaChange {
  std::string area = {};
  std::string why = {};
  Basis basis = {};
  friend bool operator==(const AreaChange&, const AreaChange&) = default;
};

struct AreaNaming {
  std::string area = {};
  std::string name = {};
  std::string plain_name = {};  // empty: stays
  Basis basis = {};
  friend bool operator==(const AreaNaming&, const AreaNaming&) = default;
};

struct TaskAddition {
  std::string after = {};  // the code of the task that it follows; empty: its phase's last
  Task task = {};
  friend bool operator==(const TaskAddition&, const TaskAddition&) = default;
};

// What is set becomes the task's; the questions stay.
struct TaskChange {
  std::string task = {};
  std::optional<std::string> name = {};
  std::optional<Phase> phase = {};
  std::optional<std::string> done_when = {};
  std::optional<Due> due = {};
  std::optional<bool> optional = {};
  Basis basis = {};  // of the task as changed
  friend bool operator==(const TaskChange&, const TaskChange&) = default;
};

struct TaskRemoval {
  std::string task = {};
  std::string why = {};
  Basis basis = {};
  friend bool operator==(const TaskRemoval&, const TaskRemoval&) = default;
};

struct AreaChanges {
  std::vector<AreaChange> added = {};  // of those that are not standard
  std::vector<AreaChange> removed = {};
  std::vector<AreaNaming> named = {};
  friend bool operator==(const AreaChanges&, const AreaChanges&) = default;
};

struct TaskChanges {
  std::vector<TaskAddition> added = {};
  std::vector<TaskChange> changed = {};
  std::vector<TaskRemoval> removed = {};
  friend bool operator==(const TaskChanges&, const TaskChanges&) = default;
};

// What a tradition or a variant makes different.
struct Changes {
  AreaChanges areas = {};
  TaskChanges tasks = {};
  std::vector<Tool> tools = {};
  std::vector<MeasureHint> measures = {};
  std::vector<Note> notes = {};
  friend bool operator==(const Changes&, const Changes&) = default;
};

struct Tradition {
  std::string code = {};
  std::string name = {};
  std::string description = {};
  Changes changes = {};
  Basis basis = {};
  friend bool operator==(const Tradition&, const Tradition&) = default;
};

// How a course of the usual length divides into phases. Of a course that is under way, scheduling
// says how it does.
struct SessionSplit {
  int sessions = 0;
  int initial = 0;  // sessions of the initial phase
  int ending = 0;   // and of the ending; the middle phase has the rest
  Basis basis = {};
  friend bool operator==(const SessionSplit&, const SessionSplit&) = default;

  std::vector<PhaseSpan> Phases() const;
};

// No course has more areas as its focus, whatever its variant.
inline constexpr int kMaxFocus = 2;

struct Variant {
  std::string id = {};  // scheduling's
  std::string name = {};
  std::string description = {};
  std::string tradition = {};  // the one that it comes from
  int max_focus = kMaxFocus;
  SessionSplit split = {};
  Changes changes = {};
  Basis basis = {};
  friend bool operator==(const Variant&, const Variant&) = default;
};

struct ProtocolCatalog {
  std::string name = {};
  int version = 0;            // grows with every edit of the data
  std::string language = {};  // BCP 47
  std::vector<Source> sources = {};
  std::vector<Area> areas = {};  // by code, those of last resort after the others
  std::vector<Task> tasks = {};
  std::vector<Technique> techniques = {};
  std::vector<Tradition> traditions = {};  // by code
  std::vector<Variant> variants = {};      // by id
  friend bool operator==(const ProtocolCatalog&, const ProtocolCatalog&) = default;

  // nullptr where there is none.
  const Area* FindArea(absl::string_view code) const;
  const Task* FindTask(absl::string_view code) const;
  const Technique* FindTechnique(absl::string_view code) const;
  const Tradition* FindTradition(absl::string_view code) const;
  const Variant* FindVariant(absl::string_view id) const;
};

// An area that this protocol does not have, and why.
struct AreaLeftOut {
  std::string code = {};
  std::string name = {};
  std::string why = {};
  Basis basis = {};
  friend bool operator==(const AreaLeftOut&, const AreaLeftOut&) = default;
};

// What holds for a course of one variant in one tradition.
struct Protocol {
  std::string id = {};  // ProtocolId
  std::string variant_id = {};
  std::string tradition = {};  // its code
  std::string name = {};       // the variant's
  std::string tradition_name = {};
  std::string catalog = {};  // the catalogue's name
  int version = 0;           // and its version
  std::string language = {};
  int max_focus = kMaxFocus;
  SessionSplit split = {};
  std::vector<Area> areas = {};  // strategies name only techniques that are in use
  std::vector<AreaLeftOut> areas_left_out = {};
  std::vector<Task> tasks = {};  // by phase
  std::vector<Technique> techniques = {};
  std::vector<Tool> tools = {};
  std::vector<MeasureHint> measures = {};
  std::vector<Note> notes = {};
  std::vector<Source> sources = {};  // all that the above cites
  friend bool operator==(const Protocol&, const Protocol&) = default;

  // nullptr where there is none.
  const Area* FindArea(absl::string_view code) const;
  const Task* FindTask(absl::string_view code) const;
  const Technique* FindTechnique(absl::string_view code) const;
  // Those that belong to a phase, then those that are offered in it, too.
  std::vector<const Task*> TasksIn(Phase phase) const;
};

// The last session in which a task is in time, in a course of `sessions` sessions with these
// phases; 0 for a task of each session. Where the course has none of the task's phase, that phase
// counts as ended with the one before.
int DueSession(const Task& task, const std::vector<PhaseSpan>& phases, int sessions);

// All grounds of what a catalogue or a protocol states, in no particular order.
std::vector<const Basis*> BasesOf(const ProtocolCatalog& catalog);
std::vector<const Basis*> BasesOf(const Protocol& protocol);

}  // namespace ipt::formulation
