// What was done in sessions, the guide of a session, and how a course ends, on the wire.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/protocol.h"
#include "formulation/domain/session_guide.h"
#include "formulation/domain/tasks.h"
#include "formulation/domain/types.h"
#include "ipt/formulation/v1/session_work.pb.h"
#include "ipt/formulation/v1/termination.pb.h"
#include "platform/errors/field_violations.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// What scheduling says of the session that work is of; nothing of one that is not known.
struct SessionPlace {
  int number = 0;
  std::optional<Phase> phase{};
  std::optional<absl::CivilDay> day{};
  courses::CopiedSessionState state = courses::CopiedSessionState::kUnspecified;
};

// As it was recorded; what is said of the session beside it is WriteSession's.
void WriteSessionWork(const SessionWork& work, pb::SessionWork* out);
void WriteSession(const SessionPlace& place, const courses::CourseAnswer& course,
                  pb::SessionWork* out);
// What a caller states; names and output-only fields are passed over. What may stand in it is
// CheckSessionWork's to say.
SessionWork ReadSessionWork(const pb::SessionWork& in, absl::string_view course_id);

// As it was written; when the ending was raised is WriteRaised's.
void WriteTermination(const Termination& termination, pb::Termination* out);
void WriteRaised(absl::string_view clinic_id, absl::string_view course_id,
                 const EndingRaised& raised, pb::Termination* out);
Termination ReadTermination(const pb::Termination& in, FieldViolations bad);

void WriteProgress(absl::string_view clinic_id, absl::string_view course_id,
                   const TaskProgress& progress, pb::TaskProgress* out);
// Without what is known of scheduling, and the revision.
void WriteGuide(absl::string_view clinic_id, absl::string_view course_id, const Protocol& protocol,
                const SessionGuide& guide, pb::SessionGuide* out);

}  // namespace ipt::formulation
