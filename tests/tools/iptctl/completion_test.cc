#include "iptctl/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ipt::ctl {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(CompletionTest, CompletesNounsVerbsAndFlags) {
  EXPECT_THAT(Complete({"ther"}), ElementsAre("therapist"));
  EXPECT_THAT(Complete({""}), Contains("completion"));
  EXPECT_THAT(Complete({"therapist", "de"}), ElementsAre("deactivate"));
  EXPECT_THAT(Complete({"course", "pause", "c1", "--first"}), ElementsAre("--first-day"));
  EXPECT_THAT(Complete({"help", "slots", ""}), ElementsAre("find"));
  EXPECT_THAT(Complete({"nothing", ""}), IsEmpty());
}

TEST(CompletionTest, CompletesValuesThatAreFewAndKnown) {
  EXPECT_THAT(Complete({"course", "pause", "c1", "--reason", "il"}), ElementsAre("illness"));
  EXPECT_THAT(Complete({"course", "get", "c1", "-o", ""}), ElementsAre("table", "json"));
  EXPECT_THAT(Complete({"course", "pause", "c1", "--first-day", ""}), IsEmpty());
}

TEST(CompletionTest, SeesPastFlagsBeforeTheCommand) {
  EXPECT_THAT(Complete({"--server", "a:1", "--tls", "course", "res"}), ElementsAre("resume"));
  EXPECT_THAT(Complete({"course", "pause", "c1", "--cancel-sessions", "--val"}),
              ElementsAre("--validate-only"));
}

TEST(CompletionTest, OffersACommandsOwnFlagsToItAlone) {
  EXPECT_THAT(Complete({"course", "book-plan", "--"}), Contains("--from-plan"));
  EXPECT_THAT(Complete({"course", "pause", "--"}), Not(Contains("--from-plan")));
  EXPECT_THAT(Complete({"reminders", "watch", "clinics/north", "--int"}),
              ElementsAre("--interval"));
  EXPECT_THAT(Complete({"events", "watch", "--"}), Contains("--count"));
  EXPECT_THAT(Complete({"reminders", "drop-many", "--"}),
              AllOf(Contains("--because"), Contains("--note"), Contains("--yes")));
}

}  // namespace
}  // namespace ipt::ctl
