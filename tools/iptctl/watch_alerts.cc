#include "iptctl/watch_alerts.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "ipt/outcomes/v1/alert_service.pb.h"
#include "iptctl/follow_stream.h"
#include "iptctl/value_text.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;

std::string WhoOf(const o::AlertRecipient& recipient) {
  return recipient.has_desk() ? absl::StrCat("desk ", recipient.desk()) : recipient.therapist();
}

std::string AlertLine(const o::AlertNotice& notice, Session& session) {
  const o::Alert& alert = notice.alert();
  const absl::TimeZone zone = session.settings.zone.value_or(absl::UTCTimeZone());
  const absl::Time raised = absl::FromUnixSeconds(alert.raise_time().seconds());
  const Paint paint = session.show().paint;
  return absl::StrCat(
      paint(Color::kDim, absl::FormatTime("%Y-%m-%d %H:%M:%S", raised, zone)), "  ",
      paint(Color::kBold, EnumField(alert, "kind")), "  ", EnumField(alert, "state"), "  ",
      alert.name(), alert.item().empty() ? "" : "  item ", alert.item(),
      alert.has_assignee() ? "  with " : "", alert.has_assignee() ? WhoOf(alert.assignee()) : "");
}

}  // namespace

int WatchAlerts(const MethodDescriptor& method, const Message& request, Session& session) {
  o::WatchAlertsRequest watch;
  watch.ParseFromString(request.SerializeAsString());
  const absl::StatusOr<int64_t> count = CountOf(session, "alerts");
  if (!count.ok()) return session.UsageError(absl::string_view(count.status().message()));
  int64_t left = *count;
  return FollowStream(
      method, watch, session, [&](const std::string& bytes) -> absl::StatusOr<bool> {
        o::WatchAlertsResponse response;
        if (!response.ParseFromString(bytes)) return true;
        for (const o::AlertNotice& notice : response.notices()) {
          if (session.settings.json_output) {
            std::string json;
            google::protobuf::util::MessageToJsonString(notice, &json);
            session.env.out << json << "\n";
          } else {
            session.env.out << AlertLine(notice, session) << "\n";
          }
          if (left > 0 && --left == 0) return false;
        }
        session.env.out << std::flush;
        watch.set_cursor(response.cursor());
        watch.clear_include_open();  // not with a cursor: what was open has been told
        return true;
      });
}

}  // namespace ipt::ctl
