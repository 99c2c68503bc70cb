// A course's result as the store keeps it: short, and read without allocating more than it must,
// since a report reads tens of thousands. Ids and rule sets hold none of its separators,
// and no line's end.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "outcomes/domain/course_result.h"

namespace ipt::outcomes {

std::string EncodeCourseResult(const CourseResult& result);

// False for what EncodeCourseResult did not write; `result` is then of no use. Overwrites it, and
// keeps what memory it has.
bool DecodeCourseResult(absl::string_view text, CourseResult& result);
// The same in two steps: all but the measures, which `text` is then of, and the measures.
bool DecodeCourse(absl::string_view& text, CourseResult& result);
bool DecodeMeasures(absl::string_view text, CourseResult& result);

}  // namespace ipt::outcomes
