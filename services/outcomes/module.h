// Outcomes, wired: store, handlers, services, background work. What both ipt-outcomes and
// ipt-suite run.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/audit/audit_reader.h"
#include "platform/peer/link.h"
#include "platform/server/server.h"
#include "platform/server/service_store.h"
#include "platform/storage/migrator.h"

namespace ipt::outcomes {

struct ModuleOptions {
  server::ServiceStoreOptions store;
  // False: another service of this process lists its audit with its own.
  bool serve_audit = true;
  // Where scheduling is. Unset: in this process.
  std::optional<peer::Settings> scheduling = std::nullopt;
  // False: no course's focus is known.
  bool follow_formulation = false;
  // Where formulation is, where it is followed. Unset: in this process.
  std::optional<peer::Settings> formulation = std::nullopt;
};

class Module : public server::Module {
 public:
  virtual audit::AuditReader& audit_reader() = 0;
};

// The schema of its store.
std::vector<storage::Component> Components();

// FAILED_PRECONDITION when the store's schema is not this binary's.
absl::StatusOr<std::unique_ptr<Module>> OpenModule(const server::Platform& platform,
                                                   const ModuleOptions& options);

}  // namespace ipt::outcomes
