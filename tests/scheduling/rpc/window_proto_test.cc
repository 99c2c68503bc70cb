#include "scheduling/rpc/window_proto.h"

#include <vector>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::scheduling {
namespace {

using ipt::testing::HasBadFields;

class WindowProtoTest : public ::testing::Test {
 protected:
  pb::WeeklyWindow* Add(google::type::DayOfWeek day, int from_hour, int to_hour) {
    pb::WeeklyWindow* window = windows_.Add();
    window->set_day(day);
    window->mutable_start()->set_hours(from_hour);
    window->mutable_end()->set_hours(to_hour);
    return window;
  }
  std::vector<WeeklyWindow> Read() {
    FieldViolations inside = bad_.In("therapist");
    return ReadWindows(windows_, inside, "working_hours");
  }

  google::protobuf::RepeatedPtrField<pb::WeeklyWindow> windows_;
  FieldViolations bad_;
};

TEST_F(WindowProtoTest, ReadsWindowsUpToMidnightAndWritesThemBack) {
  Add(google::type::MONDAY, 9, 12)->mutable_start()->set_minutes(30);
  Add(google::type::SUNDAY, 0, 24);
  const std::vector<WeeklyWindow> read = Read();
  EXPECT_TRUE(bad_.empty());
  EXPECT_EQ(read,
            (std::vector<WeeklyWindow>{{Weekday::kMonday, 570, 720}, {Weekday::kSunday, 0, 1440}}));
  google::protobuf::RepeatedPtrField<pb::WeeklyWindow> written;
  WriteWindows(read, &written);
  ASSERT_EQ(written.size(), windows_.size());
  for (int i = 0; i < written.size(); ++i) {
    EXPECT_EQ(written[i].ShortDebugString(), windows_[i].ShortDebugString());
  }
}

TEST_F(WindowProtoTest, AcceptsWindowsThatTouch) {
  Add(google::type::MONDAY, 9, 12);
  Add(google::type::MONDAY, 12, 17);
  Add(google::type::TUESDAY, 9, 17);
  EXPECT_EQ(Read().size(), 3u);
  EXPECT_TRUE(bad_.empty());
}

TEST_F(WindowProtoTest, NamesEveryBadField) {
  windows_.Add();                                                    // [0]: nothing is set
  Add(google::type::MONDAY, 12, 9);                                  // [1]: ends before it starts
  Add(google::type::MONDAY, 9, 9);                                   // [2]: empty
  Add(google::type::TUESDAY, 25, 9);                                 // [3]: no such hour
  Add(google::type::TUESDAY, 9, 12)->mutable_end()->set_seconds(1);  // [4]: not whole minutes
  Add(google::type::FRIDAY, 9, 12);                                  // [5]
  Add(google::type::FRIDAY, 11, 13);                                 // [6]: overlaps [5]
  const std::vector<WeeklyWindow> read = Read();
  EXPECT_THAT(bad_.ToStatus(),
              HasBadFields("therapist.working_hours[0].day", "therapist.working_hours[0].start",
                           "therapist.working_hours[0].end", "therapist.working_hours[1].end",
                           "therapist.working_hours[2].end", "therapist.working_hours[3].start",
                           "therapist.working_hours[4].end", "therapist.working_hours[6]"));
  EXPECT_EQ(read, (std::vector<WeeklyWindow>{{Weekday::kFriday, 540, 720}}));
}

}  // namespace
}  // namespace ipt::scheduling
