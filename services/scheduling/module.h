// Scheduling, wired: store, handlers, services, background work. What both ipt-scheduling and
// ipt-suite run.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/audit/audit_reader.h"
#include "platform/server/server.h"
#include "platform/server/service_store.h"
#include "platform/storage/migrator.h"

namespace ipt::scheduling {

struct ModuleOptions {
  server::ServiceStoreOptions store;
  // Audits of other services of this process, listed with this one's. They outlive the module.
  std::vector<audit::AuditReader*> other_audits = {};
};

// The schema of its store.
std::vector<storage::Component> Components();

// FAILED_PRECONDITION when the store's schema is not this binary's.
absl::StatusOr<std::unique_ptr<server::Module>> OpenModule(const server::Platform& platform,
                                                           const ModuleOptions& options);

}  // namespace ipt::scheduling
