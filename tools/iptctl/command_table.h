// The commands: which noun and verb call which method, and which of its request's fields the words
// after them set. All else follows from the contract.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "iptctl/flag_binding.h"
#include "iptctl/positionals.h"

namespace ipt::ctl {

struct Command {
  std::string noun;
  std::string verb;
  std::string method;  // full name; empty for commands that combine several calls
  std::vector<Positional> args;
  std::string example;                // what follows "iptctl "
  std::string summary;                // only where no method's comment says it
  std::vector<FlagText> preset = {};  // flags that the verb itself stands for
};

const std::vector<Command>& Commands();

// nullptr if there is none.
const Command* FindCommand(absl::string_view noun, absl::string_view verb);
const Command* FindCommandOf(absl::string_view method);

// Without repetition, in the order of the table.
std::vector<std::string> Nouns();
std::vector<std::string> VerbsOf(absl::string_view noun);

// What it does, in one sentence or more.
std::string SummaryOf(const Command& command);

}  // namespace ipt::ctl
