// Scheduling's courses, sessions and therapists, as its contract tells them -> what is copied of
// them.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "course_copies/domain/course_copies.h"
#include "course_copies/domain/therapist_copies.h"
#include "ipt/scheduling/v1/course.pb.h"
#include "ipt/scheduling/v1/session.pb.h"
#include "ipt/scheduling/v1/therapist.pb.h"

namespace ipt::courses {

// INTERNAL for what no release of scheduling says: a name of another form or of another clinic, a
// day that is none.
absl::StatusOr<CopiedCourse> CopyOf(const ::ipt::scheduling::v1::Course& course,
                                    absl::string_view clinic_id);

struct SessionOfCourse {
  std::string course_id;
  CopiedSession session;
};
absl::StatusOr<SessionOfCourse> CopyOf(const ::ipt::scheduling::v1::Session& session,
                                       absl::string_view clinic_id);

// Without their time off.
absl::StatusOr<CopiedTherapist> CopyOf(const ::ipt::scheduling::v1::Therapist& therapist,
                                       absl::string_view clinic_id);

struct TimeOffOfTherapist {
  std::string therapist_id;
  CopiedTimeOff time_off;
};
absl::StatusOr<TimeOffOfTherapist> CopyOf(const ::ipt::scheduling::v1::TimeOff& time_off,
                                          absl::string_view clinic_id);

}  // namespace ipt::courses
