// What every command takes besides its own flags: where the server is, who calls, how to print.
// From the command line, else the environment (IPTCTL_TOKEN_FILE for --token-file), else a file.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/channel.h"

namespace ipt::ctl {

using client::ReadFile;

struct GeneralFlag {
  const char* name;
  const char* hint;  // what its value is; empty: a switch
  bool stored;       // may also stand in the environment and the file
  const char* only;  // "noun verb" of the command that takes it, or several with ", "; empty: all
  const char* help;
};
const std::vector<GeneralFlag>& GeneralFlags();
const GeneralFlag* FindGeneralFlag(absl::string_view name);
// Whether the flag is of some commands only, and `words` ("noun verb") is one of them.
bool IsOwnFlag(const GeneralFlag& flag, absl::string_view words);
// Whether a flag of that name that a method has is meant, after its noun and verb.
bool YieldsToMethods(const GeneralFlag& flag);

struct Settings {
  client::Target target;
  std::string token;
  std::string token_file;  // where it came from; empty: elsewhere
  bool allow_insecure = false;
  absl::Duration deadline = absl::Seconds(10);
  std::string clinic;
  std::optional<absl::TimeZone> zone;
  bool json_output = false;
  // Everything else that was given, by name.
  std::map<std::string, std::string> given;

  bool Has(const std::string& name) const {
    return given.contains(name) && given.at(name) != "false";
  }
  std::string Get(const std::string& name) const {
    return given.contains(name) ? given.at(name) : "";
  }
};

using GetEnv = std::function<std::string(const std::string&)>;

// INVALID_ARGUMENT with a sentence that names the setting and where it stands. A token that would
// travel in the clear to another machine is refused.
absl::StatusOr<Settings> LoadSettings(const std::map<std::string, std::string>& flags,
                                      const GetEnv& env);

}  // namespace ipt::ctl
