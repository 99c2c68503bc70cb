// A server's TLS files, read and checked before anything uses them. Knows no gRPC.
//
// Immutable once loaded; safe from any thread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ipt::auth {

enum class CertificateUse { kServer, kClient };

struct TlsMaterial {
  std::string certificate_chain_pem;  // Leaf first.
  std::string private_key_pem;
  std::string client_ca_pem;  // Empty where no client certificates are asked for.
  absl::Time not_after;       // When the leaf expires.

  // Checks that all parts parse, that the key is the leaf's, and that the leaf is one for `use`,
  // strong enough and valid at `now`. `client_ca_pem` may be empty. INVALID_ARGUMENT with a
  // sentence for the operator, never with key material.
  static absl::StatusOr<std::shared_ptr<const TlsMaterial>> Parse(
      absl::string_view certificate_chain_pem, absl::string_view private_key_pem,
      absl::string_view client_ca_pem, absl::Time now,
      CertificateUse use = CertificateUse::kServer);

  // That these are whole certificates, to check another's with.
  static absl::Status CheckAuthorities(absl::string_view ca_pem);
};

}  // namespace ipt::auth
