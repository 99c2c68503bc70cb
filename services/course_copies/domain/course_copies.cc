#include "course_copies/domain/course_copies.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"

namespace ipt::courses {

bool IsNoSuchCourse(const absl::Status& status, absl::string_view clinic_id,
                    absl::string_view course_id) {
  if (!absl::IsNotFound(status)) return false;
  const ErrorMetadata metadata = ErrorMetadataOf(status);
  const auto it = metadata.find("resource");
  return it != metadata.end() &&
         it->second == absl::StrCat("clinics/", clinic_id, "/courses/", course_id);
}

std::vector<CopiedPause> CopiedCourse::PassedOver(absl::CivilDay start) const {
  // The clinic's cap is not copied: how far the deadline was moved says what it let through.
  std::optional<absl::civil_diff_t> left;
  if (start_day == start && deadline_day.has_value()) {
    left = *deadline_day - start - (7 * duration_weeks - 1);
  }
  std::vector<CopiedPause> passed;
  absl::CivilDay from = start;
  for (const CopiedPause& pause : pauses) {
    const absl::CivilDay first = std::max(pause.first_day, from);
    if (pause.last_day < first) continue;
    from = pause.last_day + 1;
    absl::civil_diff_t days = from - first;
    if (left.has_value()) {
      days = std::min(days, *left);
      if (days <= 0) break;
      *left -= days;
    }
    passed.push_back({first, first + (days - 1)});
  }
  return passed;
}

int CopiedCourse::WeekOf(absl::CivilDay day) const {
  if (!start_day.has_value() || day < *start_day) return 0;
  absl::civil_diff_t days = day - *start_day;
  for (const CopiedPause& pause : PassedOver(*start_day)) {
    if (pause.first_day >= day) break;
    days -= std::min(day, pause.last_day + 1) - pause.first_day;
  }
  return static_cast<int>(days / 7) + 1;
}

absl::CivilDay CopiedCourse::FirstDayOfWeek(absl::CivilDay start, int week) const {
  absl::CivilDay day = start + 7 * (week - 1);
  for (const CopiedPause& pause : PassedOver(start)) {
    if (pause.first_day > day) break;
    day += pause.last_day - pause.first_day + 1;
  }
  return day;
}

}  // namespace ipt::courses
