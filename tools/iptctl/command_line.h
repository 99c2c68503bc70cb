// Splits a command line: words, flags of every command, flags of this one's request.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "iptctl/flag_binding.h"

namespace ipt::ctl {

struct CommandLine {
  std::vector<std::string> words;
  std::map<std::string, std::string> general;  // switches: "true" unless said otherwise
  std::vector<FlagText> request;
};

// Whether the flag of the command that `words` begin with may stand without a value. An error:
// there is no such flag.
using SwitchLookup =
    std::function<absl::StatusOr<bool>(const std::vector<std::string>& words, absl::string_view)>;

// --flag value, --flag=value, -h, -o; "--" ends the flags. INVALID_ARGUMENT for unknown flags,
// missing values and repeated general flags.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& args,
                                             const SwitchLookup& is_switch);

}  // namespace ipt::ctl
