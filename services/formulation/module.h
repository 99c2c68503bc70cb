// Formulation, wired: store, protocol, handlers, services, the copy of scheduling's courses. What
// both ipt-formulation and ipt-suite run.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/audit/audit_reader.h"
#include "platform/peer/link.h"
#include "platform/server/server.h"
#include "platform/server/service_store.h"
#include "platform/storage/migrator.h"

namespace ipt::formulation {

struct ModuleOptions {
  server::ServiceStoreOptions store;
  // The folder with the protocol's data (protocol/README.md). Empty: those that the binary has.
  std::string protocol_dir{};
  // False: another service of this process lists its audit with its own.
  bool serve_audit = true;
  // Where scheduling is. Unset: in this process.
  std::optional<peer::Settings> scheduling = std::nullopt;
  // Whether guides ask outcomes which measures are due, and where that is. Unset: in this process.
  bool ask_outcomes = false;
  std::optional<peer::Settings> outcomes = std::nullopt;
};

class Module : public server::Module {
 public:
  virtual audit::AuditReader& audit_reader() = 0;
};

// The schema of its store.
std::vector<storage::Component> Components();

// FAILED_PRECONDITION when the store's schema is not this binary's; INVALID_ARGUMENT with every
// error of the protocol's data.
absl::StatusOr<std::unique_ptr<Module>> OpenModule(const server::Platform& platform,
                                                   const ModuleOptions& options);

}  // namespace ipt::formulation
