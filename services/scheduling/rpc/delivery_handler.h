// ipt.scheduling.v1.DeliveryService: how gateways lease reminders and say what became of them, by
// calls and by a stream.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "ipt/scheduling/v1/delivery_service.pb.h"
#include "platform/rpc/stream.h"
#include "platform/transaction/call_context.h"
#include "scheduling/domain/delivery.h"
#include "scheduling/domain/store.h"
#include "scheduling/reminders/reminder_queue.h"

namespace ipt::scheduling {
namespace pb = ::ipt::scheduling::v1;

// Thread-safe. All that it is given outlives it.
class DeliveryHandler {
 public:
  struct Options {
    BackOff back_off{};
    // 0 to 1, for the jitter of retries.
    std::function<double()> random{};
  };

  DeliveryHandler(SchedulingStore& store, ReminderQueue& queue, Options options)
      : store_(store), queue_(queue), options_(std::move(options)) {}

  absl::StatusOr<pb::LeaseRemindersResponse> LeaseReminders(
      const CallContext& ctx, const pb::LeaseRemindersRequest& request);
  absl::StatusOr<pb::CompleteRemindersResponse> CompleteReminders(
      const CallContext& ctx, const pb::CompleteRemindersRequest& request);
  absl::StatusOr<pb::ExtendLeasesResponse> ExtendLeases(const CallContext& ctx,
                                                        const pb::ExtendLeasesRequest& request);
  absl::StatusOr<pb::ReportDeliveriesResponse> ReportDeliveries(
      const CallContext& ctx, const pb::ReportDeliveriesRequest& request);

  using Stream = rpc::BidiStream<pb::StreamRemindersRequest, pb::StreamRemindersResponse>;
  absl::StatusOr<std::unique_ptr<Stream>> StreamReminders(
      const CallContext& ctx, const pb::StreamRemindersRequest& first,
      std::shared_ptr<rpc::StreamHandle> handle);

 private:
  class ReminderStream;

  SchedulingStore& store_;
  ReminderQueue& queue_;
  const Options options_;
};

}  // namespace ipt::scheduling
