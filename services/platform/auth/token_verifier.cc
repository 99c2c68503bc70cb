#include "platform/auth/token_verifier.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"
#include "platform/auth/base64url.h"
#include "platform/auth/json_claims.h"
#include "platform/auth/openssl_ptr.h"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"

namespace ipt::auth {
namespace {

constexpr size_t kMaxTokenBytes = 8192;
constexpr int64_t kMaxNumericDate = 253402300799;  // 9999-12-31, the last that Timestamp can say.

absl::Status Refuse(absl::string_view sentence) {
  return Unauthenticated(absl::StrCat("the bearer token is refused: ", sentence));
}

absl::Status RefuseShape() {
  return Refuse("it is not a signed JWT; send the access token exactly as it was issued");
}

// A part of the token as a JSON object, discarded() when it is not one.
nlohmann::json ParsePart(absl::string_view part) {
  std::string text;
  nlohmann::json json = nlohmann::json::value_t::discarded;
  if (DecodeBase64Url(part, &text)) {
    json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  }
  if (!json.is_object()) json = nlohmann::json::value_t::discarded;
  return json;
}

// RFC 9068 names access tokens `at+jwt`; many issuers say `JWT` or nothing. Other kinds of token
// (logout tokens, security events) carry good signatures too, and are not for us.
bool IsAccessTokenType(const nlohmann::json& header) {
  if (!header.contains("typ")) return true;
  const std::string* typ = FindString(header, "typ");
  if (typ == nullptr) return false;
  const std::string lower = absl::AsciiStrToLower(*typ);
  return lower == "jwt" || lower == "at+jwt" || lower == "application/at+jwt";
}

// JOSE's r||s as the DER that OpenSSL wants; false if it cannot be a signature of that size.
bool EcSignatureToDer(absl::string_view raw, size_t field_bytes, std::string* der) {
  if (raw.size() != 2 * field_bytes) return false;
  const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
  const int size = static_cast<int>(field_bytes);
  BignumPtr r(BN_bin2bn(bytes, size, nullptr));
  BignumPtr s(BN_bin2bn(bytes + size, size, nullptr));
  EcdsaSigPtr signature(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || signature == nullptr ||
      ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) {
    return false;
  }
  static_cast<void>(r.release());  // Now the signature's.
  static_cast<void>(s.release());
  unsigned char* out = nullptr;
  const int length = i2d_ECDSA_SIG(signature.get(), &out);
  if (length <= 0) return false;
  der->assign(reinterpret_cast<const char*>(out), static_cast<size_t>(length));
  OPENSSL_free(out);
  return true;
}

bool SignatureFits(absl::string_view signed_part, absl::string_view signature,
                   JwtAlgorithm algorithm, EVP_PKEY* key) {
  const ClearOpensslErrors clear_errors;
  std::string der;
  if (algorithm == JwtAlgorithm::kEs256 || algorithm == JwtAlgorithm::kEs384) {
    const size_t field_bytes = algorithm == JwtAlgorithm::kEs256 ? 32 : 48;
    if (!EcSignatureToDer(signature, field_bytes, &der)) return false;
    signature = der;
  }
  const bool sha256 = algorithm == JwtAlgorithm::kRs256 || algorithm == JwtAlgorithm::kEs256;
  const MdCtxPtr context(EVP_MD_CTX_new());
  return context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, sha256 ? EVP_sha256() : EVP_sha384(), nullptr,
                              key) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(),
                          reinterpret_cast<const unsigned char*>(signed_part.data()),
                          signed_part.size()) == 1;
}

// Leaves `time` alone where the claim is absent; false if it is there and no NumericDate.
bool ReadNumericDate(const nlohmann::json& claims, const char* name,
                     std::optional<absl::Time>* time) {
  const auto claim = claims.find(name);
  if (claim == claims.end()) return true;
  if (!claim->is_number()) return false;
  const double seconds = claim->get<double>();
  if (!(seconds >= 0 && seconds <= static_cast<double>(kMaxNumericDate))) return false;
  *time = absl::UnixEpoch() + absl::Seconds(seconds);
  return true;
}

bool IsForUs(const nlohmann::json& claims, const std::vector<std::string>& audiences) {
  const auto ours = [&audiences](const nlohmann::json& value) {
    return value.is_string() && std::find(audiences.begin(), audiences.end(),
                                          value.get_ref<const std::string&>()) != audiences.end();
  };
  const auto aud = claims.find("aud");
  if (aud == claims.end()) return false;
  return aud->is_array() ? std::any_of(aud->begin(), aud->end(), ours) : ours(*aud);
}

// The certificate's DER out of its PEM; empty if it is none.
std::string PemToDer(absl::string_view pem) {
  constexpr absl::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr absl::string_view kEnd = "-----END CERTIFICATE-----";
  const size_t begin = pem.find(kBegin);
  const size_t end = pem.find(kEnd);
  std::string der;
  if (begin == absl::string_view::npos || end == absl::string_view::npos ||
      end < begin + kBegin.size() ||
      !absl::Base64Unescape(pem.substr(begin + kBegin.size(), end - begin - kBegin.size()), &der)) {
    return "";
  }
  return der;
}

}  // namespace

TokenVerifier::TokenVerifier(TokenRules rules, KeySource keys)
    : rules_(std::move(rules)), keys_(std::move(keys)) {}

size_t TokenVerifier::DigestHash::operator()(const Digest& digest) const {
  size_t hash = 0;  // Any bits of a SHA-256 are as good as a hash can be.
  std::memcpy(&hash, digest.data(), sizeof(hash));
  return hash;
}

TokenVerifier::Digest TokenVerifier::Sha256(absl::string_view bytes) {
  // Fetched once: looking the algorithm up costs more than hashing a token does.
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local const MdCtxPtr context(EVP_MD_CTX_new());
  Digest digest{};
  EVP_DigestInit_ex(context.get(), sha256, nullptr);
  EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
  EVP_DigestFinal_ex(context.get(), digest.data(), nullptr);
  return digest;
}

absl::StatusOr<std::shared_ptr<const Caller>> TokenVerifier::Verify(
    absl::string_view token, absl::Time now, const PeerCertificate* peer) const {
  if (token.size() > kMaxTokenBytes) {
    return Refuse(absl::StrCat("it has more than ", kMaxTokenBytes,
                               " bytes; ask the issuer for one with fewer claims"));
  }
  const std::shared_ptr<const JwkSet> keys = keys_();
  const Digest digest = Sha256(token);
  std::shared_ptr<const Verified> verified = Recall(digest, keys);
  const bool known = verified != nullptr;
  if (!known) {
    IPT_ASSIGN_OR_RETURN(verified, VerifyAnew(token, *keys));
  }
  IPT_RETURN_IF_ERROR(CheckTimes(*verified, now));
  IPT_RETURN_IF_ERROR(CheckBinding(*verified, peer));
  if (!known) Remember(digest, keys, verified);
  return verified->caller;
}

absl::Status TokenVerifier::CheckTimes(const Verified& verified, absl::Time now) {
  if (now >= verified.expires) {
    return Refuse("it has expired; get a new one from the issuer and retry");
  }
  if (now < verified.not_before) {
    return Refuse(
        "it is not valid yet ('nbf' or 'iat' lies ahead); compare the issuer's clock with this "
        "server's");
  }
  return absl::OkStatus();
}

absl::Status TokenVerifier::CheckBinding(const Verified& verified, const PeerCertificate* peer) {
  if (!verified.certificate.has_value()) return absl::OkStatus();
  const std::string der = peer == nullptr ? "" : PemToDer(peer->pem);
  if (der.empty() || Sha256(der) != *verified.certificate) {
    return Refuse(
        "it is bound to a client certificate ('cnf') that this connection did not show; connect "
        "with the certificate that it was issued for");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const TokenVerifier::Verified>> TokenVerifier::VerifyAnew(
    absl::string_view token, const JwkSet& keys) const {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  if (parts.size() != 3) return RefuseShape();
  const nlohmann::json header = ParsePart(parts[0]);
  if (header.is_discarded()) return RefuseShape();

  const std::string* alg = FindString(header, "alg");
  const std::optional<JwtAlgorithm> algorithm =
      alg == nullptr ? std::nullopt : ParseJwtAlgorithm(*alg);
  if (!algorithm.has_value()) {
    return Refuse("its algorithm is not one of RS256, RS384, ES256 and ES384");
  }
  if (header.contains("crit")) {
    return Refuse("its header demands extensions ('crit'), and this server knows none");
  }
  if (!IsAccessTokenType(header)) {
    return Refuse("its type is not that of an access token ('JWT' or 'at+jwt')");
  }
  std::optional<absl::string_view> kid;
  if (header.contains("kid")) {
    const std::string* text = FindString(header, "kid");
    if (text == nullptr) return RefuseShape();
    kid = *text;
  }
  const Jwk* key = keys.Find(kid, *algorithm);
  if (key == nullptr) {
    return Refuse(
        kid.has_value()
            ? "this server has no key with its 'kid' for its algorithm; check the issuer, "
              "or wait until the server has the issuer's new key set"
            : "it names no key ('kid'), and not exactly one of this server's keys fits its "
              "algorithm; have the issuer send 'kid'");
  }

  std::string signature;
  const absl::string_view signed_part = token.substr(0, parts[0].size() + 1 + parts[1].size());
  if (!DecodeBase64Url(parts[2], &signature) ||
      !SignatureFits(signed_part, signature, *algorithm, key->key.get())) {
    return Refuse("its signature is wrong; send the token exactly as it was issued");
  }
  return ReadClaims(parts[1]);
}

absl::StatusOr<std::shared_ptr<const TokenVerifier::Verified>> TokenVerifier::ReadClaims(
    absl::string_view payload) const {
  const nlohmann::json claims = ParsePart(payload);
  if (claims.is_discarded()) return RefuseShape();

  const std::string* issuer = FindString(claims, "iss");
  if (issuer == nullptr || *issuer != rules_.issuer) {
    return Refuse("its issuer ('iss') is not the one that this server trusts");
  }
  if (!IsForUs(claims, rules_.audiences)) {
    return Refuse("its audience ('aud') is not this server; ask the issuer for one that names it");
  }

  std::optional<absl::Time> expires, not_before, issued;
  if (!ReadNumericDate(claims, "exp", &expires) || !ReadNumericDate(claims, "nbf", &not_before) ||
      !ReadNumericDate(claims, "iat", &issued)) {
    return Refuse("'exp', 'nbf' and 'iat' must be seconds since 1970");
  }
  if (!expires.has_value()) return Refuse("it never expires; 'exp' is required");

  auto verified = std::make_shared<Verified>();
  verified->expires = *expires + rules_.skew;
  verified->not_before =
      std::max(not_before.value_or(absl::InfinitePast()), issued.value_or(absl::InfinitePast())) -
      rules_.skew;

  auto caller = std::make_shared<Caller>();
  absl::Status read = ReadSubject(claims, "sub", *caller);
  if (read.ok()) read = ReadClinics(claims, rules_.clinics_claim, *caller);
  if (read.ok()) read = ReadScopes(claims, rules_.scope_claim, *caller);
  if (!read.ok()) return Refuse(absl::StrCat("its claim ", read.message()));
  caller->expires = verified->expires;
  verified->caller = std::move(caller);

  if (const auto cnf = claims.find("cnf"); cnf != claims.end()) {
    const std::string* thumbprint = FindString(*cnf, "x5t#S256");
    std::string bytes;
    if (thumbprint == nullptr || !DecodeBase64Url(*thumbprint, &bytes) ||
        bytes.size() != std::tuple_size_v<Digest>) {
      return Refuse("it is bound ('cnf') by something else than the certificate's x5t#S256");
    }
    std::memcpy(verified->certificate.emplace().data(), bytes.data(), bytes.size());
  }
  return verified;
}

std::shared_ptr<const TokenVerifier::Verified> TokenVerifier::Recall(
    const Digest& digest, const std::shared_ptr<const JwkSet>& keys) const {
  Cache forgotten_young, forgotten_old;  // Destroyed after the lock is gone.
  std::lock_guard<std::mutex> lock(mutex_);
  if (cached_under_ != keys) {
    forgotten_young.swap(young_);
    forgotten_old.swap(old_);
    cached_under_ = keys;
    return nullptr;
  }
  if (const auto it = young_.find(digest); it != young_.end()) return it->second;
  const auto it = old_.find(digest);
  if (it == old_.end()) return nullptr;
  std::shared_ptr<const Verified> verified = it->second;
  if (young_.size() < rules_.cache_entries / 2) young_.emplace(digest, verified);
  return verified;
}

void TokenVerifier::Remember(const Digest& digest, const std::shared_ptr<const JwkSet>& keys,
                             const std::shared_ptr<const Verified>& verified) const {
  Cache forgotten;  // Destroyed after the lock is gone.
  std::lock_guard<std::mutex> lock(mutex_);
  if (cached_under_ != keys) return;  // The keys changed while the token was being verified.
  if (young_.size() >= std::max<size_t>(rules_.cache_entries / 2, 1)) {
    forgotten.swap(old_);
    old_.swap(young_);
  }
  young_.emplace(digest, verified);
}

}  // namespace ipt::auth
