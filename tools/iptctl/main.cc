// iptctl: the command-line client of the IPT Suite.
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "iptctl/app.h"

int main(int argc, char** argv) {
  ipt::SystemClock clock;
  ipt::RandomIdSource ids;
  ipt::ctl::Environment env{std::cin, std::cout, std::cerr,
                            // Read before any thread starts that could change it.
                            [](const std::string& name) {
                              const char* value =
                                  std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
                              return std::string(value == nullptr ? "" : value);
                            },
                            clock, ids, isatty(STDIN_FILENO) != 0, isatty(STDOUT_FILENO) != 0};
  return ipt::ctl::Run({argv + 1, argv + argc}, env);
}
