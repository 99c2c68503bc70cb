#include "scheduling/rpc/delivery_handler.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/write_once.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/reminders.h"
#include "scheduling/rpc/delivery_proto.h"

namespace ipt::scheduling {
namespace {

constexpr int kDefaultLeases = 100;
constexpr int kMostLeases = 500;
constexpr int kMostCredits = 5000;
// What is booked or tried meanwhile may fall due at any time.
constexpr absl::Duration kLongestWait = absl::Seconds(5);
// A stream looks at least so often, whatever it is told or not told.
constexpr absl::Duration kPoll = absl::Seconds(1);

void WriteWait(absl::Time next, absl::Time now, google::protobuf::Duration* out) {
  const absl::Duration wait = std::clamp(next - now, absl::ZeroDuration(), kLongestWait);
  absl::Duration rest;
  out->set_seconds(absl::IDivDuration(wait, absl::Seconds(1), &rest));
  out->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(rest)));
}

// When there is more to lease: by the index, or of what was refused only for a moment.
absl::Time NextLook(const ReminderQueue::Batch& batch, const LeaseResult& result) {
  absl::Time next = batch.next;
  for (const QueueChange& refused : result.refused) {
    if (refused.next.has_value()) next = std::min(next, *refused.next);
  }
  return next;
}

// The answers to words that were given under `names`, in order.
template <typename Words, typename Results>
void WriteVerdicts(const Words& words, const std::vector<Verdict>& verdicts, Results* out) {
  for (int i = 0; i < words.size(); ++i) {
    WriteVerdict(words[i].reminder(), verdicts[i], out->Add());
  }
}

// A stream's write has its audit entry in its transaction, as a call's has.
absl::Status AppendAudit(WriteLog& log, const CallContext& ctx, size_t count) {
  AuditRecord audit;
  audit.clinic_id = ctx.clinic_id;
  audit.caller = ctx.caller->subject;
  audit.method = ctx.method;
  audit.write = true;
  audit.resource = ctx.resource;
  audit.count = static_cast<int64_t>(count);
  audit.time = ctx.now;
  audit.last_time = ctx.now;
  return log.AppendAudit(audit);
}

}  // namespace

absl::StatusOr<pb::LeaseRemindersResponse> DeliveryHandler::LeaseReminders(
    const CallContext& ctx, const pb::LeaseRemindersRequest& request) {
  FieldViolations bad;
  LeaseCommand command;
  command.clinic_id = ctx.clinic_id;
  command.caller = ctx.caller->subject;
  command.most = request.max_reminders() == 0 ? kDefaultLeases : request.max_reminders();
  if (command.most < 1 || command.most > kMostLeases) {
    bad.Add("max_reminders", "must be 1 to 500");
  }
  command.lease_for =
      ReadLeaseDuration(request.has_lease_duration(), request.lease_duration(), bad);
  command.channels = ReadChannels(request.channels(), bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());

  const ReminderQueue::Batch batch =
      queue_.Take(ctx.clinic_id, command.most, command.channels.has_value());
  command.candidates = batch.ids;
  std::optional<LeaseResult> leased;
  const auto response = rpc::WriteOnce<pb::LeaseRemindersResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::LeaseRemindersResponse> {
        leased.reset();
        IPT_ASSIGN_OR_RETURN(LeaseResult result, LeaseDue(tx.delivery(), command, ctx.now));
        pb::LeaseRemindersResponse answer;
        for (const Reminder& reminder : result.leased) {
          WriteLeased(reminder, answer.add_reminders());
        }
        const absl::Time next = static_cast<int>(result.leased.size()) >= command.most
                                    ? result.gate.now
                                    : NextLook(batch, result);
        WriteWait(std::max(next, result.leased.empty() ? result.gate.now + kPoll / 10 : next),
                  result.gate.now, answer.mutable_retry_after());
        leased = std::move(result);
        return answer;
      });
  queue_.Settle(batch, response.ok() && leased.has_value() ? &*leased : nullptr);
  return response;
}

absl::StatusOr<pb::CompleteRemindersResponse> DeliveryHandler::CompleteReminders(
    const CallContext& ctx, const pb::CompleteRemindersRequest& request) {
  FieldViolations bad;
  const std::vector<Completion> words = ReadCompletions(request.completions(), bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  const double random = options_.random();
  std::optional<WordResult> done;
  const auto response = rpc::WriteOnce<pb::CompleteRemindersResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::CompleteRemindersResponse> {
        done.reset();
        IPT_ASSIGN_OR_RETURN(WordResult result, CompleteLeases(tx.delivery(), ctx.clinic_id, words,
                                                               ctx.now, options_.back_off, random));
        pb::CompleteRemindersResponse answer;
        WriteVerdicts(request.completions(), result.verdicts, answer.mutable_results());
        done = std::move(result);
        return answer;
      });
  if (response.ok() && done.has_value()) queue_.OnWords(*done);
  return response;
}

absl::StatusOr<pb::ExtendLeasesResponse> DeliveryHandler::ExtendLeases(
    const CallContext& ctx, const pb::ExtendLeasesRequest& request) {
  FieldViolations bad;
  const std::vector<Extension> leases = ReadExtensions(request.leases(), bad);
  const absl::Duration lease_for =
      ReadLeaseDuration(request.has_lease_duration(), request.lease_duration(), bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::WriteOnce<pb::ExtendLeasesResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::ExtendLeasesResponse> {
        IPT_ASSIGN_OR_RETURN(
            const WordResult result,
            scheduling::ExtendLeases(tx.delivery(), ctx.clinic_id, leases, lease_for, ctx.now));
        pb::ExtendLeasesResponse answer;
        WriteVerdicts(request.leases(), result.verdicts, answer.mutable_results());
        return answer;
      });
}

absl::StatusOr<pb::ReportDeliveriesResponse> DeliveryHandler::ReportDeliveries(
    const CallContext& ctx, const pb::ReportDeliveriesRequest& request) {
  FieldViolations bad;
  const std::vector<DeliveryReport> reports = ReadReports(request.reports(), ctx.now, bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  std::vector<Unsubscription> unsubscriptions;
  for (const DeliveryReport& report : reports) {
    if (report.outcome != DeliveryOutcome::kUnsubscribed) continue;
    unsubscriptions.push_back({report.reminder_id, report.channel});
  }
  return rpc::WriteOnce<pb::ReportDeliveriesResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::ReportDeliveriesResponse> {
        // First, since patients and courses are locked before reminders.
        IPT_RETURN_IF_ERROR(Unsubscribe(tx, ctx, unsubscriptions));
        IPT_ASSIGN_OR_RETURN(
            const WordResult result,
            scheduling::ReportDeliveries(tx.delivery(), ctx.clinic_id, reports, ctx.now));
        pb::ReportDeliveriesResponse answer;
        WriteVerdicts(request.reports(), result.verdicts, answer.mutable_results());
        return answer;
      });
}

// One gateway's stream. It sends verdicts first, then what has fallen due, as credits allow.
class DeliveryHandler::ReminderStream final : public DeliveryHandler::Stream {
 public:
  ReminderStream(DeliveryHandler& handler, LeaseCommand command, int credits,
                 std::shared_ptr<rpc::StreamHandle> handle)
      : handler_(handler),
        command_(std::move(command)),
        credits_(credits),
        watch_(handler.queue_.WatchClinic(command_.clinic_id,
                                          [handle = std::move(handle)] { handle->Wake(); })) {}

  absl::Status OnMessage(const CallContext& ctx,
                         const pb::StreamRemindersRequest& message) override {
    using Message = pb::StreamRemindersRequest;
    switch (message.message_case()) {
      case Message::kCompletions:
        return Complete(ctx, message.completions().completions());
      case Message::kExtensions:
        return Extend(ctx, message.extensions().leases());
      case Message::kCredits: {
        const int credits = message.credits().credits();
        if (credits < 1 || credits > kMostCredits) {
          return InvalidField("credits.credits", "must be 1 to 5000");
        }
        credits_ = std::min(credits_ + credits, kMostCredits);
        return absl::OkStatus();
      }
      case Message::kOpen:
        return InvalidField("open", "only the first message opens the stream");
      case Message::MESSAGE_NOT_SET:
        break;
    }
    return InvalidField("message", "completions, extensions or credits is required");
  }

  void OnClientDone(const CallContext&) override { client_done_ = true; }

  absl::StatusOr<rpc::Next<pb::StreamRemindersResponse>> NextResponse(
      const CallContext& ctx) override {
    using Next = rpc::Next<pb::StreamRemindersResponse>;
    if (!verdicts_.empty()) {
      pb::StreamRemindersResponse response = std::move(verdicts_.front());
      verdicts_.pop_front();
      response.set_credits(credits_);
      return Next::Send(std::move(response));
    }
    if (client_done_) return Next::End();
    if (credits_ == 0) return Next::Later();
    pb::StreamRemindersResponse response;
    IPT_ASSIGN_OR_RETURN(const absl::Time again, Lease(ctx, response));
    if (response.reminders().empty()) return Next::Later(again);
    response.set_credits(credits_);
    return Next::Send(std::move(response));
  }

 private:
  // Leases what is due; returns when to look again.
  absl::StatusOr<absl::Time> Lease(const CallContext& ctx, pb::StreamRemindersResponse& response) {
    ReminderQueue& queue = handler_.queue_;
    LeaseCommand command = command_;
    command.most = std::min(credits_, kMostLeases);
    const ReminderQueue::Batch batch =
        queue.Take(command.clinic_id, command.most, command.channels.has_value());
    const auto again = [&](absl::Time next) {
      return ctx.now + std::clamp(next - queue.clock().Now(), absl::Milliseconds(5), kPoll);
    };
    if (batch.ids.has_value() && batch.ids->empty()) return again(batch.next);
    command.candidates = batch.ids;
    std::optional<LeaseResult> leased;
    const absl::Status status =
        handler_.store_.Write(ctx.deadline, [&](SchedulingTx& tx) -> absl::Status {
          leased.reset();
          IPT_ASSIGN_OR_RETURN(LeaseResult result, LeaseDue(tx.delivery(), command, ctx.now));
          if (!result.leased.empty()) {
            IPT_RETURN_IF_ERROR(AppendAudit(tx.log(), ctx, result.leased.size()));
          }
          leased = std::move(result);
          return absl::OkStatus();
        });
    queue.Settle(batch, status.ok() ? &*leased : nullptr);
    IPT_RETURN_IF_ERROR(status);
    for (const Reminder& reminder : leased->leased) {
      WriteLeased(reminder, response.add_reminders());
    }
    credits_ -= static_cast<int>(leased->leased.size());
    return std::max(again(NextLook(batch, *leased)), ctx.now + kPoll / 10);
  }

  absl::Status Complete(const CallContext& ctx,
                        const google::protobuf::RepeatedPtrField<pb::Completion>& completions) {
    FieldViolations bad;
    FieldViolations at = bad.In("completions");
    const std::vector<Completion> words = ReadCompletions(completions, at);
    CheckClinic(ctx, completions, "completions", at);
    IPT_RETURN_IF_ERROR(bad.ToStatus());
    const double random = handler_.options_.random();
    WordResult result;
    IPT_RETURN_IF_ERROR(handler_.store_.Write(ctx.deadline, [&](SchedulingTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(result, CompleteLeases(tx.delivery(), command_.clinic_id, words, ctx.now,
                                                  handler_.options_.back_off, random));
      return AppendAudit(tx.log(), ctx, words.size());
    }));
    handler_.queue_.OnWords(result);
    WriteVerdicts(completions, result.verdicts, verdicts_.emplace_back().mutable_results());
    return absl::OkStatus();
  }

  absl::Status Extend(const CallContext& ctx,
                      const google::protobuf::RepeatedPtrField<pb::LeaseExtension>& leases) {
    FieldViolations bad;
    FieldViolations at = bad.In("extensions");
    const std::vector<Extension> words = ReadExtensions(leases, at);
    CheckClinic(ctx, leases, "leases", at);
    IPT_RETURN_IF_ERROR(bad.ToStatus());
    WordResult result;
    IPT_RETURN_IF_ERROR(handler_.store_.Write(ctx.deadline, [&](SchedulingTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(result, scheduling::ExtendLeases(tx.delivery(), command_.clinic_id,
                                                            words, command_.lease_for, ctx.now));
      return AppendAudit(tx.log(), ctx, words.size());
    }));
    WriteVerdicts(leases, result.verdicts, verdicts_.emplace_back().mutable_results());
    return absl::OkStatus();
  }

  // The names of a stream's messages are of the clinic that opened it.
  template <typename Words>
  static void CheckClinic(const CallContext& ctx, const Words& words, absl::string_view field,
                          FieldViolations& bad) {
    for (int i = 0; i < words.size(); ++i) {
      const std::vector<std::string> ids = rpc::IdsOf(words[i].reminder());
      if (!ids.empty() && ids[0] != ctx.clinic_id) {
        bad.At(field, i).Add("reminder", "must be of the clinic that the stream was opened for");
      }
    }
  }

  DeliveryHandler& handler_;
  const LeaseCommand command_;
  int credits_;
  bool client_done_ = false;
  std::deque<pb::StreamRemindersResponse> verdicts_;
  const std::unique_ptr<ReminderQueue::Watch> watch_;
};

absl::StatusOr<std::unique_ptr<DeliveryHandler::Stream>> DeliveryHandler::StreamReminders(
    const CallContext& ctx, const pb::StreamRemindersRequest& first,
    std::shared_ptr<rpc::StreamHandle> handle) {
  FieldViolations bad;
  if (!first.has_open()) {
    return InvalidField("open", "is required in the first message of the stream");
  }
  FieldViolations at = bad.In("open");
  if (first.open().clinic().empty()) at.Add("clinic", "is required");
  if (first.open().credits() < 0 || first.open().credits() > kMostCredits) {
    at.Add("credits", "must be 0 to 5000");
  }
  LeaseCommand command;
  command.clinic_id = ctx.clinic_id;
  command.caller = ctx.caller->subject;
  command.lease_for =
      ReadLeaseDuration(first.open().has_lease_duration(), first.open().lease_duration(), at);
  command.channels = ReadChannels(first.open().channels(), at);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  // Tells of a clinic that there is not, before anything is waited for.
  IPT_RETURN_IF_ERROR(store_.Read(ctx.deadline, [&](SchedulingReader& reader) {
    return reader.GetClinic(ctx.clinic_id).status();
  }));
  return std::make_unique<ReminderStream>(*this, std::move(command), first.open().credits(),
                                          std::move(handle));
}

}  // namespace ipt::scheduling
