// ipt.outcomes.v1.InstrumentService.
#pragma once

#include "absl/status/statusor.h"
#include "ipt/outcomes/v1/instrument_service.pb.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/store.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Thread-safe. Store and catalog must outlive it.
class InstrumentHandler {
 public:
  InstrumentHandler(OutcomesStore& store, const Catalog& catalog)
      : store_(store), catalog_(catalog) {}

  absl::StatusOr<pb::ListInstrumentsResponse> ListInstruments(
      const CallContext& ctx, const pb::ListInstrumentsRequest& request);
  absl::StatusOr<pb::Instrument> GetInstrument(const CallContext& ctx,
                                               const pb::GetInstrumentRequest& request);
  absl::StatusOr<pb::Instrument> RegisterInstrument(const CallContext& ctx,
                                                    const pb::RegisterInstrumentRequest& request);
  absl::StatusOr<pb::RetireInstrumentResponse> RetireInstrument(
      const CallContext& ctx, const pb::RetireInstrumentRequest& request);
  absl::StatusOr<pb::Instrument> ReinstateInstrument(const CallContext& ctx,
                                                     const pb::ReinstateInstrumentRequest& request);

 private:
  OutcomesStore& store_;
  const Catalog& catalog_;
};

}  // namespace ipt::outcomes
