// What the contract says of a method, compiled once at start-up from its descriptor, and the checks
// of a request that follow from it.
//
// Immutable after construction, so safe from any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "platform/auth/caller.h"
#include "platform/errors/field_violations.h"
#include "platform/rpc/message_rules.h"

namespace ipt::rpc {

class MethodInfo {
 public:
  // FAILED_PRECONDITION when the method has no policy, or a write no request_id (a client that
  // streams is to make each of its messages safe to repeat by other means). `each_alone` as in
  // MessageRules.
  static absl::StatusOr<MethodInfo> Compile(const google::protobuf::MethodDescriptor& method,
                                            const std::vector<std::string>& each_alone = {});

  MethodInfo(MethodInfo&&) noexcept;
  MethodInfo& operator=(MethodInfo&&) noexcept;
  ~MethodInfo();

  const std::string& path() const { return path_; }        // "/ipt.x.v1.Service/Method"
  const std::string& service() const { return service_; }  // "ipt.x.v1.Service"
  const std::string& method() const { return method_; }    // "Method"
  const std::string& scope() const { return scope_; }
  bool is_write() const { return is_write_; }
  bool patient_data() const { return patient_data_; }
  bool streams() const { return client_streams_ || server_streams_; }
  bool client_streams() const { return client_streams_; }
  const google::protobuf::Descriptor& input() const { return *input_; }

  // Applies the contract's field rules: NOT_FOUND when `caller` is not a member of the clinic that
  // the request names (as for a clinic that does not exist); else INVALID_ARGUMENT with every bad
  // field, a write's request_id among them (REQUEST_ID_REQUIRED where only that is wrong). `facts`
  // is filled unless fields are bad: audit wants to know what a refused call was about.
  absl::Status CheckRequest(const google::protobuf::Message& request, const Caller& caller,
                            RequestFacts& facts) const;

  // A UUID if CheckRequest found no fault; empty where the method has none.
  std::string RequestId(const google::protobuf::Message& request) const;
  bool ValidateOnly(const google::protobuf::Message& request) const;

 private:
  MethodInfo();

  std::string path_;
  std::string service_;
  std::string method_;
  std::string scope_;
  bool is_write_ = false;
  bool patient_data_ = false;
  bool client_streams_ = false;
  bool server_streams_ = false;
  const google::protobuf::Descriptor* input_ = nullptr;
  const google::protobuf::FieldDescriptor* request_id_ = nullptr;
  const google::protobuf::FieldDescriptor* validate_only_ = nullptr;
  std::unique_ptr<MessageRules> rules_;
};

// Why bytes are not a message of this type, as INVALID_ARGUMENT: names the string field that is not
// UTF-8, or says that the bytes are malformed (MALFORMED_REQUEST).
absl::Status DiagnoseUnparsable(const std::string& bytes, const google::protobuf::Descriptor& type);

}  // namespace ipt::rpc
