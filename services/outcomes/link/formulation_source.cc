#include "outcomes/link/formulation_source.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ipt/formulation/v1/event_service.pb.h"
#include "ipt/formulation/v1/formulation_service.pb.h"
#include "outcomes/storage/copied_directory.h"
#include "outcomes/storage/sql_course_focuses.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/follow/feed_table.h"
#include "platform/peer/pages.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"

namespace ipt::outcomes {
namespace {

namespace pb = ::ipt::formulation::v1;
using storage::Connection;

// A page is one call and one transaction.
constexpr int kPage = 200;
constexpr absl::Duration kPageTime = absl::Seconds(10);

absl::Time TimeOf(const pb::Event& event) {
  FieldViolations ignored;
  return rpc::ReadTime(event.time(), ignored, "time").value_or(absl::UnixEpoch());
}

// The focuses that a response tells, in the order of their courses, in which whoever marks several
// results takes them; of one course, in the order of the events.
absl::StatusOr<std::vector<CourseFocus>> FocusesIn(const pb::WatchEventsResponse& response,
                                                   absl::string_view clinic_id) {
  std::vector<CourseFocus> focuses;
  for (const pb::Event& event : response.events()) {
    // Kinds that later releases add are passed over.
    if (!event.payload().has_formulation_agreed()) continue;
    const pb::FormulationNotice& notice = event.payload().formulation_agreed();
    if (!notice.has_focus()) continue;
    IPT_ASSIGN_OR_RETURN(CourseFocus focus, CopyOf(notice.focus(), clinic_id));
    focuses.push_back(std::move(focus));
  }
  std::stable_sort(focuses.begin(), focuses.end(), [](const CourseFocus& a, const CourseFocus& b) {
    return a.course_id < b.course_id;
  });
  return focuses;
}

class FormulationStream final : public follow::EventStream {
 public:
  FormulationStream(std::string clinic_id, bool from_cursor,
                    std::unique_ptr<peer::PeerStream> stream)
      : clinic_id_(std::move(clinic_id)), from_cursor_(from_cursor), stream_(std::move(stream)) {}

  absl::StatusOr<std::optional<follow::Batch>> Next() override {
    pb::WatchEventsResponse response;
    const absl::StatusOr<bool> came = stream_->Read(response);
    if (absl::IsInvalidArgument(came.status()) && from_cursor_) {
      return OutOfRange(reason::kResyncRequired, "formulation does not read its cursor any more");
    }
    if (!came.ok()) return came.status();
    if (!*came) return std::nullopt;
    follow::Batch batch;
    batch.cursor = response.cursor();
    batch.events = response.events_size();
    for (const pb::Event& event : response.events()) {
      batch.newest = std::max(batch.newest, TimeOf(event));
    }
    batch.apply = [clinic_id = clinic_id_,
                   response = std::move(response)](Connection& conn) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(const std::vector<CourseFocus> focuses, FocusesIn(response, clinic_id));
      for (const CourseFocus& focus : focuses) {
        IPT_RETURN_IF_ERROR(SqlCourseFocuses::PutTold(conn, focus));
      }
      return absl::OkStatus();
    };
    return batch;
  }

  void Cancel() override { stream_->Cancel(); }

 private:
  const std::string clinic_id_;
  const bool from_cursor_;
  const std::unique_ptr<peer::PeerStream> stream_;
};

}  // namespace

// Not the subject that calls scheduling: a token in the process stands for one set of scopes.
peer::LocalCaller CallerOfFormulation() {
  return {.subject = "service:outcomes/focuses",
          .scopes = {"formulation_events.read", "focus.read"},
          .scopes_of_all = {}};
}

absl::StatusOr<CourseFocus> CopyOf(const pb::CourseFocus& focus, absl::string_view clinic_id) {
  FieldViolations bad;
  const std::optional<absl::CivilDay> agreed_on = rpc::ReadDay(focus.agreed_on(), bad, "agreed_on");
  if (!rpc::MatchesPattern(focus.course(), "clinics/{clinic}/courses/{course}", false) ||
      rpc::IdsOf(focus.course())[0] != clinic_id || !agreed_on.has_value()) {
    return Internal("formulation tells a focus that this release cannot read");
  }
  return CourseFocus{.clinic_id = std::string(clinic_id),
                     .course_id = rpc::IdsOf(focus.course())[1],
                     .primary_kind = focus.primary_kind(),
                     .secondary_kind = focus.secondary_kind(),
                     .agreed_on = *agreed_on,
                     .revision_number = focus.revision_number(),
                     .first_primary_kind = focus.first_primary_kind(),
                     .revision = focus.revision()};
}

absl::StatusOr<std::vector<std::string>> FormulationSource::Clinics() {
  std::vector<std::string> clinics;
  IPT_RETURN_IF_ERROR(db_.Read({}, [&](Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(clinics,
                         CopiedDirectory(conn).Clinics("", std::numeric_limits<int>::max()));
    return absl::OkStatus();
  }));
  return clinics;
}

absl::StatusOr<std::unique_ptr<follow::EventStream>> FormulationSource::Watch(
    const std::string& clinic_id, const std::optional<std::string>& cursor) {
  pb::WatchEventsRequest request;
  request.set_parent(absl::StrCat("clinics/", clinic_id));
  if (cursor.has_value()) request.set_cursor(*cursor);
  // Nothing else changes what is agreed.
  request.add_kinds(pb::EVENT_KIND_FORMULATION_AGREED);
  IPT_ASSIGN_OR_RETURN(
      std::unique_ptr<peer::PeerStream> stream,
      formulation_.Open("ipt.formulation.v1.EventService.WatchEvents", request, clinic_id));
  return std::make_unique<FormulationStream>(clinic_id, cursor.has_value(), std::move(stream));
}

absl::Status FormulationSource::List(const std::string& clinic_id, follow::Listing& listing) {
  pb::ListCourseFocusesRequest request;
  request.set_parent(absl::StrCat("clinics/", clinic_id));
  request.set_page_size(kPage);
  return peer::CallPages<pb::ListCourseFocusesResponse>(
      formulation_, "ipt.formulation.v1.FormulationService.ListCourseFocuses", request,
      {.clinic_id = clinic_id, .call_time = kPageTime},
      [&](const pb::ListCourseFocusesResponse& page) {
        return listing.Write([&](Connection& conn) -> absl::Status {
          for (const pb::CourseFocus& focus : page.course_focuses()) {
            IPT_ASSIGN_OR_RETURN(const CourseFocus copy, CopyOf(focus, clinic_id));
            IPT_RETURN_IF_ERROR(SqlCourseFocuses::PutListed(conn, copy, listing.number()));
          }
          return absl::OkStatus();
        });
      });
}

absl::Status FormulationSource::DropUnlisted(Connection& conn, const std::string& clinic_id,
                                             int64_t number) {
  return SqlCourseFocuses::DropUnlisted(conn, clinic_id, number);
}

absl::StatusOr<courses::CopyAge> FormulationSource::AgeOf(Connection& conn,
                                                          absl::string_view clinic_id,
                                                          absl::Time now) {
  IPT_ASSIGN_OR_RETURN(const auto feed,
                       follow::feed_table::Find(conn, {std::string(clinic_id), kFormulation}));
  if (!feed.has_value()) return courses::CopyAge();
  return courses::CopyAge{.as_of = feed->as_of,
                          .current = feed->IsCurrent(now, courses::CourseDemand().max_age)};
}

}  // namespace ipt::outcomes
