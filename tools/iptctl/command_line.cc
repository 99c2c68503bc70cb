#include "iptctl/command_line.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "iptctl/settings.h"

namespace ipt::ctl {

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& args,
                                             const SwitchLookup& is_switch) {
  CommandLine line;
  bool only_words = false;
  for (size_t i = 0; i < args.size(); ++i) {
    std::string arg = args[i];
    if (arg == "-h") arg = "--help";
    if (arg == "-o") arg = "--output";
    if (!only_words && arg == "--") {
      only_words = true;
      continue;
    }
    if (only_words || !absl::StartsWith(arg, "-") || arg.size() == 1) {
      line.words.push_back(arg);
      continue;
    }
    if (!absl::StartsWith(arg, "--")) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown flag ", arg, "; long flags begin with --"));
    }
    const auto equals = arg.find('=');
    const std::string name = arg.substr(2, equals == std::string::npos ? equals : equals - 2);
    const GeneralFlag* general = FindGeneralFlag(name);
    bool is_bare = general != nullptr && *general->hint == '\0';
    if (general == nullptr || (YieldsToMethods(*general) && line.words.size() >= 2)) {
      const absl::StatusOr<bool> bare = is_switch(line.words, name);
      if (bare.ok()) {
        general = nullptr;
        is_bare = *bare;
      } else if (general == nullptr) {
        return bare.status();
      }
    }
    std::string value = "true";
    if (equals != std::string::npos) {
      value = arg.substr(equals + 1);
    } else if (!is_bare) {
      if (++i == args.size()) {
        return absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value"));
      }
      value = args[i];
    }
    if (general == nullptr) {
      line.request.emplace_back(name, value);
    } else if (!line.general.emplace(name, value).second) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " is given more than once"));
    }
  }
  return line;
}

}  // namespace ipt::ctl
