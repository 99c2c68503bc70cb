#include "formulation/courses/finding_keeper.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"

namespace ipt::formulation {
namespace {

constexpr absl::Duration kLookEvery = absl::Seconds(30);
// A look takes at most a twentieth of the time, however many courses there are; but one comes every
// few minutes.
constexpr int kRestPerLook = 20;
constexpr absl::Duration kLongestRest = absl::Minutes(5);
constexpr int kCoursesAtOnce = 200;
// Then scheduling is away, or the store: the next look will tell. One course is no reason to stop.
constexpr int kMostInARow = 3;

}  // namespace

void FindingKeeper::Start() {
  periodic_.emplace(kLookEvery, [this] {
    const absl::Time begun = clock_.Now();
    if (begun < next_) return;
    const absl::Status status = TellOnce();
    const absl::Time end = clock_.Now();
    next_ = end + std::min(kRestPerLook * (end - begun), kLongestRest);
    if (!status.ok() && !failing_ && !stopping_) {
      log::Line(log::Level::kWarning, "findings_not_told", {{log::Key::kDetail, status.message()}});
    }
    failing_ = !status.ok();
  });
}

void FindingKeeper::Stop() {
  stopping_ = true;
  periodic_.reset();
}

bool FindingKeeper::Ends(const absl::Status& status) const {
  return stopping_ || absl::IsCancelled(status) || away_in_a_row_ >= kMostInARow;
}

absl::Status FindingKeeper::TellOnce() {
  absl::Status first_error;
  away_in_a_row_ = 0;
  std::string clinic_id;
  while (true) {
    IPT_ASSIGN_OR_RETURN(std::optional<std::string> next, told_.NextClinic(clinic_id, Deadline()));
    if (!next.has_value()) return first_error;
    clinic_id = *std::move(next);
    const absl::Status status = TellClinic(clinic_id);
    first_error.Update(status);
    if (Ends(status)) return first_error;
  }
}

absl::Status FindingKeeper::TellClinic(const std::string& clinic_id) {
  IPT_ASSIGN_OR_RETURN(Told told, told_.List(clinic_id, Deadline()));
  absl::Status first_error;
  std::string from;
  while (true) {
    IPT_ASSIGN_OR_RETURN(courses::ListedCourses listed,
                         courses_.ListCourses(clinic_id,
                                              {.closed_since = absl::InfiniteFuture(),
                                               .from_course_id = from,
                                               .limit = kCoursesAtOnce + 1},
                                              clock_.Now(), Deadline()));
    std::vector<courses::CopiedCourse>& lot = listed.courses;
    const bool more = lot.size() > kCoursesAtOnce;
    if (more) {
      from = lot.back().course_id;
      lot.pop_back();
    }
    const absl::Status status = TellLot(clinic_id, lot, told);
    first_error.Update(status);
    if (Ends(status)) return first_error;
    if (!more) break;
  }
  // Closed since, or gone: scheduling has withdrawn what it was to say of them.
  for (const auto& [course_id, text] : told) {
    IPT_RETURN_IF_ERROR(told_.Drop(clinic_id, course_id, Deadline()));
  }
  return first_error;
}

absl::Status FindingKeeper::TellLot(const std::string& clinic_id,
                                    const std::vector<courses::CopiedCourse>& courses, Told& told) {
  std::vector<std::string> ids;
  std::vector<std::optional<std::string>> known;
  for (const courses::CopiedCourse& course : courses) {
    ids.push_back(course.course_id);
    const auto text = told.extract(course.course_id);
    known.push_back(text.empty() ? std::nullopt : std::optional(text.mapped()));
  }
  FormulationPolicy policy;
  std::vector<CourseRecords> records;
  IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](FormulationReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(policy, reader.GetPolicy(clinic_id));
    IPT_ASSIGN_OR_RETURN(records, reader.ListCourseRecords(clinic_id, ids));
    return absl::OkStatus();
  }));
  absl::Status first_error;
  for (size_t i = 0; i < courses.size(); ++i) {
    const absl::Status status = TellCourse(courses[i], records[i], policy, known[i]);
    first_error.Update(status);
    away_in_a_row_ = absl::IsUnavailable(status) ? away_in_a_row_ + 1 : 0;
    if (Ends(status)) break;
  }
  return first_error;
}

absl::Status FindingKeeper::TellCourse(const courses::CopiedCourse& course,
                                       const CourseRecords& records,
                                       const FormulationPolicy& policy,
                                       const std::optional<std::string>& known) {
  const absl::Time now = clock_.Now();
  IPT_ASSIGN_OR_RETURN(const std::vector<Finding> findings,
                       FindingsOf(protocols_, course, records, policy, now));
  const std::string text = ToldText(course.course_id, findings, now);
  if (known == text) return absl::OkStatus();
  // What is being told is written down first: whoever ends in the middle of it, or is overtaken,
  // leaves what the next look finds untold.
  IPT_ASSIGN_OR_RETURN(const bool mine,
                       told_.Put(course.clinic_id, course.course_id, known, claim_, Deadline()));
  if (!mine) return absl::OkStatus();  // another replica is at it
  IPT_RETURN_IF_ERROR(teller_.Tell(course.clinic_id, course.course_id, findings, Deadline()));
  return told_.Put(course.clinic_id, course.course_id, claim_, text, Deadline()).status();
}

}  // namespace ipt::formulation
