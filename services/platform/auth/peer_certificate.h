// The verified client certificate of a connection, as the transport hands it over.
//
// Views only: they point into the transport's own memory (gRPC: the call's AuthContext) and must
// not outlive it. Fill it only from a handshake that verified the chain.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"

namespace ipt::auth {

struct PeerCertificate {
  std::vector<absl::string_view> uris{};       // URI subject alternative names.
  std::vector<absl::string_view> dns_names{};  // DNS subject alternative names.
  absl::string_view common_name{};             // Empty when the subject has none.
  absl::string_view pem{};                     // The leaf certificate alone.
};

}  // namespace ipt::auth
