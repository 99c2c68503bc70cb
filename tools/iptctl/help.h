// Help, made from the command table and the contract's comments.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "iptctl/command_table.h"

namespace ipt::ctl {

std::string GeneralHelp();
std::string NounHelp(absl::string_view noun);
std::string CommandHelp(const Command& command);
// Every command's.
std::string AllHelp();

}  // namespace ipt::ctl
