// ipt.outcomes.v1.MeasurementBulkService.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "ipt/outcomes/v1/measurement_bulk_service.pb.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "platform/ids/ids.h"
#include "platform/rpc/message_rules.h"
#include "platform/rpc/stream.h"
#include "platform/time/clock.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Thread-safe. What it is given must outlive it and its streams.
class MeasurementBulkHandler {
 public:
  // Without a directory (null) nothing is known of courses, and nothing of them is verified.
  MeasurementBulkHandler(OutcomesStore& store, const Catalog& catalog, IdSource& ids,
                         const Clock& clock, courses::CourseDirectory* courses = nullptr)
      : store_(store),
        catalog_(catalog),
        ids_(ids),
        clock_(clock),
        courses_(courses),
        row_rules_(*pb::ImportRow::descriptor(), false) {}

  using Import = rpc::BidiStream<pb::ImportMeasurementsRequest, pb::ImportMeasurementsResponse>;
  absl::StatusOr<std::unique_ptr<Import>> ImportMeasurements(
      const CallContext& ctx, const pb::ImportMeasurementsRequest& first,
      std::shared_ptr<rpc::StreamHandle> handle);

  absl::StatusOr<pb::MeasurementImport> GetMeasurementImport(
      const CallContext& ctx, const pb::GetMeasurementImportRequest& request);

  using Export = rpc::ServerStream<pb::ExportMeasurementsResponse>;
  absl::StatusOr<std::unique_ptr<Export>> ExportMeasurements(
      const CallContext& ctx, const pb::ExportMeasurementsRequest& request,
      std::shared_ptr<rpc::StreamHandle> handle);

 private:
  OutcomesStore& store_;
  const Catalog& catalog_;
  IdSource& ids_;
  const Clock& clock_;
  courses::CourseDirectory* const courses_;
  const rpc::MessageRules row_rules_;
};

}  // namespace ipt::outcomes
