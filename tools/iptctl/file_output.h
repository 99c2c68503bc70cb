// Files that iptctl writes. What may tell of patients is for its owner alone.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ipt::ctl {

// Makes an empty file that its owner alone may read and write, or makes that of what is there.
absl::Status MakePrivateFile(const std::string& path);

// Moves a file that was written and closed in place of another one, once its bytes are on disk.
absl::Status PutInPlace(const std::string& from, const std::string& to);

// Writes a file anew: whenever iptctl is stopped, all of it is there, or what was there before.
absl::Status WriteWhole(const std::string& path, absl::string_view text);

}  // namespace ipt::ctl
