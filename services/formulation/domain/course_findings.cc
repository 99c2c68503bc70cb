#include "formulation/domain/course_findings.h"

#include "absl/strings/str_cat.h"
#include "formulation/domain/course_view.h"
#include "platform/errors/status_macros.h"
#include "platform/text/fnv.h"

namespace ipt::formulation {

absl::StatusOr<std::vector<Finding>> FindingsOf(const ProtocolSet& protocols,
                                                const courses::CopiedCourse& course,
                                                const CourseRecords& records,
                                                const FormulationPolicy& policy, absl::Time now) {
  const Protocol& protocol = protocols.Held(course.variant_id, policy);
  IPT_ASSIGN_OR_RETURN(const CourseView view, CourseView::Of(course, protocol));
  return EvaluateFindings({view, records, protocol, policy}, now);
}

std::string ToldText(absl::string_view course_id, const std::vector<Finding>& findings,
                     absl::Time now) {
  constexpr int64_t kWeek = 7 * 24 * 3600;
  Fnv fnv;
  fnv.Add(course_id);
  const int64_t shift = static_cast<int64_t>(fnv.value() % kWeek);
  std::string text = absl::StrCat((absl::ToUnixSeconds(now) + shift) / kWeek);
  for (const Finding& finding : findings) {
    absl::StrAppend(&text, " ", finding.finding_id, "/", static_cast<int>(finding.severity), "/",
                    finding.since_day.has_value() ? absl::FormatCivilTime(*finding.since_day) : "");
  }
  return text;
}

}  // namespace ipt::formulation
