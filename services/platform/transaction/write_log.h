// What every write leaves beside its rows, in the same transaction: the answer kept under its
// request_id, an audit entry, events, and the revision that its rows are stamped with.
//
// A WriteLog belongs to one transaction and is used by its thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ipt {

// Identifies a write among all retries of it.
struct RequestKey {
  std::string clinic_id;
  std::string caller;
  std::string method;
  std::string request_id;
};

struct OutboxEvent {
  std::string clinic_id;
  // Resource name of what changed.
  std::string subject;
  // Stable UPPER_SNAKE word, e.g. "SESSION_CHANGED".
  std::string kind;
  // Serialized protobuf of the owning service's event message.
  std::string payload;
  absl::Time time;
};

struct AuditRecord {
  std::string clinic_id;
  std::string caller;
  std::string method;
  bool write = false;
  std::string resource;
  std::string request_id;
  std::string outcome = "OK";
  int64_t count = 1;
  absl::Time time;
  absl::Time last_time;
};

class WriteLog {
 public:
  virtual ~WriteLog() = default;

  // The answer given before under `key`; nullopt when there is none. Waits for every open
  // transaction that has asked for the same key, and sees what it has kept. ALREADY_EXISTS
  // (REQUEST_ID_REUSED) when the answer was given for another content.
  virtual absl::StatusOr<std::optional<std::string>> FindAnswer(const RequestKey& key,
                                                                absl::string_view content_hash) = 0;
  // Keeps the answer. When a concurrent call with the same key was first, the transaction is run
  // again and finds that one's.
  virtual absl::Status KeepAnswer(const RequestKey& key, absl::string_view content_hash,
                                  absl::string_view answer, absl::Time now) = 0;

  virtual absl::Status AppendEvent(const OutboxEvent& event) = 0;
  virtual absl::Status AppendAudit(const AuditRecord& record) = 0;

  // Names a resource that this transaction changed, besides what the request names: the audit of
  // the write is found from it, too.
  void NoteChanged(std::string resource) { changed_.insert(std::move(resource)); }
  const std::set<std::string>& changed() const { return changed_; }

  // The revision of this transaction: issued at the first call, the same afterwards. Increases
  // over the whole store.
  virtual absl::StatusOr<int64_t> Revision() = 0;

 private:
  std::set<std::string> changed_;
};

}  // namespace ipt
