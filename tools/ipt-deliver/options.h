// The command line of ipt-deliver.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/channel.h"
#include "ipt/scheduling/v1/reminder.pb.h"

namespace ipt::deliver {

struct Options {
  client::Target target;
  std::string token_file;
  bool allow_insecure = false;

  std::vector<std::string> clinics;  // clinics/{clinic}
  std::vector<scheduling::v1::ReminderChannel> channels;

  std::string webhook;
  std::string keys_file;
  std::string webhook_ca;
  std::string file;  // one of it and `webhook` is set, but for a dry run

  int concurrency = 8;
  absl::Duration timeout = absl::Seconds(10);
  absl::Duration lease = absl::Seconds(60);
  absl::Duration grace = absl::Seconds(25);
  absl::Duration connect_within = absl::Seconds(30);
  std::string admin_listen;  // empty: none

  bool once = false;
  bool dry_run = false;
  bool json_output = false;
  bool help = false;
  bool version = false;
};

// INVALID_ARGUMENT with a sentence that names the flag. Where help or the version is asked for,
// nothing else is looked at.
absl::StatusOr<Options> ParseOptions(const std::vector<std::string>& args);

// All flags, examples and exit codes.
std::string HelpText();

}  // namespace ipt::deliver
