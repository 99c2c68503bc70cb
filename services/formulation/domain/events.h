// What followers are told of: that something changed, by names, codes and states. What was said of
// a patient, or of third persons, is in none of them.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "formulation/domain/types.h"

namespace ipt::formulation {

// Something of a course, by its id.
struct EntryNotice {
  std::string clinic_id{};
  std::string course_id{};
  std::string id{};
};
struct RelationshipChanged : EntryNotice {};
struct RelationshipDeleted : EntryNotice {};
struct LifeEventChanged : EntryNotice {};
struct LifeEventDeleted : EntryNotice {};

struct ProblemAreaNotice : EntryNotice {
  ProblemAreaKind kind = ProblemAreaKind::kUnspecified;
  FocusPosition focus = FocusPosition::kUnspecified;  // in the current formulation
};
struct ProblemAreaChanged : ProblemAreaNotice {};
struct ProblemAreaDeleted : ProblemAreaNotice {};

struct FormulationNotice {
  std::string clinic_id{};
  std::string course_id{};
  int number = 0;  // of the revision that it is about
  FormulationState state = FormulationState::kUnspecified;
  std::optional<CourseFocus> focus{};  // that is agreed after it
};
struct DraftChanged : FormulationNotice {};
struct DraftDiscarded : FormulationNotice {};
struct FormulationProposed : FormulationNotice {};
struct ProposalWithdrawn : FormulationNotice {};
struct FormulationAgreed : FormulationNotice {};

struct GoalNotice : EntryNotice {
  GoalState state = GoalState::kUnspecified;
};
struct GoalChanged : GoalNotice {};
struct GoalDeleted : GoalNotice {};
struct RatingNotice : GoalNotice {
  std::string rating_id{};
  int value = 0;
  GoalRater rater = GoalRater::kUnspecified;
};
struct GoalRated : RatingNotice {};
struct GoalRatingDeleted : RatingNotice {};

struct SessionWorkChanged : EntryNotice {  // of the session
  bool first = false;                      // it was recorded for the first time
};
struct TerminationChanged {
  std::string clinic_id{};
  std::string course_id{};
};
struct PolicyChanged {
  FormulationPolicy policy{};
};

using Event =
    std::variant<RelationshipChanged, RelationshipDeleted, LifeEventChanged, LifeEventDeleted,
                 ProblemAreaChanged, ProblemAreaDeleted, DraftChanged, DraftDiscarded,
                 FormulationProposed, ProposalWithdrawn, FormulationAgreed, GoalChanged,
                 GoalDeleted, GoalRated, GoalRatingDeleted, SessionWorkChanged, TerminationChanged,
                 PolicyChanged>;

// Turns an event into what the outbox keeps. Thread-safe. Implemented in rpc/, where protos are.
class EventEncoder {
 public:
  virtual ~EventEncoder() = default;
  struct Encoded {
    std::string clinic_id;
    std::string subject;
    std::string kind;
    std::string payload;
  };
  virtual Encoded Encode(const Event& event) const = 0;
};

}  // namespace ipt::formulation
