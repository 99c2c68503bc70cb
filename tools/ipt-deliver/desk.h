// One clinic's leases, from the server and back: one thread leases and hands to the queue, one says
// what became of it.
//
// It leases by a stream, and never more than a window that is leased and not yet acknowledged: so
// much memory, and no lease that waits long. The first lease is a call, which tells a wrong token
// or clinic at once (a stream without reminders says nothing). Acknowledgements are calls, too:
// they are repeated, with their request_id, until the server has taken them, whatever became of the
// stream that the lease came by.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "ipt-deliver/fair_queue.h"
#include "ipt-deliver/outcome.h"
#include "ipt-deliver/receiver.h"
#include "ipt-deliver/server_link.h"
#include "ipt-deliver/tally.h"

namespace ipt::deliver {

struct DeskOptions {
  std::vector<v1::ReminderChannel> channels{};  // empty: all
  absl::Duration lease = absl::Seconds(60);
  absl::Duration timeout = absl::Seconds(10);         // of one send
  absl::Duration connect_within = absl::Seconds(30);  // of the first call; infinite: for ever
  int window = 0;
  bool once = false;
};

class Desk {
 public:
  // Told of an error that ends the whole gateway: the server refused the first call, or was not
  // reached in time.
  using OnFatal = std::function<void(const grpc::Status&)>;

  // All of them outlive it. `index`: this desk's line in the queue and the tally.
  Desk(std::string clinic, size_t index, DeskOptions options, ServerLink& link, Receiver& receiver,
       FairQueue& queue, Tally& tally, OnFatal on_fatal);
  ~Desk();

  void Start();
  const std::string& clinic() const { return clinic_; }
  bool has_begun() const { return begun_; }  // the first lease went well
  bool leasing() const { return leasing_; }

  // ---- for those who send

  enum class Readiness { kSend, kTooLate, kLost };
  // To be asked just before the send: whether the lease, and the reminder's own time, last for it.
  // A lease that does not is extended.
  Readiness PrepareToSend(Job& job);

  // What became of it, or that nothing is to be said.
  void Done(const Job& job, const Outcome& outcome);
  void Drop(const Job& job);

  // ---- for the gateway

  // The receiver fell, or is up again.
  void OnReceiver();
  // Leases no more; what was leased is still to be sent and acknowledged.
  void StopLeasing();
  // Cuts a stream that does not end by itself.
  void CancelStream();
  // Says no more; returns how many leases are left without a word.
  int64_t Abandon();
  int outstanding() const;

 private:
  using Stream = grpc::ClientReaderWriter<v1::StreamRemindersRequest, v1::StreamRemindersResponse>;
  using SteadyTime = std::chrono::steady_clock::time_point;

  void Lease();
  // One call for a window; what it leases goes to the queue.
  grpc::Status LeaseByCall(int& leased);
  // Repeats it while that may help; false: it is over.
  bool LeaseUntilAnswered(int& leased);
  void RunOnce();
  void RunStreams();
  grpc::Status RunStream(bool& useful);
  void Accept(google::protobuf::RepeatedPtrField<v1::LeasedReminder>* leased,
              SteadyTime held_until);
  void GrantCredits();              // REQUIRES: mutex_ held
  void CloseStream();               // REQUIRES: mutex_ held
  bool Sleep(absl::Duration span);  // false: leasing is over

  void Acknowledge();
  bool Say(const v1::CompleteRemindersRequest& request);
  void Settle(int count);

  const std::string clinic_;
  const size_t index_;
  const DeskOptions options_;
  ServerLink& link_;
  Receiver& receiver_;
  FairQueue& queue_;
  Tally& tally_;
  const OnFatal on_fatal_;

  std::atomic<bool> begun_{false};
  std::atomic<bool> leasing_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool abandoned_ = false;
  int outstanding_ = 0;  // leased, and nothing said about them that was heard
  int credits_ = 0;      // what the server may still send on the stream
  Stream* stream_ = nullptr;
  grpc::ClientContext* context_ = nullptr;
  bool closing_ = false;  // this side of the stream is done
  std::deque<v1::Completion> words_;

  std::thread lease_thread_;
  std::thread acknowledge_thread_;
};

}  // namespace ipt::deliver
