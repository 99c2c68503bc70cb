#include "iptctl/completion.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "iptctl/command_table.h"
#include "iptctl/flag_binding.h"
#include "iptctl/settings.h"

namespace ipt::ctl {

const char kBashCompletion[] = R"(# bash completion for iptctl; source <(iptctl completion bash)
_iptctl() {
  COMPREPLY=()
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
    "${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _iptctl iptctl
)";

std::vector<std::string> Complete(const std::vector<std::string>& words) {
  std::vector<std::string> candidates;
  const std::string typed = words.empty() ? "" : words.back();
  std::vector<std::string> plain;  // the words before it that are no flags
  std::string flag;                // the flag whose value is being typed
  const Command* command = nullptr;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const bool is_value = !flag.empty();
    flag.clear();
    if (is_value) continue;
    if (!absl::StartsWith(words[i], "-")) {
      plain.push_back(words[i]);
      if (plain.size() == 2) command = FindCommand(plain[0], plain[1]);
    } else if (!absl::StrContains(words[i], "=")) {
      const std::string name = words[i] == "-o" ? "output" : words[i].substr(2);
      const GeneralFlag* general = FindGeneralFlag(name);
      bool bare = general != nullptr && *general->hint == '\0';
      if (general == nullptr && command != nullptr && !command->method.empty()) {
        const RequestFlags flags(*FindMethod(command->method)->input_type());
        const Flag* found = flags.Find(name);
        bare = found == nullptr || found->is_switch();
      }
      if (!bare) flag = name;
    }
  }
  const MethodDescriptor* method = command == nullptr ? nullptr : FindMethod(command->method);
  if (!flag.empty()) {
    if (flag == "output") candidates = {"table", "json"};
    if (method != nullptr) {
      const RequestFlags flags(*method->input_type());
      const Flag* found = flags.Find(flag);
      if (found != nullptr && found->leaf().enum_type() != nullptr) {
        candidates = absl::StrSplit(ValueHint(found->leaf()), '|');
      }
    }
  } else if (absl::StartsWith(typed, "-")) {
    if (method != nullptr) {
      const RequestFlags flags(*method->input_type());
      for (const Flag& f : flags.all()) candidates.push_back("--" + f.shortest);
    }
    const std::string both =
        command == nullptr ? "" : absl::StrCat(command->noun, " ", command->verb);
    for (const GeneralFlag& general : GeneralFlags()) {
      if (*general.only == '\0' || IsOwnFlag(general, both)) {
        candidates.push_back(absl::StrCat("--", general.name));
      }
    }
  } else if (plain.empty()) {
    candidates = Nouns();
    for (const char* extra : {"call", "completion", "help", "methods"}) {
      candidates.emplace_back(extra);
    }
  } else if (plain.size() == 1) {
    candidates = VerbsOf(plain[0]);
    if (plain[0] == "completion") candidates = {"bash"};
    if (plain[0] == "help") candidates = Nouns();
    if (plain[0] == "call") {
      for (const MethodDescriptor* m : ContractMethods()) candidates.push_back(m->full_name());
    }
  } else if (plain.size() == 2 && plain[0] == "help") {
    candidates = VerbsOf(plain[1]);
  }
  std::vector<std::string> out;
  for (std::string& candidate : candidates) {
    if (absl::StartsWith(candidate, typed)) out.push_back(std::move(candidate));
  }
  return out;
}

}  // namespace ipt::ctl
