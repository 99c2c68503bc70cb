#include "tests/scheduling/storage/scheduling_store_conformance.h"

namespace ipt::scheduling {
namespace {

class ClinicsTest : public SchedulingStoreTest {
 protected:
  absl::StatusOr<Clinic> InsertOne(Clinic clinic, absl::Time now = Now()) {
    return Write([&](SchedulingTx& tx) -> absl::StatusOr<Clinic> {
      Clinic copy = clinic;
      IPT_RETURN_IF_ERROR(tx.InsertClinic(copy, now));
      return copy;
    });
  }
  std::vector<std::string> Ids(const std::optional<std::vector<std::string>>& only,
                               absl::string_view after, int limit) {
    std::vector<std::string> ids;
    auto clinics = Read([&](SchedulingReader& r) { return r.ListClinics(only, after, limit); });
    EXPECT_OK(clinics);
    if (!clinics.ok()) return ids;
    for (const Clinic& clinic : *clinics) ids.push_back(clinic.clinic_id);
    return ids;
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(ClinicsTest);

TEST_P(ClinicsTest, RoundTripKeepsEveryField) {
  ASSERT_OK_AND_ASSIGN(const Clinic full, InsertOne(SampleClinic("c1")));
  EXPECT_GT(full.stamp.revision, 0);
  EXPECT_EQ(full.stamp.create_time, Now());
  EXPECT_EQ(full.stamp.update_time, Now());
  Clinic bare;
  bare.clinic_id = "c2";
  bare.time_zone = "UTC";
  ASSERT_OK_AND_ASSIGN(bare, InsertOne(bare));
  for (const Clinic& clinic : {full, bare}) {
    ASSERT_OK_AND_ASSIGN(const Clinic read,
                         Read([&](SchedulingReader& r) { return r.GetClinic(clinic.clinic_id); }));
    EXPECT_EQ(read, clinic);
  }
}

TEST_P(ClinicsTest, UpdateKeepsCreationAndTakesANewRevision) {
  ASSERT_OK_AND_ASSIGN(Clinic clinic, InsertOne(SampleClinic("c1")));
  const Stamp before = clinic.stamp;
  clinic.display_name = "";
  clinic.policy = {};
  clinic.time_zone = "America/New_York";
  ASSERT_OK(Write([&](SchedulingTx& tx) {
    return tx.UpdateClinic(clinic, Now() + absl::Hours(1) + absl::Nanoseconds(500));
  }));
  EXPECT_GT(clinic.stamp.revision, before.revision);
  EXPECT_EQ(clinic.stamp.create_time, before.create_time);
  EXPECT_EQ(clinic.stamp.update_time, Now() + absl::Hours(1));  // microseconds
  EXPECT_EQ(Read([](SchedulingReader& r) { return r.GetClinic("c1"); }).value(), clinic);
}

TEST_P(ClinicsTest, AbsentAndTakenAreSaid) {
  ASSERT_OK(InsertOne(SampleClinic("c1")));
  EXPECT_THAT(InsertOne(SampleClinic("c1")),
              FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  const auto absent = FailsWith(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND");
  EXPECT_THAT(Read([](SchedulingReader& r) { return r.GetClinic("nope"); }), absent);
  EXPECT_THAT(Read([](SchedulingReader& r) { return r.ClinicCalendarVersion("nope"); }), absent);
  EXPECT_THAT(Write([](SchedulingTx& tx) { return tx.LockClinic("nope"); }), absent);
  EXPECT_THAT(Write([](SchedulingTx& tx) { return tx.TouchClinicCalendar("nope"); }), absent);
  Clinic clinic = SampleClinic("nope");
  EXPECT_THAT(Write([&](SchedulingTx& tx) { return tx.UpdateClinic(clinic, Now()); }), absent);
}

TEST_P(ClinicsTest, ListsPageByIdAndNarrowToTheNamedOnes) {
  for (const char* id : {"b", "B", "a", "c"}) ASSERT_OK(InsertOne(SampleClinic(id)));
  EXPECT_THAT(Ids(std::nullopt, "", 10), ElementsAre("B", "a", "b", "c"));
  EXPECT_THAT(Ids(std::nullopt, "", 2), ElementsAre("B", "a"));
  EXPECT_THAT(Ids(std::nullopt, "a", 2), ElementsAre("b", "c"));
  EXPECT_THAT(Ids({{"c", "a", "nope", "it's \"x\""}}, "", 10), ElementsAre("a", "c"));
  EXPECT_THAT(Ids({{"c", "a"}}, "a", 10), ElementsAre("c"));
  EXPECT_THAT(Ids({{}}, "", 10), IsEmpty());
}

TEST_P(ClinicsTest, TouchMovesTheCalendarOnAndNothingElse) {
  ASSERT_OK_AND_ASSIGN(const Clinic clinic, InsertOne(SampleClinic("c1")));
  const auto version = [&] {
    return Read([](SchedulingReader& r) { return r.ClinicCalendarVersion("c1"); }).value();
  };
  const int64_t before = version();
  ASSERT_OK_AND_ASSIGN(const int64_t touched,
                       Write([](SchedulingTx& tx) { return tx.TouchClinicCalendar("c1"); }));
  EXPECT_EQ(touched, before + 1);
  EXPECT_EQ(version(), touched);
  EXPECT_EQ(Write([](SchedulingTx& tx) { return tx.LockClinic("c1"); }).value(), clinic);
}

TEST_P(ClinicsTest, HolidaysAreListedByDayWithBothEnds) {
  ASSERT_OK(InsertOne(SampleClinic("c1")));
  ASSERT_OK(InsertOne(SampleClinic("c2")));
  const absl::CivilDay day(2026, 12, 25);
  const auto put = [&](const std::string& clinic, absl::CivilDay at, const std::string& name,
                       absl::Time now) {
    return Write([&](SchedulingTx& tx) -> absl::StatusOr<Holiday> {
      Holiday holiday{clinic, at, name, {}};
      IPT_RETURN_IF_ERROR(tx.PutHoliday(holiday, now));
      return holiday;
    });
  };
  ASSERT_OK_AND_ASSIGN(const Holiday christmas, put("c1", day, kHardText, Now()));
  ASSERT_OK(put("c1", day + 1, "", Now()));
  ASSERT_OK(put("c1", day - 1, "", Now()));
  ASSERT_OK(put("c1", absl::CivilDay(1, 1, 1), "first", Now()));
  ASSERT_OK(put("c2", day, "other", Now()));
  const auto list = [&](absl::CivilDay first, absl::CivilDay last, int limit) {
    std::vector<absl::CivilDay> days;
    const auto found =
        Read([&](SchedulingReader& r) { return r.ListHolidays("c1", first, last, limit); });
    EXPECT_OK(found);
    for (const Holiday& h : *found) {
      days.push_back(h.day);
    }
    return days;
  };
  EXPECT_THAT(list(day, day + 1, 10), ElementsAre(day, day + 1));
  EXPECT_THAT(list(absl::CivilDay(1, 1, 1), absl::CivilDay(9999, 12, 31), 3),
              ElementsAre(absl::CivilDay(1, 1, 1), day - 1, day));
  EXPECT_THAT(Read([&](SchedulingReader& r) { return r.ListHolidays("c1", day, day, 1); }).value(),
              ElementsAre(christmas));

  ASSERT_OK_AND_ASSIGN(const Holiday renamed, put("c1", day, "Renamed", Now() + absl::Hours(1)));
  EXPECT_EQ(renamed.stamp.create_time, Now());
  EXPECT_EQ(renamed.stamp.update_time, Now() + absl::Hours(1));
  EXPECT_GT(renamed.stamp.revision, christmas.stamp.revision);
  EXPECT_THAT(Read([&](SchedulingReader& r) { return r.ListHolidays("c1", day, day, 9); }).value(),
              ElementsAre(renamed));

  const auto remove = [&] {
    return Write([&](SchedulingTx& tx) { return tx.DeleteHoliday("c1", day); });
  };
  EXPECT_OK(remove());
  EXPECT_THAT(remove(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(list(day, day, 10), IsEmpty());
}

}  // namespace
}  // namespace ipt::scheduling
