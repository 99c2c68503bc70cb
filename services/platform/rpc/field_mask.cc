#include "platform/rpc/field_mask.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ipt/common/v1/options.pb.h"
#include "platform/errors/field_violations.h"

namespace ipt::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsWritable(const FieldDescriptor& field) {
  const auto& rules = field.options().GetExtension(ipt::common::v1::rules);
  return !rules.output_only() && !rules.immutable();
}

bool IsSet(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  return field->is_repeated() ? reflection->FieldSize(message, field) > 0
                              : reflection->HasField(message, field);
}

// Replaces `field` of `into` by that of `from`, whatever its type.
void CopyField(const Message& from, Message& into, const FieldDescriptor* field) {
  std::unique_ptr<Message> only(from.New());
  only->CopyFrom(from);
  std::vector<const FieldDescriptor*> set;
  only->GetReflection()->ListFields(*only, &set);
  for (const auto* other : set) {
    if (other != field) only->GetReflection()->ClearField(only.get(), other);
  }
  into.GetReflection()->ClearField(&into, field);
  into.MergeFrom(*only);
}

// Walks one path; returns what is wrong with it, empty when it was carried out.
std::string CopyPath(const std::vector<std::string>& path, size_t depth, const Message& from,
                     Message& into) {
  const auto* field = from.GetDescriptor()->FindFieldByName(path[depth]);
  if (field == nullptr) return "does not exist";
  if (!IsWritable(*field)) {
    return field->options().GetExtension(ipt::common::v1::rules).output_only()
               ? "is set by the server only"
               : "cannot be changed by an update";
  }
  if (depth + 1 == path.size()) {
    CopyField(from, into, field);
    return "";
  }
  if (field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    return absl::StrCat("has no field below ", path[depth]);
  }
  return CopyPath(path, depth + 1, from.GetReflection()->GetMessage(from, field),
                  *into.GetReflection()->MutableMessage(&into, field));
}

}  // namespace

absl::Status MergeByMask(const google::protobuf::FieldMask& mask, const Message& from,
                         Message& into, absl::string_view field) {
  const auto* descriptor = from.GetDescriptor();
  const bool all = mask.paths_size() == 1 && mask.paths(0) == "*";
  if (mask.paths().empty() || all) {
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const auto* candidate = descriptor->field(i);
      if (IsWritable(*candidate) && (all || IsSet(from, candidate))) {
        CopyField(from, into, candidate);
      }
    }
    return absl::OkStatus();
  }
  FieldViolations bad;
  for (int i = 0; i < mask.paths_size(); ++i) {
    const std::vector<std::string> path = absl::StrSplit(mask.paths(i), '.');
    if (const std::string wrong = CopyPath(path, 0, from, into); !wrong.empty()) {
      bad.Add(absl::StrCat("update_mask.paths[", i, "]"),
              absl::StrCat("a path of ", std::string(field), " that ", wrong));
    }
  }
  return bad.ToStatus();
}

}  // namespace ipt::rpc
