#include "outcomes/rpc/instrument_handler.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "outcomes/rpc/instrument_proto.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stated.h"
#include "platform/rpc/write_once.h"

namespace ipt::outcomes {
namespace {

constexpr int kMostInstrumentsAPage = 100;

bool Wanted(const std::vector<int>& values, int value) {
  return values.empty() || std::find(values.begin(), values.end(), value) != values.end();
}

// One of each id: the current one, or where all are retired the newest.
std::vector<HeldInstrument> OneOfEach(std::vector<HeldInstrument> all) {
  std::vector<HeldInstrument> ones;
  for (HeldInstrument& instrument : all) {
    if (ones.empty() || ones.back().definition.id != instrument.definition.id) {
      ones.push_back(std::move(instrument));
    } else if (!ones.back().current) {
      ones.back() = std::move(instrument);
    }
  }
  return ones;
}

}  // namespace

absl::StatusOr<pb::ListInstrumentsResponse> InstrumentHandler::ListInstruments(
    const CallContext& ctx, const pb::ListInstrumentsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  std::string after_id;
  int after_version = 0;
  if (!page.cursor.empty()) {
    const std::vector<std::string> parts = absl::StrSplit(page.cursor, ' ');
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[1], &after_version)) {
      return InvalidField("page_token", "is not a token of this list");
    }
    after_id = parts[0];
  }
  FieldViolations bad;
  const auto constructs = rpc::ReadStated<int>(request.constructs(), bad, "constructs");
  const auto origins = rpc::ReadStated<int>(request.origins(), bad, "origins");
  const auto states = rpc::ReadStated<int>(request.states(), bad, "states");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  const int size = std::min(page.size, kMostInstrumentsAPage);
  return rpc::ReadView<pb::ListInstrumentsResponse>(
      store_, ctx, request.min_revision(),
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::ListInstrumentsResponse> {
        IPT_ASSIGN_OR_RETURN(auto all, AllInstruments(reader, catalog_, ctx.clinic_id, ""));
        if (!request.all_versions()) all = OneOfEach(std::move(all));
        pb::ListInstrumentsResponse response;
        for (const HeldInstrument& instrument : all) {
          const Instrument& definition = instrument.definition;
          if (std::tie(definition.id, definition.version) <= std::tie(after_id, after_version)) {
            continue;
          }
          pb::Instrument written;
          WriteInstrument(instrument, &written);
          if (!Wanted(constructs, written.construct()) || !Wanted(origins, written.origin()) ||
              !Wanted(states, written.state())) {
            continue;
          }
          if (response.instruments_size() == size) {
            const pb::Instrument& last = response.instruments(size - 1);
            response.set_next_page_token(rpc::NextPageToken(
                request, absl::StrCat(rpc::IdsOf(last.name())[1], " ", last.version())));
            break;
          }
          *response.add_instruments() = std::move(written);
        }
        return response;
      });
}

absl::StatusOr<pb::Instrument> InstrumentHandler::GetInstrument(
    const CallContext& ctx, const pb::GetInstrumentRequest& request) {
  return rpc::ReadView<pb::Instrument>(
      store_, ctx, request.min_revision(),
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::Instrument> {
        IPT_ASSIGN_OR_RETURN(const HeldInstrument instrument,
                             FindInstrument(reader, catalog_, ctx.clinic_id,
                                            rpc::IdsOf(request.name())[1], request.version()));
        pb::Instrument response;
        WriteInstrument(instrument, &response);
        return response;
      });
}

absl::StatusOr<pb::Instrument> InstrumentHandler::RegisterInstrument(
    const CallContext& ctx, const pb::RegisterInstrumentRequest& request) {
  FieldViolations bad;
  if (!IsValidId(request.instrument_id())) {
    bad.Add("instrument_id", "must be 1 to 63 of a-z, 0-9 and -, starting with a letter or digit");
  }
  FieldViolations in = bad.In("instrument");
  if (request.licensed_pack() && request.instrument().licence().grant().empty()) {
    in.Add("licence.grant", "is required of a licensed pack: by what right the clinic holds it");
  }
  HeldInstrument instrument = ReadInstrument(request.instrument(), request.instrument_id(), in);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  instrument.origin =
      request.licensed_pack() ? InstrumentOrigin::kLicensedPack : InstrumentOrigin::kClinic;
  return rpc::WriteOnce<pb::Instrument>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::Instrument> {
        IPT_ASSIGN_OR_RETURN(HeldInstrument registered,
                             outcomes::RegisterInstrument(tx, ctx, catalog_, instrument));
        if (ctx.validate_only) registered.stamp.revision = 0;
        pb::Instrument response;
        WriteInstrument(registered, &response);
        return response;
      });
}

absl::StatusOr<pb::RetireInstrumentResponse> InstrumentHandler::RetireInstrument(
    const CallContext& ctx, const pb::RetireInstrumentRequest& request) {
  if (request.version() < 0) return InvalidField("version", "must not be negative");
  const InstrumentUseCommand command{.instrument_id = rpc::IdsOf(request.name())[1],
                                     .version = request.version(),
                                     .if_revision = rpc::RevisionOfEtag(request.etag()),
                                     .retire = true,
                                     .reason = request.reason()};
  return rpc::WriteOnce<pb::RetireInstrumentResponse>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::RetireInstrumentResponse> {
        IPT_ASSIGN_OR_RETURN(HeldInstrument retired, SetInstrumentUse(tx, ctx, catalog_, command));
        pb::RetireInstrumentResponse response;
        if (ctx.validate_only) {
          retired.stamp.revision = 0;
        } else {
          IPT_ASSIGN_OR_RETURN(const int64_t revision, tx.log().Revision());
          response.set_revision(revision);
        }
        WriteInstrument(retired, response.mutable_instrument());
        return response;
      });
}

absl::StatusOr<pb::Instrument> InstrumentHandler::ReinstateInstrument(
    const CallContext& ctx, const pb::ReinstateInstrumentRequest& request) {
  if (request.version() < 0) return InvalidField("version", "must not be negative");
  const InstrumentUseCommand command{.instrument_id = rpc::IdsOf(request.name())[1],
                                     .version = request.version(),
                                     .if_revision = rpc::RevisionOfEtag(request.etag())};
  return rpc::WriteOnce<pb::Instrument>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::Instrument> {
        IPT_ASSIGN_OR_RETURN(const HeldInstrument instrument,
                             SetInstrumentUse(tx, ctx, catalog_, command));
        pb::Instrument response;
        WriteInstrument(instrument, &response);
        return response;
      });
}

}  // namespace ipt::outcomes
