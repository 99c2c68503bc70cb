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
// A look takes at most a twentieth of the time, however many courses there are.
constexpr int kRestPerLook = 20;
constexpr size_t kCoursesAtOnce = 200;

}  // namespace

void FindingKeeper::Start() {
  periodic_.emplace(kLookEvery, [this] {
    const absl::Time begun = clock_.Now();
    if (begun < next_) return;
    const absl::Status status = TellOnce();
    next_ = begun + kRestPerLook * (clock_.Now() - begun);
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

absl::Status FindingKeeper::TellOnce() {
  absl::Status first_error;
  std::string clinic_id;
  while (!stopping_) {
    IPT_ASSIGN_OR_RETURN(std::optional<std::string> next, told_.NextClinic(clinic_id, Deadline()));
    if (!next.has_value()) break;
    clinic_id = *std::move(next);
    const absl::Status status = TellClinic(clinic_id);
    first_error.Update(status);
    if (absl::IsUnavailable(status)) break;
  }
  return first_error;
}

absl::Status FindingKeeper::TellClinic(const std::string& clinic_id) {
  const absl::Time now = clock_.Now();
  IPT_ASSIGN_OR_RETURN(
      const courses::ListedCourses listed,
      courses_.ListCourses(clinic_id, {.closed_since = absl::InfiniteFuture()}, now, Deadline()));
  IPT_ASSIGN_OR_RETURN(auto told, told_.List(clinic_id, Deadline()));
  const std::vector<courses::CopiedCourse>& all = listed.courses;
  for (size_t first = 0; first < all.size() && !stopping_; first += kCoursesAtOnce) {
    const size_t end = std::min(all.size(), first + kCoursesAtOnce);
    std::vector<std::string> ids;
    for (size_t i = first; i < end; ++i) ids.push_back(all[i].course_id);
    FormulationPolicy policy;
    std::vector<CourseRecords> records;
    IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](FormulationReader& reader) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(policy, reader.GetPolicy(clinic_id));
      IPT_ASSIGN_OR_RETURN(records, reader.ListCourseRecords(clinic_id, ids));
      return absl::OkStatus();
    }));
    for (size_t i = first; i < end; ++i) {
      IPT_ASSIGN_OR_RETURN(const std::vector<Finding> findings,
                           FindingsOf(protocols_, all[i], records[i - first], policy, now));
      const std::string text = ToldText(findings, absl::CivilDay(absl::UTCTimeZone().At(now).cs));
      const auto known = told.extract(all[i].course_id);
      if (text == (known.empty() ? "" : known.mapped())) continue;
      IPT_RETURN_IF_ERROR(teller_.Tell(clinic_id, all[i].course_id, findings, Deadline()));
      IPT_RETURN_IF_ERROR(told_.Put(clinic_id, all[i].course_id, text, Deadline()));
    }
  }
  if (stopping_) return absl::OkStatus();
  // Closed since, or gone: scheduling has withdrawn what it was to say of them.
  for (const auto& [course_id, text] : told) {
    IPT_RETURN_IF_ERROR(told_.Put(clinic_id, course_id, "", Deadline()));
  }
  return absl::OkStatus();
}

}  // namespace ipt::formulation
