#include "scheduling/domain/reminder_rewrite.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "scheduling/domain/reminder_quiet.h"
#include "scheduling/domain/time_zone.h"

namespace ipt::scheduling {
namespace {

// Those of one session to one recipient: of several that are late, one is enough.
using Group = std::pair<std::string, ReminderAudience>;

bool IsSession(const Reminder& reminder) { return reminder.key.kind == ReminderKind::kSession; }

Group GroupOf(const Reminder& reminder) { return {reminder.key.session_id, reminder.key.audience}; }

bool SameContent(const Reminder& a, const Reminder& b) {
  const auto content = [](const Reminder& r) {
    return std::tie(r.therapist_id, r.patient_id, r.not_after, r.max_attempts, r.hold_unknown,
                    r.channels, r.template_key, r.language, r.variables, r.quiet_hours);
  };
  return content(a) == content(b);
}

bool IsQuiet(const Reminder& wanted, absl::Time instant) {
  if (!wanted.quiet_hours.has_value()) return false;
  const auto zone = StoredZone(wanted.variables.time_zone);
  return zone.ok() && QuietHoursAt(*wanted.quiet_hours, *zone, instant).has_value();
}

// Whether a stored due time still is what is wanted: also where it was set later, since the wanted
// one had passed.
bool SameDue(const Reminder& stored, const Reminder& wanted, absl::Time now) {
  if (stored.due == wanted.due) return true;
  return wanted.due <= now && stored.due > wanted.due && !IsQuiet(wanted, stored.due);
}

// Ended by what is wanted of the recipient, so that another wish brings it back.
bool IsWithdrawn(const Reminder& reminder) {
  return reminder.state == ReminderState::kCancelled ||
         reminder.why_not == ReminderWhyNot::kOptedOut ||
         reminder.why_not == ReminderWhyNot::kRecipientGone;
}

class Rewriter {
 public:
  Rewriter(const std::vector<Reminder>& desired, const std::vector<Reminder>& stored,
           absl::Time now)
      : now_(now) {
    for (const Reminder& reminder : stored) {
      if (!reminder.test) rows_.emplace(reminder.key, &reminder);
    }
    for (const Reminder& wanted : desired) {
      wanted_.insert(wanted.key);
      if (!IsSession(wanted) || wanted.state != ReminderState::kScheduled) continue;
      const Group group = GroupOf(wanted);
      if (wanted.due > now) {
        to_come_.insert(group);
      } else {
        const auto [nearest, first] = nearest_.emplace(group, wanted.key.offset_minutes);
        if (!first) nearest->second = std::min(nearest->second, wanted.key.offset_minutes);
      }
      const Reminder* row = RowOf(wanted);
      if (row != nullptr && !SameSubject(*row, wanted) &&
          (row->sent_time.has_value() || row->state == ReminderState::kLeased)) {
        told_otherwise_.insert(group);
      }
    }
  }

  bool Wants(const ReminderKey& key) const { return wanted_.contains(key); }

  const Reminder* RowOf(const Reminder& wanted) const {
    const auto found = rows_.find(wanted.key);
    return found == rows_.end() ? nullptr : found->second;
  }

  // The reminder as it is to be stored now; nullopt: as it is.
  std::optional<Reminder> Fit(const Reminder& wanted) const {
    const Reminder* row = RowOf(wanted);
    if (row == nullptr) {
      // Nothing was ever to be said of a session that has begun.
      if (IsSession(wanted) && now_ >= wanted.not_after) return std::nullopt;
      return Arm(wanted);
    }
    const bool same = SameSubject(*row, wanted) && SameContent(*row, wanted);
    if (wanted.state == ReminderState::kSuppressed) {
      const bool over = !IsQueued(row->state) && !IsWithdrawn(*row);
      const bool told = row->why_not == wanted.why_not && same && row->due == wanted.due;
      if (over || told) return std::nullopt;
      return Over(wanted, *row);
    }
    if (IsQueued(row->state)) {
      if (same && SameDue(*row, wanted, now_)) return std::nullopt;
      return SameSubject(*row, wanted) ? Over(Again(wanted, *row), *row) : Over(Arm(wanted), *row);
    }
    if (!IsWithdrawn(*row) && SameSubject(*row, wanted)) return std::nullopt;
    Reminder armed = Arm(wanted);
    // What was sent stays known as sent, rather than as what is not sent again.
    if (row->state == ReminderState::kSent && armed.state != ReminderState::kScheduled) {
      return std::nullopt;
    }
    return Over(std::move(armed), *row);
  }

 private:
  // A reminder made now, or due again.
  Reminder Arm(Reminder wanted) const {
    if (wanted.state != ReminderState::kScheduled) return wanted;
    if (wanted.due > now_) {
      SkipQuietHours(wanted, wanted.due);
    } else if (!WorthSending(wanted) || !SendFrom(wanted, now_)) {
      wanted.state = ReminderState::kSuppressed;
      wanted.why_not = ReminderWhyNot::kBornLate;
    }
    return wanted;
  }

  // One that waits, changed in all but what it is about: still to be sent, though its time may have
  // passed.
  Reminder Again(Reminder wanted, const Reminder& row) const {
    if (wanted.due > now_) {
      SkipQuietHours(wanted, wanted.due);
    } else if (!SendFrom(wanted, now_)) {
      wanted.state = ReminderState::kSuppressed;
      wanted.why_not = ReminderWhyNot::kTooLate;
    } else if (row.due <= now_ && wanted.next == now_) {
      wanted.due = std::max(row.due, wanted.due);  // how late it is, it is
    }
    return wanted;
  }

  static bool SendFrom(Reminder& reminder, absl::Time earliest) {
    if (!SkipQuietHours(reminder, earliest)) return false;
    reminder.due = reminder.next;
    return true;
  }

  bool WorthSending(const Reminder& late) const {
    if (!IsSession(late)) return true;
    const Group group = GroupOf(late);
    if (to_come_.contains(group)) return false;
    if (nearest_.at(group) != late.key.offset_minutes) return false;
    return told_otherwise_.contains(group) ||
           late.not_after - now_ >= absl::Minutes(late.key.offset_minutes) / 2;
  }

  // `next` in the place of `row`.
  static Reminder Over(Reminder next, const Reminder& row) {
    next.reminder_id = row.reminder_id;
    next.generation = row.generation + 1;
    next.lease_token = row.lease_token;
    next.sent_time = row.sent_time;
    next.delivery = row.delivery;
    next.delivery_time = row.delivery_time;
    next.create_time = row.create_time;
    return next;
  }

  const absl::Time now_;
  std::map<ReminderKey, const Reminder*> rows_;
  std::set<ReminderKey> wanted_;
  std::set<Group> to_come_;
  std::map<Group, int> nearest_;
  std::set<Group> told_otherwise_;
};

// Why nothing asks any more for a reminder that waits.
ReminderWhyNot WhyWithdrawn(const Reminder& row, const Course& course,
                            const std::vector<Session>& sessions, const ReminderPolicy& policy) {
  if (!IsOpen(course.state)) return ReminderWhyNot::kCourseClosed;
  const auto same_rule = [&](const auto& rule, ReminderKind kind, int offset) {
    return rule.audience == row.key.audience && kind == row.key.kind &&
           offset == row.key.offset_minutes;
  };
  if (IsSession(row)) {
    const bool booked = std::any_of(sessions.begin(), sessions.end(), [&](const Session& session) {
      return session.session_id == row.key.session_id && session.state == SessionState::kBooked;
    });
    if (!booked) return ReminderWhyNot::kSessionGone;
    return ReminderWhyNot::kNoRule;
  }
  const bool ruled = std::any_of(
      policy.course_rules.begin(), policy.course_rules.end(), [&](const CourseReminderRule& rule) {
        return same_rule(rule, rule.kind, rule.weeks_before * 7 * 24 * 60);
      });
  return ruled ? ReminderWhyNot::kSuperseded : ReminderWhyNot::kNoRule;
}

}  // namespace

bool SameSubject(const Reminder& a, const Reminder& b) {
  return a.variables.session_start == b.variables.session_start &&
         a.variables.day == b.variables.day;
}

ReminderRewrite RewriteReminders(const Course& course, const std::vector<Session>& sessions,
                                 const ReminderPolicy& policy, const std::vector<Reminder>& desired,
                                 const std::vector<Reminder>& stored, absl::Time now) {
  const Rewriter rewriter(desired, stored, now);
  ReminderRewrite rewrite;
  for (const Reminder& wanted : desired) {
    std::optional<Reminder> fitted = rewriter.Fit(wanted);
    if (!fitted.has_value()) continue;
    if (fitted->generation == 0) {
      fitted->generation = 1;
      rewrite.inserted.push_back(*std::move(fitted));
    } else {
      rewrite.updated.push_back(*std::move(fitted));
    }
  }
  for (const Reminder& row : stored) {
    // A dead letter, too: replayed, it would tell what is no longer so.
    if (!IsQueued(row.state) && row.state != ReminderState::kDead) continue;
    if (row.test ? IsOpen(course.state) : rewriter.Wants(row.key)) continue;
    Reminder& withdrawn = rewrite.updated.emplace_back(row);
    ++withdrawn.generation;
    withdrawn.attempt = 0;
    if (now >= row.not_after) {
      withdrawn.state = ReminderState::kSuppressed;
      withdrawn.why_not = ReminderWhyNot::kTooLate;
    } else {
      withdrawn.state = ReminderState::kCancelled;
      withdrawn.why_not = WhyWithdrawn(row, course, sessions, policy);
    }
  }
  return rewrite;
}

}  // namespace ipt::scheduling
