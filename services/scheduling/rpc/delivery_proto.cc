#include "scheduling/rpc/delivery_proto.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/resource_name.h"
#include "scheduling/rpc/reminder_proto.h"

namespace ipt::scheduling {
namespace {

static_assert(static_cast<int>(LeaseVerdict::kNotFound) == pb::LEASE_VERDICT_NOT_FOUND);

constexpr absl::Duration kDefaultLease = absl::Seconds(60);
constexpr absl::Duration kShortestLease = absl::Seconds(5);
constexpr absl::Duration kLongestLease = absl::Minutes(10);
constexpr absl::Duration kLongestRetry = absl::Hours(24);
constexpr size_t kMost = 500;

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// The id of a reminder's name, which is named once a request; empty where it is not one.
class Names {
 public:
  std::string Read(const std::string& name, FieldViolations& bad) {
    if (!rpc::MatchesPattern(name, "clinics/{clinic}/reminders/{reminder}", false)) {
      bad.Add("reminder", "must be clinics/{clinic}/reminders/{reminder}");
      return "";
    }
    if (!seen_.insert(name).second) bad.Add("reminder", "is named twice in this request");
    return rpc::IdsOf(name)[1];
  }

 private:
  absl::flat_hash_set<std::string> seen_;
};

bool IsReasonWord(absl::string_view word) {
  return !word.empty() && word.size() <= 64 && std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isupper(c) || absl::ascii_isdigit(c) || c == '_';
  });
}

void CheckCount(int count, absl::string_view field, FieldViolations& bad) {
  if (count == 0) bad.Add(field, "is required");
  if (count > static_cast<int>(kMost)) bad.Add(field, "must be at most 500");
}

}  // namespace

absl::Duration ReadLeaseDuration(bool present, const google::protobuf::Duration& duration,
                                 FieldViolations& bad) {
  if (!present) return kDefaultLease;
  const absl::Duration read = DurationOf(duration);
  if (read < kShortestLease || read > kLongestLease) {
    bad.Add("lease_duration", "must be 5 seconds to 10 minutes");
  }
  return read;
}

std::optional<int64_t> ReadChannels(const google::protobuf::RepeatedField<int>& channels,
                                    FieldViolations& bad) {
  if (channels.empty()) return std::nullopt;
  int64_t mask = 0;
  for (int i = 0; i < channels.size(); ++i) {
    if (channels[i] <= 0 || !pb::ReminderChannel_IsValid(channels[i])) {
      bad.At("channels", i).Add("", "must be SMS, EMAIL, PUSH, VOICE or LETTER");
    } else {
      mask |= int64_t{1} << channels[i];
    }
  }
  return mask;
}

std::vector<Completion> ReadCompletions(
    const google::protobuf::RepeatedPtrField<pb::Completion>& completions, FieldViolations& bad) {
  CheckCount(completions.size(), "completions", bad);
  std::vector<Completion> read;
  read.reserve(completions.size());
  Names names;
  for (int i = 0; i < completions.size(); ++i) {
    const pb::Completion& completion = completions[i];
    FieldViolations at = bad.At("completions", i);
    Completion word;
    word.reminder_id = names.Read(completion.reminder(), at);
    word.lease_token = completion.lease_token();
    if (word.lease_token <= 0) at.Add("lease_token", "is required");
    word.outcome = static_cast<AttemptOutcome>(completion.outcome());
    const bool sent = word.outcome == AttemptOutcome::kSent;
    if (!sent && word.outcome != AttemptOutcome::kRetry && word.outcome != AttemptOutcome::kDead) {
      at.Add("outcome", "must be SENT, RETRY or DEAD");
    }
    word.reason = completion.reason();
    if (!word.reason.empty() && !IsReasonWord(word.reason)) {
      at.Add("reason", "must be 1 to 64 of A-Z, 0-9 and _");
      word.reason.clear();
    }
    if (completion.has_retry_delay()) {
      word.retry_delay = DurationOf(completion.retry_delay());
      if (word.retry_delay < absl::ZeroDuration() || word.retry_delay > kLongestRetry) {
        at.Add("retry_delay", "must be 0 to 24 hours");
      }
    }
    read.push_back(std::move(word));
  }
  return read;
}

std::vector<Extension> ReadExtensions(
    const google::protobuf::RepeatedPtrField<pb::LeaseExtension>& leases, FieldViolations& bad) {
  CheckCount(leases.size(), "leases", bad);
  std::vector<Extension> read;
  Names names;
  for (int i = 0; i < leases.size(); ++i) {
    FieldViolations at = bad.At("leases", i);
    if (leases[i].lease_token() <= 0) at.Add("lease_token", "is required");
    read.push_back({names.Read(leases[i].reminder(), at), leases[i].lease_token()});
  }
  return read;
}

std::vector<DeliveryReport> ReadReports(
    const google::protobuf::RepeatedPtrField<pb::DeliveryReport>& reports, absl::Time now,
    FieldViolations& bad) {
  CheckCount(reports.size(), "reports", bad);
  std::vector<DeliveryReport> read;
  Names names;
  for (int i = 0; i < reports.size(); ++i) {
    const pb::DeliveryReport& report = reports[i];
    FieldViolations at = bad.At("reports", i);
    DeliveryReport word;
    word.reminder_id = names.Read(report.reminder(), at);
    word.outcome = static_cast<DeliveryOutcome>(report.outcome());
    if (report.outcome() <= 0 || !pb::DeliveryOutcome_IsValid(report.outcome())) {
      at.Add("outcome", "must be DELIVERED, BOUNCED or UNSUBSCRIBED");
    }
    word.channel = static_cast<ReminderChannel>(report.channel());
    const bool channel = report.channel() > 0 && pb::ReminderChannel_IsValid(report.channel());
    if (!channel && word.outcome == DeliveryOutcome::kUnsubscribed) {
      at.Add("channel", "is required where the patient unsubscribed: the one by which it went");
    } else if (!channel && report.channel() != 0) {
      at.Add("channel", "must be SMS, EMAIL, PUSH, VOICE or LETTER");
    }
    word.time = now;
    if (report.has_time()) {
      word.time = rpc::ReadTime(report.time(), at, "time").value_or(now);
    }
    read.push_back(std::move(word));
  }
  return read;
}

void WriteLeased(const Reminder& reminder, pb::LeasedReminder* out) {
  WriteReminder(reminder, out->mutable_reminder());
  out->set_lease_token(reminder.lease_token);
  out->set_idempotency_key(absl::StrCat(reminder.reminder_id, ":", reminder.generation));
}

void WriteVerdict(const std::string& reminder_name, const Verdict& verdict, pb::LeaseResult* out) {
  out->set_reminder(reminder_name);
  out->set_verdict(static_cast<pb::LeaseVerdict>(verdict.verdict));
  out->set_state(static_cast<pb::ReminderState>(verdict.state));
  if (verdict.verdict == LeaseVerdict::kApplied && verdict.lease_until != absl::Time()) {
    rpc::WriteTime(verdict.lease_until, out->mutable_lease_expire_time());
  }
}

}  // namespace ipt::scheduling
