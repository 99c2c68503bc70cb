#include "tests/support/test_keys.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ipt::testing {
namespace {

void Check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "test keys: %s failed\n", what);
  std::abort();
}

template <typename Write>
std::string Pem(Write write) {
  std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  Check(write(bio.get()) == 1, "writing PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);  // NOLINT: OpenSSL's own type.
  return std::string(data, static_cast<size_t>(size));
}

std::string KeyNumber(EVP_PKEY* key, const char* name, int bytes = 0) {
  BIGNUM* number = nullptr;
  Check(EVP_PKEY_get_bn_param(key, name, &number) == 1, name);
  std::string out(static_cast<size_t>(bytes > 0 ? bytes : BN_num_bytes(number)), '\0');
  Check(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()),
                     static_cast<int>(out.size())) > 0,
        name);
  BN_free(number);
  return out;
}

std::string SigningInput(const nlohmann::json& header, const nlohmann::json& claims) {
  return absl::StrCat(Base64Url(header.dump()), ".", Base64Url(claims.dump()));
}

void AddExtension(X509* certificate, X509V3_CTX* context, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str());
  Check(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value.c_str());
  X509_EXTENSION_free(extension);
}

// A certificate for `subject`'s key, signed by `issuer_key`; a CA's if it has no extended key
// usage.
std::string MakeCertificate(const std::string& common_name, EVP_PKEY* subject,
                            const std::string& issuer_name, EVP_PKEY* issuer_key,
                            const std::string& extended_key_usage, const std::string& san,
                            absl::Duration starts_in, absl::Duration ends_in) {
  const bool is_ca = extended_key_usage.empty();
  std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509* x = certificate.get();
  uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  Check(X509_set_version(x, 2) == 1 &&
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial) == 1 &&
            X509_gmtime_adj(X509_getm_notBefore(x), absl::ToInt64Seconds(starts_in)) != nullptr &&
            X509_gmtime_adj(X509_getm_notAfter(x), absl::ToInt64Seconds(ends_in)) != nullptr &&
            X509_set_pubkey(x, subject) == 1,
        "X509");
  const auto name = [](X509_NAME* into, const std::string& text) {
    return X509_NAME_add_entry_by_txt(into, "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1,
                                      0) == 1;
  };
  Check(name(X509_get_subject_name(x), common_name) && name(X509_get_issuer_name(x), issuer_name),
        "X509 names");
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, x, x, nullptr, nullptr, 0);
  AddExtension(x, &context, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  AddExtension(x, &context, NID_key_usage,
               is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!is_ca) AddExtension(x, &context, NID_ext_key_usage, extended_key_usage);
  if (!san.empty()) AddExtension(x, &context, NID_subject_alt_name, san);
  Check(X509_sign(x, issuer_key, EVP_sha256()) > 0, "X509_sign");
  return Pem([x](BIO* bio) { return PEM_write_bio_X509(bio, x); });
}

}  // namespace

nlohmann::json GoodClaims(absl::Time now, absl::string_view subject) {
  return {{"iss", kTestIssuer},
          {"aud", kTestAudience},
          {"sub", std::string(subject)},
          {"iat", absl::ToUnixSeconds(now)},
          {"exp", absl::ToUnixSeconds(now + absl::Minutes(10))}};
}

TestKey::TestKey(std::string id, EVP_PKEY* key) : id_(std::move(id)), key_(key, EVP_PKEY_free) {
  Check(key != nullptr, "key generation");
}

TestKey TestKey::Rsa(std::string id, int bits) {
  return TestKey(std::move(id), EVP_RSA_gen(static_cast<unsigned>(bits)));
}

TestKey TestKey::Ec(std::string id, const std::string& curve) {
  return TestKey(std::move(id), EVP_EC_gen(curve.c_str()));
}

nlohmann::json TestKey::Jwk() const {
  nlohmann::json jwk = {{"kid", id_}, {"use", "sig"}};
  if (EVP_PKEY_is_a(pkey(), "RSA") == 1) {
    jwk["kty"] = "RSA";
    jwk["n"] = Base64Url(KeyNumber(pkey(), OSSL_PKEY_PARAM_RSA_N));
    jwk["e"] = Base64Url(KeyNumber(pkey(), OSSL_PKEY_PARAM_RSA_E));
  } else {
    const int bytes = (EVP_PKEY_get_bits(pkey()) + 7) / 8;
    jwk["kty"] = "EC";
    jwk["crv"] = absl::StrCat("P-", EVP_PKEY_get_bits(pkey()));
    jwk["x"] = Base64Url(KeyNumber(pkey(), OSSL_PKEY_PARAM_EC_PUB_X, bytes));
    jwk["y"] = Base64Url(KeyNumber(pkey(), OSSL_PKEY_PARAM_EC_PUB_Y, bytes));
  }
  return jwk;
}

std::string TestKey::PrivatePem() const {
  return Pem([this](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, pkey(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string TestKey::PublicPem() const {
  return Pem([this](BIO* bio) { return PEM_write_bio_PUBKEY(bio, pkey()); });
}

std::string TestKey::Sign(const std::string& alg, const nlohmann::json& claims,
                          const nlohmann::json& header) const {
  nlohmann::json full = {{"alg", alg}, {"typ", "JWT"}, {"kid", id_}};
  full.merge_patch(header);
  const std::string input = SigningInput(full, claims);
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free);
  const EVP_MD* digest = absl::EndsWith(alg, "384") ? EVP_sha384() : EVP_sha256();
  size_t size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(input.data());
  Check(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, pkey()) == 1 &&
            EVP_DigestSign(context.get(), nullptr, &size, data, input.size()) == 1,
        "signing");
  std::string signature(size, '\0');
  Check(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       data, input.size()) == 1,
        "signing");
  signature.resize(size);
  if (alg[0] == 'E') {  // DER to r||s.
    const auto* der = reinterpret_cast<const unsigned char*>(signature.data());
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(signature.size()));  // NOLINT
    const int bytes = (EVP_PKEY_get_bits(pkey()) + 7) / 8;
    std::string raw(static_cast<size_t>(2 * bytes), '\0');
    auto* out = reinterpret_cast<unsigned char*>(raw.data());
    Check(pair != nullptr && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, bytes) > 0 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + bytes, bytes) > 0,
          "r||s");
    ECDSA_SIG_free(pair);
    signature = raw;
  }
  return absl::StrCat(input, ".", Base64Url(signature));
}

std::string JwksOf(const std::vector<const TestKey*>& keys) {
  nlohmann::json set = {{"keys", nlohmann::json::array()}};
  for (const TestKey* key : keys) set["keys"].push_back(key->Jwk());
  return set.dump();
}

std::string Base64Url(absl::string_view bytes) { return absl::WebSafeBase64Escape(bytes); }

std::string UnsignedJwt(const nlohmann::json& header, const nlohmann::json& claims) {
  return SigningInput(header, claims) + ".";
}

std::string HmacJwt(const nlohmann::json& header, const nlohmann::json& claims,
                    absl::string_view secret) {
  const std::string input = SigningInput(header, claims);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  Check(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
             reinterpret_cast<const unsigned char*>(input.data()), input.size(), mac,
             &size) != nullptr,
        "HMAC");
  return absl::StrCat(input, ".",
                      Base64Url(absl::string_view(reinterpret_cast<const char*>(mac), size)));
}

std::string EncryptedKeyPem(const std::string& pass_phrase) {
  const TestKey key = TestKey::Ec("encrypted");
  return Pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key.pkey(), EVP_aes_256_cbc(),
                                    reinterpret_cast<const unsigned char*>(pass_phrase.data()),
                                    static_cast<int>(pass_phrase.size()), nullptr, nullptr);
  });
}

std::string CertificateSha256(const std::string& certificate_pem) {
  BIO* bio = BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  Check(certificate != nullptr && X509_digest(certificate, EVP_sha256(), digest, &size) == 1,
        "X509_digest");
  X509_free(certificate);
  BIO_free(bio);
  return std::string(reinterpret_cast<char*>(digest), size);
}

TestCa::TestCa(const std::string& name)
    : key_(TestKey::Ec("ca")),
      name_(name),
      certificate_pem_(MakeCertificate(name, key_.pkey(), name, key_.pkey(), "", "",
                                       -absl::Hours(1), absl::Hours(48))) {}

TestCertificate TestCa::Issue(const CertificateRequest& request) const {
  std::vector<std::string> san;
  for (const auto& dns : request.dns) san.push_back(absl::StrCat("DNS:", dns));
  for (const auto& uri : request.uris) san.push_back(absl::StrCat("URI:", uri));
  for (const auto& ip : request.ips) san.push_back(absl::StrCat("IP:", ip));
  const TestKey key = TestKey::Ec("leaf");
  return {MakeCertificate(request.common_name, key.pkey(), name_, key_.pkey(),
                          request.extended_key_usage, absl::StrJoin(san, ","), request.starts_in,
                          request.ends_in),
          key.PrivatePem()};
}

}  // namespace ipt::testing
