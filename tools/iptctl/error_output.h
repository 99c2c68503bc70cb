// How iptctl ends: what an error says, and the exit code that scripts branch on.
//
//   0  done
//   1  the command line is wrong
//   2  the server refused a field (INVALID_ARGUMENT, OUT_OF_RANGE)
//   3  no such resource (NOT_FOUND)
//   4  the state forbids it (FAILED_PRECONDITION, ABORTED, ALREADY_EXISTS)
//   5  not allowed (UNAUTHENTICATED, PERMISSION_DENIED)
//   6  try again later (UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, CANCELLED)
//   7  a fault (everything else)
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"

namespace ipt::ctl {

inline constexpr int kExitUsage = 1;
inline constexpr int kExitState = 4;

int ExitCodeOf(grpc::StatusCode code);

// The reason that the status gives in its details; empty: none.
std::string ReasonOf(const grpc::Status& status);

// For help.
extern const char kExitCodesHelp[];

// Everything that the status tells, for people or as one JSON object, ending in a newline.
// `request_id` is the write's, empty for reads: what to repeat an undecided write with. `program`
// is who says it.
std::string DescribeError(const grpc::Status& status, absl::string_view request_id, bool json,
                          absl::string_view program = "iptctl");

// An error of the command line itself. `help` says where to read on.
std::string DescribeUsageError(absl::string_view message, absl::string_view help, bool json,
                               absl::string_view program = "iptctl");

}  // namespace ipt::ctl
