#include "formulation/domain/inventory.h"

#include <string>
#include <vector>

#include "formulation/domain/reasons.h"
#include "tests/formulation/formulation_fixture.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;

class InventoryTest : public FormulationTest {};

TEST(PartialDateTest, IsAYearAMonthOfOneOrADayThatThereIs) {
  for (const PartialDate& date : std::vector<PartialDate>{
           {1}, {9999}, {2019, 3}, {2019, 12}, {2020, 2, 29}, {2019, 1, 31}, {2030, 1, 1, true}}) {
    EXPECT_TRUE(IsPossible(date)) << date.year << "-" << date.month << "-" << date.day;
  }
  for (const PartialDate& date : std::vector<PartialDate>{{},
                                                          {0, 3},
                                                          {10000},
                                                          {2019, 0, 3},
                                                          {2019, 13},
                                                          {2019, -1},
                                                          {2019, 2, 29},
                                                          {2019, 2, 30},
                                                          {2019, 4, 31},
                                                          {2019, 1, 32},
                                                          {2019, 1, -1}}) {
    EXPECT_FALSE(IsPossible(date)) << date.year << "-" << date.month << "-" << date.day;
  }
}

TEST(PartialDateTest, StandsForAllOfItsDays) {
  EXPECT_EQ((PartialDate{2020}.FirstDay()), absl::CivilDay(2020, 1, 1));
  EXPECT_EQ((PartialDate{2020}.LastDay()), absl::CivilDay(2020, 12, 31));
  EXPECT_EQ((PartialDate{2020, 2}.LastDay()), absl::CivilDay(2020, 2, 29));
  EXPECT_EQ((PartialDate{2020, 12}.LastDay()), absl::CivilDay(2020, 12, 31));
  EXPECT_EQ((PartialDate{2020, 2, 3}.LastDay()), absl::CivilDay(2020, 2, 3));
}

TEST(PartialDateTest, IsInOrderOnlyWhereAllOfItsDaysAre) {
  EXPECT_TRUE(LiesBefore({2019}, {2020}));
  EXPECT_TRUE(LiesBefore({2020, 3}, {2020, 4, 1}));
  EXPECT_FALSE(LiesBefore({2020}, {2020, 12, 31}));
  EXPECT_FALSE(LiesBefore({2020, 3}, {2020, 3, 31}));
  EXPECT_FALSE(LiesBefore({2020, 3, 1}, {2020, 3, 1}));
  EXPECT_TRUE(SortsBefore({2020}, {2020, 1, 1}));
  EXPECT_TRUE(SortsBefore({2020, 1, 1}, {2020, 2}));
  EXPECT_FALSE(SortsBefore({2020, 1, 1, true}, {2020, 1, 1}));
}

absl::Status Check(const Relationship& relationship) {
  FieldViolations bad;
  CheckRelationship(relationship, bad.In("relationship"));
  return bad.ToStatus();
}

TEST(CheckRelationshipTest, NamesEveryFieldThatCannotBe) {
  EXPECT_THAT(Check(Person("m", RelationshipStatus::kUnspecified)), IsOk());
  Relationship bad = Person(" ", RelationshipStatus::kCurrent);
  bad.kind = RelationshipKind::kUnspecified;
  bad.start_date = PartialDate{2020, 13};
  bad.end_date = PartialDate{2020};
  bad.closeness_circle = 0;
  bad.satisfaction = 11;
  bad.expectations = {{}, {ExpectationHolder::kPatient, "To be heard"}};
  EXPECT_THAT(Check(bad), HasBadFields("relationship.display_name", "relationship.kind",
                                       "relationship.start_date.date", "relationship.end_date",
                                       "relationship.closeness_circle", "relationship.satisfaction",
                                       "relationship.expectations[0].holder",
                                       "relationship.expectations[0].text"));
}

TEST(CheckRelationshipTest, EndsWhereItIsOverAndNotBeforeItBegan) {
  Relationship past = Person("m", RelationshipStatus::kPast);
  past.start_date = PartialDate{2020};
  past.end_date = PartialDate{2020, 3};
  EXPECT_THAT(Check(past), IsOk());
  past.end_date = PartialDate{2019, 12, 31};
  EXPECT_THAT(Check(past), HasBadFields("relationship.end_date"));
  past.end_date = PartialDate{2021};
  past.status = RelationshipStatus::kUnspecified;
  EXPECT_THAT(Check(past), HasBadFields("relationship.end_date"));
}

TEST(CheckRelationshipTest, RatingsHaveBounds) {
  Relationship m = Person("m", RelationshipStatus::kCurrent);
  for (const int circle : {1, 3}) {
    m.closeness_circle = circle;
    m.satisfaction = circle == 1 ? 0 : 10;
    EXPECT_THAT(Check(m), IsOk());
  }
  m.closeness_circle = 4;
  m.satisfaction = -1;
  EXPECT_THAT(Check(m), HasBadFields("relationship.closeness_circle", "relationship.satisfaction"));
}

TEST(CheckRelationshipTest, AllTextsTogetherAreBounded) {
  Relationship m = Person("m", RelationshipStatus::kCurrent);
  m.contact_note = m.mood_link = m.changes_wanted = std::string(4000, 'x');
  m.attachment_notes = std::string(3999, 'x');
  EXPECT_THAT(Check(m), IsOk());
  m.attachment_notes += "x";
  EXPECT_THAT(Check(m), HasBadFields("relationship"));
}

TEST_F(InventoryTest, AnEventsFieldsAreAllChecked) {
  LifeEvent event;
  event.ongoing = true;
  event.end_date = PartialDate{2020};
  event.relationship_ids = {"m", "nobody", "m"};
  event.impact = 6;
  EXPECT_THAT(CreateLifeEvent(tx_, ctx_, ids_, course_, event),
              HasBadFields("life_event.kind", "life_event.display_name", "life_event.start_date",
                           "life_event.ongoing", "life_event.relationships[1]",
                           "life_event.relationships[2]", "life_event.impact"));
  event = Happened("e", LifeEventKind::kOther, {2020});
  event.end_date = PartialDate{2019};
  EXPECT_THAT(CreateLifeEvent(tx_, ctx_, ids_, course_, event),
              HasBadFields("life_event.end_date"));
  event.end_date.reset();
  event.impact = -5;
  event.relationship_ids = {"m", "dad"};
  EXPECT_THAT(CreateLifeEvent(tx_, ctx_, ids_, course_, event), IsOk());
}

TEST_F(InventoryTest, AnIdIsNewWhereNoneIsStatedAndTakenOnce) {
  Relationship person = Person("x", RelationshipStatus::kCurrent);
  person.relationship_id.clear();
  const auto made = CreateRelationship(tx_, ctx_, ids_, course_, person);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->relationship_id, "new-1");
  EXPECT_EQ(made->course_id, "k1");
  EXPECT_EQ(tx_.Last<RelationshipChanged>().id, "new-1");
  EXPECT_THAT(
      CreateRelationship(tx_, ctx_, ids_, course_, Person("m", RelationshipStatus::kCurrent)),
      StatusIs(absl::StatusCode::kAlreadyExists));
  person.relationship_id = "M!";
  EXPECT_THAT(CreateRelationship(tx_, ctx_, ids_, course_, person),
              HasBadFields("relationship_id"));
}

TEST_F(InventoryTest, ACourseHasAtMostOneHundredPeopleAndTwoHundredEvents) {
  for (int i = 2; i < 100; ++i) {
    Must(CreateRelationship(tx_, ctx_, ids_, course_,
                            Person(absl::StrCat("p", i), RelationshipStatus::kCurrent)));
  }
  const auto refused =
      CreateRelationship(tx_, ctx_, ids_, course_, Person("one", RelationshipStatus::kCurrent));
  EXPECT_THAT(refused, FailsWith(absl::StatusCode::kFailedPrecondition, reason::kLimitReached));
  EXPECT_EQ(ErrorMetadataOf(refused.status())["maximum"], "100");
  EXPECT_EQ(ErrorMetadataOf(refused.status())["of"], "relationships");
  for (int i = 3; i < 200; ++i) {
    Must(CreateLifeEvent(tx_, ctx_, ids_, course_,
                         Happened(absl::StrCat("e", i), LifeEventKind::kOther, {2020})));
  }
  EXPECT_THAT(
      CreateLifeEvent(tx_, ctx_, ids_, course_, Happened("one", LifeEventKind::kOther, {2020})),
      FailsWith(absl::StatusCode::kFailedPrecondition, reason::kLimitReached));
}

TEST_F(InventoryTest, AChangeWithAStaleEtagIsRefused) {
  const Relationship before = *tx_.GetRelationship("north", "k1", "m");
  Relationship after = before;
  after.quality = RelationshipQuality::kMixed;
  const auto changed = ChangeRelationship(tx_, ctx_, before, after, before.stamp.revision);
  ASSERT_THAT(changed, IsOk());
  EXPECT_EQ(tx_.GetRelationship("north", "k1", "m")->quality, RelationshipQuality::kMixed);
  EXPECT_THAT(ChangeRelationship(tx_, ctx_, *changed, after, before.stamp.revision),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(ChangeRelationship(tx_, ctx_, *changed, after, 0), IsOk());
}

TEST_F(InventoryTest, WhoIsNamedIsNotTakenAway) {
  LifeEvent quarrel = *tx_.GetLifeEvent("north", "k1", "quarrel");
  LifeEvent with_m = quarrel;
  with_m.relationship_ids = {"m"};
  Must(ChangeLifeEvent(tx_, ctx_, quarrel, with_m, 0));
  const ProblemArea row = *tx_.GetProblemArea("north", "k1", "row");
  ProblemArea with_party = row;
  with_party.role_dispute = RoleDisputeDetail{.other_party_id = "m"};
  Must(ChangeProblemArea(tx_, ctx_, ShippedSet(), course_, row, with_party, 0));
  const Relationship m = *tx_.GetRelationship("north", "k1", "m");
  const absl::Status refused = RemoveRelationship(tx_, ctx_, m, 0);
  EXPECT_THAT(refused, FailsWith(absl::StatusCode::kFailedPrecondition, reason::kResourceInUse));
  EXPECT_EQ(ErrorMetadataOf(refused)["used_by"], "2");
  std::vector<std::string> subjects;
  for (const auto& violation : PreconditionViolationsOf(refused)) {
    subjects.push_back(violation.subject);
  }
  EXPECT_THAT(subjects, ElementsAre("clinics/north/courses/k1/lifeEvents/quarrel",
                                    "clinics/north/courses/k1/problemAreas/row"));
  const Relationship dad = *tx_.GetRelationship("north", "k1", "dad");
  EXPECT_THAT(RemoveRelationship(tx_, ctx_, dad, 1000), StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(RemoveRelationship(tx_, ctx_, dad, dad.stamp.revision), IsOk());
  EXPECT_EQ(tx_.Last<RelationshipDeleted>().id, "dad");
  EXPECT_THAT(tx_.GetRelationship("north", "k1", "dad"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(InventoryTest, AnEventIsHeldByAreasAndByFormulationsThatAreNotOver) {
  const auto in_use = [&](const std::string& id) {
    return RemoveLifeEvent(tx_, ctx_, *tx_.GetLifeEvent("north", "k1", id), 0);
  };
  constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
  const ProblemArea row = *tx_.GetProblemArea("north", "k1", "row");
  ProblemArea linked = row;
  linked.onset_links = {{"loss", EventRelation::kUnrelated, ""}};
  Must(ChangeProblemArea(tx_, ctx_, ShippedSet(), course_, row, linked, 0));
  EXPECT_THAT(in_use("loss"), FailsWith(kPrecondition, reason::kResourceInUse));
  AgreeOn(Complete());
  EXPECT_THAT(in_use("fall"), FailsWith(kPrecondition, reason::kResourceInUse));
  EXPECT_THAT(in_use("quarrel"), FailsWith(kPrecondition, reason::kResourceInUse));
  FormulationContent without = Complete();
  without.links[0].life_event_id.clear();
  AgreeOn(without, DayOfSession(5));
  EXPECT_THAT(in_use("quarrel"), IsOk());
  EXPECT_EQ(tx_.superseded()[0].snapshot.life_events[1].display_name, "quarrel");
}

TEST(SortTest, TheInventoryIsByStatusAndCircle) {
  std::vector<Relationship> people = {
      Person("gone", RelationshipStatus::kDeceased), Person("a", RelationshipStatus::kCurrent),
      Person("b", RelationshipStatus::kUnspecified), Person("past", RelationshipStatus::kPast),
      Person("c", RelationshipStatus::kCurrent)};
  people[2].closeness_circle = 3;
  people[4].closeness_circle = 1;
  SortInventory(people);
  std::vector<std::string> ids;
  for (const Relationship& person : people) ids.push_back(person.relationship_id);
  EXPECT_THAT(ids, ElementsAre("c", "b", "a", "past", "gone"));
}

TEST(SortTest, TheTimelineIsByStartTheWiderDateFirst) {
  std::vector<LifeEvent> events = {Happened("day", LifeEventKind::kOther, {2020, 1, 1}),
                                   Happened("month", LifeEventKind::kOther, {2020, 1}),
                                   Happened("before", LifeEventKind::kOther, {2019, 12, 31}),
                                   Happened("year", LifeEventKind::kOther, {2020})};
  SortTimeline(events);
  std::vector<std::string> ids;
  for (const LifeEvent& event : events) ids.push_back(event.life_event_id);
  EXPECT_THAT(ids, ElementsAre("before", "year", "month", "day"));
}

}  // namespace
}  // namespace ipt::formulation
