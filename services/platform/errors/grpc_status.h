// absl::Status with payloads <-> grpc::Status with google.rpc.Status details. The only place where
// errors leave the process, and where another service's come in.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"

namespace ipt {

// Masks INTERNAL and UNKNOWN: the client sees "internal error" and `request_id`, nothing else.
// Details above 4 KiB are cut ("N more"), since trailers that grow too fat are lost whole.
grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view request_id);

// What another service answered, with its details.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace ipt
