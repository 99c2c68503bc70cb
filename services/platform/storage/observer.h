// What the store tells metrics and the slow-statement log. Called on the caller's path from any
// thread: implementations are thread-safe and quick. SQL texts hold parameter names, never values.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ipt::storage {

class StorageObserver {
 public:
  virtual ~StorageObserver() = default;

  // One run of a statement, its rows fetched.
  virtual void OnStatement(absl::string_view /*sql*/, absl::Duration /*took*/, bool /*ok*/) {}
  // A commit of `transactions` together (1 except under group commit); `took` is the COMMIT alone.
  virtual void OnCommit(size_t /*transactions*/, absl::Duration /*took*/, bool /*ok*/) {}
  // A session was leased after `waited`, or was not.
  virtual void OnSessionWait(absl::Duration /*waited*/, bool /*ok*/) {}
  virtual void OnSessionsInUse(int /*in_use*/) {}
  // Writes that wait for SQLite's writer.
  virtual void OnWriteQueue(size_t /*waiting*/) {}
  // A transaction runs again after a conflict or on a fresh session.
  virtual void OnRetry() {}
  // A session broke and was thrown away.
  virtual void OnSessionLost() {}
};

}  // namespace ipt::storage
