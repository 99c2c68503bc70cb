#include "course_copies/link/scheduling_source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "course_copies/link/course_proto.h"
#include "course_copies/storage/sql_course_copies.h"
#include "course_copies/storage/sql_therapist_copies.h"
#include "ipt/scheduling/v1/clinic_service.pb.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "ipt/scheduling/v1/event_service.pb.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "ipt/scheduling/v1/therapist_service.pb.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"
#include "platform/peer/pages.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"

namespace ipt::courses {
namespace {

namespace pb = ::ipt::scheduling::v1;
using storage::Connection;

// A page is one call and one transaction.
constexpr int kPage = 200;
constexpr absl::Duration kPageTime = absl::Seconds(10);
// Before each cursor that is kept: the copy that it belongs to has therapists. One without it is of
// a release whose copy had none, and that copy is made anew.
constexpr char kWithTherapists[] = "t:";

absl::Status PutCourse(Connection& conn, const std::string& clinic_id, const pb::Course& course,
                       const CopyStamp& stamp, CopyListener* listener) {
  IPT_ASSIGN_OR_RETURN(const CopiedCourse copy, CopyOf(course, clinic_id));
  IPT_ASSIGN_OR_RETURN(const bool newest, SqlCourseCopies::PutCourse(conn, copy, stamp));
  return newest && listener != nullptr ? listener->OnCourse(conn, copy) : absl::OkStatus();
}

absl::Status PutSession(Connection& conn, const std::string& clinic_id, const pb::Session& session,
                        const CopyStamp& stamp) {
  IPT_ASSIGN_OR_RETURN(const SessionOfCourse copy, CopyOf(session, clinic_id));
  return SqlCourseCopies::PutSession(conn, clinic_id, copy.course_id, copy.session, stamp);
}

absl::Status PutTherapist(Connection& conn, const std::string& clinic_id,
                          const pb::Therapist& therapist, const CopyStamp& stamp) {
  IPT_ASSIGN_OR_RETURN(const CopiedTherapist copy, CopyOf(therapist, clinic_id));
  return SqlTherapistCopies::PutTherapist(conn, copy, stamp);
}

absl::Status PutTimeOff(Connection& conn, const std::string& clinic_id, const pb::TimeOff& time_off,
                        const CopyStamp& stamp) {
  IPT_ASSIGN_OR_RETURN(const TimeOffOfTherapist copy, CopyOf(time_off, clinic_id));
  return SqlTherapistCopies::PutTimeOff(conn, clinic_id, copy.therapist_id, copy.time_off, stamp);
}

absl::Status DeleteTimeOff(Connection& conn, const std::string& clinic_id,
                           const pb::TimeOff& time_off) {
  IPT_ASSIGN_OR_RETURN(const TimeOffOfTherapist copy, CopyOf(time_off, clinic_id));
  return SqlTherapistCopies::DeleteTimeOff(conn, clinic_id, copy.therapist_id,
                                           copy.time_off.time_off_id);
}

// Of a call for one page of a clinic's lists.
peer::CallOptions OptionsFor(const std::string& clinic_id) {
  return {.clinic_id = clinic_id, .call_time = kPageTime};
}

absl::Time TimeOf(const pb::Event& event) {
  FieldViolations ignored;
  return rpc::ReadTime(event.time(), ignored, "time").value_or(absl::UnixEpoch());
}

// Kinds that later releases add, and what a copy has no use for, are passed over.
absl::Status Apply(Connection& conn, const std::string& clinic_id, const pb::Event& event,
                   CopyListener* listener) {
  const CopyStamp stamp{.source = CopySource::kEvent, .at = TimeOf(event)};
  switch (event.payload().event_case()) {
    case pb::SchedulingEvent::kCourseChanged:
      return PutCourse(conn, clinic_id, event.payload().course_changed(), stamp, listener);
    case pb::SchedulingEvent::kForecastChanged:
      return PutCourse(conn, clinic_id, event.payload().forecast_changed().course(), stamp,
                       listener);
    case pb::SchedulingEvent::kSessionChanged:
      return PutSession(conn, clinic_id, event.payload().session_changed(), stamp);
    case pb::SchedulingEvent::kTherapistChanged:
      return PutTherapist(conn, clinic_id, event.payload().therapist_changed(), stamp);
    case pb::SchedulingEvent::kTimeOffCreated:
      return PutTimeOff(conn, clinic_id, event.payload().time_off_created(), stamp);
    case pb::SchedulingEvent::kTimeOffMoved:
      return PutTimeOff(conn, clinic_id, event.payload().time_off_moved(), stamp);
    case pb::SchedulingEvent::kTimeOffDeleted:
      return DeleteTimeOff(conn, clinic_id, event.payload().time_off_deleted());
    default:
      return absl::OkStatus();
  }
}

class SchedulingStream final : public follow::EventStream {
 public:
  SchedulingStream(std::string clinic_id, bool from_cursor,
                   std::unique_ptr<peer::PeerStream> stream, CopyListener* listener)
      : clinic_id_(std::move(clinic_id)),
        from_cursor_(from_cursor),
        stream_(std::move(stream)),
        listener_(listener) {}

  absl::StatusOr<std::optional<follow::Batch>> Next() override {
    auto response = std::make_shared<pb::WatchEventsResponse>();
    const absl::StatusOr<bool> came = stream_->Read(*response);
    if (absl::IsInvalidArgument(came.status()) && from_cursor_) {
      return OutOfRange(reason::kResyncRequired, "scheduling does not read its cursor any more");
    }
    if (!came.ok()) return came.status();
    if (!*came) return std::nullopt;
    follow::Batch batch;
    batch.cursor = absl::StrCat(kWithTherapists, response->cursor());
    batch.events = response->events_size();
    for (const pb::Event& event : response->events()) {
      batch.newest = std::max(batch.newest, TimeOf(event));
    }
    batch.apply = [clinic_id = clinic_id_, response,
                   listener = listener_](Connection& conn) -> absl::Status {
      for (const pb::Event& event : response->events()) {
        IPT_RETURN_IF_ERROR(Apply(conn, clinic_id, event, listener));
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
  CopyListener* const listener_;
};

}  // namespace

peer::LocalCaller CallerOfScheduling(absl::string_view service) {
  return {.subject = absl::StrCat("service:", service),
          .scopes = {"events.read", "courses.read", "sessions.read", "therapists.read"},
          .scopes_of_all = {"clinics.read"}};
}

absl::StatusOr<std::vector<std::string>> SchedulingSource::Clinics() {
  std::vector<std::string> clinics;
  pb::ListClinicsRequest request;
  request.set_page_size(1000);
  IPT_RETURN_IF_ERROR(peer::CallPages<pb::ListClinicsResponse>(
      scheduling_, "ipt.scheduling.v1.ClinicService.ListClinics", request, {},
      [&](const pb::ListClinicsResponse& page) {
        for (const pb::Clinic& clinic : page.clinics()) {
          if (rpc::MatchesPattern(clinic.name(), "clinics/{clinic}", false)) {
            clinics.push_back(rpc::IdsOf(clinic.name())[0]);
          }
        }
        return absl::OkStatus();
      }));
  return clinics;
}

absl::StatusOr<std::unique_ptr<follow::EventStream>> SchedulingSource::Watch(
    const std::string& clinic_id, const std::optional<std::string>& cursor) {
  pb::WatchEventsRequest request;
  request.set_parent(absl::StrCat("clinics/", clinic_id));
  if (cursor.has_value()) {
    if (!absl::StartsWith(*cursor, kWithTherapists)) {
      return OutOfRange(reason::kResyncRequired, "the copy has no therapists yet");
    }
    request.set_cursor(std::string(absl::StripPrefix(*cursor, kWithTherapists)));
  }
  request.add_kinds(pb::EVENT_KIND_COURSE_CHANGED);
  request.add_kinds(pb::EVENT_KIND_FORECAST_CHANGED);
  request.add_kinds(pb::EVENT_KIND_SESSION_CHANGED);
  request.add_kinds(pb::EVENT_KIND_THERAPIST_CHANGED);
  request.add_kinds(pb::EVENT_KIND_TIME_OFF_CREATED);
  request.add_kinds(pb::EVENT_KIND_TIME_OFF_MOVED);
  request.add_kinds(pb::EVENT_KIND_TIME_OFF_DELETED);
  IPT_ASSIGN_OR_RETURN(
      std::unique_ptr<peer::PeerStream> stream,
      scheduling_.Open("ipt.scheduling.v1.EventService.WatchEvents", request, clinic_id));
  return std::make_unique<SchedulingStream>(clinic_id, cursor.has_value(), std::move(stream),
                                            listener_);
}

absl::Status SchedulingSource::ListTimeOff(const std::string& clinic_id,
                                           const std::string& therapist, const CopyStamp& stamp,
                                           follow::Listing& listing) {
  pb::ListTimeOffRequest request;
  request.set_parent(therapist);
  request.set_page_size(kPage);
  rpc::WriteTime(listing.begun(), request.mutable_start_time());
  return peer::CallPages<pb::ListTimeOffResponse>(
      scheduling_, "ipt.scheduling.v1.TherapistService.ListTimeOff", request, OptionsFor(clinic_id),
      [&](const pb::ListTimeOffResponse& page) {
        if (page.time_off().empty()) return absl::OkStatus();
        return listing.Write([&](Connection& conn) -> absl::Status {
          for (const pb::TimeOff& time_off : page.time_off()) {
            IPT_RETURN_IF_ERROR(PutTimeOff(conn, clinic_id, time_off, stamp));
          }
          return absl::OkStatus();
        });
      });
}

// A therapist after their time off.
absl::Status SchedulingSource::ListTherapists(const std::string& clinic_id, const CopyStamp& stamp,
                                              follow::Listing& listing) {
  pb::ListTherapistsRequest request;
  request.set_parent(absl::StrCat("clinics/", clinic_id));
  request.set_page_size(kPage);
  return peer::CallPages<pb::ListTherapistsResponse>(
      scheduling_, "ipt.scheduling.v1.TherapistService.ListTherapists", request,
      OptionsFor(clinic_id), [&](const pb::ListTherapistsResponse& page) -> absl::Status {
        for (const pb::Therapist& therapist : page.therapists()) {
          IPT_RETURN_IF_ERROR(ListTimeOff(clinic_id, therapist.name(), stamp, listing));
        }
        return listing.Write([&](Connection& conn) -> absl::Status {
          for (const pb::Therapist& therapist : page.therapists()) {
            IPT_RETURN_IF_ERROR(PutTherapist(conn, clinic_id, therapist, stamp));
          }
          return absl::OkStatus();
        });
      });
}

absl::Status SchedulingSource::ListSessions(const std::string& clinic_id, const CopyStamp& stamp,
                                            follow::Listing& listing) {
  pb::ListSessionsRequest request;
  request.set_parent(absl::StrCat("clinics/", clinic_id, "/courses/-"));
  request.set_page_size(kPage);
  return peer::CallPages<pb::ListSessionsResponse>(
      scheduling_, "ipt.scheduling.v1.SessionService.ListSessions", request, OptionsFor(clinic_id),
      [&](const pb::ListSessionsResponse& page) {
        return listing.Write([&](Connection& conn) -> absl::Status {
          for (const pb::Session& session : page.sessions()) {
            IPT_RETURN_IF_ERROR(PutSession(conn, clinic_id, session, stamp));
          }
          return absl::OkStatus();
        });
      });
}

absl::Status SchedulingSource::ListCourses(const std::string& clinic_id, const CopyStamp& stamp,
                                           follow::Listing& listing) {
  pb::ListCoursesRequest request;
  request.set_parent(absl::StrCat("clinics/", clinic_id));
  request.set_page_size(kPage);
  return peer::CallPages<pb::ListCoursesResponse>(
      scheduling_, "ipt.scheduling.v1.CourseService.ListCourses", request, OptionsFor(clinic_id),
      [&](const pb::ListCoursesResponse& page) {
        return listing.Write([&](Connection& conn) -> absl::Status {
          for (const pb::Course& course : page.courses()) {
            IPT_RETURN_IF_ERROR(PutCourse(conn, clinic_id, course, stamp, listener_));
          }
          return absl::OkStatus();
        });
      });
}

absl::Status SchedulingSource::List(const std::string& clinic_id, follow::Listing& listing) {
  const CopyStamp stamp{
      .source = CopySource::kListing, .at = listing.begun(), .listing = listing.number()};

  // Therapists first: whoever is told of a course knows who of them is there.
  const absl::Status therapists = ListTherapists(clinic_id, stamp, listing);
  if (peer::IsNotAllowed(therapists)) {
    // Courses are copied all the same: a token of before there were therapists here must not stop
    // them.
    log::Line(log::Level::kWarning, "therapists_not_copied",
              {{log::Key::kService, kScheduling},
               {log::Key::kClinic, clinic_id},
               {log::Key::kDetail,
                "nobody's leave is known: the token needs the scope therapists.read"}});
  } else {
    IPT_RETURN_IF_ERROR(therapists);
  }
  // Sessions before courses: a course that is there answers for its sessions, too.
  IPT_RETURN_IF_ERROR(ListSessions(clinic_id, stamp, listing));
  return ListCourses(clinic_id, stamp, listing);
}

absl::Status SchedulingSource::DropUnlisted(Connection& conn, const std::string& clinic_id,
                                            int64_t number) {
  IPT_RETURN_IF_ERROR(SqlTherapistCopies::DropUnlisted(conn, clinic_id, number));
  return SqlCourseCopies::DropUnlisted(conn, clinic_id, number);
}

}  // namespace ipt::courses
