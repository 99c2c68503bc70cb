#include "platform/auth/jwk_set.h"

#include <openssl/core_names.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "platform/auth/base64url.h"
#include "platform/auth/json_claims.h"
#include "platform/auth/openssl_ptr.h"
#include "platform/errors/status_macros.h"

namespace ipt::auth {
namespace {

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // Beyond it one verification costs milliseconds.

struct Curve {
  absl::string_view jwk_name;
  const char* openssl_name;
  size_t field_bytes;
  JwtAlgorithm algorithm;
};
constexpr Curve kCurves[] = {{"P-256", "P-256", 32, JwtAlgorithm::kEs256},
                             {"P-384", "P-384", 48, JwtAlgorithm::kEs384}};

const Curve* FindCurve(const nlohmann::json& jwk) {
  const std::string* name = FindString(jwk, "crv");
  for (const Curve& curve : kCurves) {
    if (name != nullptr && *name == curve.jwk_name) return &curve;
  }
  return nullptr;
}

absl::StatusOr<std::string> DecodeMember(const nlohmann::json& jwk, absl::string_view name) {
  const std::string* text = FindString(jwk, name);
  std::string bytes;
  if (text == nullptr || text->empty() || !DecodeBase64Url(*text, &bytes)) {
    return absl::InvalidArgumentError(absl::StrCat("its '", name, "' is not base64url"));
  }
  return bytes;
}

absl::StatusOr<std::shared_ptr<EVP_PKEY>> BuildKey(const char* type, OSSL_PARAM_BLD* builder) {
  ParamPtr params(OSSL_PARAM_BLD_to_param(builder));
  PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return absl::InvalidArgumentError("its numbers are not a public key");
  }
  std::shared_ptr<EVP_PKEY> owned(key, EVP_PKEY_free);
  PkeyCtxPtr check(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (check == nullptr || EVP_PKEY_public_check(check.get()) != 1) {
    return absl::InvalidArgumentError("its numbers are not a sound public key");
  }
  return owned;
}

absl::StatusOr<std::shared_ptr<EVP_PKEY>> BuildRsa(const nlohmann::json& jwk) {
  IPT_ASSIGN_OR_RETURN(const std::string n, DecodeMember(jwk, "n"));
  IPT_ASSIGN_OR_RETURN(const std::string e, DecodeMember(jwk, "e"));
  const auto number = [](const std::string& bytes) {
    return BignumPtr(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                               static_cast<int>(bytes.size()), nullptr));
  };
  const BignumPtr modulus = number(n);
  const BignumPtr exponent = number(e);
  const int bits = modulus == nullptr ? 0 : BN_num_bits(modulus.get());
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return absl::InvalidArgumentError(absl::StrCat("RSA keys must have ", kMinRsaBits, " to ",
                                                   kMaxRsaBits, " bits, this one has ", bits));
  }
  ParamBldPtr builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return absl::InvalidArgumentError("its numbers cannot be read");
  }
  return BuildKey("RSA", builder.get());
}

absl::StatusOr<std::shared_ptr<EVP_PKEY>> BuildEc(const nlohmann::json& jwk, const Curve& curve) {
  IPT_ASSIGN_OR_RETURN(const std::string x, DecodeMember(jwk, "x"));
  IPT_ASSIGN_OR_RETURN(const std::string y, DecodeMember(jwk, "y"));
  if (x.size() != curve.field_bytes || y.size() != curve.field_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("its 'x' and 'y' must have ", curve.field_bytes, " bytes each"));
  }
  const std::string point = absl::StrCat("\x04", x, y);  // Uncompressed.
  ParamBldPtr builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.openssl_name,
                                      0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return absl::InvalidArgumentError("its numbers cannot be read");
  }
  return BuildKey("EC", builder.get());
}

// What a key of this type may verify; empty for the types that are not ours.
std::vector<JwtAlgorithm> AlgorithmsOfType(const nlohmann::json& jwk) {
  const std::string* type = FindString(jwk, "kty");
  if (type == nullptr) return {};
  if (*type == "RSA") return {JwtAlgorithm::kRs256, JwtAlgorithm::kRs384};
  const Curve* curve = *type == "EC" ? FindCurve(jwk) : nullptr;
  if (curve == nullptr) return {};
  return {curve->algorithm};
}

// Does the key say that it is meant for verifying signatures (or nothing about it)?
bool MeantForSignatures(const nlohmann::json& jwk) {
  if (jwk.contains("use")) {
    const std::string* use = FindString(jwk, "use");
    if (use == nullptr || *use != "sig") return false;
  }
  const auto operations = jwk.find("key_ops");
  return operations == jwk.end() ||
         (operations->is_array() &&
          std::find(operations->begin(), operations->end(), "verify") != operations->end());
}

std::vector<JwtAlgorithm> UsableAlgorithms(const nlohmann::json& jwk) {
  if (!jwk.is_object() || !MeantForSignatures(jwk)) return {};
  std::vector<JwtAlgorithm> allowed = AlgorithmsOfType(jwk);
  if (jwk.contains("alg")) {
    const std::string* name = FindString(jwk, "alg");
    const auto only = name == nullptr ? std::nullopt : ParseJwtAlgorithm(*name);
    if (!only.has_value() || std::find(allowed.begin(), allowed.end(), *only) == allowed.end()) {
      return {};
    }
    allowed = {*only};
  }
  return allowed;
}

absl::StatusOr<Jwk> ReadKey(const nlohmann::json& json, std::vector<JwtAlgorithm> algorithms) {
  Jwk jwk;
  if (json.contains("kid")) {
    const std::string* id = FindString(json, "kid");
    if (id == nullptr) return absl::InvalidArgumentError("its 'kid' must be a string");
    jwk.id = *id;
  }
  if (json.contains("d")) {
    return absl::InvalidArgumentError(
        "it is a private key ('d'); keep that with the issuer and publish the public part only");
  }
  jwk.algorithms = std::move(algorithms);
  const Curve* curve = FindCurve(json);
  IPT_ASSIGN_OR_RETURN(jwk.key,
                       *FindString(json, "kty") == "RSA" ? BuildRsa(json) : BuildEc(json, *curve));
  return jwk;
}

}  // namespace

std::optional<JwtAlgorithm> ParseJwtAlgorithm(absl::string_view name) {
  if (name == "RS256") return JwtAlgorithm::kRs256;
  if (name == "RS384") return JwtAlgorithm::kRs384;
  if (name == "ES256") return JwtAlgorithm::kEs256;
  if (name == "ES384") return JwtAlgorithm::kEs384;
  return std::nullopt;
}

absl::StatusOr<std::shared_ptr<const JwkSet>> JwkSet::Parse(absl::string_view text) {
  const ClearOpensslErrors clear_errors;
  const nlohmann::json root =
      nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  const auto keys = root.is_object() ? root.find("keys") : root.end();
  if (!root.is_object() || keys == root.end() || !keys->is_array()) {
    return absl::InvalidArgumentError("it is not a JSON Web Key Set: {\"keys\": [...]}");
  }
  auto set = std::make_shared<JwkSet>();
  for (size_t i = 0; i < keys->size(); ++i) {
    std::vector<JwtAlgorithm> algorithms = UsableAlgorithms((*keys)[i]);
    if (algorithms.empty()) continue;
    absl::StatusOr<Jwk> jwk = ReadKey((*keys)[i], std::move(algorithms));
    if (!jwk.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("keys[", i, "]: ", std::string(jwk.status().message())));
    }
    for (const Jwk& other : set->keys_) {
      if (!jwk->id.empty() && jwk->id == other.id) {
        return absl::InvalidArgumentError(
            absl::StrCat("keys[", i, "]: its 'kid' is another key's, too; make them differ"));
      }
    }
    set->keys_.push_back(*std::move(jwk));
  }
  if (set->keys_.empty()) {
    return absl::InvalidArgumentError(
        "it holds no usable signing key; add an RSA key of 2048 bits or more, or an EC key on "
        "P-256 or P-384, with use 'sig'");
  }
  return set;
}

const Jwk* JwkSet::Find(std::optional<absl::string_view> kid, JwtAlgorithm algorithm) const {
  const Jwk* found = nullptr;
  for (const Jwk& jwk : keys_) {
    if (kid.has_value() && jwk.id != *kid) continue;
    if (std::find(jwk.algorithms.begin(), jwk.algorithms.end(), algorithm) ==
        jwk.algorithms.end()) {
      continue;
    }
    if (found != nullptr) return nullptr;
    found = &jwk;
  }
  return found;
}

}  // namespace ipt::auth
