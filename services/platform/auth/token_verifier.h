// Checks bearer tokens (JWT access tokens, RFC 7519 and 9068) and turns them into Callers.
//
// Accepted: RS256, RS384, ES256 and ES384, each only with a key of its own type from the key set;
// nothing in the token chooses the key but its `kid`. Claims: `iss`, `aud`, `sub` and `exp` are
// required, `nbf` and `iat` are honoured; `clinics` is an array of clinic ids or "*" (all of them);
// `scope` is a space-separated string or an array. A token bound to a certificate
// (`cnf.x5t#S256`, RFC 8705) is accepted only over a connection that showed it.
//
// Thread-safe. Verified tokens are remembered by their SHA-256 until they expire or the key set
// changes, so that a known token costs about a microsecond. The memory is bounded.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/auth/caller.h"
#include "platform/auth/jwk_set.h"
#include "platform/auth/peer_certificate.h"

namespace ipt::auth {

struct TokenRules {
  std::string issuer;                  // Must equal `iss`.
  std::vector<std::string> audiences;  // One of them must be in `aud`.
  std::string clinics_claim = "clinics";
  std::string scope_claim = "scope";
  absl::Duration skew = absl::Seconds(60);  // How far the issuer's clock may be off.
  size_t cache_entries = 20000;             // At most that many tokens are remembered.
};

class TokenVerifier {
 public:
  // The key set of this moment, never null; called for each token, so it must be cheap. A new
  // pointer makes the verifier forget every token.
  using KeySource = std::function<std::shared_ptr<const JwkSet>()>;

  TokenVerifier(TokenRules rules, KeySource keys);

  // `peer` is the connection's client certificate, null where there is none. Fails with
  // UNAUTHENTICATED and a sentence that never holds the token or a value out of it.
  absl::StatusOr<std::shared_ptr<const Caller>> Verify(absl::string_view bearer_token,
                                                       absl::Time now,
                                                       const PeerCertificate* peer = nullptr) const;

 private:
  using Digest = std::array<uint8_t, 32>;
  struct DigestHash {
    size_t operator()(const Digest& digest) const;
  };
  // What a good token says. Whether it may be used now, and here, is asked at each use.
  struct Verified {
    std::shared_ptr<const Caller> caller;
    absl::Time not_before;  // Skew included in both.
    absl::Time expires;
    std::optional<Digest> certificate;  // The only client certificate that may present it.
  };
  using Cache = absl::flat_hash_map<Digest, std::shared_ptr<const Verified>, DigestHash>;

  static Digest Sha256(absl::string_view bytes);
  static absl::Status CheckTimes(const Verified& verified, absl::Time now);
  static absl::Status CheckBinding(const Verified& verified, const PeerCertificate* peer);
  // Signature and claims, without the cache.
  absl::StatusOr<std::shared_ptr<const Verified>> VerifyAnew(absl::string_view token,
                                                             const JwkSet& keys) const;
  absl::StatusOr<std::shared_ptr<const Verified>> ReadClaims(absl::string_view payload) const;
  std::shared_ptr<const Verified> Recall(const Digest& digest,
                                         const std::shared_ptr<const JwkSet>& keys) const;
  void Remember(const Digest& digest, const std::shared_ptr<const JwkSet>& keys,
                const std::shared_ptr<const Verified>& verified) const;

  const TokenRules rules_;
  const KeySource keys_;

  mutable std::mutex mutex_;
  // Two generations: a full young one becomes the old one, and what is used comes back from it.
  mutable Cache young_;
  mutable Cache old_;
  mutable std::shared_ptr<const JwkSet> cached_under_;  // The key set that both were filled under.
};

}  // namespace ipt::auth
