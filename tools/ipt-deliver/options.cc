#include "ipt-deliver/options.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ipt-deliver/webhook.h"
#include "iptctl/error_output.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"

namespace ipt::deliver {
namespace {

namespace v1 = ipt::scheduling::v1;

constexpr size_t kMostClinics = 100;
constexpr int kMostConcurrency = 256;

using Value = std::string;
using Take = std::function<absl::Status(const Value&, Options&)>;

absl::Status Wrong(absl::string_view message) { return absl::InvalidArgumentError(message); }

Take Text(std::string Options::*field) {
  return [field](const Value& value, Options& options) {
    options.*field = value;
    return absl::OkStatus();
  };
}

Take TargetText(std::string client::Target::*field) {
  return [field](const Value& value, Options& options) {
    options.target.*field = value;
    return absl::OkStatus();
  };
}

absl::Status ReadSwitch(const Value& value, bool& into) {
  return absl::SimpleAtob(value, &into) ? absl::OkStatus() : Wrong("say true or false");
}

Take Switch(bool Options::*field) {
  return
      [field](const Value& value, Options& options) { return ReadSwitch(value, options.*field); };
}

Take Span(absl::Duration Options::*field, absl::Duration least, absl::Duration most) {
  return [field, least, most](const Value& value, Options& options) {
    absl::Duration& span = options.*field;
    if (absl::ParseDuration(value, &span) && span >= least && span <= most) {
      return absl::OkStatus();
    }
    return Wrong(absl::StrCat("write a span of time from ", absl::FormatDuration(least), " to ",
                              absl::FormatDuration(most), ", such as 10s"));
  };
}

absl::Status TakeClinics(const Value& value, Options& options) {
  for (absl::string_view id : absl::StrSplit(value, ',')) {
    id = absl::StripPrefix(absl::StripAsciiWhitespace(id), "clinics/");
    if (!IsValidId(id)) {
      return Wrong(absl::StrCat("\"", id, "\" is no clinic's id: write them as north,south"));
    }
    options.clinics.push_back(absl::StrCat("clinics/", id));
  }
  return absl::OkStatus();
}

absl::Status TakeChannels(const Value& value, Options& options) {
  for (const absl::string_view word : absl::StrSplit(value, ',')) {
    v1::ReminderChannel channel = v1::REMINDER_CHANNEL_UNSPECIFIED;
    const std::string name =
        absl::StrCat("REMINDER_CHANNEL_", absl::AsciiStrToUpper(absl::StripAsciiWhitespace(word)));
    if (!v1::ReminderChannel_Parse(name, &channel) || channel == v1::REMINDER_CHANNEL_UNSPECIFIED) {
      return Wrong(absl::StrCat("\"", word, "\" is none of sms, email, push, voice, letter"));
    }
    options.channels.push_back(channel);
  }
  return absl::OkStatus();
}

struct Flag {
  const char* name;
  const char* hint;  // what its value is; empty: a switch
  Take take;
  const char* help;
};

const std::vector<Flag>& Flags() {
  static const auto* const flags = new std::vector<Flag>{
      {"server", "HOST:PORT", TargetText(&client::Target::server),
       "The suite. Default 127.0.0.1:50051."},
      {"tls", "",
       [](const Value& value, Options& options) { return ReadSwitch(value, options.target.tls); },
       "Connect to it with TLS; implied by --ca and --cert."},
      {"ca", "FILE", TargetText(&client::Target::ca),
       "PEM of the authorities to trust. Default: the system's."},
      {"cert", "FILE", TargetText(&client::Target::cert),
       "PEM of the client's certificate chain, for mutual TLS."},
      {"key", "FILE", TargetText(&client::Target::key), "PEM of the client's private key."},
      {"tls-name", "NAME", TargetText(&client::Target::tls_name),
       "The name that the suite's certificate must bear."},
      {"token-file", "FILE", Text(&Options::token_file),
       "File with a bearer token of scope reminders.deliver; read again when it changes."},
      {"allow-insecure", "", Switch(&Options::allow_insecure),
       "Send a token, or reminders, to another machine although TLS is off."},
      {"connect-within", "SPAN",
       Span(&Options::connect_within, absl::Milliseconds(1), absl::InfiniteDuration()),
       "End with 6 when the suite was not reached once within this time; inf: wait for it for "
       "ever. Default 30s."},
      {"clinics", "ID,...", TakeClinics, "The clinics to serve, 1 to 100; each gets its turn."},
      {"channels", "sms,...", TakeChannels,
       "Only reminders with one of sms, email, push, voice, letter. Default: all."},
      {"webhook", "URL", Text(&Options::webhook), "POST each reminder there."},
      {"keys-file", "FILE", Text(&Options::keys_file),
       "The keys that requests are signed with (JSON, mode 600); read again when it changes."},
      {"webhook-ca", "FILE", Text(&Options::webhook_ca),
       "PEM of the authorities to trust for the webhook. Default: the system's."},
      {"concurrency", "N",
       [](const Value& value, Options& options) {
         const bool good = absl::SimpleAtoi(value, &options.concurrency) &&
                           options.concurrency >= 1 && options.concurrency <= kMostConcurrency;
         return good ? absl::OkStatus() : Wrong("write a number from 1 to 256");
       },
       "Requests at once to the webhook, 1 to 256. Default 8."},
      {"file", "PATH", Text(&Options::file),
       "Append each reminder there instead, a line of JSON each."},
      {"timeout", "SPAN", Span(&Options::timeout, absl::Milliseconds(100), absl::Minutes(5)),
       "How long one request to the webhook may take; at most half of --lease. Default 10s."},
      {"lease", "SPAN", Span(&Options::lease, absl::Seconds(5), absl::Minutes(10)),
       "How long a lease holds, 5s to 10m. Default 60s."},
      {"grace", "SPAN", Span(&Options::grace, absl::ZeroDuration(), absl::Hours(1)),
       "How long it may take to end after SIGTERM. Default 25s."},
      {"admin-listen", "ADDRESS", Text(&Options::admin_listen),
       "Serve /metrics and probes there, e.g. 127.0.0.1:9091. Default: nowhere."},
      {"once", "", Switch(&Options::once), "Deliver what is due now, then end: for cron."},
      {"dry-run", "", Switch(&Options::dry_run),
       "Print what is due now, a line of JSON each, and end. Leases nothing, changes nothing; its "
       "scope is reminders.read."},
      {"output", "table|json",
       [](const Value& value, Options& options) {
         options.json_output = value == "json";
         return value == "json" || value == "table" ? absl::OkStatus() : Wrong("say table or json");
       },
       "How to print the counts at the end, and errors. Default table."},
      {"help", "", Switch(&Options::help), "Explain (-h)."},
      {"version", "", Switch(&Options::version), "Print the version."},
  };
  return *flags;
}

constexpr char kAbout[] =
    "ipt-deliver takes due reminders from the suite and hands each to a webhook (HTTP POST of "
    "signed\n"
    "JSON) or appends it to a file. It leases, sends, then acknowledges: a reminder is handed over "
    "at\n"
    "least once, under the same idempotency key each time.\n\n"
    "  ipt-deliver --clinics ID,... --webhook URL --keys-file FILE [flags]\n"
    "  ipt-deliver --clinics ID,... --file PATH [flags]\n"
    "  ipt-deliver --clinics ID,... --dry-run [flags]\n\n"
    "It runs until SIGTERM: then it leases no more, finishes what is in flight, acknowledges it "
    "and\n"
    "ends with 0; a second SIGTERM ends it at once. SIGHUP opens the file anew.\n\n";

constexpr char kExamples[] =
    "\nExamples:\n"
    "  ipt-deliver --clinics north --dry-run\n"
    "  ipt-deliver --clinics north --file /var/spool/ipt/reminders.ndjson --once\n"
    "  ipt-deliver --server ipt.hospital.example:443 --tls --token-file /run/secrets/token \\\n"
    "    --clinics north,south --webhook https://gateway.hospital.example/reminders \\\n"
    "    --keys-file /run/secrets/webhook-keys.json --admin-listen 127.0.0.1:9091\n"
    "\nA file with one key:\n"
    "  (umask 077; printf '{\"keys\": [{\"id\": \"2026-11\", \"secret\": \"%s\"}]}\\n' \\\n"
    "    \"$(openssl rand -base64 32)\" > keys.json)\n"
    "\nThe JSON, the signature and what the webhook's answers mean: docs/ipt-deliver.md.\n"
    "\nExit codes:\n";

const Flag* FindFlag(absl::string_view name) {
  for (const Flag& flag : Flags()) {
    if (name == flag.name) return &flag;
  }
  return nullptr;
}

absl::Status CheckWhole(Options& options) {
  if (options.clinics.empty()) return Wrong("say which clinics to serve: --clinics north,south");
  const std::set<std::string> unique(options.clinics.begin(), options.clinics.end());
  if (unique.size() != options.clinics.size()) return Wrong("--clinics: one is named twice");
  if (unique.size() > kMostClinics) {
    return Wrong("--clinics: at most 100; run several processes for more");
  }
  IPT_RETURN_IF_ERROR(client::CheckTarget(options.target));
  if (!options.token_file.empty() && !options.allow_insecure) {
    IPT_RETURN_IF_ERROR(client::CheckTokenIsSafe(options.target, "--allow-insecure"));
  }
  if (options.dry_run) return absl::OkStatus();
  if (options.webhook.empty() == options.file.empty()) {
    return Wrong("say where to deliver to: --webhook URL or --file PATH");
  }
  if (2 * options.timeout > options.lease) {
    return Wrong(absl::StrCat("--timeout must be at most half of --lease, which is ",
                              absl::FormatDuration(options.lease)));
  }
  if (options.webhook.empty()) return absl::OkStatus();
  if (options.keys_file.empty()) {
    return Wrong(
        "--webhook needs --keys-file, to sign requests with; --help shows how to make one");
  }
  return CheckWebhookUrl(options.webhook, options.allow_insecure, "--allow-insecure");
}

}  // namespace

std::string HelpText() {
  std::string text = absl::StrCat(kAbout, "Flags:\n");
  for (const Flag& flag : Flags()) {
    absl::StrAppendFormat(&text, "  --%-24s", absl::StrCat(flag.name, " ", flag.hint));
    size_t column = 28;
    for (const absl::string_view word : absl::StrSplit(flag.help, ' ')) {
      if (column + 1 + word.size() > 100) {
        absl::StrAppend(&text, "\n", std::string(28, ' '));
        column = 28;
      }
      absl::StrAppend(&text, " ", word);
      column += 1 + word.size();
    }
    absl::StrAppend(&text, "\n");
  }
  return absl::StrCat(text, kExamples, ctl::kExitCodesHelp,
                      "--once ends with 6, too, when something is to be tried again; SIGTERM, when "
                      "leases are left\nwithout an acknowledgement: they run out by themselves.\n");
}

absl::StatusOr<Options> ParseOptions(const std::vector<std::string>& args) {
  Options options;
  std::set<std::string> seen;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string arg = args[i] == "-h" ? "--help" : args[i];
    if (!absl::StartsWith(arg, "--") || arg.size() == 2) {
      return Wrong(absl::StrCat("what is ", arg, "? Everything is said by flags"));
    }
    const size_t equals = arg.find('=');
    // The servers' flags have underscores.
    const std::string name = absl::StrReplaceAll(
        arg.substr(2, equals == std::string::npos ? equals : equals - 2), {{"_", "-"}});
    const Flag* const flag = FindFlag(name);
    if (flag == nullptr) return Wrong(absl::StrCat("unknown flag --", name));
    std::string value = "true";
    if (equals != std::string::npos) {
      value = arg.substr(equals + 1);
    } else if (*flag->hint != '\0') {
      if (++i == args.size()) return Wrong(absl::StrCat("--", name, " needs a value"));
      value = args[i];
    }
    if (!seen.insert(name).second) {
      return Wrong(absl::StrCat("--", name, " is given more than once"));
    }
    if (const absl::Status taken = flag->take(value, options); !taken.ok()) {
      return Wrong(absl::StrCat("--", name, ": ", taken.message()));
    }
    if (options.help || options.version) return options;
  }
  IPT_RETURN_IF_ERROR(CheckWhole(options));
  return options;
}

}  // namespace ipt::deliver
