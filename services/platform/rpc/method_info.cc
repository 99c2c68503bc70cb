#include "platform/rpc/method_info.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/unknown_field_set.h"
#include "ipt/common/v1/options.pb.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/rpc/resource_name.h"
#include "platform/text/utf8.h"

namespace ipt::rpc {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using ipt::common::v1::FieldRules;

namespace {

constexpr size_t kDefaultMaxBytes = 256;
constexpr int kDefaultMaxItems = 100;

void FindInvalidUtf8(const google::protobuf::UnknownFieldSet& fields, const Descriptor& type,
                     FieldViolations& bad) {
  std::map<int, int> seen;
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    if (field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) continue;
    const FieldDescriptor* descriptor = type.FindFieldByNumber(field.number());
    if (descriptor == nullptr) continue;
    const int index = seen[field.number()]++;
    const std::string name = descriptor->is_repeated()
                                 ? absl::StrCat(descriptor->name(), "[", index, "]")
                                 : descriptor->name();
    if (descriptor->type() == FieldDescriptor::TYPE_STRING) {
      if (!IsUtf8(field.length_delimited())) bad.Add(name, "must be valid UTF-8");
    } else if (descriptor->type() == FieldDescriptor::TYPE_MESSAGE) {
      google::protobuf::UnknownFieldSet nested;
      if (!nested.ParseFromString(field.length_delimited())) continue;
      FieldViolations in = bad.In(name);
      FindInvalidUtf8(nested, *descriptor->message_type(), in);
    }
  }
}

}  // namespace

// The rules of one message type, compiled for all of its fields that have something to check.
struct MethodInfo::MessageRules {
  struct Field {
    const FieldDescriptor* field;
    FieldRules rules;
    bool required;
    std::shared_ptr<const MessageRules> nested;
  };
  std::vector<Field> fields;

  // `is_request`: required-rules hold. `path`: types on the way here, since a type that holds
  // itself would never end.
  static std::shared_ptr<const MessageRules> Compile(const Descriptor& type, bool is_request,
                                                     std::vector<const Descriptor*> path);

  void Check(const Message& message, FieldViolations& bad, RequestFacts& facts) const;

 private:
  static void CheckName(const std::string& name, const std::string& field_name,
                        const FieldRules& rules, FieldViolations& bad, RequestFacts& facts);
  void CheckValue(const Message& message, const Field& field, int index, const std::string& name,
                  FieldViolations& bad, RequestFacts& facts) const;
};

std::shared_ptr<const MethodInfo::MessageRules> MethodInfo::MessageRules::Compile(
    const Descriptor& type, bool is_request, std::vector<const Descriptor*> path) {
  auto compiled = std::make_shared<MessageRules>();
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
      if (!absl::StartsWith(package, "google.protobuf") ||
          field->message_type()->full_name() == "google.protobuf.FieldMask") {
        auto nested = std::make_shared<MessageRules>(*Compile(*field->message_type(), false, path));
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

void MethodInfo::MessageRules::CheckName(const std::string& name, const std::string& field_name,
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

void MethodInfo::MessageRules::CheckValue(const Message& message, const Field& entry, int index,
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

void MethodInfo::MessageRules::Check(const Message& message, FieldViolations& bad,
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

MethodInfo::MethodInfo() = default;
MethodInfo::MethodInfo(MethodInfo&&) noexcept = default;
MethodInfo& MethodInfo::operator=(MethodInfo&&) noexcept = default;
MethodInfo::~MethodInfo() = default;

absl::StatusOr<MethodInfo> MethodInfo::Compile(const google::protobuf::MethodDescriptor& method) {
  MethodInfo info;
  info.service_ = method.service()->full_name();
  info.method_ = method.name();
  info.path_ = absl::StrCat("/", info.service_, "/", info.method_);
  info.input_ = method.input_type();

  const auto& policy = method.options().GetExtension(ipt::common::v1::policy);
  if (policy.scope().empty() || policy.access() == ipt::common::v1::ACCESS_UNSPECIFIED) {
    return absl::FailedPreconditionError(
        absl::StrCat(info.path_, " states no scope or access in its policy option"));
  }
  info.scope_ = policy.scope();
  info.is_write_ = policy.access() == ipt::common::v1::ACCESS_WRITE;
  info.patient_data_ = policy.patient_data();
  info.request_id_ = info.input_->FindFieldByName("request_id");
  info.validate_only_ = info.input_->FindFieldByName("validate_only");
  info.client_streams_ = method.client_streaming();
  info.server_streams_ = method.server_streaming();
  if (info.is_write_ && info.request_id_ == nullptr && !info.client_streams_) {
    return absl::FailedPreconditionError(absl::StrCat(info.path_, " writes without a request_id"));
  }
  info.rules_ = std::make_unique<MessageRules>(*MessageRules::Compile(*info.input_, true, {}));
  return info;
}

absl::Status MethodInfo::CheckRequest(const Message& request, const Caller& caller,
                                      RequestFacts& facts) const {
  FieldViolations bad;
  RequestFacts found;
  rules_->Check(request, bad, found);
  // Whether a clinic exists is told to its members only, so this comes before anything else is.
  if (!found.clinic_id.empty() && !caller.MayEnter(found.clinic_id)) {
    facts = std::move(found);
    return NotFound("ipt.scheduling/Clinic", absl::StrCat("clinics/", facts.clinic_id));
  }
  if (request_id_ != nullptr && is_write_ && !IsUuid(RequestId(request))) {
    constexpr char kRule[] =
        "is required: a UUID of your own making for each write, the same one when you retry it";
    if (bad.empty()) return InvalidField("request_id", kRule, reason::kRequestIdRequired);
    bad.Add("request_id", kRule);
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  facts = std::move(found);
  return absl::OkStatus();
}

std::string MethodInfo::RequestId(const Message& request) const {
  if (request_id_ == nullptr) return "";
  return request.GetReflection()->GetString(request, request_id_);
}

bool MethodInfo::ValidateOnly(const Message& request) const {
  return validate_only_ != nullptr && request.GetReflection()->GetBool(request, validate_only_);
}

absl::Status DiagnoseUnparsable(const std::string& bytes, const Descriptor& type) {
  google::protobuf::UnknownFieldSet fields;
  if (fields.ParseFromString(bytes)) {
    FieldViolations bad;
    FindInvalidUtf8(fields, type, bad);
    IPT_RETURN_IF_ERROR(bad.ToStatus());
  }
  return InvalidField("", absl::StrCat("the bytes are not a ", type.full_name()),
                      reason::kMalformedRequest);
}

}  // namespace ipt::rpc
