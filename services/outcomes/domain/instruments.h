// A clinic's instruments: the suite's, which every clinic has, and its own, each in versions. What
// was recorded with a version keeps it; whether it may be used anew is the clinic's to say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "outcomes/domain/store.h"
#include "outcomes/domain/types.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {

// The suite's own instruments. Immutable, so thread-safe.
class Catalog {
 public:
  // REQUIRES: each passes ValidateInstrument; no two have one id and version. `text`: what they
  // were read from.
  explicit Catalog(std::vector<Instrument> shipped, absl::string_view text = "");

  // By id, then version.
  const std::vector<HeldInstrument>& shipped() const { return shipped_; }
  bool Has(absl::string_view instrument_id) const;
  // Another one where the text is another.
  uint64_t fingerprint() const { return fingerprint_; }

 private:
  std::vector<HeldInstrument> shipped_;  // without a clinic
  uint64_t fingerprint_ = 0;
};

// All versions of one id, or (empty) of all, by id and version.
absl::StatusOr<std::vector<HeldInstrument>> AllInstruments(OutcomesReader& reader,
                                                           const Catalog& catalog,
                                                           absl::string_view clinic_id,
                                                           absl::string_view instrument_id);

// Version 0: the current one, or where all are retired the newest. NOT_FOUND when there is none
// such.
absl::StatusOr<HeldInstrument> FindInstrument(OutcomesReader& reader, const Catalog& catalog,
                                              absl::string_view clinic_id,
                                              absl::string_view instrument_id, int version);

// `instrument.definition.version` 0: the next one. RESOURCE_EXISTS for an id of the suite's,
// INSTRUMENT_VERSION where it is not the next one.
absl::StatusOr<HeldInstrument> RegisterInstrument(OutcomesTx& tx, const CallContext& ctx,
                                                  const Catalog& catalog,
                                                  HeldInstrument instrument);

struct InstrumentUseCommand {
  std::string instrument_id{};
  int version = 0;          // 0: all
  int64_t if_revision = 0;  // 0: any
  bool retire = false;      // else put back into use
  std::string reason{};
};
// The version named, or where all are meant the newest, as it is afterwards.
absl::StatusOr<HeldInstrument> SetInstrumentUse(OutcomesTx& tx, const CallContext& ctx,
                                                const Catalog& catalog,
                                                const InstrumentUseCommand& command);

}  // namespace ipt::outcomes
