#include "platform/auth/authenticator.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "platform/auth/client_identity.h"
#include "platform/auth/token_verifier.h"
#include "platform/errors/error.h"

namespace ipt::auth {
namespace {

// RFC 6750: `Bearer <token>`; the scheme's case does not matter.
absl::StatusOr<absl::string_view> BearerToken(absl::string_view header) {
  const absl::string_view value = absl::StripAsciiWhitespace(header);
  const size_t space = value.find(' ');
  if (!absl::EqualsIgnoreCase(value.substr(0, space), "bearer")) {
    return Unauthenticated(
        "the authorization metadata has another scheme than Bearer; send 'Bearer <token>'");
  }
  const absl::string_view token =
      space == absl::string_view::npos ? "" : absl::StripAsciiWhitespace(value.substr(space));
  if (token.empty() || token.find_first_of(" \t,") != absl::string_view::npos) {
    return Unauthenticated("the authorization metadata must hold exactly one token after 'Bearer'");
  }
  return token;
}

}  // namespace

NoneAuthenticator::NoneAuthenticator() {
  auto caller = std::make_shared<Caller>();
  caller->subject = "anonymous";
  caller->anonymous = true;
  caller->all_clinics = true;
  caller->all_scopes = true;
  anonymous_ = std::move(caller);
}

absl::StatusOr<std::shared_ptr<const Caller>> NoneAuthenticator::Authenticate(const Credentials&,
                                                                              absl::Time) const {
  return anonymous_;
}

JwtAuthenticator::JwtAuthenticator(std::shared_ptr<const TokenVerifier> tokens,
                                   ClientSource clients)
    : tokens_(std::move(tokens)), clients_(std::move(clients)) {}

absl::StatusOr<std::shared_ptr<const Caller>> JwtAuthenticator::Authenticate(
    const Credentials& credentials, absl::Time now) const {
  if (credentials.authorization.has_value()) {
    absl::StatusOr<absl::string_view> token = BearerToken(*credentials.authorization);
    if (!token.ok()) return token.status();
    return tokens_->Verify(*token, now, credentials.peer);
  }
  if (credentials.peer == nullptr || !clients_) {
    return Unauthenticated(
        "the call carries no token; send the metadata 'authorization: Bearer <token>'");
  }
  if (std::shared_ptr<const Caller> caller = clients_()->Find(*credentials.peer)) return caller;
  return Unauthenticated(
      "the call carries no token, and no name in its client certificate belongs to a known client; "
      "send a token, or have the certificate's name added to the client certificates file");
}

}  // namespace ipt::auth
