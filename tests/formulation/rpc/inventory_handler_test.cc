#include "formulation/rpc/inventory_handler.h"

#include "formulation/domain/formulations.h"
#include "formulation/domain/inventory.h"
#include "formulation/rpc/problem_area_handler.h"
#include "tests/formulation/rpc/handler_fixture.h"

namespace ipt::formulation {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::IsOk;
using ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kSister[] = "clinics/north/courses/k1/relationships/m";
constexpr char kDeath[] = "clinics/north/courses/k1/lifeEvents/death";

class InventoryHandlerTest : public HandlerTest {
 protected:
  static pb::Relationship Person(const std::string& display_name,
                                 pb::RelationshipStatus status = pb::RELATIONSHIP_STATUS_CURRENT) {
    pb::Relationship person;
    person.set_display_name(display_name);
    person.set_kind(pb::RELATIONSHIP_KIND_SIBLING);
    person.set_status(status);
    return person;
  }
  static void SetDate(pb::PartialDate* date, int year, int month = 0, int day = 0) {
    date->mutable_date()->set_year(year);
    date->mutable_date()->set_month(month);
    date->mutable_date()->set_day(day);
  }
  // With every field.
  static pb::Relationship FullPerson() {
    pb::Relationship person = Person("M., sister", pb::RELATIONSHIP_STATUS_PAST);
    SetDate(person.mutable_start_date(), 1989);
    SetDate(person.mutable_end_date(), 2019, 3);
    person.mutable_end_date()->set_approximate(true);
    person.set_closeness_circle(2);
    person.set_quality(pb::RELATIONSHIP_QUALITY_MIXED);
    person.set_contact_frequency(pb::CONTACT_FREQUENCY_RARELY);
    person.set_contact_note("Letters.");
    pb::Expectation& expectation = *person.add_expectations();
    expectation.set_holder(pb::EXPECTATION_HOLDER_OTHER);
    expectation.set_text("To be called.");
    expectation.set_fulfilment(pb::EXPECTATION_FULFILMENT_UNMET);
    person.set_satisfying_aspects("Laughing.");
    person.set_unsatisfying_aspects("Silence.");
    person.set_satisfaction(0);
    person.set_changes_wanted("To talk.");
    person.set_confidant(false);
    person.set_mood_link("Low after calls.");
    person.set_attachment_notes("Avoids.");
    return person;
  }
  static pb::LifeEvent Happened(const std::string& display_name, int year, int month = 0,
                                pb::LifeEventKind kind = pb::LIFE_EVENT_KIND_OTHER) {
    pb::LifeEvent event;
    event.set_display_name(display_name);
    event.set_kind(kind);
    SetDate(event.mutable_start_date(), year, month);
    return event;
  }
  static pb::LifeEvent Death() {
    pb::LifeEvent event = Happened("Father's death", 2025, 9, pb::LIFE_EVENT_KIND_LOSS_BY_DEATH);
    event.mutable_start_date()->set_approximate(true);
    SetDate(event.mutable_end_date(), 2025, 9, 30);
    event.set_impact(-5);
    event.set_description("In hospital.");
    return event;
  }

  static pb::CreateRelationshipRequest Creation(const pb::Relationship& person,
                                                const std::string& id = "m") {
    pb::CreateRelationshipRequest request;
    request.set_parent(kCourse);
    request.set_relationship_id(id);
    *request.mutable_relationship() = person;
    return request;
  }
  static pb::CreateLifeEventRequest Creation(const pb::LifeEvent& event,
                                             const std::string& id = "death") {
    pb::CreateLifeEventRequest request;
    request.set_parent(kCourse);
    request.set_life_event_id(id);
    *request.mutable_life_event() = event;
    return request;
  }
  absl::StatusOr<pb::Relationship> Send(const pb::CreateRelationshipRequest& request) {
    return inventory_.CreateRelationship(WriteCall(request), request);
  }
  absl::StatusOr<pb::LifeEvent> Send(const pb::CreateLifeEventRequest& request) {
    return inventory_.CreateLifeEvent(WriteCall(request), request);
  }
  template <typename Entry>
  absl::StatusOr<Entry> Create(const Entry& entry, const std::string& id) {
    return Send(Creation(entry, id));
  }
  absl::StatusOr<pb::Relationship> GetPerson(const std::string& name = kSister,
                                             const std::string& clinic = "north") {
    pb::GetRelationshipRequest request;
    request.set_name(name);
    return inventory_.GetRelationship(ReadCall(clinic), request);
  }
  absl::StatusOr<pb::LifeEvent> GetEvent(const std::string& name = kDeath,
                                         const std::string& clinic = "north") {
    pb::GetLifeEventRequest request;
    request.set_name(name);
    return inventory_.GetLifeEvent(ReadCall(clinic), request);
  }
  absl::StatusOr<pb::Relationship> Update(const pb::Relationship& person,
                                          const std::vector<std::string>& paths = {},
                                          bool validate_only = false) {
    pb::UpdateRelationshipRequest request;
    *request.mutable_relationship() = person;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    request.set_validate_only(validate_only);
    return inventory_.UpdateRelationship(WriteCall(request), request);
  }
  absl::StatusOr<pb::LifeEvent> Update(const pb::LifeEvent& event,
                                       const std::vector<std::string>& paths = {},
                                       bool validate_only = false) {
    pb::UpdateLifeEventRequest request;
    *request.mutable_life_event() = event;
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    request.set_validate_only(validate_only);
    return inventory_.UpdateLifeEvent(WriteCall(request), request);
  }
  absl::StatusOr<pb::DeleteRelationshipResponse> DeletePerson(const std::string& etag = "",
                                                              const std::string& name = kSister) {
    pb::DeleteRelationshipRequest request;
    request.set_name(name);
    request.set_etag(etag);
    return inventory_.DeleteRelationship(WriteCall(request), request);
  }
  absl::StatusOr<pb::DeleteLifeEventResponse> DeleteEvent(const std::string& etag = "",
                                                          const std::string& name = kDeath) {
    pb::DeleteLifeEventRequest request;
    request.set_name(name);
    request.set_etag(etag);
    return inventory_.DeleteLifeEvent(WriteCall(request), request);
  }
  absl::StatusOr<pb::InterpersonalInventory> GetAll(const std::string& clinic = "north") {
    pb::GetInterpersonalInventoryRequest request;
    request.set_course(absl::StrCat("clinics/", clinic, "/courses/k1"));
    return inventory_.GetInterpersonalInventory(ReadCall(clinic), request);
  }

  // Display names, over all pages.
  std::vector<std::string> Listed(pb::ListRelationshipsRequest request = {}) {
    if (request.parent().empty()) request.set_parent(kCourse);
    std::vector<std::string> names;
    do {
      const auto page = inventory_.ListRelationships(ReadCall(), request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const auto& person : page->relationships()) names.push_back(person.display_name());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
  std::vector<std::string> Listed(pb::ListLifeEventsRequest request) {
    request.set_parent(kCourse);
    std::vector<std::string> names;
    do {
      const auto page = inventory_.ListLifeEvents(ReadCall(), request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const auto& event : page->life_events()) names.push_back(event.display_name());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
  std::vector<std::string> Timeline() { return Listed(pb::ListLifeEventsRequest()); }

  // A grief that names the sister, and the death.
  void NameThemInAnArea() {
    pb::CreateProblemAreaRequest request;
    request.set_parent(kCourse);
    request.set_problem_area_id("mourning");
    pb::ProblemArea& area = *request.mutable_problem_area();
    area.set_kind(pb::PROBLEM_AREA_KIND_GRIEF);
    area.set_display_name("Losing M.");
    area.mutable_grief()->set_deceased(kSister);
    pb::OnsetLink& link = *area.add_onset_links();
    link.set_life_event(kDeath);
    link.set_relation(pb::EVENT_RELATION_AT_ONSET);
    EXPECT_THAT(areas_.CreateProblemArea(WriteCall(request), request), IsOk());
  }

  InventoryHandler inventory_{store_, ids_, courses_};
  ProblemAreaHandler areas_{store_, protocols_, ids_, courses_};
};

TEST_P(InventoryHandlerTest, KeepsEveryFieldOfARelationship) {
  ASSERT_OK_AND_ASSIGN(const pb::Relationship created, Create(FullPerson(), "m"));
  pb::Relationship expected = FullPerson();
  expected.set_name(kSister);
  expected.set_etag(created.etag());
  expected.set_revision(created.revision());
  *expected.mutable_create_time() = created.create_time();
  *expected.mutable_update_time() = created.update_time();
  EXPECT_EQ(created.DebugString(), expected.DebugString());
  EXPECT_GT(created.revision(), 0);
  EXPECT_FALSE(created.etag().empty());
  EXPECT_EQ(created.create_time().seconds(), absl::ToUnixSeconds(now_));
  ASSERT_OK_AND_ASSIGN(const pb::Relationship got, GetPerson());
  EXPECT_EQ(got.DebugString(), expected.DebugString());
  EXPECT_THAT(NewEvents(), ElementsAre("RELATIONSHIP_CHANGED"));
}

TEST_P(InventoryHandlerTest, KeepsEveryFieldOfALifeEvent) {
  ASSERT_OK(Create(Person("M."), "m"));
  ASSERT_OK(Create(Person("K."), "k"));
  pb::LifeEvent expected = Death();
  expected.add_relationships("clinics/north/courses/k1/relationships/k");
  expected.add_relationships(kSister);
  ASSERT_OK_AND_ASSIGN(const pb::LifeEvent created, Create(expected, "death"));
  expected.set_name(kDeath);
  expected.set_etag(created.etag());
  expected.set_revision(created.revision());
  *expected.mutable_create_time() = created.create_time();
  *expected.mutable_update_time() = created.update_time();
  EXPECT_EQ(created.DebugString(), expected.DebugString());
  ASSERT_OK_AND_ASSIGN(const pb::LifeEvent got, GetEvent());
  EXPECT_EQ(got.DebugString(), expected.DebugString());

  pb::LifeEvent ongoing = Happened("Out of work", 2024);
  ongoing.set_ongoing(true);
  ASSERT_OK_AND_ASSIGN(const pb::LifeEvent second, Create(ongoing, "work"));
  EXPECT_TRUE(second.ongoing());
  EXPECT_FALSE(second.has_end_date());
  EXPECT_FALSE(second.has_impact());
  EXPECT_THAT(NewEvents(), ElementsAre("RELATIONSHIP_CHANGED", "RELATIONSHIP_CHANGED",
                                       "LIFE_EVENT_CHANGED", "LIFE_EVENT_CHANGED"));
}

TEST_P(InventoryHandlerTest, LeavesUnsetWhatWasNotStated) {
  pb::Relationship person;
  person.set_display_name("M.");
  person.set_kind(pb::RELATIONSHIP_KIND_PET);
  ASSERT_OK_AND_ASSIGN(const pb::Relationship created, Create(person, "m"));
  EXPECT_EQ(created.status(), pb::RELATIONSHIP_STATUS_UNSPECIFIED);
  EXPECT_FALSE(created.has_start_date());
  EXPECT_FALSE(created.has_closeness_circle());
  EXPECT_FALSE(created.has_satisfaction());
  EXPECT_FALSE(created.has_confidant());
}

TEST_P(InventoryHandlerTest, MakesIdsWhereNoneIsGiven) {
  ASSERT_OK_AND_ASSIGN(const pb::Relationship person, Create(Person("M."), ""));
  EXPECT_THAT(GetPerson(person.name()), IsOk());
  EXPECT_NE(person.name(), absl::StrCat(kCourse, "/relationships/"));
  ASSERT_OK_AND_ASSIGN(const pb::LifeEvent event, Create(Death(), ""));
  EXPECT_THAT(GetEvent(event.name()), IsOk());
}

TEST_P(InventoryHandlerTest, RefusesIdsThatAreTakenOrNone) {
  ASSERT_OK(Create(Person("M."), "m"));
  EXPECT_THAT(Create(Person("N."), "m"),
              FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  EXPECT_THAT(Create(Person("N."), "Not An Id"), HasBadFields("relationship_id"));
  ASSERT_OK(Create(Death(), "death"));
  EXPECT_THAT(Create(Death(), "death"),
              FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  EXPECT_THAT(Create(Death(), "Not An Id"), HasBadFields("life_event_id"));
}

TEST_P(InventoryHandlerTest, NamesEveryBadFieldOfARelationship) {
  pb::Relationship person;
  person.set_display_name(" ");
  SetDate(person.mutable_start_date(), 2025, 2, 30);
  SetDate(person.mutable_end_date(), 0, 3);
  person.set_closeness_circle(4);
  person.set_satisfaction(11);
  person.add_expectations();
  EXPECT_THAT(
      Create(person, "m"),
      HasBadFields("relationship.display_name", "relationship.kind", "relationship.start_date.date",
                   "relationship.end_date.date", "relationship.end_date",
                   "relationship.closeness_circle", "relationship.satisfaction",
                   "relationship.expectations[0].holder", "relationship.expectations[0].text"));
  pb::Relationship past = Person("M.", pb::RELATIONSHIP_STATUS_PAST);
  SetDate(past.mutable_start_date(), 2020, 2);
  SetDate(past.mutable_end_date(), 2020, 1, 31);
  EXPECT_THAT(Create(past, "m"), HasBadFields("relationship.end_date"));
  SetDate(past.mutable_end_date(), 2020);  // which overlaps
  EXPECT_THAT(Create(past, "m"), IsOk());
}

TEST_P(InventoryHandlerTest, BoundsTheTextsOfARelationship) {
  pb::Relationship person = Person("M.");
  const std::string most(4000, 'x');
  person.set_contact_note(most);
  person.set_mood_link(most);
  person.set_changes_wanted(most);
  person.set_attachment_notes(std::string(3998, 'x'));
  ASSERT_OK(Create(person, "m"));
  person.set_attachment_notes(std::string(3999, 'x'));
  EXPECT_THAT(Create(person, "n"), HasBadFields("relationship"));
}

TEST_P(InventoryHandlerTest, NamesEveryBadFieldOfALifeEvent) {
  ASSERT_OK(Create(Person("M."), "m"));
  pb::LifeEvent event;
  event.set_ongoing(true);
  SetDate(event.mutable_end_date(), 2025, 13);
  event.add_relationships(kSister);
  event.add_relationships(kSister);
  event.add_relationships("clinics/north/courses/k1/relationships/nobody");
  event.add_relationships("clinics/north/courses/k2/relationships/m");
  event.set_impact(-6);
  EXPECT_THAT(Create(event, "death"),
              HasBadFields("life_event.kind", "life_event.display_name", "life_event.start_date",
                           "life_event.end_date.date", "life_event.ongoing",
                           "life_event.relationships[1]", "life_event.relationships[2]",
                           "life_event.relationships[3]", "life_event.impact"));
}

TEST_P(InventoryHandlerTest, ChangesWhatAMaskNames) {
  ASSERT_OK(Create(FullPerson(), "m"));
  now_ += absl::Hours(1);
  pb::Relationship change;
  change.set_name(kSister);
  change.set_quality(pb::RELATIONSHIP_QUALITY_DISTANT);
  change.set_contact_note("Not named by the mask.");
  ASSERT_OK_AND_ASSIGN(pb::Relationship changed, Update(change, {"quality", "satisfaction"}));
  EXPECT_EQ(changed.quality(), pb::RELATIONSHIP_QUALITY_DISTANT);
  EXPECT_FALSE(changed.has_satisfaction());
  EXPECT_EQ(changed.contact_note(), "Letters.");
  EXPECT_TRUE(changed.has_confidant());
  EXPECT_GT(changed.update_time().seconds(), changed.create_time().seconds());

  ASSERT_OK_AND_ASSIGN(changed, Update(change));  // what is set
  EXPECT_EQ(changed.contact_note(), "Not named by the mask.");
  EXPECT_EQ(changed.display_name(), "M., sister");

  change = Person("M.");
  change.set_name(kSister);
  ASSERT_OK_AND_ASSIGN(changed, Update(change, {"*"}));
  EXPECT_EQ(changed.contact_note(), "");
  EXPECT_FALSE(changed.has_end_date());
  EXPECT_FALSE(changed.has_confidant());
  EXPECT_THAT(changed.expectations(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const pb::Relationship got, GetPerson());
  EXPECT_EQ(got.DebugString(), changed.DebugString());
  EXPECT_THAT(NewEvents(), ElementsAre("RELATIONSHIP_CHANGED", "RELATIONSHIP_CHANGED",
                                       "RELATIONSHIP_CHANGED", "RELATIONSHIP_CHANGED"));
}

TEST_P(InventoryHandlerTest, ChangesWhatAMaskNamesOfALifeEvent) {
  ASSERT_OK(Create(Person("M."), "m"));
  ASSERT_OK(Create(Death(), "death"));
  pb::LifeEvent change;
  change.set_name(kDeath);
  change.mutable_start_date()->mutable_date()->set_day(3);
  change.add_relationships(kSister);
  ASSERT_OK_AND_ASSIGN(const pb::LifeEvent changed,
                       Update(change, {"relationships", "impact", "start_date.date.day"}));
  EXPECT_THAT(changed.relationships(), ElementsAre(kSister));
  EXPECT_FALSE(changed.has_impact());
  EXPECT_EQ(changed.start_date().date().year(), 2025);
  EXPECT_EQ(changed.start_date().date().day(), 3);
  EXPECT_EQ(changed.description(), "In hospital.");
  ASSERT_OK_AND_ASSIGN(const pb::LifeEvent got, GetEvent());
  EXPECT_EQ(got.DebugString(), changed.DebugString());
}

TEST_P(InventoryHandlerTest, RefusesMasksAndChangesThatCannotBe) {
  ASSERT_OK(Create(FullPerson(), "m"));
  ASSERT_OK(Create(Death(), "death"));
  pb::Relationship person;
  person.set_name(kSister);
  EXPECT_THAT(Update(person, {"colour", "etag", "name", "quality.x"}),
              HasBadFields("update_mask.paths[0]", "update_mask.paths[1]", "update_mask.paths[2]",
                           "update_mask.paths[3]"));
  EXPECT_THAT(Update(person, {"display_name"}), HasBadFields("relationship.display_name"));
  person.set_status(pb::RELATIONSHIP_STATUS_CURRENT);  // with the end_date that it has
  EXPECT_THAT(Update(person), HasBadFields("relationship.end_date"));
  pb::LifeEvent event;
  event.set_name(kDeath);
  EXPECT_THAT(Update(event, {"colour"}), HasBadFields("update_mask.paths[0]"));
  EXPECT_THAT(Update(event, {"start_date"}), HasBadFields("life_event.start_date"));
  ASSERT_OK_AND_ASSIGN(const pb::Relationship kept, GetPerson());
  EXPECT_EQ(kept.display_name(), "M., sister");
}

TEST_P(InventoryHandlerTest, TellsOfConflicts) {
  ASSERT_OK_AND_ASSIGN(pb::Relationship person, Create(Person("M."), "m"));
  const std::string old = person.etag();
  ASSERT_OK_AND_ASSIGN(person, Update(person, {"display_name"}));
  EXPECT_NE(person.etag(), old);
  person.set_etag(old);
  EXPECT_THAT(Update(person), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(DeletePerson(old), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(DeletePerson("no etag"), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));

  ASSERT_OK_AND_ASSIGN(pb::LifeEvent event, Create(Death(), "death"));
  const std::string old_event = event.etag();
  ASSERT_OK_AND_ASSIGN(event, Update(event));
  EXPECT_THAT(DeleteEvent(old_event), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(DeleteEvent(event.etag()), IsOk());
  event.set_etag(old_event);
  EXPECT_THAT(Update(event), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(InventoryHandlerTest, AnswersARetryAsItDid) {
  const auto request = Creation(Person("M."), "");
  const CallContext call = WriteCall(request);
  ASSERT_OK_AND_ASSIGN(const pb::Relationship first, inventory_.CreateRelationship(call, request));
  SchedulingIsAway();
  ASSERT_OK_AND_ASSIGN(const pb::Relationship again, inventory_.CreateRelationship(call, request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(Listed(), SizeIs(1));
  EXPECT_THAT(NewEvents(), SizeIs(1));

  const auto other = Creation(Person("N."), "");
  CallContext reused = WriteCall(other);
  reused.request_id = call.request_id;
  EXPECT_THAT(inventory_.CreateRelationship(reused, other),
              FailsWith(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED"));
}

TEST_P(InventoryHandlerTest, TriesWithoutWriting) {
  auto person = Creation(Person("M."));
  person.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const pb::Relationship tried, Send(person));
  EXPECT_EQ(tried.name(), kSister);
  EXPECT_EQ(tried.display_name(), "M.");
  EXPECT_EQ(tried.revision(), 0);
  EXPECT_EQ(tried.etag(), "");
  auto event = Creation(Death());
  event.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const pb::LifeEvent tried_event, Send(event));
  EXPECT_EQ(tried_event.revision(), 0);
  EXPECT_THAT(GetPerson(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(GetEvent(), StatusIs(absl::StatusCode::kNotFound));
  event.mutable_life_event()->clear_kind();
  EXPECT_THAT(Send(event), HasBadFields("life_event.kind"));

  ASSERT_OK_AND_ASSIGN(pb::Relationship kept, Create(Person("M."), "m"));
  ASSERT_OK(Create(Death(), "death"));
  EXPECT_THAT(NewEvents(), SizeIs(2));
  pb::Relationship change = Person("Another");
  change.set_name(kSister);
  ASSERT_OK_AND_ASSIGN(change, Update(change, {}, true));
  EXPECT_EQ(change.display_name(), "Another");
  EXPECT_EQ(change.revision(), 0);
  pb::LifeEvent event_change = Happened("Another", 2000);
  event_change.set_name(kDeath);
  ASSERT_OK(Update(event_change, {}, true));
  ASSERT_OK_AND_ASSIGN(const pb::Relationship got, GetPerson());
  EXPECT_EQ(got.DebugString(), kept.DebugString());
  EXPECT_THAT(Timeline(), ElementsAre("Father's death"));
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_P(InventoryHandlerTest, DeletesForGood) {
  ASSERT_OK_AND_ASSIGN(const pb::Relationship person, Create(Person("M."), "m"));
  ASSERT_OK_AND_ASSIGN(const auto deleted, DeletePerson(person.etag()));
  EXPECT_GT(deleted.revision(), person.revision());
  EXPECT_THAT(GetPerson(), FailsWith(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(DeletePerson(), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK(Create(Death(), "death"));
  ASSERT_OK(DeleteEvent());
  EXPECT_THAT(GetEvent(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(NewEvents(), ElementsAre("RELATIONSHIP_CHANGED", "RELATIONSHIP_DELETED",
                                       "LIFE_EVENT_CHANGED", "LIFE_EVENT_DELETED"));
  pb::Relationship gone = Person("M.");
  gone.set_name(kSister);
  EXPECT_THAT(Update(gone), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(InventoryHandlerTest, DeletesNothingThatIsNamed) {
  ASSERT_OK(Create(Person("M.", pb::RELATIONSHIP_STATUS_DECEASED), "m"));
  pb::LifeEvent death = Death();
  death.add_relationships(kSister);
  ASSERT_OK(Create(death, "death"));
  EXPECT_THAT(DeletePerson(), FailsWith(absl::StatusCode::kFailedPrecondition, "RESOURCE_IN_USE"));
  death.set_name(kDeath);
  ASSERT_OK(Update(death, {"description"}));
  pb::LifeEvent nobodys;
  nobodys.set_name(kDeath);
  ASSERT_OK(Update(nobodys, {"relationships"}));
  NameThemInAnArea();
  EXPECT_THAT(DeletePerson(), FailsWith(absl::StatusCode::kFailedPrecondition, "RESOURCE_IN_USE"));
  EXPECT_THAT(DeleteEvent(), FailsWith(absl::StatusCode::kFailedPrecondition, "RESOURCE_IN_USE"));
}

TEST_P(InventoryHandlerTest, DeletesNoEventThatADraftNames) {
  ASSERT_OK(Create(Death(), "death"));
  ASSERT_OK(store_.Write(absl::InfiniteFuture(), [&](FormulationTx& tx) {
    SaveDraftCommand command;
    command.content.links = {{.life_event_id = "death"}};
    return SaveDraft(tx, ReadCall(), ids_, protocols_, *courses_.answer.course,
                     {.clinic_id = "north", .course_id = "k1"}, std::move(command))
        .status();
  }));
  EXPECT_THAT(DeleteEvent(), FailsWith(absl::StatusCode::kFailedPrecondition, "RESOURCE_IN_USE"));
}

TEST_P(InventoryHandlerTest, HasAsManyAsACourseMayHave) {
  ASSERT_OK(store_.Write(absl::InfiniteFuture(), [&](FormulationTx& tx) {
    absl::Status done;
    for (size_t i = 0; i < kMostRelationships && done.ok(); ++i) {
      formulation::Relationship person{.clinic_id = "north",
                                       .course_id = "k1",
                                       .relationship_id = absl::StrCat("p", i),
                                       .display_name = "P.",
                                       .kind = RelationshipKind::kFriend};
      done = tx.InsertRelationship(person, now_);
    }
    for (size_t i = 0; i < kMostLifeEvents && done.ok(); ++i) {
      formulation::LifeEvent event{.clinic_id = "north",
                                   .course_id = "k1",
                                   .life_event_id = absl::StrCat("e", i),
                                   .kind = LifeEventKind::kOther,
                                   .display_name = "E.",
                                   .start_date = PartialDate{.year = 2000}};
      done = tx.InsertLifeEvent(event, now_);
    }
    return done;
  }));
  EXPECT_THAT(Create(Person("M."), "m"),
              FailsWith(absl::StatusCode::kFailedPrecondition, "LIMIT_REACHED"));
  EXPECT_THAT(Create(Death(), "death"),
              FailsWith(absl::StatusCode::kFailedPrecondition, "LIMIT_REACHED"));
  ASSERT_OK_AND_ASSIGN(const auto all, GetAll());
  EXPECT_THAT(all.relationships(), SizeIs(100));
  EXPECT_THAT(all.life_events(), SizeIs(200));

  pb::ListRelationshipsRequest people;
  people.set_parent(kCourse);
  ASSERT_OK_AND_ASSIGN(const auto usual, inventory_.ListRelationships(ReadCall(), people));
  EXPECT_THAT(usual.relationships(), SizeIs(50));
  EXPECT_FALSE(usual.next_page_token().empty());
  people.set_page_size(1000);
  ASSERT_OK_AND_ASSIGN(const auto most, inventory_.ListRelationships(ReadCall(), people));
  EXPECT_THAT(most.relationships(), SizeIs(100));
  EXPECT_TRUE(most.next_page_token().empty());
  pb::ListLifeEventsRequest events;
  events.set_parent(kCourse);
  events.set_page_size(1000);
  ASSERT_OK_AND_ASSIGN(const auto timeline, inventory_.ListLifeEvents(ReadCall(), events));
  EXPECT_THAT(timeline.life_events(), SizeIs(200));
  EXPECT_TRUE(timeline.next_page_token().empty());
  EXPECT_THAT(Timeline(), SizeIs(200));
}

TEST_P(InventoryHandlerTest, ListsPeopleInTheInventorysOrder) {
  const auto put = [&](const std::string& id, pb::RelationshipStatus status, int circle) {
    pb::Relationship person = Person(id, status);
    if (circle > 0) person.set_closeness_circle(circle);
    ASSERT_OK(Create(person, id));
  };
  put("dead", pb::RELATIONSHIP_STATUS_DECEASED, 1);
  put("nowhere", pb::RELATIONSHIP_STATUS_CURRENT, 0);
  put("outer", pb::RELATIONSHIP_STATUS_CURRENT, 3);
  put("past", pb::RELATIONSHIP_STATUS_PAST, 1);
  put("zoe", pb::RELATIONSHIP_STATUS_UNSPECIFIED, 1);
  put("adam", pb::RELATIONSHIP_STATUS_CURRENT, 1);
  const auto in_order = ElementsAre("zoe", "adam", "outer", "nowhere", "past", "dead");
  EXPECT_THAT(Listed(), in_order);
  pb::ListRelationshipsRequest request;
  request.set_page_size(2);
  EXPECT_THAT(Listed(request), in_order);
  ASSERT_OK_AND_ASSIGN(const auto all, GetAll());
  std::vector<std::string> shown;
  for (const auto& person : all.relationships()) shown.push_back(person.display_name());
  EXPECT_THAT(shown, in_order);

  request.add_statuses(pb::RELATIONSHIP_STATUS_CURRENT);
  EXPECT_THAT(Listed(request), ElementsAre("zoe", "adam", "outer", "nowhere"));
  request.add_statuses(pb::RELATIONSHIP_STATUS_DECEASED);
  EXPECT_THAT(Listed(request), ElementsAre("zoe", "adam", "outer", "nowhere", "dead"));
  request.add_kinds(pb::RELATIONSHIP_KIND_FRIEND);
  EXPECT_THAT(Listed(request), IsEmpty());
}

TEST_P(InventoryHandlerTest, ListsConfidants) {
  for (const int confides : {0, 1, 2}) {
    pb::Relationship person = Person(absl::StrCat("p", confides));
    if (confides > 0) person.set_confidant(confides == 2);
    ASSERT_OK(Create(person, person.display_name()));
  }
  pb::ListRelationshipsRequest request;
  request.set_confidants_only(true);
  EXPECT_THAT(Listed(request), ElementsAre("p2"));
}

TEST_P(InventoryHandlerTest, ListsTheTimeline) {
  ASSERT_OK(Create(Person("M."), "m"));
  pb::LifeEvent of_the_sister = Happened("in May", 2020, 5, pb::LIFE_EVENT_KIND_DISPUTE);
  of_the_sister.add_relationships(kSister);
  ASSERT_OK(Create(Happened("later", 2021), "a"));
  ASSERT_OK(Create(of_the_sister, "b"));
  ASSERT_OK(Create(Happened("first of January", 2020, 1), "c"));
  ASSERT_OK(Create(Happened("that year", 2020), "z"));
  ASSERT_OK(Create(Happened("that year, too", 2020), "d"));
  const auto in_order =
      ElementsAre("that year", "that year, too", "first of January", "in May", "later");
  EXPECT_THAT(Timeline(), in_order);
  pb::ListLifeEventsRequest request;
  request.set_page_size(1);
  EXPECT_THAT(Listed(request), in_order);
  request.add_kinds(pb::LIFE_EVENT_KIND_OTHER);
  EXPECT_THAT(Listed(request), SizeIs(4));
  request.clear_kinds();
  request.set_relationship(kSister);
  EXPECT_THAT(Listed(request), ElementsAre("in May"));
  request.set_parent(kCourse);
  request.set_relationship("clinics/north/courses/k2/relationships/m");
  EXPECT_THAT(inventory_.ListLifeEvents(ReadCall(), request), HasBadFields("relationship"));
}

TEST_P(InventoryHandlerTest, GoesOnWhereAPageEndedThoughItsLastEntryIsGone) {
  for (const char* id : {"a", "b", "c", "d"}) ASSERT_OK(Create(Person(id), id));
  pb::ListRelationshipsRequest request;
  request.set_parent(kCourse);
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(const auto first, inventory_.ListRelationships(ReadCall(), request));
  ASSERT_OK(DeletePerson("", "clinics/north/courses/k1/relationships/b"));
  request.set_page_token(first.next_page_token());
  EXPECT_THAT(Listed(request), ElementsAre("c", "d"));
}

TEST_P(InventoryHandlerTest, RefusesListsThatCannotBe) {
  pb::ListRelationshipsRequest people;
  people.set_parent(kCourse);
  people.set_page_size(-1);
  EXPECT_THAT(inventory_.ListRelationships(ReadCall(), people), HasBadFields("page_size"));
  people.set_page_size(0);
  people.set_page_token("AAAA");
  EXPECT_THAT(inventory_.ListRelationships(ReadCall(), people), HasBadFields("page_token"));
  people.clear_page_token();
  people.add_kinds(pb::RELATIONSHIP_KIND_UNSPECIFIED);
  people.add_statuses(pb::RELATIONSHIP_STATUS_UNSPECIFIED);
  EXPECT_THAT(inventory_.ListRelationships(ReadCall(), people),
              HasBadFields("kinds[0]", "statuses[0]"));
  pb::ListLifeEventsRequest events;
  events.set_parent(kCourse);
  events.add_kinds(pb::LIFE_EVENT_KIND_UNSPECIFIED);
  EXPECT_THAT(inventory_.ListLifeEvents(ReadCall(), events), HasBadFields("kinds[0]"));
}

TEST_P(InventoryHandlerTest, ReadsAreAsNewAsAskedFor) {
  ASSERT_OK_AND_ASSIGN(const pb::Relationship person, Create(Person("M."), "m"));
  ASSERT_OK_AND_ASSIGN(const auto all, GetAll());
  EXPECT_GE(all.revision(), person.revision());
  pb::GetRelationshipRequest request;
  request.set_name(kSister);
  request.set_min_revision(person.revision());
  EXPECT_THAT(inventory_.GetRelationship(ReadCall(), request), IsOk());
  request.set_min_revision(all.revision() + 1);
  EXPECT_THAT(inventory_.GetRelationship(ReadCall(), request),
              FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
  pb::GetInterpersonalInventoryRequest whole;
  whole.set_course(kCourse);
  whole.set_min_revision(all.revision() + 1);
  EXPECT_THAT(inventory_.GetInterpersonalInventory(ReadCall(), whole),
              FailsWith(absl::StatusCode::kFailedPrecondition, "REVISION_NOT_REACHED"));
}

TEST_P(InventoryHandlerTest, AnotherClinicSeesNothing) {
  ASSERT_OK(Create(Person("M."), "m"));
  ASSERT_OK(Create(Death(), "death"));
  EXPECT_THAT(GetPerson("clinics/south/courses/k1/relationships/m", "south"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(GetEvent("clinics/south/courses/k1/lifeEvents/death", "south"),
              StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(const auto all, GetAll("south"));
  EXPECT_THAT(all.relationships(), IsEmpty());
  EXPECT_THAT(all.life_events(), IsEmpty());
  EXPECT_THAT(GetPerson("clinics/north/courses/k2/relationships/m"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(InventoryHandlerTest, ReadsGoOnWhileSchedulingIsAway) {
  ASSERT_OK(Create(Person("M."), "m"));
  ASSERT_OK(Create(Death(), "death"));
  ASSERT_OK_AND_ASSIGN(auto all, GetAll());
  EXPECT_TRUE(all.scheduling().current());
  EXPECT_EQ(all.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_));
  SchedulingIsAway();
  ASSERT_OK_AND_ASSIGN(all, GetAll());
  EXPECT_FALSE(all.scheduling().current());
  EXPECT_EQ(all.scheduling().as_of_time().seconds(), absl::ToUnixSeconds(now_ - absl::Hours(1)));
  EXPECT_THAT(all.relationships(), SizeIs(1));
  EXPECT_THAT(GetPerson(), IsOk());
  EXPECT_THAT(Listed(), SizeIs(1));

  const auto away = StatusIs(absl::StatusCode::kUnavailable);
  pb::Relationship person = Person("M.");
  person.set_name(kSister);
  pb::LifeEvent event = Death();
  event.set_name(kDeath);
  EXPECT_THAT(Create(Person("N."), "n"), away);
  EXPECT_THAT(Update(person), away);
  EXPECT_THAT(DeletePerson(), away);
  EXPECT_THAT(Create(Death(), "again"), away);
  EXPECT_THAT(Update(event), away);
  EXPECT_THAT(DeleteEvent(), away);
  NothingIsKnown();
  ASSERT_OK_AND_ASSIGN(all, GetAll());
  EXPECT_FALSE(all.scheduling().current());
  EXPECT_FALSE(all.scheduling().has_as_of_time());
  EXPECT_THAT(Create(Person("N."), "n"), away);
}

TEST_P(InventoryHandlerTest, ThereIsNoInventoryOfACourseThatIsNone) {
  CourseIsAbsent();
  const auto absent = FailsWith(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND");
  EXPECT_THAT(GetAll(), absent);
  EXPECT_THAT(Create(Person("M."), "m"), absent);
  EXPECT_THAT(Create(Death(), "death"), absent);
  EXPECT_THAT(DeletePerson(), absent);
}

TEST_P(InventoryHandlerTest, WritesToClosedCoursesToo) {
  courses_.answer.course->state = courses::CopiedCourseState::kCompleted;
  EXPECT_THAT(Create(Person("M."), "m"), IsOk());
  EXPECT_THAT(Create(Death(), "death"), IsOk());
}

IPT_INSTANTIATE_ON_BOTH_ENGINES(InventoryHandlerTest);

}  // namespace
}  // namespace ipt::formulation
