#include "iptctl/positionals.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "iptctl/resource_names.h"

namespace ipt::ctl {
namespace {

struct Target {
  Message* message = nullptr;
  const FieldDescriptor* field = nullptr;
};

// Walks "holidays.date" to its message, making what is on the way.
Target Reach(Message& request, absl::string_view path) {
  Target target{&request, nullptr};
  const std::vector<std::string> parts = absl::StrSplit(path, '.');
  for (size_t i = 0; i < parts.size(); ++i) {
    target.field = target.message->GetDescriptor()->FindFieldByName(parts[i]);
    if (i + 1 == parts.size() || target.field == nullptr) break;
    const auto* reflection = target.message->GetReflection();
    if (!target.field->is_repeated()) {
      target.message = reflection->MutableMessage(target.message, target.field);
    } else if (reflection->FieldSize(*target.message, target.field) == 0) {
      target.message = reflection->AddMessage(target.message, target.field);
    } else {
      target.message = reflection->MutableRepeatedMessage(target.message, target.field, 0);
    }
  }
  return target;
}

// "open.parent", or nullptr.
const FieldDescriptor* FieldAt(const Descriptor& type, absl::string_view path) {
  const Descriptor* at = &type;
  const FieldDescriptor* field = nullptr;
  for (const absl::string_view name : absl::StrSplit(path, '.')) {
    field = at == nullptr ? nullptr : at->FindFieldByName(std::string(name));
    at = field == nullptr ? nullptr : field->message_type();
  }
  return field;
}

absl::Status Set(const Positional& spec, const std::string& word, ValueContext& context,
                 Message& request) {
  if (spec.field.empty()) return absl::OkStatus();
  const Target target = Reach(request, spec.field);
  const Target id_target = spec.id_field.empty() ? target : Reach(request, spec.id_field);
  if (target.field == nullptr || id_target.field == nullptr) {
    return absl::InternalError(absl::StrCat("the method has no field ", spec.field));
  }
  if (!spec.id_field.empty()) {
    const auto [parent, id] =
        SplitNewName(word, RulesOf(*target.field).resource(),
                     CollectionOf(absl::StripSuffix(spec.id_field, "_id")), context.clinic);
    target.message->GetReflection()->SetString(target.message, target.field, parent);
    id_target.message->GetReflection()->SetString(id_target.message, id_target.field, id);
    return absl::OkStatus();
  }
  const absl::string_view text =
      RulesOf(*target.field).clinic_id() ? absl::StripPrefix(word, "clinics/") : word;
  const absl::Status status = SetField(*target.message, *target.field, text, context);
  return status.ok() ? status
                     : absl::InvalidArgumentError(
                           absl::StrCat(spec.label, ": ", absl::string_view(status.message())));
}

}  // namespace

Positional::Positional(absl::string_view spec) {
  const std::vector<std::string> halves = absl::StrSplit(spec, absl::MaxSplits('=', 1));
  label = halves[0];
  optional = absl::StartsWith(label, "[");
  if (optional) label = label.substr(1, label.size() - 2);
  rest = absl::EndsWith(label, "...");
  label = std::string(absl::StripSuffix(label, "..."));
  const std::vector<std::string> fields = absl::StrSplit(halves[1], '+');
  field = fields[0];
  if (fields.size() > 1) id_field = fields[1];
}

absl::Status ApplyPositionals(const std::vector<Positional>& specs,
                              const std::vector<std::string>& words, ValueContext& context,
                              Message& request) {
  std::vector<std::string> given = words;
  if (!specs.empty() && !context.clinic.empty()) {
    const auto* first = FieldAt(*request.GetDescriptor(), specs[0].field);
    const auto rules = first == nullptr ? ipt::common::v1::FieldRules() : RulesOf(*first);
    const bool is_clinic = rules.resource() == "clinics/{clinic}";
    const bool plain = specs[0].id_field.empty();
    if (given.empty()
            ? is_clinic || rules.wildcard()
            : is_clinic && plain && specs.size() > 1 && !absl::StartsWith(given[0], "clinics/")) {
      given.insert(given.begin(), "clinics/" + context.clinic);
    }
  }
  size_t next = 0;
  for (const Positional& spec : specs) {
    if (next == given.size()) {
      if (spec.optional) continue;
      return absl::InvalidArgumentError(absl::StrCat(spec.label, " is missing"));
    }
    do {
      absl::Status status = Set(spec, given[next++], context, request);
      if (!status.ok()) return status;
    } while (spec.rest && next < given.size());
  }
  if (next < given.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", given[next], "\" is one word too many; put words with blanks in quotes"));
  }
  return absl::OkStatus();
}

std::string PositionalUsage(const std::vector<Positional>& specs) {
  return absl::StrJoin(specs, " ", [](std::string* out, const Positional& spec) {
    const std::string label = absl::StrCat(spec.label, spec.rest ? "..." : "");
    absl::StrAppend(out, spec.optional ? absl::StrCat("[", label, "]") : label);
  });
}

}  // namespace ipt::ctl
