// The tools that developers sign tokens and certificates with, against what the server accepts:
// tokens from an independent implementation (PyJWT), certificates from the openssl command.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "platform/auth/jwk_set.h"
#include "platform/auth/tls_material.h"
#include "platform/auth/token_verifier.h"
#include "tests/support/status_matchers.h"

namespace ipt::auth {
namespace {

namespace fs = std::filesystem;

class DevToolsTest : public ::testing::Test {
 protected:
  DevToolsTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/tools_XXXXXX");
    folder_ = mkdtemp(name.data());
  }
  ~DevToolsTest() override { fs::remove_all(folder_); }

  // Runs tools/`command` with its output in folder_/out.
  void Run(const std::string& command) {
    const std::string line =
        absl::StrCat(IPT_SOURCE_DIR, "/tools/", command, " >", (folder_ / "out").string(), " 2>&1");
    ASSERT_EQ(std::system(line.c_str()), 0) << line << "\n" << Read("out");  // NOLINT: one thread.
  }
  std::string Read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(folder_ / name).rdbuf();
    return text.str();
  }

  fs::path folder_;
};

TEST_F(DevToolsTest, TokensOfEveryAlgorithmAreAccepted) {
  const std::string dir = absl::StrCat(" --dir ", folder_.string());
  for (const char* alg : {"ES256", "ES384", "RS256", "RS384"}) {
    Run(absl::StrCat("dev_token key --kid ", alg, " --alg ", alg, dir));
  }
  const absl::StatusOr<std::shared_ptr<const JwkSet>> keys = JwkSet::Parse(Read("jwks.json"));
  ASSERT_OK(keys);
  EXPECT_EQ((*keys)->size(), 4u);
  const TokenVerifier verifier({.issuer = "https://dev.ipt", .audiences = {"ipt"}},
                               [&] { return *keys; });
  for (const char* alg : {"ES256", "ES384", "RS256", "RS384"}) {
    Run(absl::StrCat("dev_token sign --clinics north,south --subject ", alg, " --kid ", alg, dir));
    const std::string token(absl::StripAsciiWhitespace(Read("out")));
    ASSERT_OK_AND_ASSIGN(const auto caller, verifier.Verify(token, absl::Now()));
    EXPECT_EQ(caller->subject, alg);
    EXPECT_TRUE(caller->MayEnter("south"));
    EXPECT_FALSE(caller->MayEnter("west"));
    EXPECT_THAT(verifier.Verify(token, absl::Now() + absl::Hours(2)),
                testing::StatusIs(absl::StatusCode::kUnauthenticated));
  }
}

TEST_F(DevToolsTest, CertificatesAreAcceptedAndRenewed) {
  Run(absl::StrCat("dev_certs.sh ", folder_.string(), " host.test"));
  const std::string ca = Read("ca.crt"), first = Read("tls.crt");
  EXPECT_OK(TlsMaterial::Parse(first, Read("tls.key"), ca, absl::Now()));
  Run(absl::StrCat("dev_certs.sh ", folder_.string()));
  EXPECT_EQ(Read("ca.crt"), ca);
  EXPECT_NE(Read("tls.crt"), first);
  EXPECT_OK(TlsMaterial::Parse(Read("tls.crt"), Read("tls.key"), ca, absl::Now()));
}

}  // namespace
}  // namespace ipt::auth
