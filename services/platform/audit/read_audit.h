// Audit entries of reads. A read has no transaction to put its entry into, so entries are gathered,
// equal ones of the same second folded into one with a count, and written in batches: at the latest
// a second after the read, and before the process ends. While the store is away they wait here;
// when too many wait, reads of patient-bound data are refused rather than left unrecorded.
//
// Thread-safe. Add() does not block.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "platform/transaction/write_log.h"

namespace ipt::audit {

class ReadAudit {
 public:
  // Writes entries durably; called from one thread, one batch at a time.
  using Sink = std::function<absl::Status(const std::vector<AuditRecord>&)>;

  explicit ReadAudit(Sink sink, size_t most_waiting = 100'000);
  ~ReadAudit();
  ReadAudit(const ReadAudit&) = delete;
  ReadAudit& operator=(const ReadAudit&) = delete;

  // UNAVAILABLE with RetryInfo while too many entries wait for the store.
  absl::Status MayRead() const;

  void Add(AuditRecord record);

  // Writes all that waits; OK when it is durable.
  absl::Status Flush();

  // Ends the background's writing and writes all that waits, once; OK when it is durable. For as
  // long as the sink lets it. What is left afterwards is lost with the process: waiting() says how
  // much. The destructor does the same where nobody did.
  absl::Status Stop();

  // Entries not yet durable, those being written among them.
  size_t waiting() const;

 private:
  void Run();
  absl::Status WriteOut();
  void Fold(AuditRecord record);  // under the lock

  const Sink sink_;
  const size_t most_waiting_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  absl::flat_hash_map<std::string, AuditRecord> folded_;
  size_t being_written_ = 0;
  std::mutex writing_;  // one batch at a time
  std::thread writer_;
};

}  // namespace ipt::audit
