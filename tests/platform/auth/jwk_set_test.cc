#include "platform/auth/jwk_set.h"

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/status_matchers.h"
#include "tests/support/test_keys.h"

namespace ipt::auth {
namespace {

using ::ipt::testing::Base64Url;
using ::ipt::testing::JwksOf;
using ::ipt::testing::TestKey;
using ::nlohmann::json;

std::string SetOf(const std::vector<json>& keys) { return json{{"keys", keys}}.dump(); }

std::string WhyRefused(const std::string& text) {
  const auto parsed = JwkSet::Parse(text);
  EXPECT_THAT(parsed, testing::StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  return std::string(parsed.status().message());
}

class JwkSetTest : public ::testing::Test {
 protected:
  static const TestKey& Rsa() {
    static const TestKey key = TestKey::Rsa("r");
    return key;
  }
  static const TestKey& Ec() {
    static const TestKey key = TestKey::Ec("e");
    return key;
  }
  static json With(json jwk, const json& patch) {
    jwk.merge_patch(patch);
    return jwk;
  }
};

TEST_F(JwkSetTest, FindsByIdAndAlgorithm) {
  const TestKey p384 = TestKey::Ec("e384", "P-384");
  ASSERT_OK_AND_ASSIGN(const auto set, JwkSet::Parse(JwksOf({&Rsa(), &Ec(), &p384})));
  EXPECT_EQ(set->size(), 3);
  EXPECT_NE(set->Find("r", JwtAlgorithm::kRs256), nullptr);
  EXPECT_NE(set->Find("r", JwtAlgorithm::kRs384), nullptr);
  EXPECT_NE(set->Find("e", JwtAlgorithm::kEs256), nullptr);
  EXPECT_NE(set->Find("e384", JwtAlgorithm::kEs384), nullptr);
  EXPECT_EQ(set->Find("r", JwtAlgorithm::kEs256), nullptr);
  EXPECT_EQ(set->Find("e", JwtAlgorithm::kEs384), nullptr);
  EXPECT_EQ(set->Find("x", JwtAlgorithm::kEs256), nullptr);
}

TEST_F(JwkSetTest, OwnAlgorithmNarrowsTheKey) {
  ASSERT_OK_AND_ASSIGN(const auto set,
                       JwkSet::Parse(SetOf({With(Rsa().Jwk(), {{"alg", "RS384"}})})));
  EXPECT_NE(set->Find("r", JwtAlgorithm::kRs384), nullptr);
  EXPECT_EQ(set->Find("r", JwtAlgorithm::kRs256), nullptr);
}

TEST_F(JwkSetTest, PassesOverKeysForOtherPurposes) {
  const json ec = Ec().Jwk();
  ASSERT_OK_AND_ASSIGN(const auto set,
                       JwkSet::Parse(SetOf({ec,
                                            With(ec, {{"kid", "enc"}, {"use", "enc"}}),
                                            With(ec, {{"kid", "ops"}, {"key_ops", {"deriveKey"}}}),
                                            With(ec, {{"kid", "alg"}, {"alg", "ECDH-ES"}}),
                                            With(ec, {{"kid", "curve"}, {"crv", "P-521"}}),
                                            With(ec, {{"kid", "cross"}, {"alg", "RS256"}}),
                                            With(ec, {{"kid", "okp"}, {"kty", "OKP"}}),
                                            {{"kty", "oct"}, {"k", "c2VjcmV0"}, {"alg", "HS256"}},
                                            json("text")})));
  EXPECT_EQ(set->size(), 1);
  ASSERT_OK_AND_ASSIGN(const auto verify,
                       JwkSet::Parse(SetOf({With(ec, {{"key_ops", {"verify"}}})})));
  EXPECT_EQ(verify->size(), 1);
}

TEST_F(JwkSetTest, RefusesWhatIsNoKeySet) {
  for (const char* text : {"", "null", "[]", "{}", "{\"keys\": {}}", "{\"keys\": [", "\xff\xfe"}) {
    EXPECT_THAT(WhyRefused(text), ::testing::HasSubstr("not a JSON Web Key Set")) << text;
  }
  EXPECT_THAT(WhyRefused("{\"keys\": []}"), ::testing::HasSubstr("no usable signing key"));
  EXPECT_THAT(WhyRefused(std::string(100000, '[')), ::testing::HasSubstr("not a JSON"));
}

TEST_F(JwkSetTest, RefusesWeakRsa) {
  const TestKey weak = TestKey::Rsa("w", 1024);
  EXPECT_THAT(
      WhyRefused(JwksOf({&Ec(), &weak})),
      ::testing::HasSubstr("keys[1]: RSA keys must have 2048 to 8192 bits, this one has 1024"));
  // An exponent of 1 makes every signature "right".
  EXPECT_THAT(WhyRefused(SetOf({With(Rsa().Jwk(), {{"e", Base64Url("\x01")}})})),
              ::testing::HasSubstr("public key"));
}

TEST_F(JwkSetTest, RefusesBrokenNumbers) {
  EXPECT_THAT(WhyRefused(SetOf({With(Ec().Jwk(), {{"x", "!!"}})})),
              ::testing::HasSubstr("'x' is not base64url"));
  EXPECT_THAT(WhyRefused(SetOf({With(Ec().Jwk(), {{"x", "AAAA"}})})), ::testing::HasSubstr("32"));
  EXPECT_THAT(WhyRefused(SetOf({With(Ec().Jwk(), {{"x", Base64Url(std::string(32, '\x07'))}})})),
              ::testing::HasSubstr("public key"))
      << "a point that is not on the curve";
  EXPECT_THAT(WhyRefused(SetOf({With(Rsa().Jwk(), {{"n", nullptr}})})),
              ::testing::HasSubstr("'n' is not base64url"));
  EXPECT_THAT(WhyRefused(SetOf({With(Ec().Jwk(), {{"kid", 7}})})), ::testing::HasSubstr("'kid'"));
}

TEST_F(JwkSetTest, RefusesPrivateKeysAndSharedIds) {
  EXPECT_THAT(WhyRefused(SetOf({With(Ec().Jwk(), {{"d", "AAAA"}})})),
              ::testing::HasSubstr("private key"));
  EXPECT_THAT(WhyRefused(SetOf({Ec().Jwk(), With(Rsa().Jwk(), {{"kid", "e"}})})),
              ::testing::HasSubstr("keys[1]: its 'kid' is another key's"));
}

}  // namespace
}  // namespace ipt::auth
