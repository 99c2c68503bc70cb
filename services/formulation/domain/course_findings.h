// A course's findings of all that they rest on, and what scheduling is told of them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/course_records.h"
#include "formulation/domain/findings.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

// The greatest severity first, then by rule.
absl::StatusOr<std::vector<Finding>> FindingsOf(const ProtocolSet& protocols,
                                                const courses::CopiedCourse& course,
                                                const CourseRecords& records,
                                                const FormulationPolicy& policy, absl::Time now);

// Tells lists of findings apart, as far as scheduling is told of them, and from week to week: so
// that each is told again once a week, should scheduling have lost it. The weeks of different
// courses begin at different times.
std::string ToldText(absl::string_view course_id, const std::vector<Finding>& findings,
                     absl::Time now);

// Has scheduling remind a course's therapist.
class FindingTeller {
 public:
  virtual ~FindingTeller() = default;
  // All that stands out in a course now, the gravest first. OK, too, where scheduling has no such
  // course. Safe to repeat.
  virtual absl::Status Tell(absl::string_view clinic_id, absl::string_view course_id,
                            const std::vector<Finding>& findings, absl::Time deadline) = 0;
};

}  // namespace ipt::formulation
