// gRPC server reflection (v1alpha, which today's tools ask for), over the descriptors that are
// linked into the binary. Our own, so that it can be left off: the library's registers itself in
// every server that links it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/impl/service_type.h"

namespace ipt::server {

// `services`: full names to list.
std::unique_ptr<grpc::Service> MakeReflectionService(std::vector<std::string> services);

}  // namespace ipt::server
