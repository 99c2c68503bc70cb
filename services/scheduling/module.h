// Scheduling, wired: store, handlers, services, background work. What both ipt-scheduling and
// ipt-suite run.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/audit/audit_reader.h"
#include "platform/server/server.h"
#include "platform/storage/database.h"
#include "platform/time/clock.h"

namespace ipt::scheduling {

struct ModuleOptions {
  server::StoreLocation store;
  // True: bring the schema up to date first (the suite). False: wait until `migrate` has done so.
  bool migrate = false;
  // How long answers are kept under their request_id.
  absl::Duration keep_answers = absl::Hours(48);
  // Audits of other services of this process, listed with this one's. They outlive the module.
  std::vector<audit::AuditReader*> other_audits = {};
};

// Readies a store that was put back from a copy, before a server is started on it: followers of the
// lost history are told to begin anew, and no revision that a client may have seen comes again.
absl::Status MarkStoreRestored(storage::Database& db);

// FAILED_PRECONDITION when the store's schema is not this binary's.
absl::StatusOr<std::unique_ptr<server::Module>> OpenModule(const server::Platform& platform,
                                                           const ModuleOptions& options);

// Brings the schema of the store to this binary's. Idempotent, safe beside running replicas.
absl::Status MigrateStore(storage::Database& db, const Clock& clock);

}  // namespace ipt::scheduling
