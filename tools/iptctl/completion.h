// Completion for bash: a short script that asks iptctl itself, so that it never falls behind.
#pragma once

#include <string>
#include <vector>

namespace ipt::ctl {

extern const char kBashCompletion[];

// What may follow, given the words after "iptctl" up to and with the one being typed.
std::vector<std::string> Complete(const std::vector<std::string>& words);

}  // namespace ipt::ctl
