#include "platform/auth/authenticator.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "platform/auth/client_identity.h"
#include "platform/auth/token_verifier.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_keys.h"

namespace ipt::auth {
namespace {

using ::ipt::testing::GoodClaims;
using ::ipt::testing::JwksOf;
using ::ipt::testing::TestKey;
using ::testing::HasSubstr;

TEST(NoneAuthenticatorTest, EverybodyIsAnonymousAndMayDoAll) {
  ASSERT_OK_AND_ASSIGN(const auto caller,
                       NoneAuthenticator().Authenticate({.authorization = "x"}, absl::Now()));
  EXPECT_TRUE(caller->anonymous);
  EXPECT_EQ(caller->subject, "anonymous");
  EXPECT_TRUE(caller->MayEnter("any"));
  EXPECT_TRUE(caller->HasScope("any"));
}

class JwtAuthenticatorTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const Caller>> Authenticate(const Credentials& credentials) {
    return authenticator_.Authenticate(credentials, now_);
  }
  std::string WhyRefused(const Credentials& credentials) {
    const auto result = Authenticate(credentials);
    EXPECT_THAT(result, testing::StatusIs(absl::StatusCode::kUnauthenticated));
    return std::string(result.status().message());
  }

  const absl::Time now_ = absl::FromUnixSeconds(1767225600);
  const TestKey key_ = TestKey::Ec("k");
  const std::shared_ptr<const JwkSet> keys_ = *JwkSet::Parse(JwksOf({&key_}));
  const std::shared_ptr<const ClientIdentities> clients_ =
      *ClientIdentities::Parse(R"({"clients": {"dns:ehr.test": {"subject": "ehr"}}})");
  const std::shared_ptr<const TokenVerifier> tokens_ = std::make_shared<TokenVerifier>(
      TokenRules{.issuer = testing::kTestIssuer, .audiences = {testing::kTestAudience}},
      [this] { return keys_; });
  const JwtAuthenticator authenticator_{tokens_, [this] { return clients_; }};
  const std::string token_ = key_.Sign("ES256", GoodClaims(now_, "nurse"));
  const PeerCertificate known_{.dns_names = {"ehr.test"}};
  const PeerCertificate unknown_{.dns_names = {"else.test"}};
};

TEST_F(JwtAuthenticatorTest, TakesTheBearerToken) {
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER  ", " Bearer "}) {
    const std::string header = absl::StrCat(scheme, token_);
    ASSERT_OK_AND_ASSIGN(const auto caller, Authenticate({.authorization = header}));
    EXPECT_EQ(caller->subject, "nurse");
  }
}

TEST_F(JwtAuthenticatorTest, RefusesOtherHeaders) {
  EXPECT_THAT(WhyRefused({.authorization = token_}), HasSubstr("scheme"));
  EXPECT_THAT(WhyRefused({.authorization = "Basic dXNlcjpwdw=="}), HasSubstr("scheme"));
  EXPECT_THAT(WhyRefused({.authorization = ""}), HasSubstr("scheme"));
  EXPECT_THAT(WhyRefused({.authorization = "Bearer"}), HasSubstr("exactly one token"));
  EXPECT_THAT(WhyRefused({.authorization = "Bearer "}), HasSubstr("exactly one token"));
  const std::string two = absl::StrCat("Bearer ", token_, " ", token_);
  EXPECT_THAT(WhyRefused({.authorization = two}), HasSubstr("exactly one token"));
  const std::string joined = absl::StrCat("Bearer ", token_, ",Bearer ", token_);
  EXPECT_THAT(WhyRefused({.authorization = joined}), HasSubstr("exactly one token"));
}

TEST_F(JwtAuthenticatorTest, FallsBackToTheClientCertificate) {
  ASSERT_OK_AND_ASSIGN(const auto caller, Authenticate({.peer = &known_}));
  EXPECT_EQ(caller->subject, "ehr");
  EXPECT_THAT(WhyRefused({.peer = &unknown_}), HasSubstr("known client"));
  EXPECT_THAT(WhyRefused({}), HasSubstr("no token"));
}

TEST_F(JwtAuthenticatorTest, TokenGoesBeforeCertificate) {
  const std::string header = absl::StrCat("Bearer ", token_);
  ASSERT_OK_AND_ASSIGN(const auto caller, Authenticate({.authorization = header, .peer = &known_}));
  EXPECT_EQ(caller->subject, "nurse");
  WhyRefused({.authorization = "Bearer bad", .peer = &known_});
}

TEST_F(JwtAuthenticatorTest, WithoutKnownClientsACertificateIsNobody) {
  const JwtAuthenticator tokens_only(tokens_, nullptr);
  EXPECT_THAT(tokens_only.Authenticate({.peer = &known_}, now_),
              testing::StatusIs(absl::StatusCode::kUnauthenticated));
}

}  // namespace
}  // namespace ipt::auth
