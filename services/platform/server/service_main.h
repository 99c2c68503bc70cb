// The main() of a binary that runs one service on a store of the operator's choice.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/server/server.h"
#include "platform/storage/migrator.h"

namespace ipt::server {

struct Service {
  std::string name;  // "scheduling": its binary is ipt-scheduling
  std::vector<storage::Component> components;
  std::function<absl::StatusOr<std::unique_ptr<Module>>(const Platform&, const StoreLocation&)>
      open;
};

// Serves, or does `migrate` or `restored`. Returns the process' exit status, as Main does.
int ServiceMain(const Service& service, int argc, char** argv);

}  // namespace ipt::server
