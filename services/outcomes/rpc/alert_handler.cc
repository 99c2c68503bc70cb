#include "outcomes/rpc/alert_handler.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "course_copies/rpc/scheduling_view.h"
#include "outcomes/domain/alert_coverage.h"
#include "outcomes/domain/alerts.h"
#include "outcomes/domain/reasons.h"
#include "outcomes/rpc/alert_proto.h"
#include "outcomes/rpc/alert_stream.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stated.h"
#include "platform/rpc/write_once.h"

namespace ipt::outcomes {
namespace {

constexpr int kMaxAlertPage = 250;

AlertRef RefOf(const std::string& name, const std::string& etag) {
  const std::vector<std::string> ids = rpc::IdsOf(name);
  return {.clinic_id = ids[0],
          .course_id = ids[1],
          .alert_id = ids[2],
          .if_revision = rpc::RevisionOfEtag(etag)};
}

// The id of an optional therapist; empty where there is none.
std::string TherapistIdOf(const std::string& therapist) {
  return therapist.empty() ? "" : rpc::IdsOf(therapist)[1];
}

absl::StatusOr<pb::Alert> Describe(AlertReader& reader, const Alert& alert) {
  IPT_ASSIGN_OR_RETURN(const std::vector<std::string> other_open,
                       OtherOpenAlerts(reader, alert.clinic_id, alert.course_id, alert.alert_id));
  pb::Alert response;
  WriteAlert(alert, other_open, &response);
  return response;
}

// A write that is about one alert.
template <typename Change>
absl::StatusOr<pb::Alert> WriteAlertOnce(AlertStore& store, const CallContext& ctx,
                                         Change&& change) {
  return rpc::WriteOnce<pb::Alert>(store, ctx, [&](AlertTx& tx) -> absl::StatusOr<pb::Alert> {
    IPT_ASSIGN_OR_RETURN(const Alert alert, change(tx));
    return Describe(tx, alert);
  });
}

// Position in a list: microseconds, then the id, which holds no space.
absl::StatusOr<std::optional<AlertCursor>> ReadAlertCursor(const std::string& cursor) {
  if (cursor.empty()) return std::optional<AlertCursor>();
  const std::vector<std::string> parts = absl::StrSplit(cursor, ' ');
  int64_t micros = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &micros)) {
    return InvalidField("page_token", "is not a token of this list");
  }
  return std::optional<AlertCursor>({absl::FromUnixMicros(micros), parts[1]});
}

AlertRecipient ReadNamed(const pb::AlertRecipient& recipient, FieldViolations at) {
  AlertRecipient read = ReadAlertRecipient(recipient);
  CheckRecipient(read, at);
  return read;
}

pb::AlertRouting Describe(const std::string& clinic_id, const std::string& therapist_id,
                          const RoutingView& view) {
  pb::AlertRouting response;
  WriteRouting(clinic_id, therapist_id, view.in_force, view.stated, &response);
  response.set_owner_away(view.owner_away);
  if (view.presence.known) {
    courses::WriteScheduling(view.presence.current, view.presence.as_of,
                             response.mutable_scheduling());
  }
  return response;
}

}  // namespace

absl::StatusOr<pb::Alert> AlertHandler::GetAlert(const CallContext& ctx,
                                                 const pb::GetAlertRequest& request) {
  const AlertRef ref = RefOf(request.name(), "");
  return rpc::ReadView<pb::Alert>(
      store_, ctx, request.min_revision(), [&](AlertReader& reader) -> absl::StatusOr<pb::Alert> {
        IPT_ASSIGN_OR_RETURN(const Alert alert,
                             reader.GetAlert(ref.clinic_id, ref.course_id, ref.alert_id));
        return Describe(reader, alert);
      });
}

absl::StatusOr<pb::ListAlertsResponse> AlertHandler::ListAlerts(
    const CallContext& ctx, const pb::ListAlertsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  IPT_ASSIGN_OR_RETURN(const auto after, ReadAlertCursor(page.cursor));
  const int size = std::min(page.size, kMaxAlertPage);
  FieldViolations bad;
  AlertFilter filter;
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  if (course_id != "-") filter.course_id = course_id;
  filter.states = rpc::ReadStated<AlertState>(request.states(), bad, "states");
  filter.kinds = rpc::ReadStated<AlertKind>(request.kinds(), bad, "kinds");
  if (request.has_assignee()) {
    filter.assignees.push_back(ReadNamed(request.assignee(), bad.In("assignee")));
  }
  if (request.has_start_time()) {
    filter.raised_from = rpc::ReadTime(request.start_time(), bad, "start_time");
  }
  if (request.has_end_time()) {
    filter.raised_before = rpc::ReadTime(request.end_time(), bad, "end_time");
  }
  if (filter.raised_from.has_value() && filter.raised_before.has_value() &&
      *filter.raised_before <= *filter.raised_from) {
    bad.Add("end_time", "must be after start_time");
  }
  if (!request.measurement().empty()) {
    const std::vector<std::string> ids = rpc::IdsOf(request.measurement());
    if (!filter.course_id.empty() && ids[1] != filter.course_id) {
      bad.Add("measurement", "must be of the course in parent");
    }
    filter.course_id = ids[1];
    filter.measurement_id = ids[2];
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::ReadView<pb::ListAlertsResponse>(
      store_, ctx, request.min_revision(),
      [&](AlertReader& reader) -> absl::StatusOr<pb::ListAlertsResponse> {
        IPT_ASSIGN_OR_RETURN(std::vector<Alert> alerts,
                             reader.ListAlerts(ctx.clinic_id, filter, after, size + 1));
        pb::ListAlertsResponse response;
        if (alerts.size() > static_cast<size_t>(size)) {
          alerts.resize(static_cast<size_t>(size));
          const Alert& last = alerts.back();
          response.set_next_page_token(rpc::NextPageToken(
              request, absl::StrCat(absl::ToUnixMicros(last.raised), " ", last.alert_id)));
        }
        for (const Alert& alert : alerts) {
          IPT_ASSIGN_OR_RETURN(*response.add_alerts(), Describe(reader, alert));
        }
        return response;
      });
}

absl::StatusOr<pb::Alert> AlertHandler::AcknowledgeAlert(
    const CallContext& ctx, const pb::AcknowledgeAlertRequest& request) {
  return WriteAlertOnce(store_, ctx, [&](AlertTx& tx) {
    return Acknowledge(tx, RefOf(request.name(), request.etag()), ctx.caller->subject,
                       request.note(), ctx.now);
  });
}

absl::StatusOr<pb::Alert> AlertHandler::ResolveAlert(const CallContext& ctx,
                                                     const pb::ResolveAlertRequest& request) {
  return WriteAlertOnce(store_, ctx, [&](AlertTx& tx) {
    return Resolve(tx, RefOf(request.name(), request.etag()),
                   static_cast<ResolutionOutcome>(request.outcome()), ctx.caller->subject,
                   request.note(), ctx.now);
  });
}

absl::StatusOr<pb::Alert> AlertHandler::EscalateAlert(const CallContext& ctx,
                                                      const pb::EscalateAlertRequest& request) {
  FieldViolations bad;
  AlertRecipient to;
  if (request.has_to()) to = ReadNamed(request.to(), bad.In("to"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return WriteAlertOnce(store_, ctx, [&](AlertTx& tx) {
    return EscalateByHand(tx, RefOf(request.name(), request.etag()), to, ctx.caller->subject,
                          request.reason(), ctx.now);
  });
}

absl::StatusOr<pb::Alert> AlertHandler::ReassignAlert(const CallContext& ctx,
                                                      const pb::ReassignAlertRequest& request) {
  FieldViolations bad;
  const AlertRecipient owner = ReadNamed(request.owner(), bad.In("owner"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return WriteAlertOnce(store_, ctx, [&](AlertTx& tx) {
    return Reassign(tx, RefOf(request.name(), request.etag()), owner, ctx.caller->subject,
                    request.reason(), ctx.now);
  });
}

absl::StatusOr<pb::Alert> AlertHandler::ReopenAlert(const CallContext& ctx,
                                                    const pb::ReopenAlertRequest& request) {
  return WriteAlertOnce(store_, ctx, [&](AlertTx& tx) {
    return Reopen(tx, RefOf(request.name(), request.etag()), ctx.caller->subject, request.reason(),
                  ctx.now);
  });
}

absl::StatusOr<std::unique_ptr<AlertHandler::Stream>> AlertHandler::WatchAlerts(
    const CallContext& ctx, const pb::WatchAlertsRequest& request,
    std::shared_ptr<rpc::StreamHandle> handle) {
  FieldViolations bad;
  AlertWatchRequest asked;
  asked.cursor = request.cursor();
  asked.include_open = request.include_open();
  if (asked.include_open && !asked.cursor.empty()) {
    bad.Add("include_open", "not with a cursor: what is not resolved comes without one");
  }
  for (int i = 0; i < request.recipients_size(); ++i) {
    asked.recipients.push_back(ReadNamed(request.recipients(i), bad.At("recipients", i)));
  }
  asked.kinds = rpc::ReadStated<AlertKind>(request.kinds(), bad, "kinds");
  asked.listener = request.listener();
  asked.observer = request.observer();
  if (asked.listener.empty() && !asked.observer) {
    bad.Add("listener", "is required: what the listener calls itself, or observer");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(
      std::unique_ptr<AlertStream> stream,
      AlertStream::Open(store_, feed_, ids_, ctx, std::move(asked), std::move(handle)));
  return std::unique_ptr<Stream>(std::move(stream));
}

absl::StatusOr<pb::AlertCoverage> AlertHandler::GetAlertCoverage(
    const CallContext& ctx, const pb::GetAlertCoverageRequest&) {
  return rpc::ReadView<pb::AlertCoverage>(
      store_, ctx, 0, [&](AlertReader& reader) -> absl::StatusOr<pb::AlertCoverage> {
        IPT_ASSIGN_OR_RETURN(const AlertCoverage coverage,
                             FindCoverage(reader, ctx.clinic_id, ctx.now));
        pb::AlertCoverage response;
        WriteCoverage(coverage, &response);
        return response;
      });
}

absl::StatusOr<pb::AlertRouting> AlertHandler::GetAlertRouting(
    const CallContext& ctx, const pb::GetAlertRoutingRequest& request) {
  const std::string therapist_id = TherapistIdOf(request.therapist());
  return rpc::ReadView<pb::AlertRouting>(
      store_, ctx, request.min_revision(),
      [&](AlertReader& reader) -> absl::StatusOr<pb::AlertRouting> {
        IPT_ASSIGN_OR_RETURN(const RoutingView view,
                             GetRouting(reader, ctx.clinic_id, therapist_id, ctx.now));
        return Describe(ctx.clinic_id, therapist_id, view);
      });
}

absl::StatusOr<pb::ListAlertRoutingsResponse> AlertHandler::ListAlertRoutings(
    const CallContext& ctx, const pb::ListAlertRoutingsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  return rpc::ReadView<pb::ListAlertRoutingsResponse>(
      store_, ctx, 0, [&](AlertReader& reader) -> absl::StatusOr<pb::ListAlertRoutingsResponse> {
        IPT_ASSIGN_OR_RETURN(std::vector<AlertRouting> routings,
                             reader.ListRoutings(ctx.clinic_id, page.cursor, page.size + 1));
        pb::ListAlertRoutingsResponse response;
        if (routings.size() > static_cast<size_t>(page.size)) {
          routings.resize(static_cast<size_t>(page.size));
          response.set_next_page_token(rpc::NextPageToken(request, routings.back().therapist_id));
        }
        for (const AlertRouting& routing : routings) {
          IPT_ASSIGN_OR_RETURN(const RoutingView view,
                               GetRouting(reader, ctx.clinic_id, routing.therapist_id, ctx.now));
          *response.add_alert_routings() = Describe(ctx.clinic_id, routing.therapist_id, view);
        }
        return response;
      });
}

absl::StatusOr<pb::AlertRouting> AlertHandler::UpdateAlertRouting(
    const CallContext& ctx, const pb::UpdateAlertRoutingRequest& request) {
  const std::string therapist_id = TherapistIdOf(request.therapist());
  return rpc::WriteOnce<pb::AlertRouting>(
      store_, ctx, [&](AlertTx& tx) -> absl::StatusOr<pb::AlertRouting> {
        IPT_ASSIGN_OR_RETURN(
            const RoutingView view,
            SetRouting(
                tx, ctx.clinic_id, therapist_id, rpc::RevisionOfEtag(request.routing().etag()),
                [&](const AlertRouting& before) -> absl::StatusOr<AlertRouting> {
                  AlertRouting stated = before;
                  stated.clinic_id = ctx.clinic_id;
                  pb::AlertRouting merged;
                  WriteStatedRouting(stated, &merged);
                  IPT_RETURN_IF_ERROR(rpc::MergeByMask(request.update_mask(), request.routing(),
                                                       merged, "routing"));
                  FieldViolations bad;
                  FieldViolations at = bad.In("routing");
                  AlertRouting after = ReadRouting(merged, at);
                  after.therapist_id = therapist_id;
                  CheckRouting(after, at);
                  IPT_RETURN_IF_ERROR(bad.ToStatus());
                  return after;
                },
                ctx.now));
        pb::AlertRouting response = Describe(ctx.clinic_id, therapist_id, view);
        if (ctx.validate_only) {
          response.clear_etag();
          response.clear_revision();
        }
        return response;
      });
}

absl::StatusOr<pb::AlertRouting> AlertHandler::ResetAlertRouting(
    const CallContext& ctx, const pb::ResetAlertRoutingRequest& request) {
  const std::string therapist_id = TherapistIdOf(request.therapist());
  return rpc::WriteOnce<pb::AlertRouting>(
      store_, ctx, [&](AlertTx& tx) -> absl::StatusOr<pb::AlertRouting> {
        IPT_ASSIGN_OR_RETURN(const RoutingView view,
                             ResetRouting(tx, ctx.clinic_id, therapist_id, ctx.now));
        return Describe(ctx.clinic_id, therapist_id, view);
      });
}

}  // namespace ipt::outcomes
