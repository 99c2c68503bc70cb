// iptctl from its arguments to its exit code (error_output.h lists them). What it touches of the
// machine comes in from outside, so that tests run whole commands.
#pragma once

#include <functional>
#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "iptctl/connection.h"
#include "iptctl/flag_binding.h"
#include "iptctl/positionals.h"
#include "iptctl/screen.h"
#include "iptctl/settings.h"
#include "iptctl/value_text.h"
#include "platform/ids/ids.h"
#include "platform/time/clock.h"

namespace ipt::ctl {

struct Environment {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  GetEnv getenv;
  const Clock& clock;
  IdSource& ids;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  Screen* screen = nullptr;  // what `out` is, for what is drawn again and again
};

int Run(const std::vector<std::string>& args, Environment& env);

// One run of a command: its settings, its connection, its ways to say things.
class Session {
 public:
  Session(Environment& env, Settings settings, std::string help)
      : env(env), settings(std::move(settings)), help_(std::move(help)) {}

  Environment& env;
  const Settings settings;

  ShowContext show() const;
  // Whether the terminal reads UTF-8.
  bool utf8() const;
  ValueContext values() const;

  // Calls the method; on an error, says so and returns the exit code, else 0.
  int Call(const MethodDescriptor& method, const Message& request, Message& response);
  // Follows a list's pages, when `all`, into one answer.
  int CallPages(const MethodDescriptor& method, Message& request, Message& response, bool all);
  // 0 with the server's methods, or the exit code after saying what went wrong.
  int ListMethods(std::vector<std::string>& paths);

  // The request from JSON, words and flags, in this order, with a request_id where one is due.
  absl::Status Bind(const MethodDescriptor& method, const std::vector<Positional>& specs,
                    const std::vector<std::string>& words, const std::vector<FlagText>& flags,
                    Message& request);

  int Print(const Message& message);
  // Writes `text` into the file that the general flag names ("-": to standard output), and says so.
  int Save(const std::string& flag, const std::string& text);
  // Asks a question that is answered with y or n; whoever says nothing says no.
  bool Confirm(absl::string_view question);
  int UsageError(absl::string_view message);

  // nullptr after saying why.
  Connection* connection();

 private:
  const std::string help_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace ipt::ctl
