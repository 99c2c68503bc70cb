#include "gtest/gtest.h"
#include "outcomes/domain/review_alerts.h"

namespace ipt::outcomes {
namespace {

Signal Late(SignalLevel level, const std::string& raised_by) {
  return {.rule = {.id = "late", .version = 1},
          .level = level,
          .wording = "review",
          .raised_by = raised_by,
          .raised_at = absl::UnixEpoch(),
          .cleared_by = "",
          .cleared_at = std::nullopt};
}

Alert ReviewOf(const Signal& signal, const std::string& id, AlertState state = AlertState::kOpen) {
  Alert alert;
  alert.alert_id = id;
  alert.kind = AlertKind::kReview;
  alert.state = state;
  alert.rule = signal.rule.id;
  alert.measurement_id = signal.raised_by;
  alert.signal_level =
      static_cast<int>(signal.level == SignalLevel::kRed ? ReviewLevel::kRed : ReviewLevel::kAmber);
  return alert;
}

TEST(ReviewAlertOfTest, IsTheOneThatWasRaisedWhenItBegan) {
  const Signal first = Late(SignalLevel::kRed, "m1");
  const std::vector<Alert> alerts = {ReviewOf(Late(SignalLevel::kRed, "m0"), "a0"),
                                     ReviewOf(first, "a1", AlertState::kResolved)};
  ASSERT_NE(ReviewAlertOf(alerts, first), nullptr);
  EXPECT_EQ(ReviewAlertOf(alerts, first)->alert_id, "a1");
}

TEST(ReviewAlertOfTest, IsOneThatWaitsOfItsRuleOnlyWhereThatIsAsGrave) {
  const std::vector<Alert> mild = {ReviewOf(Late(SignalLevel::kAmber, "m0"), "a0")};
  const std::vector<Alert> grave = {ReviewOf(Late(SignalLevel::kRed, "m0"), "a0")};
  EXPECT_EQ(ReviewAlertOf(mild, Late(SignalLevel::kRed, "m1")), nullptr);
  EXPECT_NE(ReviewAlertOf(mild, Late(SignalLevel::kAmber, "m1")), nullptr);
  EXPECT_NE(ReviewAlertOf(grave, Late(SignalLevel::kRed, "m1")), nullptr);
  EXPECT_NE(ReviewAlertOf(grave, Late(SignalLevel::kAmber, "m1")), nullptr);
}

TEST(ReviewAlertOfTest, OneThatIsResolvedIsOfNoLaterSignalNorAnyOfOneThatEnded) {
  const Signal before = Late(SignalLevel::kRed, "m0");
  EXPECT_EQ(
      ReviewAlertOf({ReviewOf(before, "a0", AlertState::kResolved)}, Late(SignalLevel::kRed, "m1")),
      nullptr);
  Signal ended = Late(SignalLevel::kRed, "m1");
  ended.cleared_by = "m2";
  EXPECT_EQ(ReviewAlertOf({ReviewOf(before, "a0")}, ended), nullptr);
  Signal other = Late(SignalLevel::kRed, "m1");
  other.rule.id = "midpoint";
  EXPECT_EQ(ReviewAlertOf({ReviewOf(before, "a0")}, other), nullptr);
}

}  // namespace
}  // namespace ipt::outcomes
