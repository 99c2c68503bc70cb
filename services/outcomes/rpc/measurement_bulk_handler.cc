#include "outcomes/rpc/measurement_bulk_handler.h"

#include <string>
#include <utility>

#include "outcomes/rpc/measurement_export.h"
#include "outcomes/rpc/measurement_import.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"

namespace ipt::outcomes {

absl::StatusOr<std::unique_ptr<MeasurementBulkHandler::Import>>
MeasurementBulkHandler::ImportMeasurements(const CallContext& ctx,
                                           const pb::ImportMeasurementsRequest& first,
                                           std::shared_ptr<rpc::StreamHandle>) {
  IPT_ASSIGN_OR_RETURN(
      std::unique_ptr<ImportStream> stream,
      ImportStream::Open({store_, catalog_, ids_, courses_, clock_, row_rules_}, ctx, first));
  return std::unique_ptr<Import>(std::move(stream));
}

absl::StatusOr<pb::MeasurementImport> MeasurementBulkHandler::GetMeasurementImport(
    const CallContext& ctx, const pb::GetMeasurementImportRequest& request) {
  const std::string import_id = rpc::IdsOf(request.name())[1];
  return rpc::ReadView<pb::MeasurementImport>(
      store_, ctx, 0, [&](OutcomesReader& reader) -> absl::StatusOr<pb::MeasurementImport> {
        IPT_ASSIGN_OR_RETURN(const MeasurementImport import,
                             reader.GetImport(ctx.clinic_id, import_id));
        pb::MeasurementImport response;
        WriteImport(import, &response);
        return response;
      });
}

absl::StatusOr<std::unique_ptr<MeasurementBulkHandler::Export>>
MeasurementBulkHandler::ExportMeasurements(const CallContext& ctx,
                                           const pb::ExportMeasurementsRequest& request,
                                           std::shared_ptr<rpc::StreamHandle>) {
  IPT_ASSIGN_OR_RETURN(std::unique_ptr<ExportStream> stream,
                       ExportStream::Open(store_, catalog_, ctx, request));
  return std::unique_ptr<Export>(std::move(stream));
}

}  // namespace ipt::outcomes
