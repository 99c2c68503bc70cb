#include "scheduling/domain/availability_rules.h"

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::scheduling {
namespace {

using ipt::testing::HasBadFields;

Clinic GoodClinic() {
  Clinic clinic;
  clinic.display_name = "North";
  clinic.time_zone = "Europe/London";
  return clinic;
}

absl::Status Check(const Clinic& clinic) {
  FieldViolations bad;
  CheckClinic(clinic, bad);
  return bad.ToStatus();
}

Therapist GoodTherapist() {
  Therapist therapist;
  therapist.display_name = "Dr A";
  return therapist;
}

absl::Status Check(const Therapist& therapist) {
  FieldViolations bad;
  CheckTherapist(therapist, bad);
  return bad.ToStatus();
}

TEST(AvailabilityRulesTest, AcceptsAPolicyAtBothEndsOfEveryRange) {
  Clinic clinic = GoodClinic();
  EXPECT_OK(Check(clinic));
  clinic.policy = {.session_minutes = 15,
                   .cadence_days = 1,
                   .cadence_tolerance_days = 0,
                   .cancellation_notice_hours = 0,
                   .pause_cap_days = 0,
                   .no_show_uses_session = true,
                   .late_cancellation_uses_session = false,
                   .slot_minutes = 5};
  EXPECT_OK(Check(clinic));
  clinic.policy = {.session_minutes = 240,
                   .cadence_days = 92,
                   .cadence_tolerance_days = 45,
                   .cancellation_notice_hours = 336,
                   .pause_cap_days = 366,
                   .no_show_uses_session = true,
                   .late_cancellation_uses_session = false,
                   .slot_minutes = 60};
  EXPECT_OK(Check(clinic));
}

TEST(AvailabilityRulesTest, NamesEveryValueBeyondItsRange) {
  Clinic clinic;
  clinic.display_name = " ";
  clinic.time_zone = "Europe/Londn";
  clinic.policy = {.session_minutes = 14,
                   .cadence_days = 0,
                   .cadence_tolerance_days = -1,
                   .cancellation_notice_hours = -1,
                   .pause_cap_days = -1,
                   .no_show_uses_session = true,
                   .late_cancellation_uses_session = false,
                   .slot_minutes = 7};
  const auto all =
      HasBadFields("display_name", "time_zone", "policy.session_minutes", "policy.cadence_days",
                   "policy.cadence_tolerance_days", "policy.cancellation_notice_hours",
                   "policy.pause_cap_days", "policy.slot_minutes");
  EXPECT_THAT(Check(clinic), all);
  clinic.time_zone = "";
  clinic.policy = {.session_minutes = 241,
                   .cadence_days = 93,
                   .cadence_tolerance_days = 46,
                   .cancellation_notice_hours = 337,
                   .pause_cap_days = 367,
                   .no_show_uses_session = true,
                   .late_cancellation_uses_session = false,
                   .slot_minutes = 0};
  EXPECT_THAT(Check(clinic), all);
}

TEST(AvailabilityRulesTest, LeavesTheMiddlePhaseOfAVariantItsSessions) {
  Clinic clinic = GoodClinic();
  clinic.policy.variant_phases = {{"ipt-b-8", 1, 6}, {"ipt-uk-16", 3, 3}};
  EXPECT_OK(Check(clinic));
  clinic.policy.variant_phases = {
      {"ipt-b-8", 2, 6}, {"ipt-b-8", 0, 7}, {"no-such", 1, 1}, {"ipt-uk-16", 15, 1}};
  EXPECT_THAT(Check(clinic),
              HasBadFields("policy.variant_phases[0].termination_sessions",
                           "policy.variant_phases[1].initial_sessions",
                           "policy.variant_phases[1].termination_sessions",
                           "policy.variant_phases[1].variant", "policy.variant_phases[2].variant",
                           "policy.variant_phases[3].initial_sessions"));
}

TEST(AvailabilityRulesTest, KeepsToleranceBelowHalfOfTheCadence) {
  Clinic clinic = GoodClinic();
  clinic.policy.cadence_days = 7;
  clinic.policy.cadence_tolerance_days = 3;
  EXPECT_OK(Check(clinic));
  clinic.policy.cadence_tolerance_days = 4;
  EXPECT_THAT(Check(clinic), HasBadFields("policy.cadence_tolerance_days"));
  clinic.policy.cadence_days = 8;  // 4 is half, not less
  EXPECT_THAT(Check(clinic), HasBadFields("policy.cadence_tolerance_days"));
  clinic.policy.cadence_days = 9;
  EXPECT_OK(Check(clinic));
}

TEST(AvailabilityRulesTest, NamesEveryBadFieldOfATherapist) {
  Therapist therapist = GoodTherapist();
  therapist.variants = {"ipt-uk-16", "ipc-6"};
  therapist.languages = {"en", "pt-BR"};
  EXPECT_OK(Check(therapist));

  therapist.display_name = "";
  therapist.time_zone = "Mars/Base";
  therapist.session_minutes = 10;
  therapist.buffer_minutes = 121;
  therapist.max_active_courses = 0;
  therapist.languages = {"english language", "en", "EN"};
  therapist.variants = {"ipc-6", "unknown", "ipc-6"};
  EXPECT_THAT(Check(therapist), HasBadFields("display_name", "time_zone", "session_minutes",
                                             "buffer_minutes", "max_active_courses", "languages[0]",
                                             "languages[2]", "variants[1]", "variants[2]"));
}

TEST(AvailabilityRulesTest, WritesLanguageTagsInTheirUsualCase) {
  EXPECT_EQ(CanonicalLanguage("EN"), "en");
  EXPECT_EQ(CanonicalLanguage("pt-br"), "pt-BR");
  EXPECT_EQ(CanonicalLanguage("ZH-hant-tw"), "zh-Hant-TW");
  EXPECT_EQ(CanonicalLanguage("es-419"), "es-419");
  EXPECT_EQ(CanonicalLanguage("en-x-US-Long"), "en-x-us-long");
  for (const char* wrong : {"", "e", "en-", "-en", "en--GB", "en_GB", "en GB", "12", "en-x",
                            "toolonglanguage", "en-verylongsubtag"}) {
    EXPECT_EQ(CanonicalLanguage(wrong), std::nullopt) << wrong;
  }
}

TEST(AvailabilityRulesTest, BoundsTimeOffToTwoYears) {
  const auto check = [](absl::CivilDay first, absl::CivilDay last) {
    FieldViolations bad;
    CheckTimeOffDays({first, last}, bad);
    return bad.ToStatus();
  };
  const absl::CivilDay first(2027, 3, 1);
  EXPECT_OK(check(first, first));
  EXPECT_OK(check(first, absl::CivilDay(2029, 2, 28)));  // 731 days, 29 February 2028 among them
  EXPECT_THAT(check(first, absl::CivilDay(2029, 3, 1)), HasBadFields("last"));
  EXPECT_THAT(check(first, first - 1), HasBadFields("last"));
}

TEST(AvailabilityRulesTest, BoundsTimeRanges) {
  const auto check = [](absl::Duration length) {
    FieldViolations bad;
    const absl::Time start = absl::FromUnixSeconds(1'800'000'000);
    CheckTimeRange({start, start + length}, absl::Hours(24), "24 hours", bad);
    return bad.ToStatus();
  };
  EXPECT_OK(check(absl::Microseconds(1)));
  EXPECT_OK(check(absl::Hours(24)));
  EXPECT_THAT(check(absl::Hours(24) + absl::Microseconds(1)), HasBadFields("end_time"));
  EXPECT_THAT(check(absl::ZeroDuration()), HasBadFields("end_time"));
  EXPECT_THAT(check(-absl::Hours(1)), HasBadFields("end_time"));
}

}  // namespace
}  // namespace ipt::scheduling
