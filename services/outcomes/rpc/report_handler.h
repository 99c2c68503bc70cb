// ipt.outcomes.v1.ReportService.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "course_copies/domain/course_copies.h"
#include "ipt/outcomes/v1/report_service.pb.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "platform/rpc/stream.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Thread-safe. What it is given must outlive it.
class ReportHandler {
 public:
  // A clinic's results are waited for.
  using ResultsWanted = std::function<void(absl::string_view clinic_id)>;
  // Without a horizon (null) nothing is known of scheduling. `wanted` may be null.
  ReportHandler(OutcomesStore& store, const Catalog& catalog,
                courses::CopyHorizon* horizon = nullptr, ResultsWanted wanted = nullptr)
      : store_(store), catalog_(catalog), horizon_(horizon), wanted_(std::move(wanted)) {}

  absl::StatusOr<pb::ClinicReport> GetClinicReport(const CallContext& ctx,
                                                   const pb::GetClinicReportRequest& request);

  using Stream = rpc::ServerStream<pb::StreamClinicReportResponse>;
  absl::StatusOr<std::unique_ptr<Stream>> StreamClinicReport(
      const CallContext& ctx, const pb::StreamClinicReportRequest& request,
      std::shared_ptr<rpc::StreamHandle> handle);

 private:
  absl::StatusOr<pb::ClinicReport> Make(const CallContext& ctx, const pb::ReportQuery& query,
                                        int64_t min_revision);

  OutcomesStore& store_;
  const Catalog& catalog_;
  courses::CopyHorizon* const horizon_;
  const ResultsWanted wanted_;
};

}  // namespace ipt::outcomes
