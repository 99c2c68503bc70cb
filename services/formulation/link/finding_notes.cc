#include "formulation/link/finding_notes.h"

#include <algorithm>
#include <string>

#include "course_copies/domain/course_copies.h"
#include "formulation/domain/names.h"
#include "ipt/scheduling/v1/reminder_service.pb.h"
#include "platform/rpc/proto_time.h"

namespace ipt::formulation {
namespace {

namespace pb = ::ipt::scheduling::v1;

// As many as the contract takes.
constexpr size_t kMostFindings = 50;

static_assert(static_cast<int>(FindingSeverity::kInfo) == pb::COURSE_FINDING_SEVERITY_INFO);
static_assert(static_cast<int>(FindingSeverity::kOverdue) == pb::COURSE_FINDING_SEVERITY_OVERDUE);

}  // namespace

absl::Status FindingNotes::Tell(absl::string_view clinic_id, absl::string_view course_id,
                                const std::vector<Finding>& findings, absl::Time deadline) {
  pb::NoteCourseFindingsRequest request;
  request.set_course(CourseName(clinic_id, course_id));
  request.set_request_id(ids_.NewUuid());
  for (size_t i = 0; i < std::min(findings.size(), kMostFindings); ++i) {
    const Finding& finding = findings[i];
    if (!finding.since_day.has_value()) continue;
    pb::CourseFinding* told = request.add_findings();
    told->set_finding_id(finding.finding_id);
    told->set_severity(static_cast<pb::CourseFindingSeverity>(finding.severity));
    rpc::WriteDay(*finding.since_day, told->mutable_since_date());
  }
  pb::NoteCourseFindingsResponse response;
  const absl::Status status =
      scheduling_.Call("ipt.scheduling.v1.ReminderService.NoteCourseFindings", request, response,
                       {.clinic_id = std::string(clinic_id), .deadline = deadline});
  return courses::IsNoSuchCourse(status, clinic_id, course_id) ? absl::OkStatus() : status;
}

}  // namespace ipt::formulation
