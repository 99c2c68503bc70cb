#include "platform/rpc/message_rules.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ipt/common/v1/options.pb.h"
#include "platform/ids/ids.h"
#include "platform/rpc/resource_name.h"

namespace ipt::rpc {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using ipt::common::v1::FieldRules;

namespace {

constexpr size_t kDefaultMaxBytes = 256;
constexpr int kDefaultMaxItems = 100;

}  // namespace

// The rules of one message type, compiled for all of its fields that have something to check.
struct MessageRules::Compiled {
  struct Field {
    const FieldDescriptor* field;
    FieldRules rules;
    bool required;
    std::shared_ptr<const Compiled> nested;
  };
  std::vector<Field> fields;

  // `is_request`: required-rules hold. `path`: types on the way here, since a type that holds
  // itself would never end.
  static std::shared_ptr<const Compiled> Compile(const Descriptor& type, bool is_request,
                                                 const std::vector<std::string>& each_alone,
                                                 std::vector<const Descriptor*> path);

  void Check(const Message& message, FieldViolations& bad, RequestFacts& facts) const;

 private:
  static void CheckName(const std::string& name, const std::string& field_name,
                        const FieldRules& rules, FieldViolations& bad, RequestFacts& facts);
  void CheckValue(const Message& message, const Field& field, int index, const std::string& name,
                  FieldViolations& bad, RequestFacts& facts) const;
};

std::shared_ptr<const MessageRules::Compiled> MessageRules::Compiled::Compile(
    const Descriptor& type, bool is_request, const std::vector<std::string>& each_alone,
    std::vector<const Descriptor*> path) {
  auto compiled = std::make_shared<Compiled>();
  for (const Descriptor* outer : path) {
    if (outer == &type) return compiled;
  }
  path.push_back(&type);
  const bool is_update = is_request && type.FindFieldByName("update_mask") != nullptr;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    Field entry{field, field->options().GetExtension(ipt::common::v1::rules), false, nullptr};
    if (entry.rules.output_only() && !is_request) continue;  // ignored on the way in
    entry.required = is_request && entry.rules.required();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const std::string& package = field->message_type()->file()->package();
      // A mask has paths, of which a request may not hold any number; the others have no lists.
      const bool has_rules = !absl::StartsWith(package, "google.protobuf") ||
                             field->message_type()->full_name() == "google.protobuf.FieldMask";
      const bool alone =
          std::find(each_alone.begin(), each_alone.end(), field->full_name()) != each_alone.end();
      if (has_rules && !alone) {
        auto nested =
            std::make_shared<Compiled>(*Compile(*field->message_type(), false, each_alone, path));
        // An update says by the resource's name what it updates; anywhere else the name of a nested
        // resource says nothing.
        auto& inner = nested->fields;
        for (auto it = inner.begin(); it != inner.end(); ++it) {
          if (it->field->name() != "name") continue;
          it->required = is_update;
          if (!is_update) inner.erase(it);
          break;
        }
        entry.nested = std::move(nested);
      }
    }
    compiled->fields.push_back(std::move(entry));
  }
  return compiled;
}

void MessageRules::Compiled::CheckName(const std::string& name, const std::string& field_name,
                                       const FieldRules& rules, FieldViolations& bad,
                                       RequestFacts& facts) {
  std::string clinic;
  if (rules.clinic_id()) {
    if (!IsValidId(name)) {
      bad.Add(field_name, "must be 1 to 63 of a-z, 0-9 and \"-\", starting with a letter or digit");
      return;
    }
    clinic = name;
  } else {
    if (!MatchesPattern(name, rules.resource(), rules.wildcard())) {
      bad.Add(field_name, absl::StrCat("must be a name of the form ", rules.resource()));
      return;
    }
    const std::vector<absl::string_view> parts = absl::StrSplit(name, absl::MaxSplits('/', 2));
    clinic = std::string(parts[1]);
  }
  if (facts.resource.empty()) {
    facts.resource = rules.clinic_id() ? absl::StrCat("clinics/", name) : name;
    facts.clinic_id = clinic;
  } else if (facts.clinic_id != clinic) {
    bad.Add(field_name, "must be of the same clinic as the request's other names");
  }
}

void MessageRules::Compiled::CheckValue(const Message& message, const Field& entry, int index,
                                        const std::string& name, FieldViolations& bad,
                                        RequestFacts& facts) const {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor* field = entry.field;
  const bool repeated = index >= 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      const std::string& value =
          repeated ? reflection.GetRepeatedStringReference(message, field, index, &scratch)
                   : reflection.GetStringReference(message, field, &scratch);
      const size_t most = entry.rules.max_bytes() > 0 ? entry.rules.max_bytes() : kDefaultMaxBytes;
      if (value.size() > most) {
        bad.Add(name, absl::StrCat("must be at most ", most, " bytes long"));
      } else if (field->type() == FieldDescriptor::TYPE_STRING &&
                 value.find('\0') != std::string::npos) {
        bad.Add(name, "must not hold NUL characters");  // which PostgreSQL's text cannot keep
      } else if (!value.empty() || repeated) {
        if (!entry.rules.resource().empty() || entry.rules.clinic_id()) {
          CheckName(value, name, entry.rules, bad, facts);
        }
      }
      break;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int value = repeated ? reflection.GetRepeatedEnumValue(message, field, index)
                                 : reflection.GetEnumValue(message, field);
      if (field->enum_type()->FindValueByNumber(value) == nullptr) {
        bad.Add(name, absl::StrCat("must be a value of ", field->enum_type()->full_name()));
      }
      break;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (entry.nested != nullptr) {
        const Message& nested = repeated ? reflection.GetRepeatedMessage(message, field, index)
                                         : reflection.GetMessage(message, field);
        FieldViolations in = bad.In(name);
        entry.nested->Check(nested, in, facts);
      }
      break;
    default:
      break;
  }
}

void MessageRules::Compiled::Check(const Message& message, FieldViolations& bad,
                                   RequestFacts& facts) const {
  const Reflection& reflection = *message.GetReflection();
  for (const Field& entry : fields) {
    const FieldDescriptor* field = entry.field;
    if (field->is_repeated()) {
      const int size = reflection.FieldSize(message, field);
      const int most = entry.rules.max_items() > 0 ? static_cast<int>(entry.rules.max_items())
                                                   : kDefaultMaxItems;
      if (size == 0 && entry.required) bad.Add(field->name(), "is required");
      if (size > most) {
        bad.Add(field->name(), absl::StrCat("must have at most ", most, " elements"));
        continue;
      }
      for (int i = 0; i < size; ++i) {
        CheckValue(message, entry, i, absl::StrCat(field->name(), "[", i, "]"), bad, facts);
      }
      continue;
    }
    if (!reflection.HasField(message, field)) {
      if (entry.required) bad.Add(field->name(), "is required");
      continue;
    }
    CheckValue(message, entry, -1, field->name(), bad, facts);
  }
}

MessageRules::MessageRules(const Descriptor& type, bool is_request,
                           const std::vector<std::string>& each_alone)
    : compiled_(Compiled::Compile(type, is_request, each_alone, {})) {}

void MessageRules::Check(const Message& message, FieldViolations& bad, RequestFacts& facts) const {
  compiled_->Check(message, bad, facts);
}

}  // namespace ipt::rpc
