#include "platform/auth/tls_material.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/auth/openssl_ptr.h"
#include "platform/errors/status_macros.h"

namespace ipt::auth {
namespace {

constexpr int kMinSecurityBits = 112;  // RSA 2048, and what OpenSSL's level 2 demands.

absl::Status Wrong(absl::string_view sentence) { return absl::InvalidArgumentError(sentence); }

BioPtr Reader(absl::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key must fail instead of asking for a pass phrase on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

// Every certificate of a PEM text; fails if one of them is torn.
absl::StatusOr<std::vector<X509Ptr>> ReadCertificates(absl::string_view pem,
                                                      absl::string_view what) {
  std::vector<X509Ptr> certificates;
  const BioPtr bio = Reader(pem);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr)) {
    certificates.emplace_back(certificate);
  }
  // The one good end is "no further BEGIN line".
  if (certificates.empty() || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return Wrong(absl::StrCat("the ", what,
                              " is not a whole PEM certificate; write all of it, "
                              "from BEGIN CERTIFICATE to END CERTIFICATE"));
  }
  ERR_clear_error();
  return certificates;
}

absl::Time ToTime(const ASN1_TIME* time) {
  std::tm civil{};
  if (ASN1_TIME_to_tm(time, &civil) != 1) return absl::InfinitePast();
  return absl::FromCivil(absl::CivilSecond(civil.tm_year + 1900, civil.tm_mon + 1, civil.tm_mday,
                                           civil.tm_hour, civil.tm_min, civil.tm_sec),
                         absl::UTCTimeZone());
}

std::string Say(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone());
}

absl::Status CheckLeaf(X509* leaf, absl::Time now, CertificateUse use) {
  const absl::Time not_before = ToTime(X509_get0_notBefore(leaf));
  const absl::Time not_after = ToTime(X509_get0_notAfter(leaf));
  if (now >= not_after) {
    return Wrong(absl::StrCat("the certificate expired at ", Say(not_after), "; renew it"));
  }
  if (now < not_before) {
    return Wrong(absl::StrCat("the certificate is not valid before ", Say(not_before),
                              "; check this machine's clock"));
  }
  if (EVP_PKEY_get_security_bits(X509_get0_pubkey(leaf)) < kMinSecurityBits) {
    return Wrong("the certificate's key is too weak; use RSA of 2048 bits or more, or EC P-256");
  }
  const bool server = use == CertificateUse::kServer;
  const int purpose = server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
  if (X509_check_purpose(leaf, purpose, 0) != 1) {
    return Wrong(absl::StrCat("the certificate is not one for a ", server ? "server" : "client",
                              "; issue it with extended key usage '", server ? "server" : "client",
                              " authentication'"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsMaterial>> TlsMaterial::Parse(
    absl::string_view certificate_chain_pem, absl::string_view private_key_pem,
    absl::string_view client_ca_pem, absl::Time now, CertificateUse use) {
  const ClearOpensslErrors clear_errors;
  ERR_clear_error();
  IPT_ASSIGN_OR_RETURN(const std::vector<X509Ptr> chain,
                       ReadCertificates(certificate_chain_pem, "certificate file"));
  X509* const leaf = chain.front().get();
  IPT_RETURN_IF_ERROR(CheckLeaf(leaf, now, use));

  const PkeyPtr key(
      PEM_read_bio_PrivateKey(Reader(private_key_pem).get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) {
    return Wrong(
        "the key file holds no readable PEM private key; it must be whole and without "
        "a pass phrase");
  }
  if (X509_check_private_key(leaf, key.get()) != 1) {
    return Wrong(
        "certificate and key do not belong together; replace both at once, and put the "
        "server's own certificate first in its file");
  }
  if (!client_ca_pem.empty()) {
    IPT_RETURN_IF_ERROR(ReadCertificates(client_ca_pem, "client CA file").status());
  }
  return std::make_shared<const TlsMaterial>(
      TlsMaterial{std::string(certificate_chain_pem), std::string(private_key_pem),
                  std::string(client_ca_pem), ToTime(X509_get0_notAfter(leaf))});
}

absl::Status TlsMaterial::CheckAuthorities(absl::string_view ca_pem) {
  const ClearOpensslErrors clear_errors;
  ERR_clear_error();
  return ReadCertificates(ca_pem, "CA file").status();
}

}  // namespace ipt::auth
