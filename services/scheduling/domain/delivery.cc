#include "scheduling/domain/delivery.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "platform/errors/status_macros.h"
#include "scheduling/domain/reminder_quiet.h"

namespace ipt::scheduling {
namespace {

// What could not be leased for a reason that passes soon: another one of its course is out, the
// course is being changed, its reminders are being rewritten. It is tried again when it has waited
// for twice as long as before, within these.
constexpr absl::Duration kSoon = absl::Milliseconds(100);
constexpr absl::Duration kSoonMost = absl::Seconds(1);

Judgement Stays(LeaseVerdict verdict, const LeaseRecord& record) {
  return {.verdict = verdict, .state = record.state};
}

Judgement Ends(const LeaseRecord& record, AttemptOutcome outcome, std::string reason,
               RowChange row) {
  return {.verdict = LeaseVerdict::kApplied,
          .state = row.state,
          .row = row,
          .attempt = AttemptEnd{.generation = record.named->generation,
                                .attempt = record.named->attempt,
                                .outcome = outcome,
                                .reason = std::move(reason)}};
}

// Why a word about a lease cannot be taken any more; kApplied where it can.
LeaseVerdict Taken(const LeaseRecord& record) {
  if (!record.named.has_value()) return LeaseVerdict::kLost;
  if (record.named->generation != record.generation || record.state == ReminderState::kCancelled) {
    return LeaseVerdict::kSuperseded;
  }
  if (record.named->lease_token != record.lease_token) return LeaseVerdict::kLost;
  // A lease that ran out, and nobody has leased it again: its gateway's word is still the newest,
  // also where the reminder was given up meanwhile.
  const bool open = record.named->outcome == AttemptOutcome::kUnknown;
  return open || record.state == ReminderState::kLeased ? LeaseVerdict::kApplied
                                                        : LeaseVerdict::kLost;
}

// Whether the attempt ended with this word before. A RETRY too many ended it as DEAD.
bool SaidBefore(const LeaseRecord& record, AttemptOutcome outcome) {
  if (!record.named.has_value() || !record.named->ended) return false;
  const AttemptOutcome before = record.named->outcome;
  return before == outcome ||
         (outcome == AttemptOutcome::kRetry && before == AttemptOutcome::kDead &&
          record.why_not == ReminderWhyNot::kAttemptsExhausted);
}

absl::Status WriteJudgements(DeliveryTx& tx, const std::vector<KeyedRowChange>& rows,
                             const std::vector<KeyedAttemptEnd>& attempts, absl::Time now) {
  IPT_RETURN_IF_ERROR(tx.WriteRows(rows, now));
  return tx.EndAttempts(attempts, now);
}

void Collect(const LeaseRecord& record, const Judgement& judgement,
             std::vector<KeyedRowChange>& rows, std::vector<KeyedAttemptEnd>& attempts) {
  if (judgement.row.has_value()) {
    rows.push_back({record.clinic_id, record.reminder_id, *judgement.row});
  }
  if (judgement.attempt.has_value()) {
    attempts.push_back({record.clinic_id, record.reminder_id, *judgement.attempt});
  }
}

// For the index: in the queue again at `next`, or out of it.
QueueChange ChangeOf(const LeaseRecord& record, const RowChange& row) {
  QueueChange change{.clinic_id = record.clinic_id,
                     .reminder_id = record.reminder_id,
                     .generation = record.generation,
                     .next = std::nullopt};
  if (row.state == ReminderState::kScheduled) change.next = row.next;
  return change;
}

// What waited behind the clinic's reminders of `rows` may be leased now. The index, where it was
// refused meanwhile, has put it off.
absl::Status AddNextInTurn(DeliveryTx& tx, const std::string& clinic_id,
                           const std::vector<KeyedRowChange>& rows, absl::Time now,
                           std::vector<QueueChange>& changes) {
  std::vector<std::string> ended;
  for (const KeyedRowChange& row : rows) {
    if (row.clinic_id == clinic_id) ended.push_back(row.reminder_id);
  }
  if (ended.empty()) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(const std::vector<QueueEntry> next,
                       tx.FirstDueOfCourses(clinic_id, ended, now));
  for (const QueueEntry& entry : next) {
    if (std::find(ended.begin(), ended.end(), entry.reminder_id) != ended.end()) continue;
    changes.push_back({.clinic_id = clinic_id,
                       .reminder_id = entry.reminder_id,
                       .generation = entry.generation,
                       .next = entry.next});
  }
  return absl::OkStatus();
}

}  // namespace

absl::Duration WaitAfter(int attempt, const BackOff& back_off, double random) {
  absl::Duration wait = back_off.first;
  for (int i = 1; i < attempt && wait < back_off.most; ++i) wait *= 2;
  return std::min(wait, back_off.most) * (0.5 + random / 2);
}

Judgement JudgeCompletion(const std::optional<LeaseRecord>& found, const Completion& word,
                          absl::Time now, const BackOff& back_off, double random) {
  if (!found.has_value()) return {.verdict = LeaseVerdict::kNotFound};
  const LeaseRecord& record = *found;
  if (SaidBefore(record, word.outcome)) return Stays(LeaseVerdict::kRepeated, record);
  const LeaseVerdict taken = Taken(record);
  if (taken != LeaseVerdict::kApplied) {
    Judgement judgement = Stays(taken, record);
    if (taken == LeaseVerdict::kSuperseded && !record.named->ended) {
      judgement.attempt = AttemptEnd{.generation = record.named->generation,
                                     .attempt = record.named->attempt,
                                     .outcome = AttemptOutcome::kSuperseded};
    }
    return judgement;
  }
  if (word.outcome == AttemptOutcome::kSent) {
    return Ends(record, AttemptOutcome::kSent, "",
                {.state = ReminderState::kSent, .next = now, .sent = now});
  }
  if (word.outcome == AttemptOutcome::kDead) {
    return Ends(record, AttemptOutcome::kDead, word.reason,
                {.state = ReminderState::kDead, .why_not = ReminderWhyNot::kRejected, .next = now});
  }
  if (now >= record.not_after) {
    return Ends(
        record, AttemptOutcome::kRetry, word.reason,
        {.state = ReminderState::kSuppressed, .why_not = ReminderWhyNot::kTooLate, .next = now});
  }
  if (record.attempt >= record.max_attempts) {
    return Ends(record, AttemptOutcome::kDead, word.reason,
                {.state = ReminderState::kDead,
                 .why_not = ReminderWhyNot::kAttemptsExhausted,
                 .next = now});
  }
  const absl::Duration wait =
      std::max(WaitAfter(record.attempt, back_off, random), word.retry_delay);
  return Ends(record, AttemptOutcome::kRetry, word.reason,
              {.state = ReminderState::kScheduled, .next = now + wait});
}

Judgement JudgeExtension(const std::optional<LeaseRecord>& found, absl::Time until) {
  if (!found.has_value()) return {.verdict = LeaseVerdict::kNotFound};
  const LeaseVerdict taken = Taken(*found);
  if (taken != LeaseVerdict::kApplied) return Stays(taken, *found);
  if (found->state != ReminderState::kLeased) return Stays(LeaseVerdict::kLost, *found);
  return {
      .verdict = LeaseVerdict::kApplied,
      .state = ReminderState::kLeased,
      .row = RowChange{.state = ReminderState::kLeased, .next = std::min(until, found->not_after)}};
}

Judgement JudgeEnd(const LeaseRecord& record, absl::Time now) {
  RowChange row{.state = ReminderState::kScheduled, .next = now};
  const bool unknown = record.state == ReminderState::kLeased;
  if (now >= record.not_after) {
    row.state = ReminderState::kSuppressed;
    row.why_not = ReminderWhyNot::kTooLate;
  } else if (unknown && record.hold_unknown) {
    row.state = ReminderState::kDead;
    row.why_not = ReminderWhyNot::kOutcomeUnknown;
  } else if (record.attempt >= record.max_attempts) {
    row.state = ReminderState::kDead;
    row.why_not = ReminderWhyNot::kAttemptsExhausted;
  }
  Judgement judgement{.verdict = LeaseVerdict::kApplied, .state = row.state, .row = row};
  if (unknown && record.named.has_value() && !record.named->ended) {
    judgement.attempt = AttemptEnd{.generation = record.named->generation,
                                   .attempt = record.named->attempt,
                                   .outcome = AttemptOutcome::kUnknown};
  }
  return judgement;
}

absl::StatusOr<LeaseResult> LeaseDue(DeliveryTx& tx, const LeaseCommand& command,
                                     absl::Time own_now) {
  LeaseResult result;
  IPT_ASSIGN_OR_RETURN(result.gate, tx.Gate(command.clinic_id, own_now));
  const SendingGate& gate = result.gate;
  std::vector<std::string> ids;
  if (command.candidates.has_value()) ids = *command.candidates;

  int64_t most = gate.paused ? 0 : command.most;
  if (gate.room.has_value()) most = std::min(most, *gate.room);
  if (most > 0) {
    const ClaimCommand claim{.clinic_id = command.clinic_id,
                             .caller = command.caller,
                             .now = gate.now,
                             .until = gate.now + command.lease_for,
                             .policy_version = gate.policy_version,
                             .channels = command.channels.value_or(-1)};
    if (!command.candidates.has_value()) {
      IPT_ASSIGN_OR_RETURN(ids, tx.DueIds(claim, static_cast<int>(most)));
    }
    const std::vector<std::string> tried(
        ids.begin(), ids.begin() + std::min<int64_t>(static_cast<int64_t>(ids.size()), most));
    if (!tried.empty()) {
      IPT_ASSIGN_OR_RETURN(result.leased, tx.Claim(claim, tried, result.lease_token));
    }
    if (gate.room.has_value() && !result.leased.empty()) {
      IPT_RETURN_IF_ERROR(
          tx.UseRoom(command.clinic_id, gate.now, static_cast<int64_t>(result.leased.size())));
    }
  }
  if (result.leased.size() == ids.size()) return result;

  // The others: where they belong, or when to look again.
  absl::flat_hash_set<absl::string_view> others(ids.begin(), ids.end());
  for (const Reminder& reminder : result.leased) others.erase(reminder.reminder_id);
  const std::vector<std::string> other_ids(others.begin(), others.end());
  IPT_ASSIGN_OR_RETURN(std::vector<Reminder> scheduled,
                       tx.FindScheduled(command.clinic_id, other_ids));
  std::vector<KeyedRowChange> moved;
  for (Reminder& reminder : scheduled) {
    others.erase(reminder.reminder_id);
    QueueChange refused{.clinic_id = command.clinic_id,
                        .reminder_id = reminder.reminder_id,
                        .generation = reminder.generation,
                        .next = gate.now + std::clamp(gate.now - reminder.next, kSoon, kSoonMost)};
    if (reminder.next > gate.now) {
      refused.next = reminder.next;
    } else if (reminder.not_after <= gate.now) {
      refused.next = std::nullopt;  // the sweep ends it
    } else if (reminder.quiet_from <= gate.now) {
      const bool in_time = SkipQuietHours(reminder, gate.now);
      moved.push_back(
          {command.clinic_id,
           reminder.reminder_id,
           {.state = in_time ? ReminderState::kScheduled : ReminderState::kSuppressed,
            .why_not = in_time ? ReminderWhyNot::kUnspecified : ReminderWhyNot::kTooLate,
            .next = reminder.next,
            .quiet_from = reminder.quiet_from}});
      refused.next = in_time ? std::optional(reminder.next) : std::nullopt;
    } else if (most <= 0 || static_cast<int64_t>(result.leased.size()) >= most) {
      refused.next = gate.paused || !gate.room.has_value() ? reminder.next : gate.next_minute;
    }
    result.refused.push_back(std::move(refused));
  }
  for (absl::string_view gone : others) {
    result.refused.push_back({.clinic_id = command.clinic_id,
                              .reminder_id = std::string(gone),
                              .generation = 0,
                              .next = std::nullopt});
  }
  IPT_RETURN_IF_ERROR(tx.WriteRows(moved, gate.now));
  return result;
}

absl::StatusOr<WordResult> CompleteLeases(DeliveryTx& tx, absl::string_view clinic_id,
                                          const std::vector<Completion>& words, absl::Time own_now,
                                          const BackOff& back_off, double random) {
  std::vector<DeliveryTx::Named> names;
  names.reserve(words.size());
  for (const Completion& word : words) names.push_back({word.reminder_id, word.lease_token});
  IPT_ASSIGN_OR_RETURN(const absl::Time now, tx.StoreNow(own_now));
  IPT_ASSIGN_OR_RETURN(const auto found, tx.LockLeases(clinic_id, names));

  WordResult result;
  std::vector<KeyedRowChange> rows;
  std::vector<KeyedAttemptEnd> attempts;
  for (size_t i = 0; i < words.size(); ++i) {
    const Judgement judged = JudgeCompletion(found[i], words[i], now, back_off, random);
    result.verdicts.push_back({.verdict = judged.verdict, .state = judged.state});
    if (!found[i].has_value()) continue;
    Collect(*found[i], judged, rows, attempts);
    if (!judged.row.has_value()) continue;
    result.changes.push_back(ChangeOf(*found[i], *judged.row));
    result.sent += judged.state == ReminderState::kSent;
    result.dead += judged.state == ReminderState::kDead;
    result.retried += judged.state == ReminderState::kScheduled;
  }
  IPT_RETURN_IF_ERROR(WriteJudgements(tx, rows, attempts, now));
  IPT_RETURN_IF_ERROR(AddNextInTurn(tx, std::string(clinic_id), rows, now, result.changes));
  return result;
}

absl::StatusOr<WordResult> ExtendLeases(DeliveryTx& tx, absl::string_view clinic_id,
                                        const std::vector<Extension>& leases,
                                        absl::Duration lease_for, absl::Time own_now) {
  std::vector<DeliveryTx::Named> names;
  names.reserve(leases.size());
  for (const Extension& lease : leases) names.push_back({lease.reminder_id, lease.lease_token});
  IPT_ASSIGN_OR_RETURN(const absl::Time now, tx.StoreNow(own_now));
  IPT_ASSIGN_OR_RETURN(const auto found, tx.LockLeases(clinic_id, names));

  WordResult result;
  std::vector<KeyedRowChange> rows;
  for (const auto& record : found) {
    const Judgement judged = JudgeExtension(record, now + lease_for);
    Verdict verdict{.verdict = judged.verdict, .state = judged.state};
    if (judged.row.has_value()) {
      verdict.lease_until = judged.row->next;
      rows.push_back({record->clinic_id, record->reminder_id, *judged.row});
    }
    result.verdicts.push_back(verdict);
  }
  IPT_RETURN_IF_ERROR(tx.WriteRows(rows, now));
  return result;
}

absl::StatusOr<WordResult> ReportDeliveries(DeliveryTx& tx, absl::string_view clinic_id,
                                            const std::vector<DeliveryReport>& reports,
                                            absl::Time now) {
  std::vector<DeliveryTx::Named> names;
  names.reserve(reports.size());
  for (const DeliveryReport& report : reports) names.push_back({report.reminder_id, 0});
  IPT_ASSIGN_OR_RETURN(const auto found, tx.LockLeases(clinic_id, names));

  WordResult result;
  for (size_t i = 0; i < reports.size(); ++i) {
    if (!found[i].has_value()) {
      result.verdicts.push_back({.verdict = LeaseVerdict::kNotFound});
      continue;
    }
    Verdict verdict{.verdict = LeaseVerdict::kLost, .state = found[i]->state};
    if (found[i]->state == ReminderState::kSent) {
      const bool same = found[i]->delivery == reports[i].outcome;
      verdict.verdict = same ? LeaseVerdict::kRepeated : LeaseVerdict::kApplied;
      if (!same) {
        IPT_RETURN_IF_ERROR(tx.WriteReports(clinic_id, {reports[i].reminder_id}, reports[i].outcome,
                                            reports[i].time, now));
      }
    }
    result.verdicts.push_back(verdict);
  }
  return result;
}

absl::StatusOr<SweepResult> Sweep(DeliveryTx& tx, absl::Time own_now, int most) {
  SweepResult result;
  IPT_ASSIGN_OR_RETURN(const absl::Time now, tx.StoreNow(own_now));
  IPT_ASSIGN_OR_RETURN(const std::vector<LeaseRecord> lapsed, tx.LockLapsed(now, most));
  IPT_ASSIGN_OR_RETURN(const std::vector<LeaseRecord> late, tx.LockTooLate(now, most));
  std::vector<KeyedRowChange> rows;
  std::vector<KeyedAttemptEnd> attempts;
  for (const auto* records : {&lapsed, &late}) {
    for (const LeaseRecord& record : *records) {
      const Judgement judged = JudgeEnd(record, now);
      Collect(record, judged, rows, attempts);
      result.changes.push_back(ChangeOf(record, *judged.row));
      result.dead += judged.state == ReminderState::kDead;
      result.too_late += judged.state == ReminderState::kSuppressed;
    }
  }
  result.lapsed = static_cast<int>(lapsed.size());
  result.more = static_cast<int>(std::max(lapsed.size(), late.size())) >= most;
  IPT_RETURN_IF_ERROR(WriteJudgements(tx, rows, attempts, now));
  absl::flat_hash_set<std::string> clinics;
  for (const KeyedRowChange& row : rows) clinics.insert(row.clinic_id);
  for (const std::string& clinic_id : clinics) {
    IPT_RETURN_IF_ERROR(AddNextInTurn(tx, clinic_id, rows, now, result.changes));
  }
  return result;
}

}  // namespace ipt::scheduling
