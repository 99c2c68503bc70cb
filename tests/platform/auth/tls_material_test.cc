#include "platform/auth/tls_material.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_keys.h"

namespace ipt::auth {
namespace {

using ::ipt::testing::TestCa;
using ::ipt::testing::TestCertificate;
using ::testing::HasSubstr;
using ::testing::Not;

class TlsMaterialTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const TlsMaterial>> Parse(const std::string& certificate,
                                                           const std::string& key,
                                                           const std::string& client_ca = "") {
    return TlsMaterial::Parse(certificate, key, client_ca, now_);
  }
  std::string WhyRefused(const std::string& certificate, const std::string& key,
                         const std::string& client_ca = "") {
    const auto parsed = Parse(certificate, key, client_ca);
    EXPECT_THAT(parsed, testing::StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(std::string(parsed.status().message()), Not(HasSubstr("PRIVATE KEY")));
    return std::string(parsed.status().message());
  }

  const absl::Time now_ = absl::Now();
  const TestCa ca_{"ca"};
  const TestCertificate good_ = ca_.Issue({.common_name = "s", .ends_in = absl::Hours(5)});
};

TEST_F(TlsMaterialTest, AcceptsAPairAndKnowsItsExpiry) {
  ASSERT_OK_AND_ASSIGN(const auto material,
                       Parse(good_.certificate_pem + ca_.certificate_pem(), good_.key_pem,
                             ca_.certificate_pem() + "\ntrailing remark\n"));
  EXPECT_LT(absl::AbsDuration(material->not_after - (now_ + absl::Hours(5))), absl::Seconds(10));
}

TEST_F(TlsMaterialTest, RefusesPairsThatDoNotFit) {
  const TestCertificate other = ca_.Issue({.common_name = "o"});
  EXPECT_THAT(WhyRefused(good_.certificate_pem, other.key_pem),
              HasSubstr("do not belong together"));
  EXPECT_THAT(WhyRefused(ca_.certificate_pem() + good_.certificate_pem, good_.key_pem),
              HasSubstr("server"));
}

TEST_F(TlsMaterialTest, RefusesEveryTornFile) {
  for (size_t size = 0; size < good_.certificate_pem.size() - 1; size += 40) {
    WhyRefused(good_.certificate_pem.substr(0, size), good_.key_pem);
  }
  for (size_t size = 0; size < good_.key_pem.size() - 1; size += 20) {
    WhyRefused(good_.certificate_pem, good_.key_pem.substr(0, size));
  }
  const std::string torn = ca_.certificate_pem().substr(0, ca_.certificate_pem().size() / 2);
  EXPECT_THAT(WhyRefused(good_.certificate_pem, good_.key_pem, torn), HasSubstr("client CA file"));
  EXPECT_THAT(WhyRefused(good_.certificate_pem, good_.key_pem, ca_.certificate_pem() + torn),
              HasSubstr("client CA file"))
      << "a bundle whose second certificate is torn";
}

TEST_F(TlsMaterialTest, RefusesCertificatesOutsideTheirTime) {
  const auto expired = ca_.Issue({.common_name = "e", .ends_in = -absl::Seconds(5)});
  EXPECT_THAT(WhyRefused(expired.certificate_pem, expired.key_pem), HasSubstr("expired at 2"));
  const auto early = ca_.Issue({.common_name = "f", .starts_in = absl::Hours(1)});
  EXPECT_THAT(WhyRefused(early.certificate_pem, early.key_pem), HasSubstr("not valid before 2"));
}

TEST_F(TlsMaterialTest, RefusesEncryptedKeysWithoutAsking) {
  const std::string encrypted = testing::EncryptedKeyPem("secret");
  EXPECT_THAT(WhyRefused(good_.certificate_pem, encrypted), HasSubstr("pass phrase"));
}

TEST_F(TlsMaterialTest, AClientHasACertificateForClients) {
  const TestCertificate client =
      ca_.Issue({.common_name = "c", .extended_key_usage = "clientAuth"});
  const TestCertificate server =
      ca_.Issue({.common_name = "s", .extended_key_usage = "serverAuth"});
  const auto parse = [&](const TestCertificate& pair) {
    return TlsMaterial::Parse(pair.certificate_pem, pair.key_pem, "", now_, CertificateUse::kClient)
        .status();
  };
  EXPECT_OK(parse(client));
  EXPECT_OK(parse(good_));
  EXPECT_THAT(std::string(parse(server).message()), HasSubstr("not one for a client"));
}

TEST_F(TlsMaterialTest, ChecksAuthoritiesByThemselves) {
  EXPECT_OK(TlsMaterial::CheckAuthorities(ca_.certificate_pem()));
  const std::string torn = ca_.certificate_pem().substr(0, ca_.certificate_pem().size() / 2);
  for (const std::string& wrong : {std::string(), torn, ca_.certificate_pem() + torn}) {
    EXPECT_THAT(TlsMaterial::CheckAuthorities(wrong),
                testing::StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST_F(TlsMaterialTest, RefusesClientOnlyCertificates) {
  const auto client = ca_.Issue({.common_name = "c", .extended_key_usage = "clientAuth"});
  EXPECT_THAT(WhyRefused(client.certificate_pem, client.key_pem),
              HasSubstr("server authentication"));
}

}  // namespace
}  // namespace ipt::auth
