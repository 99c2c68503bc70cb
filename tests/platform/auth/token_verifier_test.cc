#include "platform/auth/token_verifier.h"

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_keys.h"

namespace ipt::auth {
namespace {

using ::ipt::testing::FakeClock;
using ::ipt::testing::GoodClaims;
using ::ipt::testing::HmacJwt;
using ::ipt::testing::JwksOf;
using ::ipt::testing::TestCa;
using ::ipt::testing::TestKey;
using ::ipt::testing::UnsignedJwt;
using ::nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

struct Keys {
  TestKey rsa = TestKey::Rsa("rsa");
  TestKey p256 = TestKey::Ec("p256");
  TestKey p384 = TestKey::Ec("p384", "P-384");
  TestKey stranger = TestKey::Ec("p256");  // Another key under a known name.
};

class TokenVerifierTest : public ::testing::Test {
 protected:
  TokenVerifierTest() { Publish({&keys().rsa, &keys().p256, &keys().p384}); }

  static const Keys& keys() {
    static const Keys keys;
    return keys;
  }

  void Publish(const std::vector<const TestKey*>& published) {
    auto set = JwkSet::Parse(JwksOf(published));
    ASSERT_OK(set);
    set_ = *set;
  }

  json Claims() const { return GoodClaims(clock_.Now()); }
  json ClaimsWith(const json& patch) const {
    json claims = Claims();
    claims.merge_patch(patch);
    return claims;
  }
  std::string TokenWith(const json& patch = json::object()) const {
    return keys().p256.Sign("ES256", ClaimsWith(patch));
  }
  std::string TokenWithHeader(const json& header) const {
    return keys().p256.Sign("ES256", Claims(), header);
  }

  absl::StatusOr<std::shared_ptr<const Caller>> Verify(absl::string_view token,
                                                       const PeerCertificate* peer = nullptr) {
    return verifier_.Verify(token, clock_.Now(), peer);
  }
  // Checks that `token` is refused and that the sentence does not repeat it.
  std::string WhyRefused(const std::string& token) {
    const auto result = Verify(token);
    EXPECT_THAT(result, testing::FailsWith(absl::StatusCode::kUnauthenticated, "UNAUTHENTICATED"));
    std::string message(result.status().message());
    EXPECT_LT(message.size(), 300u);
    if (token.size() > 20) {
      EXPECT_THAT(message, Not(HasSubstr(token.substr(0, 20))));
    }
    return message;
  }

  FakeClock clock_{absl::FromUnixSeconds(1767225600)};
  std::shared_ptr<const JwkSet> set_;
  TokenVerifier verifier_{
      TokenRules{.issuer = testing::kTestIssuer, .audiences = {testing::kTestAudience, "other"}},
      [this] { return set_; }};
};

TEST_F(TokenVerifierTest, AcceptsTheFourAlgorithms) {
  EXPECT_OK(Verify(keys().rsa.Sign("RS256", Claims())));
  EXPECT_OK(Verify(keys().rsa.Sign("RS384", Claims())));
  EXPECT_OK(Verify(keys().p256.Sign("ES256", Claims())));
  EXPECT_OK(Verify(keys().p384.Sign("ES384", Claims())));
}

TEST_F(TokenVerifierTest, ReadsTheCaller) {
  ASSERT_OK_AND_ASSIGN(const auto caller,
                       Verify(TokenWith({{"sub", "dr-jones"},
                                         {"clinics", {"north", "south"}},
                                         {"scope", "courses.read courses.write"}})));
  EXPECT_EQ(caller->subject, "dr-jones");
  EXPECT_THAT(caller->clinics, ::testing::UnorderedElementsAre("north", "south"));
  EXPECT_FALSE(caller->all_clinics);
  EXPECT_FALSE(caller->anonymous);
  EXPECT_FALSE(caller->all_scopes);
  EXPECT_THAT(caller->scopes, ::testing::UnorderedElementsAre("courses.read", "courses.write"));
}

TEST_F(TokenVerifierTest, ReadsAllClinicsAndScopeArray) {
  ASSERT_OK_AND_ASSIGN(const auto caller,
                       Verify(TokenWith({{"clinics", "*"}, {"scope", {"a", "b"}}})));
  EXPECT_TRUE(caller->all_clinics);
  EXPECT_THAT(caller->scopes, ::testing::UnorderedElementsAre("a", "b"));
}

TEST_F(TokenVerifierTest, NoClinicsOrScopesMeansNone) {
  ASSERT_OK_AND_ASSIGN(const auto caller, Verify(TokenWith()));
  EXPECT_FALSE(caller->MayEnter("north"));
  EXPECT_FALSE(caller->HasScope("courses.read"));
}

TEST_F(TokenVerifierTest, RefusesClaimsOfTheWrongShape) {
  EXPECT_THAT(WhyRefused(TokenWith({{"sub", nullptr}})), HasSubstr("'sub'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"sub", ""}})), HasSubstr("'sub'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"sub", 7}})), HasSubstr("'sub'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"sub", "a\nb"}})), HasSubstr("'sub'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"sub", std::string(257, 's')}})), HasSubstr("'sub'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"clinics", "north"}})), HasSubstr("'clinics'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"clinics", {"*"}}})), HasSubstr("'clinics'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"clinics", {"north", 1}}})), HasSubstr("'clinics'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"scope", 1}})), HasSubstr("'scope'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"scope", {{"a", 1}}}})), HasSubstr("'scope'"));
}

TEST_F(TokenVerifierTest, ToleratesSixtySecondsAfterExpiry) {
  const std::string token = TokenWith();  // Good for 10 minutes.
  const absl::Time end = clock_.Now() + absl::Minutes(11);
  clock_.Advance(absl::Minutes(10) + absl::Seconds(59));
  ASSERT_OK_AND_ASSIGN(const auto caller, Verify(token));
  EXPECT_EQ(caller->expires, end);
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(WhyRefused(token), HasSubstr("expired")) << "from the cache";
  EXPECT_THAT(WhyRefused(TokenWith({{"exp", absl::ToUnixSeconds(clock_.Now()) - 61}})),
              HasSubstr("expired"));
  EXPECT_OK(Verify(TokenWith({{"exp", absl::ToUnixSeconds(clock_.Now()) - 59}})));
}

TEST_F(TokenVerifierTest, ToleratesSixtySecondsBeforeStart) {
  const int64_t now = absl::ToUnixSeconds(clock_.Now());
  for (const char* claim : {"nbf", "iat"}) {
    EXPECT_OK(Verify(TokenWith({{claim, now + 59}}))) << claim;
    EXPECT_THAT(WhyRefused(TokenWith({{claim, now + 61}})), HasSubstr("not valid yet")) << claim;
  }
}

TEST_F(TokenVerifierTest, RefusesTimesThatAreNone) {
  EXPECT_THAT(WhyRefused(TokenWith({{"exp", nullptr}})), HasSubstr("'exp' is required"));
  EXPECT_THAT(WhyRefused(TokenWith({{"exp", "2030"}})), HasSubstr("seconds since 1970"));
  EXPECT_THAT(WhyRefused(TokenWith({{"exp", 1e300}})), HasSubstr("seconds since 1970"));
  EXPECT_THAT(WhyRefused(TokenWith({{"exp", -1}})), HasSubstr("seconds since 1970"));
  EXPECT_THAT(WhyRefused(TokenWith({{"nbf", true}})), HasSubstr("seconds since 1970"));
  EXPECT_OK(Verify(TokenWith({{"exp", absl::ToUnixSeconds(clock_.Now()) + 10.5}})));
}

TEST_F(TokenVerifierTest, ChecksIssuerAndAudience) {
  EXPECT_THAT(WhyRefused(TokenWith({{"iss", "https://else.test"}})), HasSubstr("'iss'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"iss", nullptr}})), HasSubstr("'iss'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"aud", "ip"}})), HasSubstr("'aud'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"aud", nullptr}})), HasSubstr("'aud'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"aud", json::array()}})), HasSubstr("'aud'"));
  EXPECT_THAT(WhyRefused(TokenWith({{"aud", {"a", 7}}})), HasSubstr("'aud'"));
  EXPECT_OK(Verify(TokenWith({{"aud", {"a", "other"}}})));
}

TEST_F(TokenVerifierTest, RefusesForgeries) {
  std::string token = TokenWith();
  token[token.size() - 10] = token[token.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_THAT(WhyRefused(token), HasSubstr("signature"));

  EXPECT_THAT(WhyRefused(keys().stranger.Sign("ES256", Claims())), HasSubstr("signature"));
  EXPECT_THAT(WhyRefused(keys().p384.Sign("ES384", Claims(), {{"kid", "p256"}})),
              HasSubstr("no key with its 'kid'"));
  EXPECT_THAT(WhyRefused(UnsignedJwt({{"alg", "none"}}, Claims())), HasSubstr("algorithm"));
  EXPECT_THAT(WhyRefused(UnsignedJwt({{"alg", "ES256"}, {"kid", "p256"}}, Claims())),
              HasSubstr("signature"));
  for (const char* alg : {"HS256", "none", "None", "es256", "RS512", "PS256", "EdDSA", ""}) {
    EXPECT_THAT(
        WhyRefused(HmacJwt({{"alg", alg}, {"kid", "rsa"}}, Claims(), keys().rsa.PublicPem())),
        HasSubstr("algorithm"))
        << alg;
  }
  // The claims of one token under the signature of another.
  const std::string mine = TokenWith(), theirs = TokenWith({{"clinics", "*"}});
  EXPECT_THAT(
      WhyRefused(absl::StrCat(theirs.substr(0, theirs.rfind('.')), mine.substr(mine.rfind('.')))),
      HasSubstr("signature"));
  // An ES256 signature in DER, and all zeros.
  EXPECT_THAT(WhyRefused(absl::StrCat(mine.substr(0, mine.rfind('.') + 1),
                                      testing::Base64Url(std::string(64, '\0')))),
              HasSubstr("signature"));
  EXPECT_THAT(WhyRefused(absl::StrCat(mine.substr(0, mine.rfind('.') + 1),
                                      testing::Base64Url(std::string(71, '\x30')))),
              HasSubstr("signature"));
}

TEST_F(TokenVerifierTest, RefusesHeadersThatAskForMore) {
  EXPECT_THAT(WhyRefused(TokenWithHeader({{"crit", {"b64"}}, {"b64", true}})), HasSubstr("crit"));
  EXPECT_THAT(WhyRefused(TokenWithHeader({{"typ", "logout+jwt"}})), HasSubstr("type"));
  EXPECT_THAT(WhyRefused(TokenWithHeader({{"kid", 7}})), HasSubstr("not a signed JWT"));
  EXPECT_OK(Verify(TokenWithHeader({{"typ", "at+jwt"}})));
  EXPECT_OK(Verify(TokenWithHeader({{"typ", nullptr}})));
  // A key in the header is never looked at.
  EXPECT_THAT(WhyRefused(keys().stranger.Sign("ES256", Claims(),
                                              {{"jwk", keys().stranger.Jwk()}, {"kid", "new"}})),
              HasSubstr("no key with its 'kid'"));
}

TEST_F(TokenVerifierTest, WithoutKidTheOnlyFittingKeyIsTaken) {
  const std::string token = TokenWithHeader({{"kid", nullptr}});
  EXPECT_OK(Verify(token));  // One key fits ES256 here.
  const TestKey second = TestKey::Ec("second");
  Publish({&keys().p256, &second});
  EXPECT_THAT(WhyRefused(token), HasSubstr("names no key"));
  Publish({&keys().rsa});
  EXPECT_THAT(WhyRefused(token), HasSubstr("names no key"));
}

TEST_F(TokenVerifierTest, RefusesWhatIsNoToken) {
  const std::string good = TokenWith();
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), std::string("..."), std::string("abc"),
        std::string("a.b.c"), std::string("\xff\xfe.\xff.\xff"), std::string(5, '\0'), good + ".x",
        good + "=", " " + good, good + "\n", absl::StrCat(testing::Base64Url("[1]"), ".e30.AA"),
        absl::StrCat(testing::Base64Url("{\"alg\":\"ES256\",\"kid\":\"\xff\"}"), ".e30.AA"),
        absl::StrReplaceAll(good, {{".", " . "}})}) {
    WhyRefused(token);
  }
}

TEST_F(TokenVerifierTest, RefusesHugeTokensUnread) {
  const std::string huge = TokenWith({{"padding", std::string(8000, 'p')}});
  ASSERT_GT(huge.size(), 8192u);
  EXPECT_THAT(WhyRefused(huge), HasSubstr("more than 8192 bytes"));
  EXPECT_OK(Verify(TokenWith({{"padding", std::string(5000, 'p')}})));
}

TEST_F(TokenVerifierTest, EveryTruncationAndBitFlipIsRefused) {
  const std::string good = TokenWith();
  for (size_t i = 0; i < good.size(); ++i) WhyRefused(good.substr(0, i));
  const size_t last = good.size() - 1;  // Its low bits are padding, which decoders pass over.
  for (size_t i = 0; i < last; ++i) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    WhyRefused(flipped);
  }
}

TEST_F(TokenVerifierTest, RemembersVerifiedTokens) {
  const std::string token = TokenWith();
  ASSERT_OK_AND_ASSIGN(const auto first, Verify(token));
  ASSERT_OK_AND_ASSIGN(const auto second, Verify(token));
  EXPECT_EQ(first, second) << "the very same caller: not verified again";
}

TEST_F(TokenVerifierTest, NewKeySetForgetsTokens) {
  const std::string token = TokenWith();
  ASSERT_OK_AND_ASSIGN(const auto first, Verify(token));
  Publish({&keys().rsa, &keys().p256});
  ASSERT_OK_AND_ASSIGN(const auto again, Verify(token));
  EXPECT_NE(first, again);
  Publish({&keys().rsa});
  EXPECT_THAT(WhyRefused(token), HasSubstr("no key with its 'kid'"));
}

TEST_F(TokenVerifierTest, CacheIsBoundedAndKeepsWhatIsUsed) {
  TokenVerifier small(
      {.issuer = testing::kTestIssuer, .audiences = {testing::kTestAudience}, .cache_entries = 8},
      [this] { return set_; });
  const auto verify = [&](const std::string& token) { return *small.Verify(token, clock_.Now()); };
  const std::string used = TokenWith({{"sub", "used"}}), idle = TokenWith({{"sub", "idle"}});
  const auto used_caller = verify(used), idle_caller = verify(idle);
  for (int i = 0; i < 20; ++i) {
    verify(TokenWith({{"sub", absl::StrCat("other-", i)}}));
    EXPECT_EQ(verify(used), used_caller) << i;
  }
  EXPECT_NE(verify(idle), idle_caller) << "20 newer tokens in a cache of 8 push it out";
}

TEST_F(TokenVerifierTest, BoundTokenNeedsItsCertificate) {
  const TestCa ca("ca");
  const auto mine = ca.Issue({.common_name = "mine"}), theirs = ca.Issue({.common_name = "theirs"});
  // x5t#S256 by another way than the verifier's: OpenSSL's own digest of the certificate.
  const auto thumbprint = [](const std::string& pem) { return testing::CertificateSha256(pem); };
  const std::string token =
      TokenWith({{"cnf", {{"x5t#S256", testing::Base64Url(thumbprint(mine.certificate_pem))}}}});
  const PeerCertificate my_peer{.pem = mine.certificate_pem}, other{.pem = theirs.certificate_pem};
  EXPECT_OK(Verify(token, &my_peer));
  EXPECT_THAT(WhyRefused(token), HasSubstr("client certificate")) << "no certificate, cached token";
  EXPECT_THAT(Verify(token, &other), testing::StatusIs(absl::StatusCode::kUnauthenticated));
  const PeerCertificate garbage{.pem = "-----END CERTIFICATE----------BEGIN CERTIFICATE-----"};
  EXPECT_THAT(Verify(token, &garbage), testing::StatusIs(absl::StatusCode::kUnauthenticated));

  EXPECT_THAT(WhyRefused(TokenWith({{"cnf", {{"jkt", "abc"}}}})), HasSubstr("x5t#S256"));
  EXPECT_THAT(WhyRefused(TokenWith({{"cnf", {{"x5t#S256", "AAAA"}}}})), HasSubstr("x5t#S256"));
  EXPECT_THAT(WhyRefused(TokenWith({{"cnf", "text"}})), HasSubstr("x5t#S256"));
}

TEST_F(TokenVerifierTest, SurvivesRotationUnderConcurrentUse) {
  std::mutex mutex;
  auto current = set_;
  const auto other = *JwkSet::Parse(JwksOf({&keys().p256}));
  TokenVerifier shared({.issuer = testing::kTestIssuer, .audiences = {testing::kTestAudience}},
                       [&] {
                         std::lock_guard<std::mutex> lock(mutex);
                         return current;
                       });
  const std::string token = TokenWith();
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        if (!shared.Verify(token, clock_.Now()).ok()) ++refused;
        if (i % 20 == 0) {
          std::lock_guard<std::mutex> lock(mutex);
          current = current == other ? set_ : other;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace ipt::auth
