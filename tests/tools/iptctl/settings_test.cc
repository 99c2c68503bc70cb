#include "iptctl/settings.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace ipt::ctl {
namespace {

using ::testing::HasSubstr;
using Map = std::map<std::string, std::string>;

class SettingsTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) /
                                       ("iptctl_settings_" + std::to_string(getpid()) + name);
    std::ofstream(path) << text;
    paths_.push_back(path);
    return path;
  }
  ~SettingsTest() override {
    for (const auto& path : paths_) std::filesystem::remove(path);
  }
  absl::StatusOr<Settings> Load(const Map& flags, const Map& env = {}) {
    return LoadSettings(flags, [&](const std::string& name) {
      return env.contains(name) ? env.at(name) : std::string();
    });
  }
  std::string Problem(const Map& flags, const Map& env = {}) {
    return std::string(Load(flags, env).status().message());
  }

 private:
  std::vector<std::filesystem::path> paths_;
};

TEST_F(SettingsTest, HasDefaults) {
  ASSERT_OK_AND_ASSIGN(const Settings settings, Load({}));
  EXPECT_EQ(settings.target.server, "127.0.0.1:50051");
  EXPECT_EQ(settings.deadline, absl::Seconds(10));
  EXPECT_FALSE(client::UsesTls(settings.target) || settings.json_output ||
               settings.zone.has_value());
}

TEST_F(SettingsTest, TakesTheNearestSource) {
  const std::string config =
      Write("config", "# a clinic's\nserver = file:1\nclinic = north\n\nzone=Europe/London\n");
  ASSERT_OK_AND_ASSIGN(const Settings settings,
                       Load({{"config", config}, {"server", "flag:3"}},
                            {{"IPTCTL_SERVER", "env:2"}, {"IPTCTL_CLINIC", "clinics/south"}}));
  EXPECT_EQ(settings.target.server, "flag:3");
  EXPECT_EQ(settings.clinic, "south");
  EXPECT_EQ(settings.zone->name(), "Europe/London");
}

TEST_F(SettingsTest, ReadsTheTokenFile) {
  const std::string token = Write("token", "abc.def\n");
  ASSERT_OK_AND_ASSIGN(const Settings settings,
                       Load({{"token-file", token}}, {{"IPTCTL_TOKEN", "other"}}));
  EXPECT_EQ(settings.token, "abc.def");
  EXPECT_THAT(Problem({{"token", "a"}, {"token-file", token}}), HasSubstr("not both"));
  EXPECT_THAT(Problem({}, {{"IPTCTL_TOKEN_FILE", "/nowhere/token"}}),
              HasSubstr("IPTCTL_TOKEN_FILE: cannot read /nowhere/token"));
}

TEST_F(SettingsTest, SendsNoTokenInTheClear) {
  EXPECT_THAT(Problem({{"token", "a"}, {"server", "clinic.example:443"}}), HasSubstr("--tls"));
  EXPECT_THAT(Problem({{"token", "a"}, {"server", "localhost.example:443"}}), HasSubstr("--tls"));
  EXPECT_OK(Load({{"token", "a"}, {"server", "clinic.example:443"}, {"tls", "true"}}));
  EXPECT_OK(Load({{"token", "a"}, {"server", "clinic.example:443"}, {"allow-insecure", "true"}}));
  EXPECT_OK(Load({{"token", "a"}, {"server", "localhost:50051"}}));
}

TEST_F(SettingsTest, NamesWhatIsWrongAndWhere) {
  EXPECT_THAT(Problem({{"zone", "Mars"}}), HasSubstr("--zone: \"Mars\""));
  EXPECT_THAT(Problem({}, {{"IPTCTL_DEADLINE", "soon"}}), HasSubstr("IPTCTL_DEADLINE"));
  EXPECT_THAT(Problem({{"output", "xml"}}), HasSubstr("table or json"));
  EXPECT_THAT(Problem({{"cert", "a.pem"}}), HasSubstr("--key"));
  EXPECT_THAT(Problem({{"tls", "maybe"}}), HasSubstr("true or false"));
  EXPECT_THAT(Problem({{"config", "/nowhere"}}), HasSubstr("cannot read /nowhere"));
  const std::string config = Write("bad", "server = a\nsever = b\n");
  EXPECT_THAT(Problem({{"config", config}}), HasSubstr(":2: "));
  EXPECT_THAT(Problem({{"config", config}}), HasSubstr("did you mean server?"));
}

TEST_F(SettingsTest, LooksInTheUsualPlace) {
  const std::filesystem::path home =
      std::filesystem::path(::testing::TempDir()) / ("iptctl_home_" + std::to_string(getpid()));
  std::filesystem::create_directories(home / ".config/iptctl");
  std::ofstream(home / ".config/iptctl/config") << "clinic = east\n";
  ASSERT_OK_AND_ASSIGN(const Settings settings, Load({}, {{"HOME", home.string()}}));
  EXPECT_EQ(settings.clinic, "east");
  std::filesystem::remove_all(home);
}

}  // namespace
}  // namespace ipt::ctl
