#include "platform/auth/client_identity.h"

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::auth {
namespace {

using ::testing::HasSubstr;

constexpr char kFile[] = R"({"clients": {
  "uri:spiffe://h.test/ns/ehr/sa/gw": {"subject": "gateway", "clinics": ["north"],
                                       "scopes": ["courses.read"]},
  "dns:portal.test": {"subject": "portal", "clinics": "*", "scopes": "a b"},
  "cn:batch": {"subject": "batch"}}})";

std::string WhyRefused(absl::string_view text) {
  const auto parsed = ClientIdentities::Parse(text);
  EXPECT_THAT(parsed, testing::StatusIs(absl::StatusCode::kInvalidArgument));
  return std::string(parsed.status().message());
}

TEST(ClientIdentityTest, FindsByUriThenDnsThenCommonName) {
  ASSERT_OK_AND_ASSIGN(const auto clients, ClientIdentities::Parse(kFile));
  EXPECT_EQ(clients->size(), 3);
  const PeerCertificate all{.uris = {"spiffe://other", "spiffe://h.test/ns/ehr/sa/gw"},
                            .dns_names = {"portal.test"},
                            .common_name = "batch"};
  const auto gateway = clients->Find(all);
  ASSERT_NE(gateway, nullptr);
  EXPECT_EQ(gateway->subject, "gateway");
  EXPECT_TRUE(gateway->MayEnter("north"));
  EXPECT_FALSE(gateway->MayEnter("south"));
  EXPECT_TRUE(gateway->HasScope("courses.read"));

  const auto portal = clients->Find({.dns_names = {"portal.test"}, .common_name = "batch"});
  ASSERT_NE(portal, nullptr);
  EXPECT_EQ(portal->subject, "portal");
  EXPECT_TRUE(portal->all_clinics);

  const auto batch = clients->Find({.common_name = "batch"});
  ASSERT_NE(batch, nullptr);
  EXPECT_FALSE(batch->MayEnter("north"));
}

TEST(ClientIdentityTest, NamesOfAnotherKindDoNotMatch) {
  ASSERT_OK_AND_ASSIGN(const auto clients, ClientIdentities::Parse(kFile));
  EXPECT_EQ(clients->Find({}), nullptr);
  EXPECT_EQ(clients->Find({.dns_names = {"batch"}, .common_name = "portal.test"}), nullptr);
  EXPECT_EQ(clients->Find({.common_name = "spiffe://h.test/ns/ehr/sa/gw"}), nullptr);
}

TEST(ClientIdentityTest, RefusesBrokenFilesNamingTheEntry) {
  for (const char* text : {"", "[]", "{}", R"({"clients": []})", R"({"clients": {}, "x": 1})"}) {
    EXPECT_THAT(WhyRefused(text), HasSubstr("'clients'")) << text;
  }
  EXPECT_THAT(WhyRefused(R"({"clients": {"portal.test": {"subject": "p"}}})"),
              HasSubstr("'portal.test': a name must be uri:, dns: or cn:"));
  EXPECT_THAT(WhyRefused(R"({"clients": {"dns:": {"subject": "p"}}})"), HasSubstr("'dns:'"));
  EXPECT_THAT(WhyRefused(R"({"clients": {"dns:a": {}}})"), HasSubstr("'subject'"));
  EXPECT_THAT(WhyRefused(R"({"clients": {"dns:a": 7}})"), HasSubstr("must be an object"));
  EXPECT_THAT(WhyRefused(R"({"clients": {"dns:a": {"subject": "p", "clinics": 1}}})"),
              HasSubstr("'clinics'"));
  EXPECT_THAT(WhyRefused(R"({"clients": {"dns:a": {"subject": "p", "scope": "x"}}})"),
              HasSubstr("only subject, clinics and scopes"));
}

}  // namespace
}  // namespace ipt::auth
