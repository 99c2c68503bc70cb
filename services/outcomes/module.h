// Outcomes, wired: store, handlers, services, background work. What both ipt-outcomes and
// ipt-suite run.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/audit/audit_reader.h"
#include "platform/server/server.h"
#include "platform/storage/database.h"
#include "platform/time/clock.h"

namespace ipt::outcomes {

struct ModuleOptions {
  server::StoreLocation store;
  // True: bring the schema up to date first (the suite). False: wait until `migrate` has done so.
  bool migrate = false;
  // How long answers are kept under their request_id.
  absl::Duration keep_answers = absl::Hours(48);
  // False: another service of this process lists its audit with its own.
  bool serve_audit = true;
};

class Module : public server::Module {
 public:
  virtual audit::AuditReader& audit_reader() = 0;
};

// Readies a store that was put back from a copy, before a server is started on it: followers of the
// lost history are told to begin anew, and no revision that a client may have seen comes again.
absl::Status MarkStoreRestored(storage::Database& db);

// FAILED_PRECONDITION when the store's schema is not this binary's.
absl::StatusOr<std::unique_ptr<Module>> OpenModule(const server::Platform& platform,
                                                   const ModuleOptions& options);

// Brings the schema of the store to this binary's. Idempotent, safe beside running replicas.
absl::Status MigrateStore(storage::Database& db, const Clock& clock);

}  // namespace ipt::outcomes
