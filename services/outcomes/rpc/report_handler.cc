#include "outcomes/rpc/report_handler.h"

#include <string>
#include <utility>
#include <vector>

#include "outcomes/domain/clinic_reports.h"
#include "outcomes/domain/reasons.h"
#include "outcomes/rpc/report_csv.h"
#include "outcomes/rpc/report_proto.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/read_view.h"

namespace ipt::outcomes {
namespace {

constexpr size_t kMostBytesAPart = 1 << 20;

// The lines of a report, in parts.
class ReportStream final : public ReportHandler::Stream {
 public:
  ReportStream(std::vector<std::string> lines, int64_t revision)
      : lines_(std::move(lines)), revision_(revision) {}

  absl::StatusOr<rpc::Next<pb::StreamClinicReportResponse>> NextResponse(
      const CallContext&) override {
    using Next = rpc::Next<pb::StreamClinicReportResponse>;
    pb::StreamClinicReportResponse part;
    std::string& csv = *part.mutable_csv();
    while (next_ < lines_.size() && csv.size() + lines_[next_].size() <= kMostBytesAPart) {
      csv += lines_[next_++];
    }
    part.set_revision(revision_);
    part.set_complete(next_ == lines_.size());
    Next next = Next::Send(std::move(part));
    next.end = next_ == lines_.size();
    return next;
  }

 private:
  const std::vector<std::string> lines_;
  const int64_t revision_;
  size_t next_ = 0;
};

}  // namespace

absl::StatusOr<pb::ClinicReport> ReportHandler::Make(const CallContext& ctx,
                                                     const pb::ReportQuery& query,
                                                     int64_t min_revision) {
  FieldViolations bad;
  FieldViolations in_query = bad.In("query");
  const ReportRequest request = ReadReportQuery(query, in_query);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  // Asked before the view is taken: the report's courses are at least as new.
  ReportHorizon horizon;
  if (horizon_ != nullptr) {
    IPT_ASSIGN_OR_RETURN(horizon.as_of, horizon_->CopiedUntil(ctx.clinic_id, ctx.deadline));
    // As a course's copy does.
    horizon.current =
        horizon.as_of.has_value() && ctx.now - *horizon.as_of <= courses::CourseDemand().max_age;
  }
  const int most_made = MostMadeIn(ctx.deadline - ctx.now);
  absl::StatusOr<pb::ClinicReport> report = rpc::ReadView<pb::ClinicReport>(
      store_, ctx, min_revision, [&](OutcomesReader& reader) -> absl::StatusOr<pb::ClinicReport> {
        IPT_ASSIGN_OR_RETURN(
            const ClinicReportView view,
            MakeClinicReport(reader, catalog_, ctx.clinic_id, request, most_made, ctx.now));
        pb::ClinicReport response;
        WriteClinicReport(view, ctx.clinic_id, horizon, ctx.now, &response);
        return response;
      });
  if (wanted_ != nullptr && ErrorReasonOf(report.status()) == reason::kResultsBeingMade) {
    wanted_(ctx.clinic_id);
  }
  return report;
}

absl::StatusOr<pb::ClinicReport> ReportHandler::GetClinicReport(
    const CallContext& ctx, const pb::GetClinicReportRequest& request) {
  return Make(ctx, request.query(), request.min_revision());
}

absl::StatusOr<std::unique_ptr<ReportHandler::Stream>> ReportHandler::StreamClinicReport(
    const CallContext& ctx, const pb::StreamClinicReportRequest& request,
    std::shared_ptr<rpc::StreamHandle>) {
  IPT_ASSIGN_OR_RETURN(const pb::ClinicReport report,
                       Make(ctx, request.query(), request.min_revision()));
  return std::make_unique<ReportStream>(ReportLines(report), report.revision());
}

}  // namespace ipt::outcomes
