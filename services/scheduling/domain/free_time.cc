#include "scheduling/domain/free_time.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/availability.h"
#include "scheduling/domain/calendar_loader.h"
#include "scheduling/domain/course_edit.h"
#include "scheduling/domain/course_state.h"
#include "scheduling/domain/planner.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/variants.h"

namespace ipt::scheduling {
namespace {

constexpr int kPage = 1000;
constexpr absl::Duration kFirstStretch = absl::Hours(24 * 7);
// A plan leaves this much time for being booked.
constexpr absl::Duration kBookingTime = absl::Minutes(1);

// The active therapists that the query is about, by id.
absl::StatusOr<std::vector<std::string>> TherapistsOf(SchedulingReader& reader,
                                                      const CallContext& ctx,
                                                      const SlotQuery& query) {
  TherapistFilter filter;
  filter.active_only = true;
  filter.language = query.language;
  filter.variant = query.variant_id;
  std::set<std::string> fitting;
  std::string after;
  while (true) {
    IPT_ASSIGN_OR_RETURN(const auto page,
                         reader.ListTherapists(ctx.clinic_id, filter, after, kPage));
    for (const Therapist& therapist : page) fitting.insert(therapist.therapist_id);
    if (page.size() < kPage) break;
    after = page.back().therapist_id;
  }
  if (query.therapist_ids.empty()) {
    if (fitting.empty()) IPT_RETURN_IF_ERROR(reader.GetClinic(ctx.clinic_id).status());
    return std::vector<std::string>(fitting.begin(), fitting.end());
  }
  std::set<std::string> asked;
  for (const std::string& id : query.therapist_ids) {
    if (fitting.contains(id)) {
      asked.insert(id);
    } else {
      IPT_RETURN_IF_ERROR(reader.GetTherapist(ctx.clinic_id, id).status());
    }
  }
  return std::vector<std::string>(asked.begin(), asked.end());
}

}  // namespace

absl::StatusOr<std::vector<Slot>> FindSlots(SchedulingReader& reader, const CallContext& ctx,
                                            const SlotQuery& query,
                                            const std::optional<SlotCursor>& after, int limit) {
  std::optional<Course> course;
  if (!query.course_id.empty()) {
    IPT_ASSIGN_OR_RETURN(course, reader.GetCourse(ctx.clinic_id, query.course_id));
  }
  std::optional<Session> ignored;
  if (!query.ignore_session_id.empty()) {
    IPT_ASSIGN_OR_RETURN(
        ignored, reader.GetSession(ctx.clinic_id, query.ignore_course_id, query.ignore_session_id));
  }
  const Session* ignore = ignored.has_value() ? &*ignored : nullptr;
  IPT_ASSIGN_OR_RETURN(const auto therapists, TherapistsOf(reader, ctx, query));

  ClinicCalendars calendars(reader, ctx.clinic_id);
  absl::Time from = std::max(query.within.start, ctx.now);
  if (after.has_value()) from = std::max(from, after->start);
  // Stretch by stretch, so that a page of near slots does not read three months of everyone.
  absl::Duration stretch = kFirstStretch;
  std::vector<Slot> slots;
  while (from < query.within.end && !therapists.empty()) {
    const absl::Time to = std::min(query.within.end, from + stretch);
    std::vector<Slot> found;
    for (const std::string& therapist_id : therapists) {
      // Sessions may reach past the stretch that their starts lie in.
      const Interval window{from, std::min(query.within.end, to + absl::Hours(4))};
      auto inputs = course.has_value()
                        ? calendars.ForTherapistAndCourse(therapist_id, *course, window, ignore)
                        : calendars.ForTherapist(therapist_id, window, ignore);
      IPT_RETURN_IF_ERROR(inputs.status());
      if (query.session_minutes != 0) inputs->session_minutes = query.session_minutes;
      const absl::Duration length = absl::Minutes(inputs->session_minutes);
      for (absl::Time start : FindFreeStarts(*inputs, window)) {
        if (start >= to) break;
        if (start <= ctx.now) continue;
        if (after.has_value() &&
            std::tie(start, therapist_id) <= std::tie(after->start, after->therapist_id)) {
          continue;
        }
        found.push_back({therapist_id, {start, start + length}});
      }
    }
    std::sort(found.begin(), found.end(), [](const Slot& a, const Slot& b) {
      return std::tie(a.interval.start, a.therapist_id) <
             std::tie(b.interval.start, b.therapist_id);
    });
    const size_t room = static_cast<size_t>(limit) - slots.size();
    if (found.size() > room) found.resize(room);
    slots.insert(slots.end(), found.begin(), found.end());
    if (slots.size() >= static_cast<size_t>(limit)) break;
    from = to;
    stretch *= 2;
  }
  return slots;
}

absl::StatusOr<PlannedCourse> PlanSessions(SchedulingReader& reader, const CallContext& ctx,
                                           const std::string& course_id, absl::Time earliest,
                                           int session_count) {
  IPT_ASSIGN_OR_RETURN(Course course, reader.GetCourse(ctx.clinic_id, course_id));
  IPT_RETURN_IF_ERROR(CheckOpen(course));
  const Variant* variant = FindVariant(course.variant_id);
  if (variant == nullptr) return Internal("a stored course has an unknown variant");
  IPT_ASSIGN_OR_RETURN(const auto sessions, AllSessions(reader, ctx.clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
  ClinicCalendars calendars(reader, ctx.clinic_id);
  IPT_ASSIGN_OR_RETURN(const Clinic* clinic, calendars.GetClinic());
  const Variant phased = PhasedBy(clinic->policy, *variant);
  const PlanRequest request{
      .course = course,
      .variant = phased,
      .sessions = sessions,
      .zone = zone,
      .pause_cap_days = clinic->policy.pause_cap_days.value_or(PolicyDefaults::kPauseCapDays),
      .earliest = std::max(earliest, ctx.now + kBookingTime),
      .session_count = session_count};
  const Interval window = PlanWindow(request);
  CalendarInputs inputs;
  if (window.start < window.end) {
    IPT_ASSIGN_OR_RETURN(inputs, calendars.ForCourse(course, sessions, window));
  }
  CoursePlan plan = PlanCourse(request, inputs);
  return PlannedCourse{std::move(course), std::move(plan)};
}

}  // namespace ipt::scheduling
