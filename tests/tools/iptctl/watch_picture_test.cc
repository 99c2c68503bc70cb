#include "iptctl/watch_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "iptctl/text.h"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;
using ::testing::ResultOf;
using ::testing::SizeIs;

constexpr int64_t kNow = 1788253200;  // 2026-09-01 09:00 UTC

v1::Reminder Some(const std::string& id, v1::ReminderState state) {
  v1::Reminder reminder;
  reminder.set_name("clinics/north/reminders/" + id);
  reminder.set_course("clinics/north/courses/c7");
  reminder.set_kind(v1::REMINDER_KIND_SESSION);
  reminder.set_audience(v1::REMINDER_AUDIENCE_PATIENT);
  reminder.mutable_patient()->set_value("4711");
  reminder.set_state(state);
  return reminder;
}

QueueLook Look() {
  QueueLook look;
  look.queue.set_clinic("clinics/north");
  look.queue.mutable_as_of()->set_seconds(kNow);
  look.queue.set_scheduled(1044);
  look.queue.set_due(12);
  look.queue.set_leased(1);
  look.queue.set_retrying(2);
  look.queue.set_dead(30);
  look.queue.set_sent_day(220);
  look.queue.mutable_oldest_due_time()->set_seconds(kNow - 592);
  look.queue.mutable_next_due_time()->set_seconds(kNow + 177);
  for (int i = 0; i < 50; ++i) {
    v1::Reminder& next =
        look.next.emplace_back(Some(absl::StrCat("n", i), v1::REMINDER_STATE_SCHEDULED));
    next.mutable_next_attempt_time()->set_seconds(kNow + 60 * i - 60);
    v1::Reminder& dead =
        look.dead.emplace_back(Some(absl::StrCat("d", i), v1::REMINDER_STATE_DEAD));
    dead.set_why_not(v1::REMINDER_WHY_NOT_REJECTED);
    dead.set_last_reason("NO_ADDRESS");
    dead.set_attempt(3);
  }
  v1::Reminder& leased = look.leased.emplace_back(Some("l", v1::REMINDER_STATE_LEASED));
  leased.mutable_lease_expire_time()->set_seconds(kNow + 43);
  return look;
}

std::string Picture(const QueueLook& look, const QueueLook* before = nullptr,
                    Screen::Size size = {.columns = 120, .lines = 40},
                    const ShowContext& context = {}) {
  return QueuePicture(look, before, {.size = size, .interval = absl::Seconds(2), .trouble = ""},
                      context);
}

std::vector<std::string> LinesOf(const std::string& picture) {
  std::vector<std::string> lines = absl::StrSplit(picture, '\n');
  lines.pop_back();
  return lines;
}

TEST(WatchPictureTest, ShowsTheQueueAtAGlance) {
  const std::string picture = Picture(Look());
  EXPECT_THAT(picture, HasSubstr("reminders of clinics/north   Tue 2026-09-01 09:00:00 UTC"));
  EXPECT_THAT(picture, HasSubstr("sending     yes, without a cap\n"));
  EXPECT_THAT(picture, HasSubstr("DUE   LEASED   RETRYING   SCHEDULED   DEAD   SENT IN 24 H\n"
                                 "12    1        2          1044        30     220\n"));
  EXPECT_THAT(picture, HasSubstr("oldest due  08:50:08, 9m52s late\n"));
  EXPECT_THAT(picture, HasSubstr("next due    09:02:57, in 2m57s\n"));
  EXPECT_THAT(picture, HasSubstr("  08:59:00  1m00s late  session  patient  course c7\n"));
  EXPECT_THAT(picture, HasSubstr("  until 09:00:43  in 43s  session  patient  course c7\n"));
  EXPECT_THAT(picture, HasSubstr("  d0   rejected  NO_ADDRESS  tried 3  session  patient"));
  EXPECT_THAT(picture, Not(HasSubstr("4711"))) << "who the patient is does not matter here";
}

TEST(WatchPictureTest, ShowsWhatChanged) {
  QueueLook before = Look();
  before.queue.mutable_as_of()->set_seconds(kNow - 30);
  before.queue.set_due(15);
  before.queue.set_sent_day(214);
  const std::string picture = Picture(Look(), &before);
  EXPECT_THAT(picture, HasSubstr("220            12 a minute\n"));
  EXPECT_THAT(picture, HasSubstr("-3                                           +6\n"));
  before.queue.set_sent_day(300);
  EXPECT_EQ(SentPerMinute(Look(), &before), 0) << "what is a day old leaves the count";
}

TEST(WatchPictureTest, SaysWhyNothingIsSent) {
  QueueLook look = Look();
  look.sending.set_paused(true);
  look.sending.set_reason("the gateway is being replaced");
  look.sending.set_caller("ana");
  look.sending.mutable_update_time()->set_seconds(kNow - 3600);
  EXPECT_THAT(Picture(look),
              HasSubstr("PAUSED since 08:00:00 by ana: the gateway is being replaced\n"));
  look.sending.mutable_update_time()->set_seconds(kNow - 86400);
  EXPECT_THAT(Picture(look), HasSubstr("PAUSED since 08-31 09:00 by ana"));
  look.sending.Clear();
  look.sending.set_max_per_minute(600);
  EXPECT_THAT(Picture(look), HasSubstr("sending     at most 600 a minute\n"));
}

TEST(WatchPictureTest, FitsTheTerminal) {
  ShowContext colored;
  colored.paint.on = true;
  for (const int columns : {1, 20, 80, 200}) {
    for (const int lines : {1, 5, 12, 24, 60}) {
      for (const ShowContext& context : {ShowContext(), colored}) {
        const auto drawn =
            LinesOf(Picture(Look(), nullptr, {.columns = columns, .lines = lines}, context));
        EXPECT_THAT(drawn, SizeIs(Le(lines)));
        EXPECT_THAT(drawn, Each(ResultOf([](const std::string& s) { return DisplayWidth(s); },
                                         Le(columns))));
      }
    }
  }
  EXPECT_THAT(LinesOf(Picture(Look(), nullptr, {.columns = 80, .lines = 30})), SizeIs(30))
      << "all of it is used";
}

TEST(WatchPictureTest, AnEmptyQueueIsNoError) {
  QueueLook look;
  look.queue.set_clinic("clinics/north");
  look.queue.mutable_as_of()->set_seconds(kNow);
  const std::string picture = Picture(look);
  EXPECT_THAT(picture, HasSubstr("oldest due  none\nnext due    none\n"));
  EXPECT_THAT(picture, Not(HasSubstr("DEAD LETTERS")));
}

TEST(WatchPictureTest, SpansAreShort) {
  EXPECT_EQ(SpanText(absl::Seconds(43)), "43s");
  EXPECT_EQ(SpanText(absl::Seconds(592)), "9m52s");
  EXPECT_EQ(SpanText(absl::Minutes(125)), "2h05m");
  EXPECT_EQ(SpanText(absl::Hours(76)), "3d04h");
  EXPECT_EQ(SpanText(-absl::Hours(1)), "0s");
}

}  // namespace
}  // namespace ipt::ctl
