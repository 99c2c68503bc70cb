#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

class TherapistsTest : public SchedulingStoreTest {
 protected:
  void SetUp() override {
    ASSERT_OK(Write([](SchedulingTx& tx) {
      Clinic clinic = SampleClinic("c1");
      return tx.InsertClinic(clinic, Now());
    }));
  }
  absl::StatusOr<Therapist> InsertOne(Therapist therapist) {
    return Write([&](SchedulingTx& tx) -> absl::StatusOr<Therapist> {
      Therapist copy = therapist;
      IPT_RETURN_IF_ERROR(tx.InsertTherapist(copy, Now()));
      return copy;
    });
  }
  absl::StatusOr<Therapist> GetOne(absl::string_view id) {
    return Read([&](SchedulingReader& r) { return r.GetTherapist("c1", id); });
  }
  std::vector<std::string> Ids(const TherapistFilter& filter, absl::string_view after = "",
                               int limit = 100) {
    std::vector<std::string> ids;
    const auto found =
        Read([&](SchedulingReader& r) { return r.ListTherapists("c1", filter, after, limit); });
    EXPECT_OK(found);
    for (const Therapist& therapist : *found) {
      ids.push_back(therapist.therapist_id);
    }
    return ids;
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(TherapistsTest);

TEST_P(TherapistsTest, RoundTripKeepsEveryField) {
  ASSERT_OK_AND_ASSIGN(const Therapist full, InsertOne(SampleTherapist("t1")));
  Therapist bare;
  bare.clinic_id = "c1";
  bare.therapist_id = "t2";
  bare.time_zone = "UTC";
  bare.active = false;
  ASSERT_OK_AND_ASSIGN(bare, InsertOne(bare));
  EXPECT_EQ(GetOne("t1").value(), full);
  EXPECT_EQ(GetOne("t2").value(), bare);
  EXPECT_EQ(Write([](SchedulingTx& tx) { return tx.LockTherapist("c1", "t1"); }).value(), full);
}

TEST_P(TherapistsTest, UpdateReplacesEveryField) {
  ASSERT_OK_AND_ASSIGN(Therapist therapist, InsertOne(SampleTherapist("t1")));
  Therapist changed;
  changed.clinic_id = "c1";
  changed.therapist_id = "t1";
  changed.time_zone = "Asia/Kathmandu";
  changed.working_hours = {{Weekday::kFriday, 1, 2}};
  changed.max_active_courses = 0;
  changed.languages = {kHardText};
  changed.stamp = therapist.stamp;
  ASSERT_OK(Write([&](SchedulingTx& tx) { return tx.UpdateTherapist(changed, At(60)); }));
  EXPECT_GT(changed.stamp.revision, therapist.stamp.revision);
  EXPECT_EQ(changed.stamp.update_time, At(60));
  EXPECT_EQ(GetOne("t1").value(), changed);
}

TEST_P(TherapistsTest, AbsentAndTakenAreSaid) {
  ASSERT_OK(InsertOne(SampleTherapist("t1")));
  EXPECT_THAT(InsertOne(SampleTherapist("t1")), StatusIs(absl::StatusCode::kAlreadyExists));
  const auto absent = FailsWith(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND");
  EXPECT_THAT(GetOne("nope"), absent);
  EXPECT_THAT(Read([](SchedulingReader& r) { return r.GetTherapist("c2", "t1"); }), absent);
  EXPECT_THAT(Read([](SchedulingReader& r) { return r.TherapistCalendarVersion("c1", "nope"); }),
              absent);
  EXPECT_THAT(Write([](SchedulingTx& tx) { return tx.LockTherapist("c1", "nope"); }), absent);
  EXPECT_THAT(Write([](SchedulingTx& tx) {
                return tx.TouchTherapistCalendars("c1", {"t1", "nope"});
              }),
              absent);
  Therapist therapist = SampleTherapist("nope");
  EXPECT_THAT(Write([&](SchedulingTx& tx) { return tx.UpdateTherapist(therapist, Now()); }),
              absent);
}

TEST_P(TherapistsTest, ListsFilterByWhatTheyOffer) {
  const auto add = [&](const std::string& id, std::vector<std::string> languages,
                       std::vector<std::string> variants, bool active) {
    Therapist therapist = SampleTherapist(id);
    therapist.languages = std::move(languages);
    therapist.variants = std::move(variants);
    therapist.active = active;
    ASSERT_OK(InsertOne(therapist));
  };
  add("a", {"de"}, {}, true);
  add("b", {"de", "en"}, {"ipt-acute"}, true);
  add("c", {"en-GB"}, {"ipt-b"}, true);
  add("d", {"de"}, {"ipt-acute", "ipt-b"}, false);
  EXPECT_THAT(Ids({}), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(Ids({.active_only = true, .language = "", .variant = ""}),
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(Ids({.active_only = false, .language = "de", .variant = ""}),
              ElementsAre("a", "b", "d"));
  EXPECT_THAT(Ids({.active_only = false, .language = "en", .variant = ""}), ElementsAre("b"));
  EXPECT_THAT(Ids({.active_only = false, .language = "", .variant = "ipt-acute"}),
              ElementsAre("a", "b", "d"));
  EXPECT_THAT(Ids({.active_only = true, .language = "de", .variant = "ipt-b"}), ElementsAre("a"));
  EXPECT_THAT(Ids({}, "b", 1), ElementsAre("c"));
  EXPECT_THAT(Ids({}, "", 2), ElementsAre("a", "b"));
}

TEST_P(TherapistsTest, OpenCoursesAreCounted) {
  ASSERT_OK(InsertOne(SampleTherapist("t1")));
  ASSERT_OK(Write([](SchedulingTx& tx) {
    return tx.FindOrAddPatient("c1", {"urn:mrn", "value-p1"}, "p1", Now());
  }));
  Course open = SampleCourse("k1");
  Course closed = SampleCourse("k2");
  closed.state = CourseState::kCompleted;
  ASSERT_OK(Insert(open));
  ASSERT_OK(Insert(closed));
  EXPECT_EQ(GetOne("t1")->open_courses, 1);
  EXPECT_EQ(Read([](SchedulingReader& r) { return r.CountOpenCourses("c1", "t1"); }).value(), 1);
  EXPECT_EQ(Read([](SchedulingReader& r) { return r.CountOpenCourses("c1", "t9"); }).value(), 0);
}

TEST_P(TherapistsTest, TouchAnswersInTheOrderGiven) {
  for (const char* id : {"t1", "t2", "t3"}) ASSERT_OK(InsertOne(SampleTherapist(id)));
  const auto touch = [&](std::vector<std::string> ids) {
    return Write([&](SchedulingTx& tx) { return tx.TouchTherapistCalendars("c1", ids); }).value();
  };
  const int64_t v = touch({"t2"})[0];
  EXPECT_THAT(touch({"t2", "t1", "t2"}), ElementsAre(v + 1, v, v + 1));
  EXPECT_EQ(
      Read([](SchedulingReader& r) { return r.TherapistCalendarVersion("c1", "t2"); }).value(),
      v + 1);
  EXPECT_EQ(
      Read([](SchedulingReader& r) { return r.TherapistCalendarVersion("c1", "t3"); }).value(),
      v - 1);
  EXPECT_THAT(touch({}), IsEmpty());
}

TEST_P(TherapistsTest, TimeOffRoundTripsAndPages) {
  for (const char* id : {"t1", "t2"}) ASSERT_OK(InsertOne(SampleTherapist(id)));
  const auto add = [&](const std::string& id, int64_t start, int64_t end,
                       const std::string& therapist = "t1") {
    return Write([&](SchedulingTx& tx) -> absl::StatusOr<TimeOff> {
      TimeOff off{"c1", therapist, id, {At(start), At(end)}, std::nullopt, TimeOffReason::kLeave,
                  {}};
      if (id == "b") off.days = DayRange{absl::CivilDay(2026, 1, 1), absl::CivilDay(2026, 1, 3)};
      IPT_RETURN_IF_ERROR(tx.InsertTimeOff(off, Now()));
      return off;
    });
  };
  ASSERT_OK_AND_ASSIGN(const TimeOff b, add("b", 100, 200));
  ASSERT_OK_AND_ASSIGN(const TimeOff a, add("a", 100, 300));
  ASSERT_OK_AND_ASSIGN(const TimeOff c, add("c", 50, 60));
  ASSERT_OK(add("z", 0, 999, "t2"));
  EXPECT_THAT(add("c", 1, 2), StatusIs(absl::StatusCode::kAlreadyExists));

  const auto list = [&](absl::Time ends_after, absl::Time starts_before,
                        std::optional<SpanCursor> after, int limit) {
    return Read([&](SchedulingReader& r) {
             return r.ListTimeOff("c1", "t1", ends_after, starts_before, after, limit);
           })
        .value();
  };
  const absl::Time past = absl::InfinitePast(), future = absl::InfiniteFuture();
  EXPECT_THAT(list(past, future, {}, 9), ElementsAre(c, a, b));
  EXPECT_THAT(list(past, future, {}, 1), ElementsAre(c));
  EXPECT_THAT(list(past, future, SpanCursor{At(100), "a"}, 9), ElementsAre(b));
  EXPECT_THAT(list(At(60), future, {}, 9), ElementsAre(a, b));  // c ends at 60, not after
  EXPECT_THAT(list(At(200), future, {}, 9), ElementsAre(a));
  EXPECT_THAT(list(past, At(100), {}, 9), ElementsAre(c));  // a and b start at 100, not before

  const auto get = [&](absl::string_view id) {
    return Read([&](SchedulingReader& r) { return r.GetTimeOff("c1", "t1", id); });
  };
  EXPECT_EQ(get("b").value(), b);
  EXPECT_THAT(get("z"), StatusIs(absl::StatusCode::kNotFound));
  TimeOff moved = b;
  moved.interval = {At(101), At(202)};
  ASSERT_OK(Write([&](SchedulingTx& tx) { return tx.UpdateTimeOff(moved, At(9)); }));
  EXPECT_GT(moved.stamp.revision, b.stamp.revision);
  EXPECT_EQ(get("b").value(), moved);
  EXPECT_EQ(get("a").value(), a);
  moved.time_off_id = "z";
  EXPECT_THAT(Write([&](SchedulingTx& tx) { return tx.UpdateTimeOff(moved, At(9)); }),
              StatusIs(absl::StatusCode::kNotFound));
  const auto remove = [&](absl::string_view id) {
    return Write([&](SchedulingTx& tx) { return tx.DeleteTimeOff("c1", "t1", id); });
  };
  EXPECT_OK(remove("b"));
  EXPECT_THAT(remove("b"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(remove("z"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(list(past, future, {}, 9), ElementsAre(c, a));
}

TEST_P(TherapistsTest, ExtraHoursRoundTripAndPage) {
  ASSERT_OK(InsertOne(SampleTherapist("t1")));
  const auto add = [&](const std::string& id, int64_t start, int64_t end) {
    return Write([&](SchedulingTx& tx) -> absl::StatusOr<ExtraHours> {
      ExtraHours extra{"c1", "t1", id, {At(start), At(end)}, {}};
      IPT_RETURN_IF_ERROR(tx.InsertExtraHours(extra, Now()));
      return extra;
    });
  };
  ASSERT_OK_AND_ASSIGN(const ExtraHours b, add("b", 100, 200));
  ASSERT_OK_AND_ASSIGN(const ExtraHours a, add("a", 100, 300));
  EXPECT_THAT(add("a", 1, 2), StatusIs(absl::StatusCode::kAlreadyExists));
  const auto list = [&](absl::Time ends_after, absl::Time starts_before,
                        std::optional<SpanCursor> after, int limit) {
    return Read([&](SchedulingReader& r) {
             return r.ListExtraHours("c1", "t1", ends_after, starts_before, after, limit);
           })
        .value();
  };
  EXPECT_THAT(list(absl::InfinitePast(), absl::InfiniteFuture(), {}, 9), ElementsAre(a, b));
  EXPECT_THAT(list(absl::InfinitePast(), absl::InfiniteFuture(), SpanCursor{At(100), "a"}, 9),
              ElementsAre(b));
  EXPECT_THAT(list(At(200), At(101), {}, 9), ElementsAre(a));
  EXPECT_THAT(list(absl::InfinitePast(), At(100), {}, 9), IsEmpty());
  const auto get = [&](absl::string_view id) {
    return Read([&](SchedulingReader& r) { return r.GetExtraHours("c1", "t1", id); });
  };
  EXPECT_EQ(get("b").value(), b);
  const auto remove = [&] {
    return Write([&](SchedulingTx& tx) { return tx.DeleteExtraHours("c1", "t1", "b"); });
  };
  EXPECT_OK(remove());
  EXPECT_THAT(remove(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(get("b"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace ipt::scheduling
