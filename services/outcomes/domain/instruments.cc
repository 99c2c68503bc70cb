#include "outcomes/domain/instruments.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/names.h"
#include "outcomes/domain/reasons.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/text/fnv.h"

namespace ipt::outcomes {
namespace {

auto KeyOf(const HeldInstrument& instrument) {
  return std::tie(instrument.definition.id, instrument.definition.version);
}

HeldInstrument Shipped(Instrument definition) {
  HeldInstrument held;
  for (const Respondent respondent : definition.respondents) {
    if (respondent == Respondent::kSelf) {
      held.respondents.push_back(AnsweredBy::kSelf);
      held.respondents.push_back(AnsweredBy::kClinicianRead);
    } else {
      held.respondents.push_back(AnsweredBy::kClinicianRated);
    }
  }
  for (const RiskItem& risk : definition.risk_items) held.risk_rules.push_back(risk.item);
  for (const RiskTotal& risk : definition.risk_totals) held.risk_rules.push_back(risk.id);
  held.definition = std::move(definition);
  return held;
}

void ApplyUse(const InstrumentUse& use, HeldInstrument& instrument) {
  instrument.retired = use.retired;
  instrument.retire_time = use.retire_time;
  instrument.retire_reason = use.retire_reason;
  // A later decision is a change of the instrument.
  if (use.stamp.revision > instrument.stamp.revision) {
    const absl::Time created = instrument.stamp.create_time;
    const bool registered = instrument.stamp.revision != 0;
    instrument.stamp = use.stamp;
    if (registered) instrument.stamp.create_time = created;
  }
}

// Marks the newest version of each id that is not retired. In order of id and version.
void MarkCurrent(std::vector<HeldInstrument>& instruments) {
  for (size_t i = instruments.size(); i-- > 0;) {
    HeldInstrument& instrument = instruments[i];
    if (instrument.retired) continue;
    bool newer = false;
    for (size_t k = i + 1; k < instruments.size(); ++k) {
      if (instruments[k].definition.id != instrument.definition.id) break;
      newer |= !instruments[k].retired;
    }
    instrument.current = !newer;
  }
}

}  // namespace

Catalog::Catalog(std::vector<Instrument> shipped, absl::string_view text) {
  Fnv fnv;
  fnv.Add(text);
  fingerprint_ = fnv.value();
  for (Instrument& definition : shipped) shipped_.push_back(Shipped(std::move(definition)));
  std::sort(shipped_.begin(), shipped_.end(),
            [](const auto& a, const auto& b) { return KeyOf(a) < KeyOf(b); });
}

bool Catalog::Has(absl::string_view instrument_id) const {
  return std::any_of(shipped_.begin(), shipped_.end(), [&](const HeldInstrument& instrument) {
    return instrument.definition.id == instrument_id;
  });
}

absl::StatusOr<std::vector<HeldInstrument>> AllInstruments(OutcomesReader& reader,
                                                           const Catalog& catalog,
                                                           absl::string_view clinic_id,
                                                           absl::string_view instrument_id) {
  std::vector<HeldInstrument> all;
  for (const HeldInstrument& instrument : catalog.shipped()) {
    if (!instrument_id.empty() && instrument.definition.id != instrument_id) continue;
    all.push_back(instrument);
    all.back().clinic_id = std::string(clinic_id);
  }
  if (instrument_id.empty() || !catalog.Has(instrument_id)) {
    IPT_ASSIGN_OR_RETURN(auto own, reader.ListRegistered(clinic_id, instrument_id));
    for (HeldInstrument& instrument : own) all.push_back(std::move(instrument));
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return KeyOf(a) < KeyOf(b); });
  }
  IPT_ASSIGN_OR_RETURN(const auto uses, reader.ListInstrumentUses(clinic_id, instrument_id));
  std::map<std::pair<std::string, int>, const InstrumentUse*> by_version;
  for (const InstrumentUse& use : uses) by_version[{use.instrument_id, use.version}] = &use;
  for (HeldInstrument& instrument : all) {
    const auto found = by_version.find({instrument.definition.id, instrument.definition.version});
    if (found != by_version.end()) ApplyUse(*found->second, instrument);
  }
  MarkCurrent(all);
  return all;
}

absl::StatusOr<HeldInstrument> FindInstrument(OutcomesReader& reader, const Catalog& catalog,
                                              absl::string_view clinic_id,
                                              absl::string_view instrument_id, int version) {
  IPT_ASSIGN_OR_RETURN(auto versions, AllInstruments(reader, catalog, clinic_id, instrument_id));
  HeldInstrument* found = nullptr;
  for (HeldInstrument& instrument : versions) {
    if (version != 0 ? instrument.definition.version == version : true) {
      if (version == 0 && found != nullptr && found->current) continue;
      found = &instrument;
    }
  }
  if (found == nullptr) {
    return NotFound(kInstrumentType, InstrumentName(clinic_id, instrument_id));
  }
  return std::move(*found);
}

absl::StatusOr<HeldInstrument> RegisterInstrument(OutcomesTx& tx, const CallContext& ctx,
                                                  const Catalog& catalog,
                                                  HeldInstrument instrument) {
  Instrument& definition = instrument.definition;
  const std::string name = InstrumentName(ctx.clinic_id, definition.id);
  if (catalog.Has(definition.id)) {
    return AlreadyExists(::ipt::reason::kResourceExists, kInstrumentType, name,
                         "the id is one of the suite's own instruments: choose another one");
  }
  IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, ""));
  IPT_ASSIGN_OR_RETURN(const auto before, tx.ListRegistered(ctx.clinic_id, definition.id));
  const int next = before.empty() ? 1 : before.back().definition.version + 1;
  if (definition.version != 0 && definition.version != next) {
    return FailedPrecondition(reason::kInstrumentVersion, name,
                              "the version must be the one after the newest: register that one",
                              {{"version", absl::StrCat(next - 1)}});
  }
  definition.version = next;
  instrument.clinic_id = ctx.clinic_id;
  instrument.caller = ctx.caller->subject;
  IPT_RETURN_IF_ERROR(tx.InsertInstrument(instrument, ctx.now));
  instrument.current = true;
  IPT_RETURN_IF_ERROR(tx.Emit(InstrumentChanged{instrument}, ctx.now));
  return instrument;
}

absl::StatusOr<HeldInstrument> SetInstrumentUse(OutcomesTx& tx, const CallContext& ctx,
                                                const Catalog& catalog,
                                                const InstrumentUseCommand& command) {
  const std::string name = InstrumentName(ctx.clinic_id, command.instrument_id);
  IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, ""));
  IPT_ASSIGN_OR_RETURN(auto versions,
                       AllInstruments(tx, catalog, ctx.clinic_id, command.instrument_id));
  if (versions.empty()) return NotFound(kInstrumentType, name);
  size_t answered = versions.size() - 1;
  if (command.version != 0) {
    const auto found =
        std::find_if(versions.begin(), versions.end(), [&](const HeldInstrument& instrument) {
          return instrument.definition.version == command.version;
        });
    if (found == versions.end()) return NotFound(kInstrumentType, name);
    answered = found - versions.begin();
  }
  if (command.if_revision != 0 && command.if_revision != versions[answered].stamp.revision) {
    return EtagMismatch(kInstrumentType, name);
  }
  std::vector<size_t> changed;
  for (size_t i = 0; i < versions.size(); ++i) {
    HeldInstrument& instrument = versions[i];
    if (command.version != 0 && i != answered) continue;
    if (instrument.retired == command.retire) continue;  // as it is wanted already
    InstrumentUse use{.clinic_id = ctx.clinic_id,
                      .instrument_id = command.instrument_id,
                      .version = instrument.definition.version,
                      .retired = command.retire};
    if (command.retire) {
      use.retire_time = ctx.now;
      use.retire_reason = command.reason;
    }
    IPT_RETURN_IF_ERROR(tx.PutInstrumentUse(use, ctx.now));
    ApplyUse(use, instrument);
    changed.push_back(i);
  }
  for (HeldInstrument& instrument : versions) instrument.current = false;
  MarkCurrent(versions);
  for (const size_t i : changed) {
    IPT_RETURN_IF_ERROR(tx.Emit(InstrumentChanged{versions[i]}, ctx.now));
  }
  return std::move(versions[answered]);
}

}  // namespace ipt::outcomes
