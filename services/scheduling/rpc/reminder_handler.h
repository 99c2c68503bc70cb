// ipt.scheduling.v1.ReminderService. The adapter has checked the caller, the names and the shape of
// each request; here is what a request means.
#pragma once

#include "absl/status/statusor.h"
#include "ipt/scheduling/v1/reminder_service.pb.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/store.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Thread-safe. `store` must outlive it.
class ReminderHandler {
 public:
  explicit ReminderHandler(SchedulingStore& store) : store_(store) {}

  absl::StatusOr<pb::ReminderPolicy> GetReminderPolicy(const CallContext& ctx,
                                                       const pb::GetReminderPolicyRequest& request);
  absl::StatusOr<pb::ReminderPolicy> UpdateReminderPolicy(
      const CallContext& ctx, const pb::UpdateReminderPolicyRequest& request);
  absl::StatusOr<pb::ReminderPolicy> ResetReminderPolicy(
      const CallContext& ctx, const pb::ResetReminderPolicyRequest& request);
  absl::StatusOr<pb::ContactPreferences> GetContactPreferences(
      const CallContext& ctx, const pb::GetContactPreferencesRequest& request);
  absl::StatusOr<pb::ContactPreferences> UpdateContactPreferences(
      const CallContext& ctx, const pb::UpdateContactPreferencesRequest& request);
  absl::StatusOr<pb::SendingState> GetSending(const CallContext& ctx,
                                              const pb::GetSendingRequest& request);
  absl::StatusOr<pb::SendingState> SetSending(const CallContext& ctx,
                                              const pb::SetSendingRequest& request);
  absl::StatusOr<pb::Reminder> GetReminder(const CallContext& ctx,
                                           const pb::GetReminderRequest& request);
  absl::StatusOr<pb::ListRemindersResponse> ListReminders(const CallContext& ctx,
                                                          const pb::ListRemindersRequest& request);
  absl::StatusOr<pb::PreviewRemindersResponse> PreviewReminders(
      const CallContext& ctx, const pb::PreviewRemindersRequest& request);
  absl::StatusOr<pb::Reminder> TestReminder(const CallContext& ctx,
                                            const pb::TestReminderRequest& request);
  absl::StatusOr<pb::Reminder> ReplayReminder(const CallContext& ctx,
                                              const pb::ReplayReminderRequest& request);
  absl::StatusOr<pb::Reminder> DropReminder(const CallContext& ctx,
                                            const pb::DropReminderRequest& request);
  absl::StatusOr<pb::NoteCourseFindingsResponse> NoteCourseFindings(
      const CallContext& ctx, const pb::NoteCourseFindingsRequest& request);
  absl::StatusOr<pb::ReminderQueue> GetReminderQueue(const CallContext& ctx,
                                                     const pb::GetReminderQueueRequest& request);

 private:
  SchedulingStore& store_;
};

}  // namespace ipt::scheduling
