#include "iptctl/help.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "iptctl/error_output.h"
#include "iptctl/flag_binding.h"
#include "iptctl/resource_names.h"
#include "iptctl/settings.h"
#include "iptctl/text.h"

namespace ipt::ctl {
namespace {

constexpr int kHelpWidth = 100;
constexpr char kBelowCourse[] = "clinics/{clinic}/courses/{course}/";

std::string FirstSentence(const std::string& text) {
  const auto end = text.find(". ");
  return end == std::string::npos ? text : text.substr(0, end + 1);
}

// What a flag's field is for. The contract speaks to servers and programs, too; a person at a
// command line needs less.
std::string DescribeFlag(const Flag& flag, bool update) {
  if (flag.path == "request-id") return "A UUID, to repeat a write. Default: a new one.";
  std::string text = CommentOf(flag.leaf());
  absl::string_view rest = text;
  absl::ConsumePrefix(&rest, "OUTPUT_ONLY. ");
  if (update) absl::ConsumePrefix(&rest, "REQUIRED. ");
  absl::ConsumePrefix(&rest, "True: ");
  text = absl::StrCat(absl::AsciiStrToUpper(rest.substr(0, 1)),
                      rest.substr(std::min<size_t>(1, rest.size())));
  if (ValueHint(flag.leaf()) == kPairsHint) {
    std::vector<std::string> names;
    for (int i = 0; i < flag.leaf().message_type()->field_count(); ++i) {
      const FieldDescriptor* field = flag.leaf().message_type()->field(i);
      if (RulesOf(*field).output_only()) continue;
      const std::string hint = ValueHint(*field);
      names.push_back(absl::StrCat(absl::StrReplaceAll(field->name(), {{"_", "-"}}), "=",
                                   hint.empty() ? "true" : hint));
    }
    absl::StrAppend(&text, " Fields: ", absl::StrJoin(names, ", "), ".");
  }
  if (flag.leaf().is_repeated()) absl::StrAppend(&text, " Repeat the flag for more.");
  return text;
}

// What each word of a command is.
std::string ArgumentsHelp(const Command& command, const Descriptor& request) {
  std::string out;
  for (const Positional& arg : command.args) {
    if (arg.field.empty()) continue;  // the command's own; its summary says what it is
    const FieldDescriptor* field = nullptr;
    const Descriptor* at = &request;
    for (absl::string_view name : absl::StrSplit(arg.field, '.')) {
      field = at->FindFieldByName(std::string(name));
      at = field->message_type();
    }
    std::string text = CommentOf(*field);
    if (!arg.id_field.empty()) {
      const std::string& pattern = RulesOf(*field).resource();
      const std::string stem(absl::StripSuffix(arg.id_field, "_id"));
      text = absl::StrCat(pattern, "/", CollectionOf(stem), "/{id}, the new name; or ", pattern,
                          " alone, and the server makes the id.");
    } else if (RulesOf(*field).wildcard()) {
      const bool of_course = absl::StartsWith(RulesOf(*field).resource(), kBelowCourse);
      absl::StrAppend(&text, of_course ? " The course" : " The clinic",
                      " alone means the same as \"-\".");
    }
    absl::string_view rest = text;
    for (absl::string_view tag : {"REQUIRED. ", "IMMUTABLE. ", "OUTPUT_ONLY. "}) {
      absl::ConsumePrefix(&rest, tag);
    }
    constexpr int kColumn = 20;
    const std::string body = Wrap(rest, kColumn, kHelpWidth);
    absl::StrAppend(&out, PadRight(absl::StrCat("  ", arg.label), kColumn),
                    body.substr(std::min<size_t>(kColumn, body.size())));
  }
  return out.empty() ? out : absl::StrCat("\nArguments:\n", out);
}

std::string FlagLine(const std::string& name, const std::string& hint, const std::string& text) {
  std::string head = absl::StrCat("  --", name, hint.empty() ? "" : " ", hint);
  constexpr int kColumn = 34;
  const std::string body = Wrap(text, kColumn, kHelpWidth);
  if (body.empty()) return head + "\n";
  if (DisplayWidth(head) + 2 > kColumn) return absl::StrCat(head, "\n", body);
  return PadRight(head, kColumn) + body.substr(kColumn);
}

std::string VerbLine(const Command& command, int width) {
  const std::string head = PadRight(absl::StrCat("  ", command.noun, " ", command.verb), width);
  return absl::StrCat(head, Clip(FirstSentence(SummaryOf(command)), kHelpWidth - width, "..."),
                      "\n");
}

std::string GeneralFlagsHelp(absl::string_view only) {
  std::string out;
  for (const GeneralFlag& flag : GeneralFlags()) {
    const bool shown = only.empty() ? *flag.only == '\0' : IsOwnFlag(flag, only);
    if (shown) absl::StrAppend(&out, FlagLine(flag.name, flag.hint, flag.help));
  }
  return out;
}

int CommandColumn() {
  size_t width = 0;
  for (const Command& command : Commands()) {
    width = std::max(width, command.noun.size() + command.verb.size());
  }
  return static_cast<int>(width) + 5;
}

}  // namespace

std::string GeneralHelp() {
  std::string out =
      "iptctl: plans, books and follows courses of Interpersonal Psychotherapy on an IPT Suite "
      "server.\n\n"
      "Usage: iptctl NOUN VERB [NAME...] [--flag value]\n\nCommands:\n";
  const int column = CommandColumn();
  for (const Command& command : Commands()) absl::StrAppend(&out, VerbLine(command, column));
  const auto extra = [&](absl::string_view words, absl::string_view text) {
    absl::StrAppend(&out, PadRight(absl::StrCat("  ", words), column), text, "\n");
  };
  extra("call METHOD", "Calls any method by its full name, with the same flags.");
  extra("methods", "Lists the server's methods and the commands for them.");
  extra("completion bash", "Prints a completion script: source <(iptctl completion bash)");
  extra("help --all", "Explains every command. iptctl NOUN VERB --help explains one.");
  absl::StrAppend(&out, "\nFlags of every command:\n", GeneralFlagsHelp(""));
  absl::StrAppend(
      &out,
      "\nSettings may also stand in the environment (IPTCTL_SERVER, IPTCTL_TOKEN_FILE, ...) or in\n"
      "~/.config/iptctl/config. Writes carry a request_id that is made anew unless --request-id "
      "gives\none; repeating a write with the same one does it once.\n",
      "\nExit codes:\n", kExitCodesHelp,
      "\nExamples:\n"
      "  iptctl clinic create north --display-name 'North Clinic' --time-zone Europe/London\n"
      "  iptctl course book-plan clinics/north/courses/c1 --from-plan\n"
      "  iptctl course show clinics/north/courses/c1\n");
  return out;
}

std::string NounHelp(absl::string_view noun) {
  std::string out = absl::StrCat("Usage: iptctl ", noun, " VERB [NAME...] [--flag value]\n\n");
  std::string examples = "\nExamples:\n";
  for (const Command& command : Commands()) {
    if (command.noun != noun) continue;
    absl::StrAppend(&out, VerbLine(command, CommandColumn()));
    absl::StrAppend(&examples, "  iptctl ", command.example, "\n");
  }
  return absl::StrCat(out, examples, "\niptctl ", noun, " VERB --help explains one command.\n");
}

std::string CommandHelp(const Command& command) {
  std::string out = Wrap(SummaryOf(command), 0, kHelpWidth);
  const std::string words = absl::StrCat(command.noun, " ", command.verb);
  const std::string usage = PositionalUsage(command.args);
  absl::StrAppend(&out, "\nUsage: iptctl ", words, usage.empty() ? "" : " ", usage,
                  " [--flag value]\n\nExample:\n  iptctl ", command.example, "\n");
  if (const MethodDescriptor* method = FindMethod(command.method); method != nullptr) {
    absl::StrAppend(&out, ArgumentsHelp(command, *method->input_type()), "\nFlags:\n");
    const RequestFlags flags(*method->input_type());
    for (const Flag& flag : flags.all()) {
      // What the words set already.
      const std::string path = absl::StrJoin(
          flag.field, ".",
          [](std::string* o, const FieldDescriptor* f) { absl::StrAppend(o, f->name()); });
      const bool word =
          std::any_of(command.args.begin(), command.args.end(), [&](const Positional& arg) {
            return !arg.optional && (arg.field == path || arg.id_field == path);
          });
      if (word || path == "update_mask") continue;
      absl::StrAppend(&out, FlagLine(flag.shortest, ValueHint(flag.leaf()),
                                     DescribeFlag(flag, flags.updated() != nullptr)));
    }
    absl::StrAppend(&out, GeneralFlagsHelp(words), "\nCalls ", RpcPath(*method), ".\n");
  } else {
    absl::StrAppend(&out, "\nFlags:\n", GeneralFlagsHelp(words));
  }
  return absl::StrCat(out, "iptctl --help lists the flags of every command.\n");
}

std::string AllHelp() {
  std::string out = GeneralHelp();
  for (const Command& command : Commands()) {
    absl::StrAppend(&out, "\n", std::string(kHelpWidth, '='), "\niptctl ", command.noun, " ",
                    command.verb, "\n\n", CommandHelp(command));
  }
  return out;
}

}  // namespace ipt::ctl
