#include "platform/rpc/field_mask.h"

#include "gtest/gtest.h"
#include "ipt/scheduling/v1/clinic.pb.h"
#include "ipt/scheduling/v1/therapist.pb.h"
#include "tests/support/status_matchers.h"

namespace ipt::rpc {
namespace {

using ::google::protobuf::FieldMask;
using ::ipt::scheduling::v1::Clinic;
using ::ipt::scheduling::v1::Therapist;
using ::ipt::testing::HasBadFields;

FieldMask Mask(std::initializer_list<const char*> paths) {
  FieldMask mask;
  for (const char* path : paths) mask.add_paths(path);
  return mask;
}

Clinic Stored() {
  Clinic clinic;
  clinic.set_name("clinics/a");
  clinic.set_display_name("A");
  clinic.set_time_zone("Europe/London");
  clinic.mutable_policy()->set_session_minutes(50);
  clinic.mutable_policy()->set_pause_cap_days(28);
  clinic.set_etag("\"1\"");
  return clinic;
}

TEST(FieldMaskTest, ChangesOnlyWhatThePathsName) {
  Clinic clinic = Stored();
  Clinic wish;
  wish.set_display_name("B");
  wish.mutable_policy()->set_pause_cap_days(14);
  ASSERT_OK(MergeByMask(Mask({"policy.pause_cap_days"}), wish, clinic, "clinic"));
  EXPECT_EQ(clinic.display_name(), "A");
  EXPECT_EQ(clinic.policy().pause_cap_days(), 14);
  EXPECT_EQ(clinic.policy().session_minutes(), 50);
}

TEST(FieldMaskTest, ANamedButUnsetFieldIsCleared) {
  Clinic clinic = Stored();
  ASSERT_OK(MergeByMask(Mask({"policy.pause_cap_days"}), Clinic(), clinic, "clinic"));
  EXPECT_FALSE(clinic.policy().has_pause_cap_days());
}

TEST(FieldMaskTest, AnEmptyMaskTakesWhatIsSet) {
  Clinic clinic = Stored();
  Clinic wish;
  wish.set_name("clinics/other");
  wish.set_etag("\"9\"");
  wish.set_display_name("B");
  ASSERT_OK(MergeByMask(FieldMask(), wish, clinic, "clinic"));
  EXPECT_EQ(clinic.display_name(), "B");
  EXPECT_EQ(clinic.time_zone(), "Europe/London");
  EXPECT_EQ(clinic.name(), "clinics/a");
  EXPECT_EQ(clinic.etag(), "\"1\"");
}

TEST(FieldMaskTest, AStarReplacesAllThatMayBeWritten) {
  Clinic clinic = Stored();
  Clinic wish;
  wish.set_display_name("B");
  ASSERT_OK(MergeByMask(Mask({"*"}), wish, clinic, "clinic"));
  EXPECT_EQ(clinic.display_name(), "B");
  EXPECT_EQ(clinic.time_zone(), "");
  EXPECT_FALSE(clinic.has_policy());
  EXPECT_EQ(clinic.name(), "clinics/a");
}

TEST(FieldMaskTest, RepeatedFieldsAreReplacedWhole) {
  Therapist therapist;
  therapist.add_languages("en");
  therapist.add_languages("de");
  Therapist wish;
  wish.add_languages("fr");
  ASSERT_OK(MergeByMask(Mask({"languages"}), wish, therapist, "therapist"));
  ASSERT_EQ(therapist.languages_size(), 1);
  EXPECT_EQ(therapist.languages(0), "fr");
}

TEST(FieldMaskTest, RefusesUnknownOutputOnlyAndImmutablePathsAllAtOnce) {
  Clinic clinic = Stored();
  EXPECT_THAT(MergeByMask(Mask({"colour", "etag", "display_name", "name", "display_name.x"}),
                          Clinic(), clinic, "clinic"),
              HasBadFields("update_mask.paths[0]", "update_mask.paths[1]", "update_mask.paths[3]",
                           "update_mask.paths[4]"));
}

}  // namespace
}  // namespace ipt::rpc
