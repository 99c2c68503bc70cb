#include "ipt-deliver/options.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::deliver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

Words With(Words words) {
  Words all = {"--clinics=north", "--webhook=https://gateway.example/r", "--keys-file=keys.json"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

std::string Problem(const Words& words) {
  return std::string(ParseOptions(words).status().message());
}

TEST(OptionsTest, ReadsFlagsInEitherSpelling) {
  ASSERT_OK_AND_ASSIGN(
      const Options options,
      ParseOptions({"--clinics", "north,clinics/south", "--webhook", "https://gateway.example/r",
                    "--keys_file=keys.json", "--timeout=2s", "--lease", "30s", "--channels",
                    "sms,EMAIL", "--once", "--concurrency=4"}));
  EXPECT_THAT(options.clinics, ElementsAre("clinics/north", "clinics/south"));
  EXPECT_EQ(options.keys_file, "keys.json");
  EXPECT_EQ(options.timeout, absl::Seconds(2));
  EXPECT_THAT(options.channels, ElementsAre(scheduling::v1::REMINDER_CHANNEL_SMS,
                                            scheduling::v1::REMINDER_CHANNEL_EMAIL));
  EXPECT_TRUE(options.once);
  EXPECT_EQ(options.concurrency, 4);
}

TEST(OptionsTest, NamesWhatIsWrong) {
  EXPECT_THAT(Problem({}), HasSubstr("--clinics north,south"));
  EXPECT_THAT(Problem({"north"}), HasSubstr("what is north?"));
  EXPECT_THAT(Problem({"--speed", "9"}), HasSubstr("unknown flag --speed"));
  EXPECT_THAT(Problem({"--clinics"}), HasSubstr("--clinics needs a value"));
  EXPECT_THAT(Problem({"--clinics=North"}), HasSubstr("\"North\" is no clinic's id"));
  EXPECT_THAT(Problem({"--clinics=north,north", "--dry-run"}), HasSubstr("named twice"));
  EXPECT_THAT(Problem({"--clinics=north"}), HasSubstr("--webhook URL or --file PATH"));
  EXPECT_THAT(Problem(With({"--file=x"})), HasSubstr("--webhook URL or --file PATH"));
  EXPECT_THAT(Problem({"--clinics=north", "--webhook=https://gateway.example/r"}),
              HasSubstr("needs --keys-file"));
  EXPECT_THAT(Problem(With({"--timeout=31s"})), HasSubstr("half of --lease, which is 1m"));
  EXPECT_THAT(Problem(With({"--timeout=x"})), HasSubstr("--timeout: write a span"));
  EXPECT_THAT(Problem(With({"--lease=4s"})), HasSubstr("from 5s to 10m"));
  EXPECT_THAT(Problem(With({"--concurrency=0"})), HasSubstr("1 to 256"));
  EXPECT_THAT(Problem(With({"--channels=fax"})), HasSubstr("\"fax\" is none of"));
  EXPECT_THAT(Problem(With({"--cert=c.pem"})), HasSubstr("--cert and --key go together"));
  EXPECT_THAT(Problem(With({"--once", "--once"})), HasSubstr("more than once"));
  EXPECT_THAT(Problem(With({"--token-file=t", "--server=ipt.example:443"})),
              HasSubstr("in the clear"));
  EXPECT_OK(ParseOptions(With({"--token-file=t", "--server=ipt.example:443", "--tls"})));
}

TEST(OptionsTest, TakesUrlsThatKeepPatientsToThemselves) {
  const auto problem = [](const std::string& url) {
    return Problem({"--clinics=north", "--keys-file=k", "--webhook=" + url});
  };
  EXPECT_EQ(problem("http://127.0.0.1:8080/r"), "");
  EXPECT_EQ(problem("http://localhost:8080/r"), "");
  EXPECT_EQ(problem("http://[::1]:8080/r"), "");
  EXPECT_THAT(problem("http://gateway.example/r"), HasSubstr("--allow-insecure"));
  EXPECT_THAT(problem("http://localhost.example/r"), HasSubstr("--allow-insecure"));
  EXPECT_THAT(problem("https://user:word@gateway.example/r"), HasSubstr("leave the user"));
  EXPECT_THAT(problem("ftp://gateway.example/r"), HasSubstr("https://"));
  EXPECT_THAT(problem("gateway.example"), HasSubstr("no URL"));
}

TEST(OptionsTest, HelpNamesEveryFlag) {
  ASSERT_OK_AND_ASSIGN(const Options options, ParseOptions({"-h"}));
  EXPECT_TRUE(options.help);
  for (const char* word : {"--webhook URL", "--keys-file FILE", "--dry-run", "--once",
                           "Examples:", "Exit codes:", "6  try again later"}) {
    EXPECT_THAT(HelpText(), HasSubstr(word));
  }
}

}  // namespace
}  // namespace ipt::deliver
