// iptctl: the command-line client of the IPT Suite.
#include <grpc/support/log.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "iptctl/app.h"

int main(int argc, char** argv) {
  ipt::SystemClock clock;
  ipt::RandomIdSource ids;
  ipt::ctl::TerminalScreen screen;
  ipt::ctl::Environment env{
      std::cin, std::cout, std::cerr,
      // Read before any thread starts that could change it.
      [](const std::string& name) {
        const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
        return std::string(value == nullptr ? "" : value);
      },
      clock, ids, isatty(STDIN_FILENO) != 0, isatty(STDOUT_FILENO) != 0, &screen};
  // Standard error belongs to iptctl, which tells what went wrong itself (as one JSON object where
  // that was asked for). GRPC_VERBOSITY brings gRPC's own lines back.
  if (env.getenv("GRPC_VERBOSITY").empty()) {
    gpr_set_log_function([](gpr_log_func_args*) {});
  }
  return ipt::ctl::Run({argv + 1, argv + argc}, env);
}
