// The public keys that tokens may be signed with: a JSON Web Key Set (RFC 7517).
//
// Immutable once parsed; safe from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

using EVP_PKEY = struct evp_pkey_st;

namespace ipt::auth {

enum class JwtAlgorithm { kRs256, kRs384, kEs256, kEs384 };

// Nullopt for every other name, `none` and the HMAC ones among them.
std::optional<JwtAlgorithm> ParseJwtAlgorithm(absl::string_view name);

struct Jwk {
  std::string id;                        // `kid`, may be empty.
  std::vector<JwtAlgorithm> algorithms;  // What its type and its own `alg` allow.
  std::shared_ptr<EVP_PKEY> key;
};

class JwkSet {
 public:
  // Keys for other purposes (encryption, other types or curves) are passed over, as RFC 7517 wants.
  // INVALID_ARGUMENT with a sentence for the operator where the text is no key set, a signing key
  // is malformed, weak (RSA below 2048 bits) or private, two keys share a `kid`, or none is usable.
  static absl::StatusOr<std::shared_ptr<const JwkSet>> Parse(absl::string_view json);

  // The key for a token's `kid` and algorithm; without a `kid` the only key that fits. Null if
  // there is none, or more than one.
  const Jwk* Find(std::optional<absl::string_view> kid, JwtAlgorithm algorithm) const;

  size_t size() const { return keys_.size(); }

 private:
  std::vector<Jwk> keys_;
};

}  // namespace ipt::auth
