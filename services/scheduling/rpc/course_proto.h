// Courses on the wire <-> in the domain.
#pragma once

#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "ipt/scheduling/v1/course.pb.h"
#include "ipt/scheduling/v1/variant.pb.h"
#include "platform/errors/field_violations.h"
#include "scheduling/domain/courses.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Replace what `out` holds.
void WriteCourse(const Course& course, pb::Course* out);
void WriteForecast(absl::string_view course_name, const Forecast& forecast, pb::Forecast* out);
void WritePhases(const std::vector<PhaseSpan>& phases,
                 google::protobuf::RepeatedPtrField<pb::PhaseSpan>* out);

// Read what a caller may state; each bad field is added to `bad`, with its path below it. What is
// returned is of use only while nothing was added.
CourseDraft ReadCourse(const pb::Course& course, FieldViolations& bad);
Pause ReadPause(const pb::Pause& pause, FieldViolations& bad);
Identifier ReadIdentifier(const ipt::common::v1::Identifier& identifier, FieldViolations& bad);

// What is not stated is 0 (the default); whatever is must be 15 to 240.
int ReadMinutes(bool stated, int minutes, FieldViolations& bad, absl::string_view field);
template <typename Message>
int ReadSessionMinutes(const Message& message, FieldViolations& bad) {
  return ReadMinutes(message.has_session_minutes(), message.session_minutes(), bad,
                     "session_minutes");
}

// An empty id stays empty (the server makes one).
std::string ReadNewId(const std::string& id, FieldViolations& bad, absl::string_view field);

}  // namespace ipt::scheduling
