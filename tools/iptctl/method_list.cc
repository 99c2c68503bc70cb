#include "iptctl/method_list.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "iptctl/command_table.h"
#include "iptctl/text.h"
#include "nlohmann/json.hpp"

namespace ipt::ctl {

int ListMethodsAndCommands(Session& session) {
  std::vector<std::string> paths;
  if (session.settings.Has("offline")) {
    for (const MethodDescriptor* method : ContractMethods()) paths.push_back(RpcPath(*method));
  } else if (const int exit = session.ListMethods(paths)) {
    return exit;
  }
  std::sort(paths.begin(), paths.end());
  int width = 0;
  for (const std::string& path : paths) width = std::max(width, DisplayWidth(path));
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  bool complete = true;
  for (const std::string& path : paths) {
    // Health and reflection are not the suite's.
    if (!absl::StartsWith(path, "/ipt.")) continue;
    const std::string name = absl::StrReplaceAll(path.substr(1), {{"/", "."}});
    const Command* command = FindCommandOf(name);
    // A conversation is a gateway's, not a command line's.
    const MethodDescriptor* method = FindMethod(name);
    complete =
        complete && (command != nullptr || (method != nullptr && method->client_streaming()));
    const std::string words =
        command == nullptr ? "-" : absl::StrCat(command->noun, " ", command->verb);
    const std::string example = command == nullptr ? "" : "iptctl " + command->example;
    if (session.settings.json_output) {
      rows.push_back({{"method", path}, {"command", words}, {"example", example}});
    } else {
      session.env.out << PadRight(path, width) << "  " << words << "\n";
    }
  }
  if (session.settings.json_output) {
    session.env.out << nlohmann::ordered_json{{"methods", rows}}.dump(2) << "\n";
  }
  if (!complete) {
    session.env.err << "iptctl: this server has methods that this iptctl does not know: install "
                       "the one that came with the server\n";
  }
  return complete ? 0 : 7;
}

}  // namespace ipt::ctl
