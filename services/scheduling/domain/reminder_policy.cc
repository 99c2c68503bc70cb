#include "scheduling/domain/reminder_policy.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

constexpr size_t kMaxSessionRules = 10;
constexpr size_t kMaxCourseRules = 20;
constexpr size_t kMaxTemplateBytes = 64;
constexpr size_t kMaxLanguageBytes = 35;
constexpr int kMinMinutesBefore = 5;
constexpr int kMaxMinutesBefore = 28 * kMinutesOfDay;
constexpr int kMaxWeeksBefore = 12;
constexpr int kMaxAttempts = 20;
// Each day must leave an hour to send in.
constexpr int kMaxQuietMinutes = 23 * 60;

bool IsCourseKind(ReminderKind kind) {
  return (kind >= ReminderKind::kMidCourseReview && kind <= ReminderKind::kNoSessionBooked) ||
         kind == ReminderKind::kProtocolFinding;
}

void CheckMinute(int minute, absl::string_view field, FieldViolations& bad) {
  if (minute < 0 || minute >= kMinutesOfDay) bad.Add(field, "must be 00:00 to 23:59");
}

// What the rules of both lists have in common.
template <typename Rule>
void CheckRule(const Rule& rule, FieldViolations& bad) {
  if (rule.audience != ReminderAudience::kPatient &&
      rule.audience != ReminderAudience::kTherapist) {
    bad.Add("audience", "must be PATIENT or THERAPIST");
  }
  CheckChannels(rule.channels, bad);
  CheckTemplate(rule.template_key, bad);
}

// Subtags of letters and digits, as BCP 47 has them: the gateway knows which there are.
bool IsLanguageTag(absl::string_view tag) {
  if (tag.size() > kMaxLanguageBytes) return false;
  const std::vector<absl::string_view> subtags = absl::StrSplit(tag, '-');
  for (absl::string_view subtag : subtags) {
    if (subtag.empty() || subtag.size() > 8 ||
        !std::all_of(subtag.begin(), subtag.end(), absl::ascii_isalnum)) {
      return false;
    }
  }
  return subtags.front().size() >= 2 &&
         std::all_of(subtags.front().begin(), subtags.front().end(), absl::ascii_isalpha);
}

CourseReminderRule ForTherapist(ReminderKind kind, absl::string_view key, int weeks = 0) {
  return {.kind = kind,
          .audience = ReminderAudience::kTherapist,
          .weeks_before = weeks,
          .channels = {ReminderChannel::kEmail},
          .template_key = std::string(key)};
}

}  // namespace

const ReminderPolicy& DefaultReminderPolicy() {
  static const auto* const kDefault = new ReminderPolicy{
      .session_rules = {},
      .course_rules = {ForTherapist(ReminderKind::kMidCourseReview, "mid-course-review"),
                       ForTherapist(ReminderKind::kTerminationStart, "termination-start"),
                       ForTherapist(ReminderKind::kDeadlineAhead, "deadline-ahead", 4),
                       ForTherapist(ReminderKind::kDeadlineAhead, "deadline-ahead", 2),
                       ForTherapist(ReminderKind::kDeadlineAhead, "deadline-ahead", 1),
                       ForTherapist(ReminderKind::kDeadlineDay, "deadline-day"),
                       ForTherapist(ReminderKind::kOverdue, "overdue"),
                       ForTherapist(ReminderKind::kNoSessionBooked, "no-session-booked"),
                       ForTherapist(ReminderKind::kProtocolFinding, "protocol-finding")},
      .quiet_hours = QuietHours{20 * 60, 8 * 60, QuietHoursShift::kEarlier},
      .course_reminder_minute = ReminderDefaults::kCourseReminderMinute,
      .max_attempts = ReminderDefaults::kMaxAttempts,
      .after_unknown = ReminderDefaults::kAfterUnknown};
  return *kDefault;
}

HeldReminderPolicy PolicyOf(const ReminderSettings& settings, bool of_course) {
  if (of_course && settings.course.has_value()) return *settings.course;
  HeldReminderPolicy held;
  if (settings.clinic.has_value()) {
    held = *settings.clinic;
  } else {
    held.policy = DefaultReminderPolicy();
  }
  held.inherited = of_course;
  return held;
}

void CheckChannels(const std::vector<ReminderChannel>& channels, FieldViolations& bad) {
  if (channels.empty()) bad.Add("channels", "must name at least one channel");
  std::set<ReminderChannel> seen;
  for (size_t i = 0; i < channels.size(); ++i) {
    if (channels[i] < ReminderChannel::kSms || channels[i] > ReminderChannel::kLetter) {
      bad.At("channels", i).Add("", "must be a channel");
    } else if (!seen.insert(channels[i]).second) {
      bad.At("channels", i).Add("", "must not be named twice");
    }
  }
}

void CheckTemplate(absl::string_view key, FieldViolations& bad) {
  const bool fits = std::all_of(key.begin(), key.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.';
  });
  if (key.empty() || key.size() > kMaxTemplateBytes || !fits) {
    bad.Add("template", "must be 1 to 64 of A-Z, a-z, 0-9, \"_\", \"-\" and \".\"");
  }
}

void CheckReminderPolicy(const ReminderPolicy& policy, FieldViolations bad) {
  if (policy.session_rules.size() > kMaxSessionRules)
    bad.Add("session_rules", "must be at most 10");
  std::set<std::pair<ReminderAudience, int>> sessions;
  for (size_t i = 0; i < policy.session_rules.size(); ++i) {
    const SessionReminderRule& rule = policy.session_rules[i];
    FieldViolations at = bad.At("session_rules", i);
    CheckRule(rule, at);
    if (rule.minutes_before < kMinMinutesBefore || rule.minutes_before > kMaxMinutesBefore) {
      at.Add("minutes_before", "must be 5 to 40320");
    } else if (!sessions.emplace(rule.audience, rule.minutes_before).second) {
      at.Add("minutes_before", "must differ from the audience's other rules");
    }
  }

  if (policy.course_rules.size() > kMaxCourseRules) bad.Add("course_rules", "must be at most 20");
  std::set<std::tuple<ReminderKind, ReminderAudience, int>> courses;
  for (size_t i = 0; i < policy.course_rules.size(); ++i) {
    const CourseReminderRule& rule = policy.course_rules[i];
    FieldViolations at = bad.At("course_rules", i);
    CheckRule(rule, at);
    if (!IsCourseKind(rule.kind)) {
      at.Add("kind", "must be a kind that is about the course, and not MEASURE_DUE");
      continue;
    }
    if (rule.kind == ReminderKind::kProtocolFinding &&
        rule.audience == ReminderAudience::kPatient) {
      at.Add("audience", "must be THERAPIST for PROTOCOL_FINDING");
    }
    if (rule.kind != ReminderKind::kDeadlineAhead) {
      if (rule.weeks_before != 0) at.Add("weeks_before", "must be unset but for DEADLINE_AHEAD");
    } else if (rule.weeks_before < 1 || rule.weeks_before > kMaxWeeksBefore) {
      at.Add("weeks_before", "must be 1 to 12 for DEADLINE_AHEAD");
    }
    if (!courses.emplace(rule.kind, rule.audience, rule.weeks_before).second) {
      at.Add("kind", "must differ from the other rules, or in audience or weeks_before");
    }
  }

  if (policy.quiet_hours.has_value()) {
    const QuietHours& quiet = *policy.quiet_hours;
    FieldViolations in = bad.In("quiet_hours");
    CheckMinute(quiet.start_minute, "start", in);
    CheckMinute(quiet.end_minute, "end", in);
    int minutes = quiet.end_minute - quiet.start_minute;
    if (minutes <= 0) minutes += kMinutesOfDay;
    if (minutes > kMaxQuietMinutes) in.Add("end", "must leave an hour of each day to send in");
    if (quiet.shift > QuietHoursShift::kLater || quiet.shift < QuietHoursShift::kUnspecified) {
      in.Add("shift", "must be EARLIER or LATER");
    }
  }
  if (policy.course_reminder_minute.has_value()) {
    CheckMinute(*policy.course_reminder_minute, "course_reminder_time", bad);
  }
  if (policy.max_attempts < 0 || policy.max_attempts > kMaxAttempts) {
    bad.Add("max_attempts", "must be 1 to 20, or 0 for 8");
  }
  if (policy.after_unknown < AfterUnknown::kUnspecified ||
      policy.after_unknown > AfterUnknown::kHold) {
    bad.Add("after_unknown", "must be RESEND or HOLD");
  }
}

void CheckContactPreferences(const ContactPreferences& preferences, FieldViolations bad) {
  if (!preferences.opted_out.empty()) {
    std::set<ReminderChannel> seen;
    for (size_t i = 0; i < preferences.opted_out.size(); ++i) {
      const ReminderChannel channel = preferences.opted_out[i];
      if (channel < ReminderChannel::kSms || channel > ReminderChannel::kLetter) {
        bad.At("opted_out", i).Add("", "must be a channel");
      } else if (!seen.insert(channel).second) {
        bad.At("opted_out", i).Add("", "must not be named twice");
      }
    }
  }
  if (!preferences.language.empty() && !IsLanguageTag(preferences.language)) {
    bad.Add("language", "must be a BCP 47 tag such as en-GB");
  }
  if (!preferences.time_zone.empty() && !LoadZone(preferences.time_zone).ok()) {
    bad.Add("time_zone", "must be an IANA time zone such as Europe/London");
  }
}

}  // namespace ipt::scheduling
