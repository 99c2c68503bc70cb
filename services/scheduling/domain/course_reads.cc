#include "scheduling/domain/course_reads.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/transaction/min_revision.h"
#include "scheduling/domain/course_edit.h"
#include "scheduling/domain/course_state.h"
#include "scheduling/domain/names.h"

namespace ipt::scheduling {
namespace {

constexpr size_t kReadBatch = 25;

// Whether the store could not write, though it may still read.
bool WritesRefused(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsAborted(status);
}

// Replaces the courses of `ids` in `courses` by what they are at ctx.now.
absl::Status Refresh(SchedulingStore& store, const CallContext& ctx,
                     const std::set<std::string>& ids, std::vector<Course>& courses) {
  std::map<std::string, Course> fresh;
  const std::vector<std::string> sorted(ids.begin(), ids.end());
  for (size_t first = 0; first < sorted.size(); first += kReadBatch) {
    const size_t last = std::min(sorted.size(), first + kReadBatch);
    absl::Status status = store.Write(ctx.deadline, [&](SchedulingTx& tx) -> absl::Status {
      ClinicCalendars calendars(tx, ctx.clinic_id);
      for (size_t i = first; i < last; ++i) {
        IPT_ASSIGN_OR_RETURN(fresh[sorted[i]],
                             RefreshCourse(tx, calendars, ctx.clinic_id, sorted[i], ctx.now));
      }
      return absl::OkStatus();
    });
    if (WritesRefused(status)) {
      status = store.Read(ctx.deadline, [&](SchedulingReader& reader) -> absl::Status {
        ClinicCalendars calendars(reader, ctx.clinic_id);
        for (size_t i = first; i < last; ++i) {
          IPT_ASSIGN_OR_RETURN(fresh[sorted[i]],
                               CourseAt(reader, calendars, ctx.clinic_id, sorted[i], ctx.now));
        }
        return absl::OkStatus();
      });
    }
    IPT_RETURN_IF_ERROR(status);
  }
  for (Course& course : courses) {
    if (auto it = fresh.find(course.course_id); it != fresh.end()) course = it->second;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::set<std::string>> Stale(SchedulingReader& reader, const CallContext& ctx,
                                            const std::vector<Course>& courses) {
  ClinicCalendars calendars(reader, ctx.clinic_id);
  std::set<std::string> stale;
  for (const Course& course : courses) {
    IPT_ASSIGN_OR_RETURN(const bool fresh, IsFresh(calendars, course, ctx.now));
    if (!fresh) stale.insert(course.course_id);
  }
  return stale;
}

template <typename T>
bool Allows(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

// What of the filter depends on derived values.
bool Matches(const CourseFilter& filter, const Course& course) {
  if (!Allows(filter.states, course.state)) return false;
  if (filter.deadline_before.has_value() &&
      (!IsOpen(course.state) || course.progress.deadline_day >= *filter.deadline_before)) {
    return false;
  }
  return filter.forecast_states.empty() ||
         (course.forecast.has_value() && Allows(filter.forecast_states, course.forecast->state));
}

}  // namespace

absl::StatusOr<std::vector<Course>> ReadCourses(SchedulingStore& store, const CallContext& ctx,
                                                const std::vector<std::string>& ids,
                                                int64_t min_revision) {
  std::vector<Course> courses;
  std::set<std::string> stale;
  IPT_RETURN_IF_ERROR(store.Read(ctx.deadline, [&](SchedulingReader& reader) -> absl::Status {
    courses.clear();
    IPT_RETURN_IF_ERROR(CheckMinRevision(reader, min_revision));
    for (const std::string& id : ids) {
      IPT_ASSIGN_OR_RETURN(Course course, reader.GetCourse(ctx.clinic_id, id));
      courses.push_back(std::move(course));
    }
    IPT_ASSIGN_OR_RETURN(stale, Stale(reader, ctx, courses));
    return absl::OkStatus();
  }));
  IPT_RETURN_IF_ERROR(Refresh(store, ctx, stale, courses));
  return courses;
}

absl::StatusOr<CoursePage> ReadCoursePage(SchedulingStore& store, const CallContext& ctx,
                                          const CourseFilter& filter, absl::string_view after_id,
                                          int size, int64_t min_revision) {
  CoursePage page;
  std::set<std::string> stale;
  IPT_RETURN_IF_ERROR(store.Read(ctx.deadline, [&](SchedulingReader& reader) -> absl::Status {
    page = {};
    IPT_RETURN_IF_ERROR(CheckMinRevision(reader, min_revision));
    IPT_ASSIGN_OR_RETURN(page.courses,
                         reader.ListCourses(ctx.clinic_id, filter, after_id, size + 1));
    if (page.courses.size() > static_cast<size_t>(size)) {
      page.courses.pop_back();
      page.next = page.courses.back().course_id;
    }
    if (page.courses.empty() && after_id.empty()) {
      IPT_RETURN_IF_ERROR(reader.GetClinic(ctx.clinic_id).status());
    }
    IPT_ASSIGN_OR_RETURN(stale, Stale(reader, ctx, page.courses));
    return absl::OkStatus();
  }));
  IPT_RETURN_IF_ERROR(Refresh(store, ctx, stale, page.courses));
  std::erase_if(page.courses, [&](const Course& course) {
    return stale.contains(course.course_id) && !Matches(filter, course);
  });
  return page;
}

absl::StatusOr<Forecast> ReadForecast(SchedulingReader& reader, const CallContext& ctx,
                                      absl::string_view course_id) {
  IPT_ASSIGN_OR_RETURN(Course course, reader.GetCourse(ctx.clinic_id, course_id));
  if (!IsOpen(course.state)) {
    return CourseStateError(course, "a closed course has no forecast");
  }
  ClinicCalendars calendars(reader, ctx.clinic_id);
  IPT_ASSIGN_OR_RETURN(auto sessions, AllSessions(reader, ctx.clinic_id, course_id));
  IPT_RETURN_IF_ERROR(Derive(calendars, course, sessions, ctx.now).status());
  if (!course.forecast.has_value()) return Internal("an open course without a forecast");
  return *course.forecast;
}

}  // namespace ipt::scheduling
