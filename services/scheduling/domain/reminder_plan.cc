#include "scheduling/domain/reminder_plan.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/string_view.h"
#include "platform/text/fnv.h"
#include "scheduling/domain/reminder_quiet.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/week_clock.h"

namespace ipt::scheduling {
namespace {

constexpr int kMinutesOfWeek = 7 * kMinutesOfDay;
// Days without a session after which NO_SESSION_BOOKED is due.
constexpr int kIdleDays = 14;

class ReminderPlanner {
 public:
  explicit ReminderPlanner(const ReminderInputs& inputs) : in_(inputs) {}

  std::vector<Reminder> Plan() && {
    if (!IsOpen(in_.course.state)) return {};
    for (const SessionReminderRule& rule : in_.policy.session_rules) {
      for (const Session& session : in_.sessions) {
        if (session.state == SessionState::kBooked) AddSession(rule, session);
      }
    }
    for (const CourseReminderRule& rule : in_.policy.course_rules) AddCourseRule(rule);
    std::sort(planned_.begin(), planned_.end(), [](const Reminder& a, const Reminder& b) {
      return std::tie(a.due, a.key) < std::tie(b.due, b.key);
    });
    return std::move(planned_);
  }

 private:
  const NamedZone& ZoneOf(ReminderAudience audience) const {
    return audience == ReminderAudience::kPatient ? in_.patient_zone : in_.therapist_zone;
  }

  int CourseMinute() const {
    return in_.policy.course_reminder_minute.value_or(ReminderDefaults::kCourseReminderMinute);
  }

  template <typename Rule>
  Reminder New(const Rule& rule, ReminderKind kind, int offset_minutes) const {
    Reminder reminder;
    reminder.clinic_id = in_.course.clinic_id;
    reminder.course_id = in_.course.course_id;
    reminder.key = {.session_id = "",
                    .kind = kind,
                    .audience = rule.audience,
                    .offset_minutes = offset_minutes,
                    .occurrence = 0};
    reminder.therapist_id = in_.course.therapist_id;
    reminder.patient_id = in_.course.patient_id;
    reminder.max_attempts =
        in_.policy.max_attempts == 0 ? ReminderDefaults::kMaxAttempts : in_.policy.max_attempts;
    reminder.hold_unknown = in_.policy.after_unknown == AfterUnknown::kHold;
    reminder.channels = rule.channels;
    reminder.template_key = rule.template_key;
    reminder.variables.time_zone = ZoneOf(rule.audience).name;
    reminder.quiet_from = kNoQuietTime;
    return reminder;
  }

  void AddSession(const SessionReminderRule& rule, const Session& session) {
    Reminder reminder = New(rule, ReminderKind::kSession, rule.minutes_before);
    reminder.key.session_id = session.session_id;
    reminder.therapist_id = session.therapist_id;
    reminder.variables.session_start = session.interval.start;
    reminder.variables.session_end = session.interval.end;
    reminder.variables.modality = session.modality;
    reminder.variables.location = session.location;
    reminder.variables.session_number = session.session_number;
    reminder.not_after = session.interval.start;
    reminder.due = session.interval.start - absl::Minutes(rule.minutes_before);
    if (rule.minutes_before % kMinutesOfDay == 0) {
      const absl::TimeZone& zone = ZoneOf(rule.audience).zone;
      const absl::CivilSecond local = zone.At(session.interval.start).cs;
      const int days = rule.minutes_before / kMinutesOfDay;
      reminder.due = ResolveLocal(local - days * 24 * 3600, zone).instant;
    }
    Add(std::move(reminder));
  }

  void AddCourseRule(const CourseReminderRule& rule) {
    const CourseProgress& progress = in_.course.progress;
    const absl::CivilDay deadline = progress.deadline_day;
    // Else the deadline moves on by a day each day.
    const bool has_deadline = FindCourseStart(in_.sessions, in_.course_zone).has_value();
    switch (rule.kind) {
      case ReminderKind::kMidCourseReview:
        return AddDayOfNumber(rule, progress.mid_course_session);
      case ReminderKind::kTerminationStart:
        return AddDayOfNumber(rule, progress.termination_session);
      case ReminderKind::kDeadlineAhead:
        if (has_deadline) {
          AddDay(rule, deadline - 7 * rule.weeks_before, 1, deadline, rule.weeks_before,
                 rule.weeks_before * kMinutesOfWeek);
        }
        return;
      case ReminderKind::kDeadlineDay:
        if (has_deadline) AddDay(rule, deadline, 1, deadline);
        return;
      case ReminderKind::kOverdue:
        if (has_deadline) AddOverdue(rule, deadline);
        return;
      case ReminderKind::kNoSessionBooked:
        return AddNoSession(rule);
      case ReminderKind::kProtocolFinding:
        return AddFindings(rule);
      default:
        return;
    }
  }

  // Due at the policy's time of `day`, and of use for `days` from that day on; it speaks of
  // `about`.
  void AddDay(const CourseReminderRule& rule, absl::CivilDay day, int days, absl::CivilDay about,
              int weeks = 0, int offset_minutes = 0, int64_t occurrence = 0,
              std::vector<CourseFinding> findings = {}) {
    const absl::TimeZone& zone = ZoneOf(rule.audience).zone;
    Reminder reminder = New(rule, rule.kind, offset_minutes);
    reminder.variables.findings = std::move(findings);
    reminder.key.occurrence = occurrence;
    reminder.variables.day = about;
    reminder.variables.weeks = weeks;
    reminder.due = ResolveLocal(absl::CivilSecond(day) + 60 * CourseMinute(), zone).instant;
    reminder.not_after = DayStart(day + days, zone);
    Add(std::move(reminder));
  }

  // The day of the booked session of that number.
  void AddDayOfNumber(const CourseReminderRule& rule, int number) {
    for (const Session& session : in_.sessions) {
      if (session.state != SessionState::kBooked || session.session_number != number) continue;
      // The day before, where the session is over by the policy's time of day.
      const absl::TimeZone& zone = ZoneOf(rule.audience).zone;
      const absl::CivilDay day = LocalDay(session.interval.start, zone);
      const int before = MinuteOfDay(session.interval.start, zone) <= CourseMinute() ? 1 : 0;
      AddDay(rule, day - before, 1 + before, day);
      return;
    }
  }

  // This week's and the next one's, so that none depends on when the course is looked at again.
  void AddOverdue(const CourseReminderRule& rule, absl::CivilDay deadline) {
    const absl::CivilDay today = LocalDay(in_.now, in_.course_zone);
    const int days_over = static_cast<int>(today - deadline) - 1;
    const int week = days_over < 0 ? 0 : days_over / 7;
    for (int i = week; i <= (days_over < 0 ? week : week + 1); ++i) {
      AddDay(rule, deadline + 1 + 7 * i, 7, deadline, i, 0, i);
    }
  }

  // A fortnight after the last session that is booked or took place; where nobody expects one then,
  // after the pause. Still true until another is booked, so never too late.
  void AddNoSession(const CourseReminderRule& rule) {
    absl::CivilDay last = LocalDay(in_.course.stamp.create_time, in_.course_zone);
    for (const Session& session : in_.sessions) {
      if (session.state != SessionState::kBooked && session.state != SessionState::kAttended) {
        continue;
      }
      last = std::max(last, LocalDay(session.interval.start, in_.course_zone));
    }
    absl::CivilDay day = last + kIdleDays;
    while (InPause(day, in_.course.pauses)) ++day;
    AddDay(rule, day, 3650, last);
  }

  // One each time that something further came to stand out, of all that does; the day after, by
  // which much of it is mended. Still true until it is looked at, so never too late.
  void AddFindings(const CourseReminderRule& rule) {
    std::vector<CourseFinding> grave;
    std::copy_if(in_.course.findings.begin(), in_.course.findings.end(), std::back_inserter(grave),
                 IsGrave);
    if (grave.empty()) return;
    const FindingNote& note = in_.course.finding_note;
    AddDay(rule, note.day + 1, 3650, note.day, 0, 0, note.number, std::move(grave));
  }

  // Heeds quiet hours, opt-outs and absence.
  void Add(Reminder reminder) {
    if (reminder.key.audience == ReminderAudience::kPatient) {
      const ContactPreferences& wishes = in_.preferences;
      reminder.language = wishes.language;
      std::erase_if(reminder.channels, [&](ReminderChannel channel) {
        return std::find(wishes.opted_out.begin(), wishes.opted_out.end(), channel) !=
               wishes.opted_out.end();
      });
      reminder.quiet_hours = in_.policy.quiet_hours;
      if (reminder.quiet_hours.has_value()) {
        Shift(reminder);
        reminder.quiet_hours->shift = QuietHoursShift::kUnspecified;
      }
      if (wishes.gone) {
        reminder.why_not = ReminderWhyNot::kRecipientGone;
      } else if (reminder.channels.empty()) {
        reminder.why_not = ReminderWhyNot::kOptedOut;
      }
    }
    reminder.state = reminder.why_not == ReminderWhyNot::kUnspecified ? ReminderState::kScheduled
                                                                      : ReminderState::kSuppressed;
    reminder.next = reminder.due;
    planned_.push_back(std::move(reminder));
  }

  void Shift(Reminder& reminder) const {
    const QuietHours& quiet = *reminder.quiet_hours;
    const absl::TimeZone& zone = in_.patient_zone.zone;
    bool later = quiet.shift == QuietHoursShift::kLater;
    const absl::Time wanted = reminder.due;
    while (const auto hours = QuietHoursAt(quiet, zone, reminder.due)) {
      if (later && hours->end >= reminder.not_after) {
        later = false;
        reminder.due = wanted;
        continue;
      }
      reminder.due = later ? hours->end : hours->start - absl::Minutes(1);
    }
  }

  const ReminderInputs& in_;
  std::vector<Reminder> planned_;
};

// Over everything that makes up a list of reminders.
class ReminderDigest : public Fnv {
 public:
  using Fnv::Add;
  void Add(absl::Time value) { Add(absl::ToUnixMicros(value)); }
  void Add(const std::optional<absl::Time>& value) {
    Add(static_cast<int64_t>(value.has_value()));
    if (value.has_value()) Add(*value);
  }
  // Positive.
  int64_t digest() const {
    const auto digest = static_cast<int64_t>(value() >> 1);
    return digest == 0 ? 1 : digest;
  }
};

}  // namespace

std::vector<Reminder> DesiredReminders(const ReminderInputs& inputs) {
  return ReminderPlanner(inputs).Plan();
}

int64_t DigestOf(const std::vector<Reminder>& desired) {
  ReminderDigest fnv;
  for (const Reminder& r : desired) {
    fnv.Add(r.key.session_id);
    fnv.Add(r.key.kind);
    fnv.Add(r.key.audience);
    fnv.Add(int64_t{r.key.offset_minutes});
    fnv.Add(r.key.occurrence);
    fnv.Add(r.therapist_id);
    fnv.Add(r.patient_id);
    fnv.Add(r.due);
    fnv.Add(r.not_after);
    fnv.Add(r.why_not);
    fnv.Add(int64_t{r.max_attempts});
    fnv.Add(int64_t{r.hold_unknown});
    fnv.Add(static_cast<int64_t>(r.channels.size()));
    for (const ReminderChannel channel : r.channels) fnv.Add(channel);
    fnv.Add(r.template_key);
    fnv.Add(r.language);
    fnv.Add(r.variables.session_start);
    fnv.Add(r.variables.session_end);
    fnv.Add(r.variables.time_zone);
    fnv.Add(r.variables.modality);
    fnv.Add(r.variables.location);
    fnv.Add(int64_t{r.variables.session_number});
    fnv.Add(r.variables.day.has_value() ? *r.variables.day - absl::CivilDay(1970, 1, 1) + 1
                                        : int64_t{0});
    fnv.Add(int64_t{r.variables.weeks});
    for (const CourseFinding& finding : r.variables.findings) {
      fnv.Add(finding.finding_id);
      fnv.Add(finding.severity);
      fnv.Add(finding.since_day - absl::CivilDay(1970, 1, 1));
    }
    fnv.Add(int64_t{r.quiet_hours.has_value() ? r.quiet_hours->start_minute : -1});
    fnv.Add(int64_t{r.quiet_hours.has_value() ? r.quiet_hours->end_minute : -1});
  }
  return fnv.digest();
}

}  // namespace ipt::scheduling
