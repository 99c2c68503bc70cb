#include "iptctl/settings.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "iptctl/text.h"
#include "iptctl/time_input.h"
#include "platform/errors/status_macros.h"

namespace ipt::ctl {
namespace {

struct Given {
  std::string value;
  std::string where;  // "--zone", "IPTCTL_ZONE", "/home/a/.config/iptctl/config:3"
};

std::string EnvName(absl::string_view flag) {
  return absl::StrCat("IPTCTL_", absl::StrReplaceAll(absl::AsciiStrToUpper(flag), {{"-", "_"}}));
}

// name = value lines; # starts a comment line.
absl::Status ReadConfig(const std::string& path, std::map<std::string, Given>& out) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  int number = 0;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    const std::string name(absl::StripAsciiWhitespace(pair.first));
    const GeneralFlag* flag = FindGeneralFlag(name);
    const std::string where = absl::StrCat(path, ":", number);
    if (!absl::StrContains(line, "=") || flag == nullptr || !flag->stored) {
      std::vector<std::string> names;
      for (const GeneralFlag& f : GeneralFlags()) {
        if (f.stored) names.push_back(f.name);
      }
      return absl::InvalidArgumentError(absl::StrCat(
          where, ": a line is name = value with a known name", DidYouMean(name, names)));
    }
    out[name] = {std::string(absl::StripAsciiWhitespace(pair.second)), where};
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ParseSwitch(const Given& given) {
  bool value;
  if (given.value.empty()) return true;
  if (absl::SimpleAtob(given.value, &value)) return value;
  return absl::InvalidArgumentError(absl::StrCat(given.where, ": say true or false"));
}

}  // namespace

const std::vector<GeneralFlag>& GeneralFlags() {
  static const auto* const flags = new std::vector<GeneralFlag>{
      {"server", "HOST:PORT", true, "", "The server. Default 127.0.0.1:50051."},
      {"tls", "", true, "", "Connect with TLS; implied by --ca and --cert."},
      {"ca", "FILE", true, "", "PEM of the authorities to trust. Default: the system's."},
      {"cert", "FILE", true, "", "PEM of the client's certificate chain, for mutual TLS."},
      {"key", "FILE", true, "", "PEM of the client's private key."},
      {"tls-name", "NAME", true, "", "The name that the server's certificate must bear."},
      {"token", "TOKEN", true, "",
       "Bearer token. Others may see it in the process list: prefer "
       "--token-file."},
      {"token-file", "FILE", true, "", "File with the bearer token."},
      {"allow-insecure", "", true, "", "Send the token to another machine although TLS is off."},
      {"deadline", "SPAN", true, "", "How long a call may take, retries included. Default 10s."},
      {"clinic", "ID", true, "",
       "The clinic that shortened names belong to: with it, ana is enough "
       "for clinics/ID/therapists/ana."},
      {"zone", "ZONE", true, "",
       "IANA zone of local times typed, and of times shown that have no "
       "zone of their own."},
      {"output", "table|json", true, "", "How to print (-o). Default table."},
      {"config", "FILE", false, "",
       "Settings, a line each: name = value. Default "
       "~/.config/iptctl/config."},
      {"json", "{...}|@FILE|@-", false, "",
       "The request as JSON (@FILE: from a file, @-: from "
       "standard input); words and flags go before it."},
      {"all", "", false, "", "Of lists: follow all pages."},
      {"ascii", "", false, "course show, outcomes chart", "Draw without Unicode."},
      {"svg", "FILE", false, "outcomes chart",
       "Write the chart there as a picture (-: to standard output)."},
      {"html", "FILE", false, "outcomes chart, report get, formulation show",
       "Write it there as a page that is whole by itself (-: to standard output)."},
      {"from-plan", "", false, "course book-plan",
       "Plan first, show the plan, then book it. Takes "
       "course plan's flags, too."},
      {"partial", "", false, "course book-plan",
       "Book a plan although some sessions found no time."},
      {"because", "WORD", false, "reminders replay-many, reminders drop-many",
       "Only dead letters of this why_not (rejected) or of this last reason of the gateway "
       "(PROVIDER_TIMEOUT)."},
      {"note", "TEXT", false, "reminders drop-many",
       "Why, without patient data; each reminder keeps it. Required."},
      {"yes", "", false, "course book-plan, reminders replay-many, reminders drop-many",
       "Go ahead without asking."},
      {"cursor-file", "FILE", false, "events watch, outcomes watch, formulation watch",
       "Keep the cursor there after each response, and begin with it: "
       "nothing is missed between two runs."},
      {"count", "N", false,
       "events watch, outcomes watch, formulation watch, alert watch, reminders watch",
       "End after so many events, or looks."},
      {"interval", "SPAN", false, "reminders watch",
       "How long from one look to the next, 200ms to 1h. Default 2s."},
      {"resume", "", false, "measurement import",
       "Go on with the import of this file that broke off."},
      {"errors", "FILE", false, "measurement import",
       "Where rows that failed are written. Default: beside the file, with .errors.csv added."},
      {"to", "FILE", false, "measurement export",
       "Write there, in place of standard output; the file is there once it is whole."},
      {"offline", "", false, "methods", "List what iptctl knows without asking a server."},
      {"help", "", false, "", "Explain (-h)."},
      {"version", "", false, "", "Print the version."},
  };
  return *flags;
}

const GeneralFlag* FindGeneralFlag(absl::string_view name) {
  for (const GeneralFlag& flag : GeneralFlags()) {
    if (name == flag.name) return &flag;
  }
  return nullptr;
}

bool YieldsToMethods(const GeneralFlag& flag) {
  return *flag.only != '\0' || absl::string_view(flag.name) == "version";
}

bool IsOwnFlag(const GeneralFlag& flag, absl::string_view words) {
  const std::vector<absl::string_view> commands =
      absl::StrSplit(flag.only, ", ", absl::SkipEmpty());
  return std::find(commands.begin(), commands.end(), words) != commands.end();
}

absl::StatusOr<Settings> LoadSettings(const std::map<std::string, std::string>& flags,
                                      const GetEnv& env) {
  std::map<std::string, Given> given;
  std::string config = flags.contains("config") ? flags.at("config") : env("IPTCTL_CONFIG");
  if (config.empty()) {
    const std::string home = env("XDG_CONFIG_HOME").empty() ? absl::StrCat(env("HOME"), "/.config")
                                                            : env("XDG_CONFIG_HOME");
    const std::string usual = absl::StrCat(home, "/iptctl/config");
    if (std::ifstream(usual).is_open()) config = usual;
  }
  if (!config.empty()) {
    absl::Status read = ReadConfig(config, given);
    if (!read.ok()) return read;
  }
  // A nearer source's token replaces a farther one's, in either form.
  const auto merge = [&](const std::map<std::string, Given>& source) {
    if (source.contains("token") || source.contains("token-file")) {
      given.erase("token");
      given.erase("token-file");
    }
    for (const auto& [name, setting] : source) given[name] = setting;
  };
  std::map<std::string, Given> from_env, from_flags;
  for (const GeneralFlag& flag : GeneralFlags()) {
    const std::string name = EnvName(flag.name);
    if (flag.stored && !env(name).empty()) from_env[flag.name] = {env(name), name};
  }
  for (const auto& [name, value] : flags) from_flags[name] = {value, "--" + name};
  merge(from_env);
  merge(from_flags);

  Settings settings;
  const auto take = [&](const char* name, std::string& into) {
    if (const auto it = given.find(name); it != given.end()) into = it->second.value;
  };
  take("server", settings.target.server);
  take("ca", settings.target.ca);
  take("cert", settings.target.cert);
  take("key", settings.target.key);
  take("tls-name", settings.target.tls_name);
  take("clinic", settings.clinic);
  take("token", settings.token);
  settings.clinic = std::string(absl::StripPrefix(settings.clinic, "clinics/"));
  for (const auto& [name, target] :
       {std::pair<const char*, bool*>{"tls", &settings.target.tls},
        std::pair<const char*, bool*>{"allow-insecure", &settings.allow_insecure}}) {
    if (!given.contains(name)) continue;
    const absl::StatusOr<bool> on = ParseSwitch(given[name]);
    if (!on.ok()) return on.status();
    *target = *on;
  }
  IPT_RETURN_IF_ERROR(client::CheckTarget(settings.target));
  if (given.contains("token") && given.contains("token-file")) {
    return absl::InvalidArgumentError("give --token or --token-file, not both");
  }
  if (given.contains("token-file")) {
    const absl::StatusOr<std::string> text = ReadFile(given["token-file"].value);
    if (!text.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(given["token-file"].where, ": ",
                                                     absl::string_view(text.status().message())));
    }
    settings.token = std::string(absl::StripAsciiWhitespace(*text));
    settings.token_file = given["token-file"].value;
  }
  if (!settings.token.empty() && !settings.allow_insecure) {
    IPT_RETURN_IF_ERROR(client::CheckTokenIsSafe(settings.target, "--allow-insecure"));
  }
  if (given.contains("deadline")) {
    const absl::StatusOr<absl::Duration> span = ParseSpan(given["deadline"].value);
    if (!span.ok() || *span == absl::ZeroDuration()) {
      return absl::InvalidArgumentError(
          absl::StrCat(given["deadline"].where, ": write a span of time such as 10s"));
    }
    settings.deadline = *span;
  }
  if (given.contains("zone")) {
    absl::TimeZone zone;
    if (given["zone"].value.empty() || !absl::LoadTimeZone(given["zone"].value, &zone)) {
      return absl::InvalidArgumentError(absl::StrCat(given["zone"].where, ": \"",
                                                     given["zone"].value,
                                                     "\" is no IANA zone such as Europe/London"));
    }
    settings.zone = zone;
  }
  if (given.contains("output")) {
    const std::string& output = given["output"].value;
    if (output != "table" && output != "json") {
      return absl::InvalidArgumentError(absl::StrCat(given["output"].where, ": say table or json"));
    }
    settings.json_output = output == "json";
  }
  settings.given = flags;
  return settings;
}

}  // namespace ipt::ctl
