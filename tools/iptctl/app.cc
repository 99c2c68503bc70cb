#include "iptctl/app.h"

#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "iptctl/book_plan.h"
#include "iptctl/command_line.h"
#include "iptctl/command_table.h"
#include "iptctl/completion.h"
#include "iptctl/dead_letters.h"
#include "iptctl/error_output.h"
#include "iptctl/export_measurements.h"
#include "iptctl/file_output.h"
#include "iptctl/help.h"
#include "iptctl/import_measurements.h"
#include "iptctl/method_list.h"
#include "iptctl/render_report.h"
#include "iptctl/render_table.h"
#include "iptctl/save_report.h"
#include "iptctl/show_chart.h"
#include "iptctl/show_course.h"
#include "iptctl/show_formulation.h"
#include "iptctl/show_guide.h"
#include "iptctl/stream_report.h"
#include "iptctl/watch_alerts.h"
#include "iptctl/watch_events.h"
#include "iptctl/watch_reminders.h"

namespace ipt::ctl {
namespace {

// The command that the first words name: from the table, or `call METHOD`.
struct Chosen {
  Command command;
  std::vector<std::string> words;  // those after it
};

absl::StatusOr<Chosen> Choose(const std::vector<std::string>& words) {
  if (words.empty()) return absl::InvalidArgumentError("say what to do");
  const std::vector<std::string> nouns = Nouns();
  if (words[0] == "call") {
    const MethodDescriptor* method = words.size() < 2 ? nullptr : FindMethod(words[1]);
    if (method == nullptr) {
      return absl::InvalidArgumentError(
          "call takes a method, e.g. ipt.scheduling.v1.CourseService/GetCourse; iptctl methods "
          "lists them");
    }
    return Chosen{Command{"call", words[1], method->full_name(), {}, "", ""},
                  {words.begin() + 2, words.end()}};
  }
  const std::vector<std::string> verbs = VerbsOf(words[0]);
  if (verbs.empty()) {
    std::vector<std::string> known = nouns;
    for (const char* extra : {"call", "completion", "help", "methods"}) known.emplace_back(extra);
    return absl::InvalidArgumentError(
        absl::StrCat("unknown command ", words[0], DidYouMean(words[0], known)));
  }
  if (words.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat("say what to do with a ", words[0]));
  }
  const Command* command = FindCommand(words[0], words[1]);
  if (command == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown command ", words[0], " ", words[1], DidYouMean(words[1], verbs)));
  }
  return Chosen{*command, {words.begin() + 2, words.end()}};
}

std::string WhereToRead(const std::vector<std::string>& words) {
  if (words.empty() || VerbsOf(words[0]).empty()) return "iptctl --help lists the commands";
  if (words.size() < 2 || FindCommand(words[0], words[1]) == nullptr) {
    return absl::StrCat("iptctl ", words[0], " --help lists its verbs");
  }
  return absl::StrCat("iptctl ", words[0], " ", words[1], " --help explains it");
}

// Whether a flag of the command that `words` name may stand alone.
absl::StatusOr<bool> IsSwitch(const std::vector<std::string>& words, absl::string_view name) {
  const absl::StatusOr<Chosen> chosen = Choose(words);
  if (!chosen.ok()) {
    if (!words.empty() && VerbsOf(words[0]).empty()) return chosen.status();
    return absl::InvalidArgumentError(
        absl::StrCat("unknown flag --", name, "; a command's own flags come after its verb"));
  }
  const MethodDescriptor* method = FindMethod(chosen->command.method);
  if (method == nullptr) return absl::InvalidArgumentError(absl::StrCat("unknown flag --", name));
  const RequestFlags flags(*method->input_type());
  if (const Flag* flag = flags.Find(name)) return flag->is_switch();
  if (chosen->command.noun == "course" && chosen->command.verb == "book-plan") {
    const RequestFlags plan(
        *FindMethod("ipt.scheduling.v1.CourseService.PlanCourse")->input_type());
    if (const Flag* flag = plan.Find(name)) return flag->is_switch();
  }
  return flags.NotFound(name);
}

// Help where --help, or the word help, asks for it.
absl::StatusOr<std::string> Help(std::vector<std::string> words, bool all) {
  if (!words.empty() && words[0] == "help") words.erase(words.begin());
  if (all) return AllHelp();
  if (words.empty()) return GeneralHelp();
  for (const char* extra : {"call", "methods", "completion"}) {
    if (words[0] == extra && words.size() == 1) return GeneralHelp();
  }
  if (words.size() == 1 && !VerbsOf(words[0]).empty()) return NounHelp(words[0]);
  const absl::StatusOr<Chosen> chosen = Choose(words);
  if (!chosen.ok()) return chosen.status();
  return CommandHelp(chosen->command);
}

absl::Status CheckOnly(const Settings& settings, const std::string& words) {
  for (const auto& [name, value] : settings.given) {
    const GeneralFlag* flag = FindGeneralFlag(name);
    if (*flag->only != '\0' && !IsOwnFlag(*flag, words)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " is for iptctl ", flag->only, " only"));
    }
  }
  return absl::OkStatus();
}

int RunMethod(const Chosen& chosen, const CommandLine& line, Session& session) {
  const MethodDescriptor& method = *FindMethod(chosen.command.method);
  const bool events = IsEventStream(method);
  const bool alerts = method.full_name() == "ipt.outcomes.v1.AlertService.WatchAlerts";
  const bool bulk_in =
      method.full_name() == "ipt.outcomes.v1.MeasurementBulkService.ImportMeasurements";
  const bool bulk_out =
      method.full_name() == "ipt.outcomes.v1.MeasurementBulkService.ExportMeasurements";
  const bool csv = method.full_name() == "ipt.outcomes.v1.ReportService.StreamClinicReport";
  if ((method.client_streaming() || method.server_streaming()) && !events && !alerts && !bulk_in &&
      !bulk_out && !csv) {
    return session.UsageError("this method is a stream; iptctl calls methods of one answer");
  }
  const auto request = NewMessage(*method.input_type());
  std::vector<FlagText> flags = chosen.command.preset;
  flags.insert(flags.end(), line.request.begin(), line.request.end());
  const absl::Status bound =
      session.Bind(method, chosen.command.args, chosen.words, flags, *request);
  if (!bound.ok()) return session.UsageError(absl::string_view(bound.message()));
  if (events) return WatchEvents(method, *request, session);
  if (alerts) return WatchAlerts(method, *request, session);
  if (bulk_in) {
    const std::string file = chosen.words.empty() ? "" : chosen.words.back();
    return ImportMeasurements(method, *request, file, session);
  }
  if (bulk_out) return ExportMeasurements(method, *request, session);
  if (csv) return StreamReport(method, *request, session);
  if (chosen.command.noun == "reminders") {
    const std::string& verb = chosen.command.verb;
    if (verb == "watch") return WatchReminders(*request, session);
    if (verb == "replay-many" || verb == "drop-many") {
      return HandleDeadLetters(verb == "drop-many", *request, session);
    }
  }
  if (chosen.command.noun == "outcomes" && chosen.command.verb == "chart") {
    return ShowChart(*request, session);
  }
  if (chosen.command.noun == "formulation" && chosen.command.verb == "show") {
    return ShowFormulation(*request, session);
  }
  if (chosen.command.noun == "report" && session.settings.Has("html")) {
    return SaveReport(method, *request, session);
  }
  const auto response = NewMessage(*method.output_type());
  const bool all = session.settings.Has("all");
  if (all && ListedField(*method.output_type()) == nullptr) {
    return session.UsageError("--all is for lists");
  }
  if (const int exit = session.CallPages(method, *request, *response, all)) return exit;
  if (method.full_name() == "ipt.outcomes.v1.ReportService.GetClinicReport" &&
      !session.settings.json_output) {
    outcomes::v1::ClinicReport report;
    report.ParseFromString(response->SerializeAsString());
    session.env.out << RenderReport(report, session.show().paint);
    return 0;
  }
  const int exit = session.Print(*response);
  if (const std::string next = StringField(*response, "next_page_token");
      !next.empty() && !session.settings.json_output) {
    session.env.err << "more: add --all, or --page-token " << next << "\n";
  }
  return exit;
}

}  // namespace

ShowContext Session::show() const {
  ShowContext context;
  if (settings.zone) context.zone = *settings.zone;
  context.paint.on = env.out_is_terminal && env.getenv("NO_COLOR").empty() &&
                     env.getenv("TERM") != "dumb" && !settings.json_output;
  return context;
}

bool Session::utf8() const {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = absl::AsciiStrToLower(env.getenv(name));
    if (!value.empty()) {
      return absl::StrContains(value, "utf-8") || absl::StrContains(value, "utf8");
    }
  }
  return false;
}

ValueContext Session::values() const {
  ValueContext context;
  context.time.now = env.clock.Now();
  context.time.zone = settings.zone;
  context.clinic = settings.clinic;
  return context;
}

Connection* Session::connection() {
  if (connection_ == nullptr) {
    auto opened = Connection::Open(settings);
    if (!opened.ok()) {
      UsageError(absl::string_view(opened.status().message()));
      return nullptr;
    }
    connection_ = *std::move(opened);
  }
  return connection_.get();
}

int Session::Call(const MethodDescriptor& method, const Message& request, Message& response) {
  Connection* const server = connection();
  if (server == nullptr) return kExitUsage;
  const grpc::Status status = server->Call(method, request, response);
  if (status.ok()) return 0;
  env.err << DescribeError(status, StringField(request, "request_id"), settings.json_output);
  return ExitCodeOf(status.error_code());
}

int Session::CallPages(const MethodDescriptor& method, Message& request, Message& response,
                       bool all) {
  const FieldDescriptor* listed = ListedField(*method.output_type());
  if (listed == nullptr || !all) return Call(method, request, response);
  const auto* token = request.GetDescriptor()->FindFieldByName("page_token");
  const auto* next = response.GetDescriptor()->FindFieldByName("next_page_token");
  for (;;) {
    const auto page = NewMessage(*method.output_type());
    if (const int exit = Call(method, request, *page)) return exit;
    const std::string following = page->GetReflection()->GetString(*page, next);
    response.MergeFrom(*page);
    response.GetReflection()->ClearField(&response, next);
    // A token that repeats would never end.
    if (following.empty() || following == request.GetReflection()->GetString(request, token)) {
      return 0;
    }
    request.GetReflection()->SetString(&request, token, following);
  }
}

int Session::ListMethods(std::vector<std::string>& paths) {
  Connection* const server = connection();
  if (server == nullptr) return kExitUsage;
  const grpc::Status status = server->ListMethods(paths);
  if (status.ok()) return 0;
  const grpc::Status told =
      status.error_code() == grpc::StatusCode::UNIMPLEMENTED
          ? grpc::Status(grpc::StatusCode::FAILED_PRECONDITION,
                         "this server does not list its methods: its reflection is off. iptctl "
                         "methods --offline lists those that iptctl knows")
          : status;
  env.err << DescribeError(told, "", settings.json_output);
  return ExitCodeOf(told.error_code());
}

absl::Status Session::Bind(const MethodDescriptor& method, const std::vector<Positional>& specs,
                           const std::vector<std::string>& words,
                           const std::vector<FlagText>& flags, Message& request) {
  if (std::string json = settings.Get("json"); !json.empty()) {
    if (json == "@-") {
      json.assign(std::istreambuf_iterator<char>(env.in), {});
    } else if (json[0] == '@') {
      absl::StatusOr<std::string> text = ReadFile(json.substr(1));
      if (!text.ok()) return text.status();
      json = *std::move(text);
    }
    const auto parsed = google::protobuf::util::JsonStringToMessage(json, &request);
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--json: ", std::string(parsed.message().data(), parsed.message().size())));
    }
  }
  ValueContext context = values();
  // With the whole request in JSON the words may be left out.
  if (!words.empty() || settings.Get("json").empty()) {
    absl::Status placed = ApplyPositionals(specs, words, context, request);
    if (!placed.ok()) return placed;
  }
  absl::Status applied = RequestFlags(*method.input_type()).Apply(flags, context, request);
  if (!applied.ok()) return applied;
  for (const std::string& note : context.time.notes) env.err << "note: " << note << "\n";
  const auto* id = method.input_type()->FindFieldByName("request_id");
  if (id != nullptr && request.GetReflection()->GetString(request, id).empty()) {
    request.GetReflection()->SetString(&request, id, env.ids.NewUuid());
  }
  return absl::OkStatus();
}

int Session::Print(const Message& message) {
  if (!settings.json_output) {
    env.out << RenderMessage(message, show());
    return 0;
  }
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    env.err << DescribeError({grpc::StatusCode::INTERNAL, "the answer cannot be written as JSON"},
                             "", true);
    return ExitCodeOf(grpc::StatusCode::INTERNAL);
  }
  env.out << json << "\n";
  return 0;
}

int Session::Save(const std::string& flag, const std::string& text) {
  const std::string path = settings.Get(flag);
  if (path == "-") {
    env.out << text;
    return 0;
  }
  std::ofstream file;
  if (MakePrivateFile(path).ok()) file.open(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file.good()) return UsageError(absl::StrCat("--", flag, ": ", path, " cannot be written"));
  env.out << "wrote " << path << "\n";
  return 0;
}

bool Session::Confirm(absl::string_view question) {
  env.err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(env.in, answer);
  answer = absl::AsciiStrToLower(absl::StripAsciiWhitespace(answer));
  return answer == "y" || answer == "yes";
}

int Session::UsageError(absl::string_view message) {
  env.err << DescribeUsageError(message, help_, settings.json_output);
  return kExitUsage;
}

int Run(const std::vector<std::string>& args, Environment& env) {
  if (!args.empty() && args[0] == "__complete") {
    for (const std::string& word : Complete({args.begin() + 1, args.end()})) {
      env.out << word << "\n";
    }
    return 0;
  }
  const absl::StatusOr<CommandLine> line = ParseCommandLine(args, IsSwitch);
  std::vector<std::string> words;
  if (line.ok()) words = line->words;
  const auto fail = [&](const absl::Status& status) {
    // How to print is not settled yet, so look for it where it would stand.
    bool json = env.getenv("IPTCTL_OUTPUT") == "json";
    for (size_t i = 0; i < args.size(); ++i) {
      json = json || args[i] == "--output=json" ||
             ((args[i] == "--output" || args[i] == "-o") && i + 1 < args.size() &&
              args[i + 1] == "json");
    }
    if (!line.ok()) {
      for (const std::string& arg : args) {
        if (absl::StartsWith(arg, "-") || words.size() == 2) break;
        words.push_back(arg);
      }
    }
    env.err << DescribeUsageError(absl::string_view(status.message()), WhereToRead(words), json);
    return kExitUsage;
  };
  if (!line.ok()) return fail(line.status());
  if (line->general.contains("version")) {
    env.out << "iptctl " << IPT_VERSION << "\n";
    return 0;
  }
  if (line->general.contains("help") || args.empty() || (!words.empty() && words[0] == "help")) {
    const absl::StatusOr<std::string> help = Help(words, line->general.contains("all"));
    if (!help.ok()) return fail(help.status());
    env.out << *help;
    return 0;
  }
  if (words == std::vector<std::string>{"completion", "bash"}) {
    env.out << kBashCompletion;
    return 0;
  }
  absl::StatusOr<Settings> settings = LoadSettings(line->general, env.getenv);
  if (!settings.ok()) return fail(settings.status());
  if (!words.empty() && words[0] == "completion") {
    return fail(absl::InvalidArgumentError("completion is for bash: iptctl completion bash"));
  }
  if (words == std::vector<std::string>{"methods"}) {
    const absl::Status only = CheckOnly(*settings, "methods");
    if (!only.ok()) return fail(only);
    Session session(env, *std::move(settings), WhereToRead(words));
    return ListMethodsAndCommands(session);
  }
  const absl::StatusOr<Chosen> chosen = Choose(words);
  if (!chosen.ok()) return fail(chosen.status());
  const absl::Status only =
      CheckOnly(*settings, absl::StrCat(chosen->command.noun, " ", chosen->command.verb));
  if (!only.ok()) return fail(only);
  Session session(env, *std::move(settings), WhereToRead(words));
  if (chosen->command.noun == "guide" && chosen->command.verb == "show") {
    return ShowGuide(chosen->words, session);
  }
  if (chosen->command.method.empty()) return ShowCourse(chosen->words, session);
  if (session.settings.Has("from-plan")) return BookFromPlan(chosen->words, line->request, session);
  return RunMethod(*chosen, *line, session);
}

}  // namespace ipt::ctl
