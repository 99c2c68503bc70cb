// The contract's field rules (ipt/common/v1/options.proto) of one type of message, compiled once
// from its descriptor.
//
// Immutable after construction, so safe from any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "platform/errors/field_violations.h"

namespace ipt::rpc {

// What a message turns out to be about.
struct RequestFacts {
  std::string clinic_id;  // empty: of no clinic
  std::string resource;   // the first resource name in it
};

class MessageRules {
 public:
  // `is_request`: required-rules hold. `each_alone`: full names of repeated fields whose elements
  // are left to somebody who checks them one by one, and answers for each.
  MessageRules(const google::protobuf::Descriptor& type, bool is_request,
               const std::vector<std::string>& each_alone = {});

  // Adds all that is wrong, and fills in `facts`.
  void Check(const google::protobuf::Message& message, FieldViolations& bad,
             RequestFacts& facts) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace ipt::rpc
