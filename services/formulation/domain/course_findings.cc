#include "formulation/domain/course_findings.h"

#include "absl/strings/str_cat.h"
#include "formulation/domain/course_view.h"
#include "platform/errors/status_macros.h"

namespace ipt::formulation {

absl::StatusOr<std::vector<Finding>> FindingsOf(const ProtocolSet& protocols,
                                                const courses::CopiedCourse& course,
                                                const CourseRecords& records,
                                                const FormulationPolicy& policy, absl::Time now) {
  const Protocol& protocol = protocols.Held(course.variant_id, policy);
  IPT_ASSIGN_OR_RETURN(const CourseView view, CourseView::Of(course, protocol));
  return EvaluateFindings({view, records, protocol, policy}, now);
}

std::string ToldText(const std::vector<Finding>& findings, absl::CivilDay today) {
  if (findings.empty()) return "";
  std::string text = absl::FormatCivilTime(today);
  for (const Finding& finding : findings) {
    absl::StrAppend(&text, " ", finding.finding_id, "/", static_cast<int>(finding.severity), "/",
                    finding.since_day.has_value() ? absl::FormatCivilTime(*finding.since_day) : "");
  }
  return text;
}

}  // namespace ipt::formulation
