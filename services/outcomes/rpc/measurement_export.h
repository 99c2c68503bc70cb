// One stream that takes out measurements: as they were at one revision, in the order of their
// revisions, a page a response. It goes on from a cursor, also on another server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ipt/outcomes/v1/measurement_bulk_service.pb.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "outcomes/rpc/measurement_csv.h"
#include "platform/rpc/stream.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// An export can go on from a cursor for so long; what was written over is kept for somewhat longer.
inline constexpr absl::Duration kExportGoesOn = absl::Hours(24 * 7);
inline constexpr absl::Duration kStatesKept = absl::Hours(24 * 8);

// Used by one thread at a time, as streams are.
class ExportStream final : public rpc::ServerStream<pb::ExportMeasurementsResponse> {
 public:
  // Store and catalog outlive it.
  static absl::StatusOr<std::unique_ptr<ExportStream>> Open(
      OutcomesStore& store, const Catalog& catalog, const CallContext& ctx,
      const pb::ExportMeasurementsRequest& request);

  absl::StatusOr<rpc::Next<pb::ExportMeasurementsResponse>> NextResponse(
      const CallContext& ctx) override;

 private:
  using Next = rpc::Next<pb::ExportMeasurementsResponse>;

  // Where it is: what a cursor says.
  struct Place {
    int64_t revision = 0;  // that all of it is of
    absl::Time began{};
    int newest_version = 0;  // CSV: columns are of the versions up to it
    int64_t exported = 0;
    RevisionCursor after{};
  };

  ExportStream(OutcomesStore& store, const pb::ExportMeasurementsRequest& request)
      : store_(store), request_(request) {}

  static absl::StatusOr<Place> ReadCursor(const pb::ExportMeasurementsRequest& request,
                                          absl::Time now);
  std::string WriteCursor() const;

  OutcomesStore& store_;
  const pb::ExportMeasurementsRequest request_;
  MeasurementFilter filter_;
  Place place_;
  std::optional<MeasurementCsv> csv_;
  bool heading_ = false;            // is to be written
  std::optional<int64_t> writers_;  // that are waited for
};

}  // namespace ipt::outcomes
