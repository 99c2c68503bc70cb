#include "scheduling/rpc/reminder_handler.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/write_once.h"
#include "scheduling/domain/names.h"
#include "scheduling/domain/reminder_policy.h"
#include "scheduling/domain/reminders.h"
#include "scheduling/rpc/course_proto.h"
#include "scheduling/rpc/reminder_policy_proto.h"
#include "scheduling/rpc/reminder_proto.h"

namespace ipt::scheduling {
namespace {

constexpr int kMaxPerMinute = 1'000'000;
constexpr size_t kMaxReasonBytes = 256;

// The id of an optional course; empty where there is none.
std::string CourseIdOf(const std::string& course) {
  return course.empty() ? "" : rpc::IdsOf(course)[1];
}

// Position in a list: microseconds, then the id, which holds no space.
absl::StatusOr<std::optional<ReminderCursor>> ReadReminderCursor(const std::string& cursor) {
  if (cursor.empty()) return std::optional<ReminderCursor>();
  const std::vector<std::string> parts = absl::StrSplit(cursor, ' ');
  int64_t micros = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &micros)) {
    return InvalidField("page_token", "is not a token of this list");
  }
  return std::optional<ReminderCursor>({absl::FromUnixMicros(micros), parts[1]});
}

template <typename Value, typename List>
std::vector<Value> ReadStated(const List& list, FieldViolations& bad, absl::string_view field) {
  std::vector<Value> read;
  for (int i = 0; i < list.size(); ++i) {
    if (list[i] == 0) bad.At(field, i).Add("", "must be stated");
    read.push_back(static_cast<Value>(list[i]));
  }
  return read;
}

Identifier ReadPatient(const ipt::common::v1::Identifier& patient, FieldViolations& bad) {
  FieldViolations in = bad.In("patient");
  return ReadIdentifier(patient, in);
}

// A write that is about one reminder.
template <typename Change>
absl::StatusOr<pb::Reminder> WriteReminderOnce(SchedulingStore& store, const CallContext& ctx,
                                               Change&& change) {
  return rpc::WriteOnce<pb::Reminder>(store, ctx,
                                      [&](SchedulingTx& tx) -> absl::StatusOr<pb::Reminder> {
                                        IPT_ASSIGN_OR_RETURN(const Reminder reminder, change(tx));
                                        pb::Reminder response;
                                        WriteReminder(reminder, &response);
                                        return response;
                                      });
}

// To those that failed: what their gateway said last. `written` are the same reminders, in order.
absl::Status WriteLastReasons(SchedulingReader& reader, const std::string& clinic_id,
                              const std::vector<Reminder>& reminders,
                              const std::vector<pb::Reminder*>& written) {
  std::vector<std::string> ids;
  std::vector<pb::Reminder*> failed;
  for (size_t i = 0; i < reminders.size(); ++i) {
    const bool waits = reminders[i].state == ReminderState::kScheduled;
    if (reminders[i].attempt == 0 || (!waits && reminders[i].state != ReminderState::kDead)) {
      continue;
    }
    ids.push_back(reminders[i].reminder_id);
    failed.push_back(written[i]);
  }
  IPT_ASSIGN_OR_RETURN(const std::vector<std::string> reasons, reader.LastReasons(clinic_id, ids));
  for (size_t i = 0; i < failed.size(); ++i) failed[i]->set_last_reason(reasons[i]);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<pb::ReminderPolicy> ReminderHandler::GetReminderPolicy(
    const CallContext& ctx, const pb::GetReminderPolicyRequest& request) {
  const std::string course_id = CourseIdOf(request.course());
  return rpc::ReadView<pb::ReminderPolicy>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::ReminderPolicy> {
        IPT_ASSIGN_OR_RETURN(const HeldReminderPolicy held,
                             scheduling::GetReminderPolicy(reader, ctx, course_id));
        pb::ReminderPolicy response;
        WriteReminderPolicy(held, ctx.clinic_id, course_id, &response);
        return response;
      });
}

absl::StatusOr<pb::ReminderPolicy> ReminderHandler::UpdateReminderPolicy(
    const CallContext& ctx, const pb::UpdateReminderPolicyRequest& request) {
  const std::string course_id = CourseIdOf(request.course());
  return rpc::WriteOnce<pb::ReminderPolicy>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::ReminderPolicy> {
        IPT_ASSIGN_OR_RETURN(
            HeldReminderPolicy held,
            SetReminderPolicy(tx, ctx, course_id, rpc::RevisionOfEtag(request.policy().etag()),
                              [&](const ReminderPolicy& before) -> absl::StatusOr<ReminderPolicy> {
                                HeldReminderPolicy as_held;
                                as_held.policy = before;
                                pb::ReminderPolicy merged;
                                WriteReminderPolicy(as_held, ctx.clinic_id, course_id, &merged);
                                IPT_RETURN_IF_ERROR(rpc::MergeByMask(
                                    request.update_mask(), request.policy(), merged, "policy"));
                                FieldViolations bad;
                                ReminderPolicy after = ReadReminderPolicy(merged, bad.In("policy"));
                                IPT_RETURN_IF_ERROR(bad.ToStatus());
                                return after;
                              }));
        if (ctx.validate_only) held.revision = 0;
        pb::ReminderPolicy response;
        WriteReminderPolicy(held, ctx.clinic_id, course_id, &response);
        return response;
      });
}

absl::StatusOr<pb::ReminderPolicy> ReminderHandler::ResetReminderPolicy(
    const CallContext& ctx, const pb::ResetReminderPolicyRequest& request) {
  const std::string course_id = CourseIdOf(request.course());
  return rpc::WriteOnce<pb::ReminderPolicy>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::ReminderPolicy> {
        IPT_ASSIGN_OR_RETURN(const HeldReminderPolicy held,
                             scheduling::ResetReminderPolicy(tx, ctx, course_id));
        pb::ReminderPolicy response;
        WriteReminderPolicy(held, ctx.clinic_id, course_id, &response);
        return response;
      });
}

absl::StatusOr<pb::ContactPreferences> ReminderHandler::GetContactPreferences(
    const CallContext& ctx, const pb::GetContactPreferencesRequest& request) {
  FieldViolations bad;
  const Identifier patient = ReadPatient(request.patient(), bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::ReadView<pb::ContactPreferences>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::ContactPreferences> {
        IPT_ASSIGN_OR_RETURN(const ContactPreferences preferences,
                             scheduling::GetContactPreferences(reader, ctx, patient));
        pb::ContactPreferences response;
        WritePreferences(preferences, ctx.clinic_id, patient, &response);
        return response;
      });
}

absl::StatusOr<pb::ContactPreferences> ReminderHandler::UpdateContactPreferences(
    const CallContext& ctx, const pb::UpdateContactPreferencesRequest& request) {
  FieldViolations bad;
  const Identifier patient = ReadPatient(request.patient(), bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::WriteOnce<pb::ContactPreferences>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::ContactPreferences> {
        IPT_ASSIGN_OR_RETURN(
            const ContactPreferences preferences,
            SetContactPreferences(
                tx, ctx, patient, rpc::RevisionOfEtag(request.preferences().etag()),
                [&](const ContactPreferences& before) -> absl::StatusOr<ContactPreferences> {
                  pb::ContactPreferences merged;
                  WritePreferences(before, ctx.clinic_id, patient, &merged);
                  IPT_RETURN_IF_ERROR(rpc::MergeByMask(request.update_mask(), request.preferences(),
                                                       merged, "preferences"));
                  FieldViolations in;
                  ContactPreferences after = ReadPreferences(merged, in.In("preferences"));
                  IPT_RETURN_IF_ERROR(in.ToStatus());
                  return after;
                }));
        pb::ContactPreferences response;
        WritePreferences(preferences, ctx.clinic_id, patient, &response);
        return response;
      });
}

absl::StatusOr<pb::SendingState> ReminderHandler::GetSending(const CallContext& ctx,
                                                             const pb::GetSendingRequest&) {
  return rpc::ReadView<pb::SendingState>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::SendingState> {
        IPT_ASSIGN_OR_RETURN(const SendingState sending, reader.GetSending(ctx.clinic_id));
        pb::SendingState response;
        WriteSending(sending, &response);
        return response;
      });
}

absl::StatusOr<pb::SendingState> ReminderHandler::SetSending(const CallContext& ctx,
                                                             const pb::SetSendingRequest& request) {
  FieldViolations bad;
  if (request.max_per_minute() < 0 || request.max_per_minute() > kMaxPerMinute) {
    bad.Add("max_per_minute", "must be 1 to 1000000, or 0 for no cap");
  }
  if (request.paused() && request.reason().empty()) {
    bad.Add("reason", "is required where sending is paused");
  }
  if (request.reason().size() > kMaxReasonBytes) bad.Add("reason", "must be at most 256 bytes");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::WriteOnce<pb::SendingState>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::SendingState> {
        IPT_ASSIGN_OR_RETURN(
            const SendingState sending,
            scheduling::SetSending(tx, ctx,
                                   {.paused = request.paused(),
                                    .max_per_minute = request.max_per_minute(),
                                    .reason = request.reason(),
                                    .if_revision = rpc::RevisionOfEtag(request.etag())}));
        pb::SendingState response;
        WriteSending(sending, &response);
        return response;
      });
}

absl::StatusOr<pb::Reminder> ReminderHandler::GetReminder(const CallContext& ctx,
                                                          const pb::GetReminderRequest& request) {
  const std::string id = rpc::IdsOf(request.name())[1];
  return rpc::ReadView<pb::Reminder>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::Reminder> {
        IPT_ASSIGN_OR_RETURN(const Reminder reminder, reader.GetReminder(ctx.clinic_id, id));
        IPT_ASSIGN_OR_RETURN(const auto attempts, reader.ListAttempts(ctx.clinic_id, id));
        pb::Reminder response;
        WriteReminder(reminder, &response);
        for (const DeliveryAttempt& attempt : attempts) {
          WriteAttempt(attempt, response.add_attempts());
        }
        IPT_RETURN_IF_ERROR(WriteLastReasons(reader, ctx.clinic_id, {reminder}, {&response}));
        return response;
      });
}

absl::StatusOr<pb::ListRemindersResponse> ReminderHandler::ListReminders(
    const CallContext& ctx, const pb::ListRemindersRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  IPT_ASSIGN_OR_RETURN(const auto after, ReadReminderCursor(page.cursor));
  FieldViolations bad;
  ReminderFilter filter;
  filter.course_id = CourseIdOf(request.course());
  filter.states = ReadStated<ReminderState>(request.states(), bad, "states");
  filter.kinds = ReadStated<ReminderKind>(request.kinds(), bad, "kinds");
  if (request.has_start_time()) {
    filter.due_from = rpc::ReadTime(request.start_time(), bad, "start_time");
  }
  if (request.has_end_time()) {
    filter.due_before = rpc::ReadTime(request.end_time(), bad, "end_time");
  }
  if (filter.due_from.has_value() && filter.due_before.has_value() &&
      *filter.due_before <= *filter.due_from) {
    bad.Add("end_time", "must be after start_time");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::ReadView<pb::ListRemindersResponse>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::ListRemindersResponse> {
        IPT_ASSIGN_OR_RETURN(auto reminders,
                             reader.ListReminders(ctx.clinic_id, filter, after, page.size + 1));
        if (reminders.empty()) {
          IPT_RETURN_IF_ERROR(filter.course_id.empty()
                                  ? reader.GetClinic(ctx.clinic_id).status()
                                  : reader.GetCourse(ctx.clinic_id, filter.course_id).status());
        }
        pb::ListRemindersResponse response;
        if (reminders.size() > static_cast<size_t>(page.size)) {
          reminders.resize(page.size);
          const Reminder& last = reminders.back();
          response.set_next_page_token(rpc::NextPageToken(
              request, absl::StrCat(absl::ToUnixMicros(last.due), " ", last.reminder_id)));
        }
        std::vector<pb::Reminder*> written;
        for (const Reminder& reminder : reminders) {
          WriteReminder(reminder, written.emplace_back(response.add_reminders()));
        }
        IPT_RETURN_IF_ERROR(WriteLastReasons(reader, ctx.clinic_id, reminders, written));
        return response;
      });
}

absl::StatusOr<pb::PreviewRemindersResponse> ReminderHandler::PreviewReminders(
    const CallContext& ctx, const pb::PreviewRemindersRequest& request) {
  std::optional<ReminderPolicy> draft;
  if (request.has_policy()) {
    FieldViolations bad;
    draft = ReadReminderPolicy(request.policy(), bad.In("policy"));
    IPT_RETURN_IF_ERROR(bad.ToStatus());
  }
  return rpc::ReadView<pb::PreviewRemindersResponse>(
      store_, ctx, 0,
      [&](SchedulingReader& reader) -> absl::StatusOr<pb::PreviewRemindersResponse> {
        IPT_ASSIGN_OR_RETURN(const auto reminders,
                             scheduling::PreviewReminders(reader, ctx, CourseIdOf(request.course()),
                                                          draft.has_value() ? &*draft : nullptr));
        pb::PreviewRemindersResponse response;
        for (const Reminder& reminder : reminders) {
          WriteReminder(reminder, response.add_reminders());
        }
        return response;
      });
}

absl::StatusOr<pb::Reminder> ReminderHandler::TestReminder(const CallContext& ctx,
                                                           const pb::TestReminderRequest& request) {
  TestReminderCommand command;
  command.course_id = CourseIdOf(request.course());
  if (request.audience() != pb::REMINDER_AUDIENCE_UNSPECIFIED) {
    command.audience = static_cast<ReminderAudience>(request.audience());
  }
  command.channels = ReadChannels(request.channels());
  command.template_key = request.template_();
  FieldViolations bad;
  CheckChannels(command.channels, bad);
  CheckTemplate(command.template_key, bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return WriteReminderOnce(
      store_, ctx, [&](SchedulingTx& tx) { return scheduling::TestReminder(tx, ctx, command); });
}

absl::StatusOr<pb::Reminder> ReminderHandler::ReplayReminder(
    const CallContext& ctx, const pb::ReplayReminderRequest& request) {
  return WriteReminderOnce(store_, ctx, [&](SchedulingTx& tx) {
    return scheduling::ReplayReminder(tx, ctx, rpc::IdsOf(request.name())[1]);
  });
}

absl::StatusOr<pb::Reminder> ReminderHandler::DropReminder(const CallContext& ctx,
                                                           const pb::DropReminderRequest& request) {
  if (request.reason().size() > kMaxReasonBytes) {
    return InvalidField("reason", "must be at most 256 bytes");
  }
  return WriteReminderOnce(store_, ctx, [&](SchedulingTx& tx) {
    return scheduling::DropReminder(tx, ctx, rpc::IdsOf(request.name())[1], request.reason());
  });
}

absl::StatusOr<pb::NoteCourseFindingsResponse> ReminderHandler::NoteCourseFindings(
    const CallContext& ctx, const pb::NoteCourseFindingsRequest& request) {
  FieldViolations bad;
  std::vector<CourseFinding> findings;
  for (int i = 0; i < request.findings_size(); ++i) {
    const pb::CourseFinding& told = request.findings(i);
    FieldViolations at = bad.At("findings", i);
    findings.push_back(
        {told.finding_id(), static_cast<CourseFindingSeverity>(told.severity()),
         rpc::ReadDay(told.since_date(), at, "since_date").value_or(absl::CivilDay())});
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::WriteOnce<pb::NoteCourseFindingsResponse>(
      store_, ctx, [&](SchedulingTx& tx) -> absl::StatusOr<pb::NoteCourseFindingsResponse> {
        IPT_RETURN_IF_ERROR(
            scheduling::NoteCourseFindings(tx, ctx, rpc::IdsOf(request.course())[1], findings));
        pb::NoteCourseFindingsResponse response;
        IPT_ASSIGN_OR_RETURN(const int64_t revision, tx.log().Revision());
        response.set_revision(revision);
        return response;
      });
}

absl::StatusOr<pb::ReminderQueue> ReminderHandler::GetReminderQueue(
    const CallContext& ctx, const pb::GetReminderQueueRequest&) {
  return rpc::ReadView<pb::ReminderQueue>(
      store_, ctx, 0, [&](SchedulingReader& reader) -> absl::StatusOr<pb::ReminderQueue> {
        IPT_ASSIGN_OR_RETURN(const SendingState sending, reader.GetSending(ctx.clinic_id));
        IPT_ASSIGN_OR_RETURN(const ReminderCounts counts,
                             reader.CountReminders(ctx.clinic_id, ctx.now));
        pb::ReminderQueue response;
        response.set_clinic(ClinicName(ctx.clinic_id));
        rpc::WriteTime(ctx.now, response.mutable_as_of());
        response.set_scheduled(counts.scheduled);
        response.set_due(counts.due);
        response.set_leased(counts.leased);
        response.set_retrying(counts.retrying);
        response.set_dead(counts.dead);
        response.set_sent_day(counts.sent_day);
        if (counts.oldest_due.has_value()) {
          rpc::WriteTime(*counts.oldest_due, response.mutable_oldest_due_time());
        }
        if (counts.next_due.has_value()) {
          rpc::WriteTime(*counts.next_due, response.mutable_next_due_time());
        }
        response.set_paused(sending.paused);
        return response;
      });
}

}  // namespace ipt::scheduling
