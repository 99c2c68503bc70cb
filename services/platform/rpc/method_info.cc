#include "platform/rpc/method_info.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/unknown_field_set.h"
#include "ipt/common/v1/options.pb.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"
#include "platform/text/utf8.h"

namespace ipt::rpc {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

namespace {

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

MethodInfo::MethodInfo() = default;
MethodInfo::MethodInfo(MethodInfo&&) noexcept = default;
MethodInfo& MethodInfo::operator=(MethodInfo&&) noexcept = default;
MethodInfo::~MethodInfo() = default;

absl::StatusOr<MethodInfo> MethodInfo::Compile(const google::protobuf::MethodDescriptor& method,
                                               const std::vector<std::string>& each_alone) {
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
  info.rules_ = std::make_unique<MessageRules>(*info.input_, true, each_alone);
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
