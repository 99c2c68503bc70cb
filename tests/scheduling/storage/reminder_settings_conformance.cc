#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

class ReminderSettingsTest : public SchedulingStoreTest {
 protected:
  void SetUp() override { AddCourses(); }

  ReminderSettings Settings(absl::string_view course, absl::string_view patient) {
    auto found =
        Read([&](SchedulingReader& r) { return r.GetReminderSettings("c1", course, patient); });
    EXPECT_OK(found);
    return found.value_or(ReminderSettings());
  }
  HeldReminderPolicy Put(absl::string_view course, const ReminderPolicy& policy) {
    HeldReminderPolicy held;
    EXPECT_OK(Write([&](SchedulingTx& tx) {
      held = HeldReminderPolicy();
      held.policy = policy;
      return tx.PutReminderPolicy("c1", course, held, Now());
    }));
    return held;
  }
  std::vector<std::string> Stale() {
    const auto found = Read([](SchedulingReader& r) { return r.StaleCourses(At(0), 100, {}); });
    EXPECT_OK(found);
    std::vector<std::string> ids;
    for (const CourseKey& key : *found) ids.push_back(key.course_id);
    return ids;
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(ReminderSettingsTest);

ReminderPolicy FullPolicy() {
  ReminderPolicy policy;
  policy.session_rules = {
      {ReminderAudience::kPatient, 2880, {ReminderChannel::kSms, ReminderChannel::kEmail}, "days"},
      {ReminderAudience::kTherapist, 5, {ReminderChannel::kPush}, "minutes"}};
  policy.course_rules = {{ReminderKind::kDeadlineAhead,
                          ReminderAudience::kTherapist,
                          4,
                          {ReminderChannel::kVoice, ReminderChannel::kLetter},
                          "ahead"}};
  policy.quiet_hours = QuietHours{1200, 480, QuietHoursShift::kLater};
  policy.course_reminder_minute = 0;
  policy.max_attempts = 3;
  policy.after_unknown = AfterUnknown::kHold;
  return policy;
}

TEST_P(ReminderSettingsTest, NothingSetIsNothing) {
  const ReminderSettings settings = Settings("k1", "p1");
  EXPECT_EQ(settings.version, 1);
  EXPECT_FALSE(settings.clinic.has_value());
  EXPECT_FALSE(settings.course.has_value());
  EXPECT_EQ(settings.preferences, ContactPreferences());
  EXPECT_THAT(Read([](SchedulingReader& r) { return r.GetReminderSettings("none", "", ""); }),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(ReminderSettingsTest, PoliciesReadBackAndMoveTheVersionOn) {
  const HeldReminderPolicy clinic = Put("", FullPolicy());
  EXPECT_EQ(clinic.update_time, Now());
  EXPECT_EQ(Settings("k1", "").version, 2);
  const HeldReminderPolicy course = Put("k1", ReminderPolicy());
  EXPECT_GT(course.revision, clinic.revision);
  const ReminderSettings settings = Settings("k1", "p1");
  EXPECT_EQ(settings.version, 2) << "a course's own is its own affair";
  EXPECT_EQ(settings.clinic->policy, FullPolicy());
  EXPECT_EQ(settings.clinic->revision, clinic.revision);
  EXPECT_EQ(settings.clinic->update_time, Now());
  EXPECT_EQ(settings.course->policy, ReminderPolicy());
  EXPECT_FALSE(Settings("k2", "p1").course.has_value());
  EXPECT_FALSE(Settings("", "p1").course.has_value());
  ASSERT_OK(Write([](SchedulingTx& tx) { return tx.DeleteReminderPolicy("c1", "k1"); }));
  EXPECT_FALSE(Settings("k1", "p1").course.has_value());
  Put("", ReminderPolicy());
  EXPECT_EQ(Settings("", "").version, 3);
  EXPECT_EQ(Settings("", "").clinic->policy, ReminderPolicy());
}

TEST_P(ReminderSettingsTest, ANewVersionMakesOpenCoursesStale) {
  EXPECT_THAT(Stale(), IsEmpty());
  Put("", ReminderPolicy());
  EXPECT_THAT(Stale(), UnorderedElementsAre("k1", "k2"));
  auto bring = [&](const std::string& id) {
    EXPECT_OK(Write([&](SchedulingTx& tx) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(Course course, tx.LockCourse("c1", id));
      ++course.reminder_version;
      course.reminder_digest = -7;
      return tx.UpdateCourseDerived(course);
    }));
  };
  bring("k1");
  bring("k2");
  EXPECT_THAT(Stale(), IsEmpty());
  const auto course = GetCourse("k1");
  EXPECT_EQ(course->reminder_version, 2);
  EXPECT_EQ(course->reminder_digest, -7);
  Put("", ReminderPolicy());
  EXPECT_THAT(Stale(), UnorderedElementsAre("k1", "k2"));
  bring("k1");
  EXPECT_THAT(Stale(), ElementsAre("k2"));
}

TEST_P(ReminderSettingsTest, PreferencesReadBackAndGoWithThePatient) {
  ContactPreferences wishes;
  wishes.opted_out = {ReminderChannel::kSms, ReminderChannel::kLetter};
  wishes.language = "en-GB";
  wishes.time_zone = "America/New_York";
  wishes.gone = true;
  ASSERT_OK(
      Write([&](SchedulingTx& tx) { return tx.PutContactPreferences("c1", "p1", wishes, Now()); }));
  EXPECT_GT(wishes.revision, 0);
  EXPECT_EQ(wishes.update_time, Now());
  EXPECT_EQ(Settings("", "p1").preferences, wishes);
  EXPECT_EQ(Settings("", "p2").preferences, ContactPreferences());
  ContactPreferences none;
  ASSERT_OK(
      Write([&](SchedulingTx& tx) { return tx.PutContactPreferences("c1", "p1", none, At(9)); }));
  EXPECT_EQ(Settings("", "p1").preferences, none);
}

TEST_P(ReminderSettingsTest, SendingReadsBack) {
  const auto get = [&] { return Read([](SchedulingReader& r) { return r.GetSending("c1"); }); };
  ASSERT_OK(get());
  SendingState state;
  state.clinic_id = "c1";
  EXPECT_EQ(*get(), state);
  state.paused = true;
  state.max_per_minute = 600;
  state.reason = kHardText;
  state.caller = "ops";
  ASSERT_OK(Write([&](SchedulingTx& tx) { return tx.PutSending(state, Now()); }));
  EXPECT_EQ(*get(), state);
  ASSERT_OK(Sql("UPDATE reminder_sending SET window_us = 60, window_used = 5"));
  state.paused = false;
  ASSERT_OK(Write([&](SchedulingTx& tx) { return tx.PutSending(state, At(9)); }));
  EXPECT_EQ(*get(), state);
  EXPECT_EQ(Count("reminder_sending WHERE window_us = 60 AND window_used = 5"), 1);
  EXPECT_THAT(Read([](SchedulingReader& r) { return r.GetSending("none"); }),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace ipt::scheduling
