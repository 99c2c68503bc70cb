#include "course_copies/link/scheduling_directory.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "course_copies/link/course_proto.h"
#include "course_copies/link/scheduling_source.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/follow/feed_table.h"
#include "platform/peer/pages.h"

namespace ipt::courses {
namespace {

namespace pb = ::ipt::scheduling::v1;

constexpr int kSessionsPage = 1000;
// Handlers that wait for scheduling at once. In one process it answers on the same threads.
constexpr int kMostAsking = 8;
// What keeping an answer may take beyond asking.
constexpr absl::Duration kKeepTime = absl::Milliseconds(200);

}  // namespace

SchedulingDirectory::SchedulingDirectory(storage::Database& db, peer::Peer& scheduling,
                                         DirectoryOptions options)
    : db_(db), scheduling_(scheduling), options_(std::move(options)), copies_(db) {}

absl::StatusOr<CopiedCourse> SchedulingDirectory::Ask(absl::string_view clinic_id,
                                                      absl::string_view course_id,
                                                      int64_t min_revision, absl::Time deadline) {
  const peer::CallOptions options{.clinic_id = std::string(clinic_id),
                                  .deadline = deadline,
                                  .call_time = options_.attempt_time};
  pb::GetCourseRequest get;
  get.set_name(absl::StrCat("clinics/", clinic_id, "/courses/", course_id));
  get.set_min_revision(min_revision);
  get.set_consistency(ipt::common::v1::CONSISTENCY_FRESH);
  pb::Course course;
  IPT_RETURN_IF_ERROR(
      scheduling_.Call("ipt.scheduling.v1.CourseService.GetCourse", get, course, options));
  IPT_ASSIGN_OR_RETURN(CopiedCourse copy, CopyOf(course, clinic_id));

  pb::ListSessionsRequest list;
  list.set_parent(get.name());
  list.set_page_size(kSessionsPage);
  list.set_min_revision(course.revision());
  IPT_RETURN_IF_ERROR(peer::CallPages<pb::ListSessionsResponse>(
      scheduling_, "ipt.scheduling.v1.SessionService.ListSessions", list, options,
      [&](const pb::ListSessionsResponse& page) -> absl::Status {
        for (const pb::Session& session : page.sessions()) {
          IPT_ASSIGN_OR_RETURN(SessionOfCourse told, CopyOf(session, clinic_id));
          copy.sessions.push_back(std::move(told.session));
        }
        return absl::OkStatus();
      }));
  std::sort(copy.sessions.begin(), copy.sessions.end(), [](const auto& a, const auto& b) {
    return std::tie(a.start, a.session_id) < std::tie(b.start, b.session_id);
  });
  return copy;
}

absl::StatusOr<CourseAnswer> SchedulingDirectory::FindCourse(absl::string_view clinic_id,
                                                             absl::string_view course_id,
                                                             const CourseDemand& demand,
                                                             absl::Time now, absl::Time deadline) {
  storage::CallOptions options;
  options.deadline = deadline;
  std::optional<SqlCourseCopies::Found> found;
  std::optional<follow::FeedPosition> feed;
  IPT_RETURN_IF_ERROR(db_.Read(options, [&](storage::Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(found, SqlCourseCopies::Find(conn, clinic_id, course_id));
    IPT_ASSIGN_OR_RETURN(feed,
                         follow::feed_table::Find(conn, {std::string(clinic_id), kScheduling}));
    return absl::OkStatus();
  }));
  CourseAnswer answer;
  if (found.has_value()) {
    answer.as_of = found->copied_at;
    // While everything is listed anew, the rest of the clinic says nothing of this course.
    if (feed.has_value() && !feed->cursor.empty()) {
      answer.as_of = std::max(answer.as_of, feed->as_of);
    }
    answer.course = std::move(found->course);
    if (answer.Age(now) <= demand.max_age && answer.course->revision >= demand.min_revision) {
      answer.known = CourseAnswer::Known::kVerified;
      return answer;
    }
  }

  if (++asking_ > kMostAsking) {
    --asking_;
    answer.why = Unavailable(reason::kOverloaded, "too many calls wait for scheduling already",
                             absl::Seconds(1));
    return answer;
  }
  absl::StatusOr<CopiedCourse> asked =
      Ask(clinic_id, course_id, demand.min_revision, std::min(deadline, now + options_.ask_time));
  --asking_;
  if (IsNoSuchCourse(asked.status(), clinic_id, course_id)) {
    return CourseAnswer{.known = CourseAnswer::Known::kAbsent, .as_of = now};
  }
  if (!asked.ok()) {
    answer.why = asked.status();
    return answer;
  }
  if (!answer.course.has_value() && options_.unknown_course != nullptr) options_.unknown_course();
  // What was found out is an answer, whether or not it can be kept.
  copies_.PutAnswer(*asked, now, std::min(deadline, now + options_.ask_time + kKeepTime))
      .IgnoreError();
  answer.course = *std::move(asked);
  answer.as_of = now;
  answer.known = CourseAnswer::Known::kVerified;
  return answer;
}

absl::StatusOr<CopyAge> SchedulingDirectory::AgeOf(storage::Connection& conn,
                                                   absl::string_view clinic_id, absl::Time now) {
  IPT_ASSIGN_OR_RETURN(const auto feed,
                       follow::feed_table::Find(conn, {std::string(clinic_id), kScheduling}));
  if (!feed.has_value()) return CopyAge();
  return CopyAge{.as_of = feed->as_of, .current = feed->IsCurrent(now, CourseDemand().max_age)};
}

absl::StatusOr<ListedCourses> SchedulingDirectory::ListCourses(absl::string_view clinic_id,
                                                               const CourseListing& listing,
                                                               absl::Time now,
                                                               absl::Time deadline) {
  storage::CallOptions options;
  options.deadline = deadline;
  ListedCourses listed;
  IPT_RETURN_IF_ERROR(db_.Read(options, [&](storage::Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(listed.courses, SqlCourseCopies::List(conn, clinic_id, listing));
    IPT_ASSIGN_OR_RETURN(listed.age, AgeOf(conn, clinic_id, now));
    return absl::OkStatus();
  }));
  return listed;
}

absl::StatusOr<std::optional<absl::Time>> SchedulingDirectory::CopiedUntil(
    absl::string_view clinic_id, absl::Time deadline) {
  storage::CallOptions options;
  options.deadline = deadline;
  options.single_statement = true;
  std::optional<follow::FeedPosition> feed;
  IPT_RETURN_IF_ERROR(db_.Read(options, [&](storage::Connection& conn) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(feed,
                         follow::feed_table::Find(conn, {std::string(clinic_id), kScheduling}));
    return absl::OkStatus();
  }));
  if (!feed.has_value() || feed->cursor.empty()) return std::optional<absl::Time>();
  return std::optional<absl::Time>(feed->as_of);
}

}  // namespace ipt::courses
