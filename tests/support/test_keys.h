// Keys, key sets, tokens and certificates for tests, made afresh in memory with OpenSSL.
//
//   TestKey key = TestKey::Ec("k1");
//   std::string jwks = JwksOf({&key});
//   nlohmann::json claims = GoodClaims(clock.Now());
//   claims["scope"] = "courses.read";
//   std::string token = key.Sign("ES256", claims);
//   TestCa ca("Test CA");
//   TestCertificate server = ca.Issue({.common_name = "localhost", .dns = {"localhost"}});
//
// Everything here aborts on failure: a test that cannot make its keys must not pass.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "openssl/evp.h"

namespace ipt::testing {

inline constexpr char kTestIssuer[] = "https://issuer.test";
inline constexpr char kTestAudience[] = "ipt";

// The claims of a good token: issued at `now`, good for 10 minutes, for kTestAudience.
nlohmann::json GoodClaims(absl::Time now, absl::string_view subject = "tester");

class TestKey {
 public:
  static TestKey Rsa(std::string id, int bits = 2048);
  static TestKey Ec(std::string id, const std::string& curve = "P-256");  // Or "P-384".

  const std::string& id() const { return id_; }
  EVP_PKEY* pkey() const { return key_.get(); }

  // The public part as a JWK with kid, kty and use.
  nlohmann::json Jwk() const;
  std::string PrivatePem() const;
  std::string PublicPem() const;

  // A signed JWT. `alg` is RS256, RS384, ES256 or ES384 and must fit the key. `header` members are
  // put over (or, when null, taken out of) {"alg", "typ": "JWT", "kid"}.
  std::string Sign(const std::string& alg, const nlohmann::json& claims,
                   const nlohmann::json& header = nlohmann::json::object()) const;

 private:
  TestKey(std::string id, EVP_PKEY* key);

  std::string id_;
  std::shared_ptr<EVP_PKEY> key_;
};

std::string JwksOf(const std::vector<const TestKey*>& keys);

std::string Base64Url(absl::string_view bytes);

// `header`.`claims` without a good signature, or signed with HMAC-SHA-256 and `secret`: forgeries.
std::string UnsignedJwt(const nlohmann::json& header, const nlohmann::json& claims);
std::string HmacJwt(const nlohmann::json& header, const nlohmann::json& claims,
                    absl::string_view secret);

struct CertificateRequest {
  std::string common_name{};
  std::vector<std::string> dns{};
  std::vector<std::string> uris{};
  std::vector<std::string> ips{};
  std::string extended_key_usage = "serverAuth,clientAuth";
  // Real time, since TLS libraries read the machine's clock.
  absl::Duration starts_in = -absl::Hours(1);
  absl::Duration ends_in = absl::Hours(24);
};

struct TestCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

// A private key that only `pass_phrase` opens.
std::string EncryptedKeyPem(const std::string& pass_phrase);

// SHA-256 of the certificate's DER.
std::string CertificateSha256(const std::string& certificate_pem);

class TestCa {
 public:
  explicit TestCa(const std::string& name);

  const std::string& certificate_pem() const { return certificate_pem_; }
  TestCertificate Issue(const CertificateRequest& request) const;

 private:
  TestKey key_;
  std::string name_;
  std::string certificate_pem_;
};

}  // namespace ipt::testing
