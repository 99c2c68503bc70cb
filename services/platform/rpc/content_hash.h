// A fingerprint of what a message says: equal messages have equal ones, in every replica of the
// same build. Used to tell a retry from another request under the same request_id.
#pragma once

#include <string>

#include "google/protobuf/message.h"

namespace ipt::rpc {

// SHA-256 over the type's name and the deterministic serialization; 32 bytes.
std::string ContentHash(const google::protobuf::Message& message);

}  // namespace ipt::rpc
