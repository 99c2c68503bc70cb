#include "formulation/rpc/event_proto.h"

#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ipt/formulation/v1/event_service.pb.h"

namespace ipt::formulation {
namespace {

using ::testing::ElementsAre;

// One of each kind, of the course k1 of the clinic north, or of the clinic itself.
template <size_t... kIndex>
std::vector<Event> MakeAll(std::index_sequence<kIndex...>) {
  std::vector<Event> events = {Event(std::in_place_index<kIndex>)...};
  for (Event& event : events) {
    std::visit(
        [](auto& of) {
          if constexpr (requires { of.policy; }) {
            of.policy.clinic_id = "north";
          } else {
            of.clinic_id = "north";
            of.course_id = "k1";
          }
          if constexpr (requires { of.id; }) of.id = "x1";
        },
        event);
  }
  return events;
}
std::vector<Event> All() { return MakeAll(std::make_index_sequence<std::variant_size_v<Event>>()); }

pb::FormulationEvent Payload(const Event& event) {
  pb::FormulationEvent payload;
  EXPECT_TRUE(payload.ParseFromString(ProtoEventEncoder().Encode(event).payload));
  return payload;
}
std::string SubjectOf(const Event& event) { return ProtoEventEncoder().Encode(event).subject; }

TEST(EventProtoTest, EachKindHasItsFieldAndItsValueOfEventKind) {
  std::set<std::string> kinds;
  for (const Event& event : All()) {
    const EventEncoder::Encoded encoded = ProtoEventEncoder().Encode(event);
    EXPECT_EQ(encoded.clinic_id, "north") << encoded.kind;
    EXPECT_NE(Payload(event).event_case(), pb::FormulationEvent::EVENT_NOT_SET) << encoded.kind;
    pb::EventKind kind = pb::EVENT_KIND_UNSPECIFIED;
    EXPECT_TRUE(pb::EventKind_Parse(absl::StrCat("EVENT_KIND_", encoded.kind), &kind))
        << encoded.kind;
    EXPECT_TRUE(kinds.insert(encoded.kind).second) << encoded.kind;
  }
  // Of each value but the unspecified one.
  EXPECT_EQ(kinds.size(), static_cast<size_t>(pb::EventKind_descriptor()->value_count() - 1));
  EXPECT_EQ(kinds.size(), static_cast<size_t>(pb::FormulationEvent::descriptor()->field_count()));
}

TEST(EventProtoTest, WhoFollowsACourseHearsOfAllThatIsIts) {
  for (const Event& event : All()) {
    const bool of_course = !std::holds_alternative<PolicyChanged>(event);
    EXPECT_TRUE(absl::StartsWith(SubjectOf(event),
                                 of_course ? "clinics/north/courses/k1/" : "clinics/north/"))
        << SubjectOf(event);
  }
}

// Adds the strings that a message can hold, by field, once each.
void AddStrings(const google::protobuf::Descriptor& type, std::set<std::string>& fields) {
  for (int i = 0; i < type.field_count(); ++i) {
    const auto* field = type.field(i);
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
      fields.emplace(absl::StripPrefix(field->full_name(), "ipt.formulation.v1."));
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      AddStrings(*field->message_type(), fields);
    }
  }
}

TEST(EventProtoTest, NoEventHasRoomForWhatWasSaid) {
  std::set<std::string> fields;
  AddStrings(*pb::FormulationEvent::descriptor(), fields);
  // Names of resources, and a policy's tradition and etag.
  EXPECT_THAT(fields, ElementsAre("CourseFocus.course", "FormulationNotice.name",
                                  "FormulationNotice.revision_name", "FormulationPolicy.etag",
                                  "FormulationPolicy.name", "FormulationPolicy.tradition",
                                  "GoalNotice.name", "GoalNotice.rating", "InventoryNotice.course",
                                  "InventoryNotice.name", "ProblemAreaNotice.name",
                                  "SessionWorkNotice.session", "TerminationNotice.course"));
}

TEST(EventProtoTest, AnEntryOfTheInventoryIsTold) {
  const RelationshipChanged changed{{"north", "k1", "mum"}};
  EXPECT_EQ(SubjectOf(changed), "clinics/north/courses/k1/relationships/mum");
  const pb::FormulationEvent payload = Payload(changed);
  EXPECT_EQ(payload.relationship_changed().course(), "clinics/north/courses/k1");
  EXPECT_EQ(payload.relationship_changed().name(), "clinics/north/courses/k1/relationships/mum");
  const LifeEventDeleted deleted{{"north", "k1", "move"}};
  EXPECT_EQ(Payload(deleted).life_event_deleted().name(),
            "clinics/north/courses/k1/lifeEvents/move");
}

TEST(EventProtoTest, AnAreaIsToldWithKindAndPlace) {
  ProblemAreaChanged changed;
  changed.clinic_id = "north";
  changed.course_id = "k1";
  changed.id = "row";
  changed.kind = ProblemAreaKind::kRoleDispute;
  changed.focus = FocusPosition::kSecondary;
  const pb::FormulationEvent payload = Payload(changed);
  const pb::ProblemAreaNotice& notice = payload.problem_area_changed();
  EXPECT_EQ(notice.name(), "clinics/north/courses/k1/problemAreas/row");
  EXPECT_EQ(notice.kind(), pb::PROBLEM_AREA_KIND_ROLE_DISPUTE);
  EXPECT_EQ(notice.focus(), pb::FOCUS_POSITION_SECONDARY);
}

TEST(EventProtoTest, AnAgreementIsToldWithTheFocus) {
  FormulationAgreed agreed;
  agreed.clinic_id = "north";
  agreed.course_id = "k1";
  agreed.number = 2;
  agreed.state = FormulationState::kAgreed;
  agreed.focus = CourseFocus{.clinic_id = "north",
                             .course_id = "k1",
                             .primary_kind = ProblemAreaKind::kGrief,
                             .secondary_kind = ProblemAreaKind::kRoleDispute,
                             .agreed_on = absl::CivilDay(2026, 2, 3),
                             .revision_number = 2,
                             .first_primary_kind = ProblemAreaKind::kRoleDispute,
                             .revision = 77};
  EXPECT_EQ(SubjectOf(agreed), "clinics/north/courses/k1/formulation");
  const pb::FormulationEvent payload = Payload(agreed);
  const pb::FormulationNotice& notice = payload.formulation_agreed();
  EXPECT_EQ(notice.revision_name(), "clinics/north/courses/k1/formulation/revisions/2");
  EXPECT_EQ(notice.number(), 2);
  EXPECT_EQ(notice.state(), pb::FORMULATION_STATE_AGREED);
  EXPECT_EQ(notice.focus().course(), "clinics/north/courses/k1");
  EXPECT_EQ(notice.focus().primary_kind(), pb::PROBLEM_AREA_KIND_GRIEF);
  EXPECT_EQ(notice.focus().secondary_kind(), pb::PROBLEM_AREA_KIND_ROLE_DISPUTE);
  EXPECT_EQ(notice.focus().first_primary_kind(), pb::PROBLEM_AREA_KIND_ROLE_DISPUTE);
  EXPECT_EQ(notice.focus().agreed_on().month(), 2);
  EXPECT_EQ(notice.focus().revision_number(), 2);
  EXPECT_EQ(notice.focus().revision(), 77);
}

TEST(EventProtoTest, ADraftHasNoNumberAndNoFocus) {
  DraftChanged draft;
  draft.clinic_id = "north";
  draft.course_id = "k1";
  draft.state = FormulationState::kDraft;
  const pb::FormulationEvent payload = Payload(draft);
  EXPECT_EQ(payload.draft_changed().revision_name(),
            "clinics/north/courses/k1/formulation/revisions/draft");
  EXPECT_EQ(payload.draft_changed().number(), 0);
  EXPECT_FALSE(payload.draft_changed().has_focus());
}

TEST(EventProtoTest, ARatingIsToldWithItsGoal) {
  GoalRated rated;
  rated.clinic_id = "north";
  rated.course_id = "k1";
  rated.id = "g1";
  rated.state = GoalState::kActive;
  rated.rating_id = "r1";
  rated.value = 0;
  rated.rater = GoalRater::kTherapist;
  EXPECT_EQ(SubjectOf(rated), "clinics/north/courses/k1/goals/g1");
  const pb::FormulationEvent payload = Payload(rated);
  const pb::GoalNotice& notice = payload.goal_rated();
  EXPECT_EQ(notice.state(), pb::GOAL_STATE_ACTIVE);
  EXPECT_EQ(notice.rating(), "clinics/north/courses/k1/goals/g1/ratings/r1");
  EXPECT_TRUE(notice.has_rating_value());
  EXPECT_EQ(notice.rating_value(), 0);
  EXPECT_EQ(notice.rater(), pb::GOAL_RATER_THERAPIST);
  GoalChanged changed;
  changed.clinic_id = "north";
  changed.course_id = "k1";
  changed.id = "g1";
  EXPECT_FALSE(Payload(changed).goal_changed().has_rating_value());
}

TEST(EventProtoTest, WorkEndingAndPolicyAreTold) {
  SessionWorkChanged work;
  work.clinic_id = "north";
  work.course_id = "k1";
  work.id = "s3";
  work.first = true;
  EXPECT_EQ(SubjectOf(work), "clinics/north/courses/k1/sessions/s3/work");
  EXPECT_EQ(Payload(work).session_work_changed().session(), "clinics/north/courses/k1/sessions/s3");
  EXPECT_TRUE(Payload(work).session_work_changed().first());
  const TerminationChanged ending{"north", "k1"};
  EXPECT_EQ(SubjectOf(ending), "clinics/north/courses/k1/termination");
  EXPECT_EQ(Payload(ending).termination_changed().course(), "clinics/north/courses/k1");
  PolicyChanged policy{{.clinic_id = "north", .version = 3, .tradition = "WMK"}};
  policy.policy.record_days = 0;
  EXPECT_EQ(SubjectOf(policy), "clinics/north/formulationPolicy");
  const pb::FormulationEvent payload = Payload(policy);
  EXPECT_EQ(payload.policy_changed().version(), 3);
  EXPECT_EQ(payload.policy_changed().tradition(), "WMK");
  EXPECT_TRUE(payload.policy_changed().has_record_days());
  EXPECT_FALSE(payload.policy_changed().has_focus_by_session());
}

}  // namespace
}  // namespace ipt::formulation
