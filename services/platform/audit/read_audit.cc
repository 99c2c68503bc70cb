#include "platform/audit/read_audit.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/error.h"

namespace ipt::audit {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(500);
constexpr size_t kBatch = 1000;

std::string FoldKey(const AuditRecord& record) {
  return absl::StrCat(record.clinic_id, "\n", record.caller, "\n", record.method, "\n",
                      record.resource, "\n", record.request_id, "\n", record.outcome, "\n",
                      absl::ToUnixSeconds(record.time));
}

}  // namespace

ReadAudit::ReadAudit(Sink sink, size_t most_waiting)
    : sink_(std::move(sink)), most_waiting_(most_waiting), writer_([this] { Run(); }) {}

ReadAudit::~ReadAudit() { Stop().IgnoreError(); }

absl::Status ReadAudit::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return absl::OkStatus();
    stopping_ = true;
  }
  wake_.notify_all();
  writer_.join();
  return WriteOut();
}

absl::Status ReadAudit::MayRead() const {
  if (waiting() < most_waiting_) return absl::OkStatus();
  return Unavailable(reason::kStoreUnavailable,
                     "reads cannot be recorded for audit at present; retry after the stated delay",
                     absl::Seconds(2));
}

void ReadAudit::Add(AuditRecord record) {
  std::lock_guard<std::mutex> lock(mutex_);
  Fold(std::move(record));
}

void ReadAudit::Fold(AuditRecord record) {
  auto [it, added] = folded_.try_emplace(FoldKey(record), record);
  if (added) return;
  it->second.count += record.count;
  it->second.time = std::min(it->second.time, record.time);
  it->second.last_time = std::max(it->second.last_time, record.last_time);
}

absl::Status ReadAudit::Flush() { return WriteOut(); }

size_t ReadAudit::waiting() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return folded_.size() + being_written_;
}

absl::Status ReadAudit::WriteOut() {
  std::lock_guard<std::mutex> one_at_a_time(writing_);
  absl::flat_hash_map<std::string, AuditRecord> taken;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    taken.swap(folded_);
    being_written_ = taken.size();
  }
  absl::Status status;
  std::vector<AuditRecord> batch;
  auto it = taken.begin();
  while (it != taken.end()) {
    batch.clear();
    auto end = it;
    while (end != taken.end() && batch.size() < kBatch) batch.push_back((end++)->second);
    status = sink_(batch);
    if (!status.ok()) break;
    it = end;
    std::lock_guard<std::mutex> lock(mutex_);
    being_written_ -= batch.size();
  }
  // What could not be written waits for the next round.
  std::lock_guard<std::mutex> lock(mutex_);
  for (; it != taken.end(); ++it) Fold(std::move(it->second));
  being_written_ = 0;
  return status;
}

void ReadAudit::Run() {
  while (true) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      if (wake_.wait_for(lock, kInterval, [this] { return stopping_; })) return;
    }
    WriteOut().IgnoreError();
  }
}

}  // namespace ipt::audit
