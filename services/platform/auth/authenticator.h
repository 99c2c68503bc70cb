// Turns what a call brings along (an authorization header, a client certificate) into a Caller:
// the one face of authentication that the RPC middleware sees. Knows nothing of gRPC.
//
// Implementations are thread-safe and do not block on the network or on files.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/auth/caller.h"
#include "platform/auth/peer_certificate.h"

namespace ipt::auth {

class ClientIdentities;
class TokenVerifier;

// Views: valid for the duration of one Authenticate() only.
struct Credentials {
  // The value of the `authorization` metadata, e.g. "Bearer eyJ...". A call that carries the key
  // more than once is to be refused before it gets here.
  std::optional<absl::string_view> authorization{};
  // Null when the peer showed no certificate.
  const PeerCertificate* peer = nullptr;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // UNAUTHENTICATED with a sentence that says what is wrong and what to do, never with the token.
  virtual absl::StatusOr<std::shared_ptr<const Caller>> Authenticate(const Credentials& credentials,
                                                                     absl::Time now) const = 0;
};

// `--auth=none`: everybody is "anonymous" and may do everything. For loopback only.
class NoneAuthenticator final : public Authenticator {
 public:
  NoneAuthenticator();
  absl::StatusOr<std::shared_ptr<const Caller>> Authenticate(const Credentials& credentials,
                                                             absl::Time now) const override;

 private:
  std::shared_ptr<const Caller> anonymous_;
};

// `--auth=jwt`: a bearer token if there is one (a bad token is never forgiven because of a good
// certificate), else the client certificate's entry among the known clients.
class JwtAuthenticator final : public Authenticator {
 public:
  // The known clients of this moment; an empty function where certificates identify nobody.
  using ClientSource = std::function<std::shared_ptr<const ClientIdentities>()>;

  JwtAuthenticator(std::shared_ptr<const TokenVerifier> tokens, ClientSource clients);

  absl::StatusOr<std::shared_ptr<const Caller>> Authenticate(const Credentials& credentials,
                                                             absl::Time now) const override;

 private:
  std::shared_ptr<const TokenVerifier> tokens_;
  ClientSource clients_;
};

}  // namespace ipt::auth
