#include "formulation/storage/formulation_json.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "formulation/storage/day_number.h"
#include "nlohmann/json.hpp"
#include "platform/errors/error.h"
#include "platform/errors/status_macros.h"
#include "platform/json/stored_json.h"

namespace ipt::formulation {
namespace {

using Json = nlohmann::json;

constexpr absl::CivilDay kFirstDay(1, 1, 1);
constexpr absl::CivilDay kLastDay(9999, 12, 31);

// Which members a type has is said once, for both ways: Fields(v, value) calls v.Key(key, member)
// for each, with the last value of an enumeration after it.
template <typename T, typename U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

// What the domain relies on beyond the types of members.
template <typename T>
bool IsSound(const T&) {
  return true;
}
bool IsSound(const PartialDate& date) { return IsPossible(date); }
bool IsSound(const LifeEvent& event) { return event.start_date.has_value(); }
bool IsSound(const LifeEventSnapshot& event) { return IsPossible(event.start_date); }

class Writer {
 public:
  template <typename T, typename... Last>
  void Key(const char* key, const T& value, Last...) {
    if (!(value == T())) object_[key] = JsonOf(value);
  }

  template <typename T>
  static Json JsonOf(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return static_cast<int>(value);
    } else if constexpr (std::is_same_v<T, absl::Time>) {
      return absl::ToUnixMicros(value);
    } else if constexpr (std::is_same_v<T, absl::CivilDay>) {
      return ToDayNumber(value);
    } else if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string>) {
      Writer writer;
      Fields(writer, value);
      return writer.Take();
    } else {
      return value;
    }
  }
  template <typename T>
  static Json JsonOf(const std::optional<T>& value) {
    return JsonOf(*value);
  }
  template <typename T>
  static Json JsonOf(const std::vector<T>& values) {
    Json array = Json::array();
    for (const T& value : values) array.push_back(JsonOf(value));
    return array;
  }

  Json Take() { return std::move(object_); }

 private:
  Json object_ = Json::object();
};

class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}

  template <typename T, typename... Last>
  void Key(const char* key, T& value, Last... last) {
    const auto found = object_.find(key);
    if (found == object_.end()) return;
    ++known_;
    if (!Read(*found, value, last...)) ok_ = false;
  }

  // All members that there are were known and could be read.
  bool ok() const { return ok_ && known_ == object_.size(); }

  template <typename T>
  static bool Read(const Json& json, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      return json.is_boolean() && Take(json, value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      return json.is_string() && Take(json, value);
    } else if constexpr (std::is_integral_v<T>) {
      return IsWithin(json, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()) &&
             Take(json, value);
    } else if constexpr (std::is_same_v<T, absl::Time>) {
      int64_t micros = 0;
      if (!Read(json, micros)) return false;
      value = absl::FromUnixMicros(micros);
      return true;
    } else if constexpr (std::is_same_v<T, absl::CivilDay>) {
      if (!IsWithin(json, ToDayNumber(kFirstDay), ToDayNumber(kLastDay))) return false;
      value = FromDayNumber(json.get<int64_t>());
      return true;
    } else {
      if (!json.is_object()) return false;
      Reader reader(json);
      Fields(reader, value);
      return reader.ok() && IsSound(value);
    }
  }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  static bool Read(const Json& json, Enum& value, Enum last) {
    if (!IsWithin(json, 0, static_cast<int>(last))) return false;
    value = static_cast<Enum>(json.get<int>());
    return true;
  }
  template <typename T, typename... Last>
  static bool Read(const Json& json, std::optional<T>& value, Last... last) {
    return Read(json, value.emplace(), last...);
  }
  template <typename T, typename... Last>
  static bool Read(const Json& json, std::vector<T>& values, Last... last) {
    if (!json.is_array()) return false;
    for (const Json& element : json) {
      if (!Read(element, values.emplace_back(), last...)) return false;
    }
    return true;
  }

 private:
  template <typename T>
  static bool Take(const Json& json, T& value) {
    json.get_to(value);
    return true;
  }
  static bool IsWithin(const Json& json, int64_t least, int64_t greatest) {
    if (!json.is_number_integer()) return false;
    if (json.is_number_unsigned() &&
        json.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
      return false;
    }
    const auto number = json.get<int64_t>();
    return number >= least && number <= greatest;
  }

  const Json& object_;
  size_t known_ = 0;
  bool ok_ = true;
};

absl::Status Damaged(absl::string_view column) {
  return Internal(absl::StrCat("a stored row is damaged: its ", column, " cannot be read"));
}

template <typename T>
std::string Encode(const T& value) {
  return DumpStored(Writer::JsonOf(value));
}
template <typename T>
absl::Status Decode(absl::string_view text, absl::string_view column, T& value) {
  const Json json = ParseStored(text);
  if (json.is_discarded() || !Reader::Read(json, value)) return Damaged(column);
  return absl::OkStatus();
}

// ------------------------------------------------------------------------------------- inventory

template <typename V, Is<PartialDate> T>
void Fields(V& v, T& date) {
  v.Key("year", date.year);
  v.Key("month", date.month);
  v.Key("day", date.day);
  v.Key("approximate", date.approximate);
}

template <typename V, Is<Expectation> T>
void Fields(V& v, T& expectation) {
  v.Key("holder", expectation.holder, ExpectationHolder::kOther);
  v.Key("text", expectation.text);
  v.Key("fulfilment", expectation.fulfilment, ExpectationFulfilment::kUnclear);
}

template <typename V, Is<Relationship> T>
void Fields(V& v, T& relationship) {
  v.Key("display_name", relationship.display_name);
  v.Key("kind", relationship.kind, RelationshipKind::kOther);
  v.Key("status", relationship.status, RelationshipStatus::kDeceased);
  v.Key("start", relationship.start_date);
  v.Key("end", relationship.end_date);
  v.Key("closeness", relationship.closeness_circle);
  v.Key("quality", relationship.quality, RelationshipQuality::kEstranged);
  v.Key("contact", relationship.contact_frequency, ContactFrequency::kNone);
  v.Key("contact_note", relationship.contact_note);
  v.Key("expectations", relationship.expectations);
  v.Key("satisfying", relationship.satisfying_aspects);
  v.Key("unsatisfying", relationship.unsatisfying_aspects);
  v.Key("satisfaction", relationship.satisfaction);
  v.Key("changes_wanted", relationship.changes_wanted);
  v.Key("confidant", relationship.confidant);
  v.Key("mood_link", relationship.mood_link);
  v.Key("attachment", relationship.attachment_notes);
}

template <typename V, Is<LifeEvent> T>
void Fields(V& v, T& event) {
  v.Key("kind", event.kind, LifeEventKind::kOther);
  v.Key("display_name", event.display_name);
  v.Key("start", event.start_date);
  v.Key("end", event.end_date);
  v.Key("ongoing", event.ongoing);
  v.Key("relationships", event.relationship_ids);
  v.Key("impact", event.impact);
  v.Key("description", event.description);
}

// --------------------------------------------------------------------------------- problem areas

template <typename V, Is<AreaEvidence> T>
void Fields(V& v, T& evidence) {
  v.Key("criterion", evidence.criterion);
  v.Key("finding", evidence.finding, CriterionFinding::kUnclear);
  v.Key("note", evidence.note);
}

template <typename V, Is<OnsetLink> T>
void Fields(V& v, T& link) {
  v.Key("life_event", link.life_event_id);
  v.Key("relation", link.relation, EventRelation::kUnrelated);
  v.Key("note", link.note);
}

template <typename V, Is<GriefDetail> T>
void Fields(V& v, T& grief) {
  v.Key("deceased", grief.deceased_id);
  v.Key("circumstances", grief.circumstances);
  v.Key("mourning", grief.mourning);
}

template <typename V, Is<RoleDisputeDetail> T>
void Fields(V& v, T& dispute) {
  v.Key("other_party", dispute.other_party_id);
  v.Key("stage", dispute.stage, DisputeStage::kDissolution);
  v.Key("issue", dispute.issue);
  v.Key("patient_expectation", dispute.patient_expectation);
  v.Key("other_expectation", dispute.other_expectation);
  v.Key("history", dispute.history);
}

template <typename V, Is<RoleTransitionDetail> T>
void Fields(V& v, T& transition) {
  v.Key("life_event", transition.life_event_id);
  v.Key("old_role", transition.old_role);
  v.Key("new_role", transition.new_role);
  v.Key("losses", transition.losses);
  v.Key("supports", transition.supports);
}

template <typename V, Is<InterpersonalDetail> T>
void Fields(V& v, T& interpersonal) {
  v.Key("past_relationships", interpersonal.past_relationships);
  v.Key("patterns", interpersonal.patterns);
}

template <typename V, Is<ProblemArea> T>
void Fields(V& v, T& area) {
  v.Key("kind", area.kind, ProblemAreaKind::kGriefForTheHealthySelf);
  v.Key("display_name", area.display_name);
  v.Key("evidence", area.evidence);
  v.Key("onset_links", area.onset_links);
  v.Key("grief", area.grief);
  v.Key("dispute", area.role_dispute);
  v.Key("transition", area.role_transition);
  v.Key("interpersonal", area.interpersonal_deficits);
  v.Key("patient_severity", area.patient_severity);
  v.Key("therapist_severity", area.therapist_severity);
  v.Key("patient_view", area.patient_view);
  v.Key("therapist_view", area.therapist_view);
  v.Key("prospect", area.change_prospect, ChangeProspect::kUnlikely);
  v.Key("rank", area.rank);
}

// ----------------------------------------------------------------------------------------- goals

template <typename V, Is<Stamp> T>
void Fields(V& v, T& stamp) {
  v.Key("revision", stamp.revision);
  v.Key("created", stamp.create_time);
  v.Key("updated", stamp.update_time);
}

template <typename V, Is<GoalRating> T>
void Fields(V& v, T& rating) {
  v.Key("id", rating.rating_id);
  v.Key("value", rating.value);
  v.Key("rater", rating.rater, GoalRater::kTherapist);
  v.Key("rated_on", rating.rated_on);
  v.Key("session", rating.session_id);
  v.Key("note", rating.note);
  v.Key("caller", rating.caller);
  v.Key("stamp", rating.stamp);
}

template <typename V, Is<RatingSummary> T>
void Fields(V& v, T& ratings) {
  v.Key("first_patient", ratings.first_patient);
  v.Key("last_patient", ratings.last_patient);
  v.Key("last_therapist", ratings.last_therapist);
  v.Key("count", ratings.count);
}

template <typename V, Is<GoalChange> T>
void Fields(V& v, T& change) {
  v.Key("time", change.time);
  v.Key("state", change.state, GoalState::kAbandoned);
  v.Key("caller", change.caller);
  v.Key("reason", change.reason);
}

template <typename V, Is<Goal> T>
void Fields(V& v, T& goal) {
  v.Key("description", goal.description);
  v.Key("measure", goal.measure);
  v.Key("target", goal.target_date);
  v.Key("ratings", goal.ratings);
  v.Key("changes", goal.changes);
}

// ----------------------------------------------------------------------------------- formulation

template <typename V, Is<FocusArea> T>
void Fields(V& v, T& focus) {
  v.Key("area", focus.problem_area_id);
  v.Key("reason", focus.reason);
}

template <typename V, Is<FormulationLink> T>
void Fields(V& v, T& link) {
  v.Key("id", link.id);
  v.Key("symptom_text", link.symptom_text);
  v.Key("symptom_event", link.symptom_event_id);
  v.Key("life_event", link.life_event_id);
  v.Key("area", link.problem_area_id);
  v.Key("goals", link.goal_ids);
  v.Key("explanation", link.explanation);
}

template <typename V, Is<TreatmentContract> T>
void Fields(V& v, T& contract) {
  v.Key("sessions", contract.sessions);
  v.Key("weeks", contract.weeks);
  v.Key("session_minutes", contract.session_minutes);
  v.Key("cadence_days", contract.cadence_days);
  v.Key("end", contract.end_date);
  v.Key("missed_sessions", contract.missed_session_policy);
  v.Key("here_and_now", contract.here_and_now_focus);
  v.Key("practicalities", contract.practicalities);
}

template <typename V, Is<FormulationContent> T>
void Fields(V& v, T& content) {
  v.Key("patient_narrative", content.patient_narrative);
  v.Key("clinical_narrative", content.clinical_narrative);
  v.Key("focus", content.focus);
  v.Key("links", content.links);
  v.Key("goals", content.goal_ids);
  v.Key("contract", content.contract);
}

template <typename V, Is<FocusSnapshot> T>
void Fields(V& v, T& area) {
  v.Key("area", area.problem_area_id);
  v.Key("position", area.position, FocusPosition::kSecondary);
  v.Key("kind", area.kind, ProblemAreaKind::kGriefForTheHealthySelf);
  v.Key("display_name", area.display_name);
  v.Key("plain_name", area.plain_name);
  v.Key("stage", area.dispute_stage, DisputeStage::kDissolution);
}

template <typename V, Is<GoalSnapshot> T>
void Fields(V& v, T& goal) {
  v.Key("goal", goal.goal_id);
  v.Key("description", goal.description);
  v.Key("area", goal.problem_area_id);
}

template <typename V, Is<LifeEventSnapshot> T>
void Fields(V& v, T& event) {
  v.Key("life_event", event.life_event_id);
  v.Key("kind", event.kind, LifeEventKind::kOther);
  v.Key("display_name", event.display_name);
  v.Key("start", event.start_date);
}

template <typename V, Is<FormulationSnapshot> T>
void Fields(V& v, T& snapshot) {
  v.Key("areas", snapshot.problem_areas);
  v.Key("goals", snapshot.goals);
  v.Key("life_events", snapshot.life_events);
}

template <typename V, Is<Agreement> T>
void Fields(V& v, T& agreement) {
  v.Key("agreed_on", agreement.agreed_on);
  v.Key("by", agreement.agreed_by, AgreementParty::kGuardian);
  v.Key("mode", agreement.mode, AgreementMode::kOnline);
  v.Key("session", agreement.session_id);
  v.Key("session_number", agreement.session_number);
  v.Key("recorded", agreement.record_time);
  v.Key("caller", agreement.caller);
}

template <typename V, Is<RevisionChange> T>
void Fields(V& v, T& change) {
  v.Key("time", change.time);
  v.Key("kind", change.kind, RevisionChangeKind::kSuperseded);
  v.Key("caller", change.caller);
  v.Key("reason", change.reason);
}

template <typename V, Is<FormulationRevision> T>
void Fields(V& v, T& revision) {
  v.Key("reason", revision.reason, RevisionReason::kOther);
  v.Key("reason_text", revision.reason_text);
  v.Key("based_on", revision.based_on);
  v.Key("caller", revision.caller);
}

template <typename V, Is<AgreedFormulation> T>
void Fields(V& v, T& agreed) {
  v.Key("focus", agreed.focus);
  v.Key("goals", agreed.goals);
  v.Key("contract", agreed.contract);
  v.Key("has_contract", agreed.has_contract);
}

// --------------------------------------------------------------------------------------- session

template <typename V, Is<TaskWork> T>
void Fields(V& v, T& task) {
  v.Key("task", task.task);
  v.Key("state", task.state, TaskWorkState::kDone);
}

template <typename V, Is<FocusWork> T>
void Fields(V& v, T& focus) {
  v.Key("area", focus.problem_area_id);
  v.Key("strategies", focus.strategies);
}

template <typename V, Is<RecordedWork> T>
void Fields(V& v, T& work) {
  v.Key("tasks", work.tasks);
  v.Key("focus", work.focus_work);
  v.Key("techniques", work.techniques);
}

// What a session's work says in words. The lists are as long as those of what was done.
struct WorkNotes {
  std::vector<std::string> tasks{};
  std::vector<std::string> focus_work{};
  std::string mood_and_events{};
  std::string tryouts_reviewed{};
  std::string tryouts_agreed{};
  std::string process_notes{};
  std::string caller{};
};

template <typename V, Is<WorkNotes> T>
void Fields(V& v, T& notes) {
  v.Key("tasks", notes.tasks);
  v.Key("focus", notes.focus_work);
  v.Key("mood_and_events", notes.mood_and_events);
  v.Key("tryouts_reviewed", notes.tryouts_reviewed);
  v.Key("tryouts_agreed", notes.tryouts_agreed);
  v.Key("process", notes.process_notes);
  v.Key("caller", notes.caller);
}

// ---------------------------------------------------------------------------------------- ending

template <typename V, Is<HelpContact> T>
void Fields(V& v, T& contact) {
  v.Key("display_name", contact.display_name);
  v.Key("how", contact.how);
}

template <typename V, Is<Termination> T>
void Fields(V& v, T& termination) {
  v.Key("gains", termination.gains);
  v.Key("remaining", termination.remaining_difficulties);
  v.Key("feelings", termination.feelings_about_ending);
  v.Key("warning_signs", termination.early_warning_signs);
  v.Key("risk_situations", termination.risk_situations);
  v.Key("plan_steps", termination.plan_steps);
  v.Key("contacts", termination.contacts);
  v.Key("nonresponse_plan", termination.nonresponse_plan);
  v.Key("continuation", termination.continuation, ContinuationDecision::kReferral);
  v.Key("continuation_note", termination.continuation_note);
  v.Key("decided_on", termination.decided_on);
  v.Key("caller", termination.caller);
}

template <typename V, Is<FormulationPolicy> T>
void Fields(V& v, T& policy) {
  v.Key("tradition", policy.tradition);
  v.Key("max_focus_areas", policy.max_focus_areas);
  v.Key("focus_by_session", policy.focus_by_session);
  v.Key("termination_sessions_before_end", policy.termination_sessions_before_end);
  v.Key("unrecorded_in_a_row", policy.unrecorded_in_a_row);
  v.Key("record_days", policy.record_days);
  v.Key("without_focus_work_in_a_row", policy.without_focus_work_in_a_row);
  v.Key("midpoint_grace_sessions", policy.midpoint_grace_sessions);
  v.Key("disabled_rules", policy.disabled_rules, FindingRule::kGoalsLeftOpen);
}

}  // namespace

std::string EncodeRelationship(const Relationship& relationship) { return Encode(relationship); }
absl::Status DecodeRelationship(absl::string_view text, Relationship& relationship) {
  return Decode(text, "relationships.document", relationship);
}

std::string EncodeLifeEvent(const LifeEvent& event) { return Encode(event); }
absl::Status DecodeLifeEvent(absl::string_view text, LifeEvent& event) {
  return Decode(text, "life_events.document", event);
}

std::string EncodeProblemArea(const ProblemArea& area) { return Encode(area); }
absl::Status DecodeProblemArea(absl::string_view text, ProblemArea& area) {
  return Decode(text, "problem_areas.document", area);
}

std::string EncodeGoal(const Goal& goal) { return Encode(goal); }
absl::Status DecodeGoal(absl::string_view text, Goal& goal) {
  IPT_RETURN_IF_ERROR(Decode(text, "goals.document", goal));
  RatingSummary& ratings = goal.ratings;
  for (auto* rating : {&ratings.first_patient, &ratings.last_patient, &ratings.last_therapist}) {
    if (!rating->has_value()) continue;
    (*rating)->clinic_id = goal.clinic_id;
    (*rating)->course_id = goal.course_id;
    (*rating)->goal_id = goal.goal_id;
  }
  return absl::OkStatus();
}

std::string EncodeContent(const FormulationContent& content) { return Encode(content); }
absl::Status DecodeContent(absl::string_view text, FormulationContent& content) {
  return Decode(text, "formulation_revisions.content", content);
}

std::string EncodeSnapshot(const FormulationSnapshot& snapshot) { return Encode(snapshot); }
absl::Status DecodeSnapshot(absl::string_view text, RevisionState state,
                            FormulationSnapshot& snapshot) {
  constexpr absl::string_view kColumn = "formulation_revisions.snapshot";
  IPT_RETURN_IF_ERROR(Decode(text, kColumn, snapshot));
  const auto& areas = snapshot.problem_areas;
  const bool has_focus = !areas.empty() && areas.front().position == FocusPosition::kPrimary;
  return has_focus || state == RevisionState::kDraft ? absl::OkStatus() : Damaged(kColumn);
}

std::string EncodeAgreement(const Agreement& agreement) { return Encode(agreement); }
absl::Status DecodeAgreement(absl::string_view text, Agreement& agreement) {
  return Decode(text, "formulation_revisions.agreement", agreement);
}

std::string EncodeDetails(const FormulationRevision& revision) { return Encode(revision); }
absl::Status DecodeDetails(absl::string_view text, FormulationRevision& revision) {
  return Decode(text, "formulation_revisions.details", revision);
}

std::string EncodeChanges(const std::vector<RevisionChange>& changes) { return Encode(changes); }
absl::Status DecodeChanges(absl::string_view text, std::vector<RevisionChange>& changes) {
  return Decode(text, "formulation_revisions.changes", changes);
}

std::string EncodeOutline(const AgreedFormulation& agreed) { return Encode(agreed); }
absl::Status DecodeOutline(absl::string_view text, AgreedFormulation& agreed) {
  return Decode(text, "formulation_revisions.outline", agreed);
}

std::string EncodeWorkDone(const RecordedWork& work) { return Encode(work); }
absl::Status DecodeWorkDone(absl::string_view text, RecordedWork& work) {
  return Decode(text, "session_work.done", work);
}

std::string EncodeWorkNotes(const SessionWork& work) {
  WorkNotes notes{.mood_and_events = work.mood_and_events,
                  .tryouts_reviewed = work.tryouts_reviewed,
                  .tryouts_agreed = work.tryouts_agreed,
                  .process_notes = work.process_notes,
                  .caller = work.caller};
  for (const TaskWork& task : work.tasks) notes.tasks.push_back(task.note);
  for (const FocusWork& focus : work.focus_work) notes.focus_work.push_back(focus.note);
  return Encode(notes);
}
absl::Status DecodeWorkNotes(absl::string_view text, SessionWork& work) {
  constexpr absl::string_view kColumn = "session_work.notes";
  WorkNotes notes;
  IPT_RETURN_IF_ERROR(Decode(text, kColumn, notes));
  if (notes.tasks.size() != work.tasks.size() ||
      notes.focus_work.size() != work.focus_work.size()) {
    return Damaged(kColumn);
  }
  for (size_t i = 0; i < notes.tasks.size(); ++i) work.tasks[i].note = std::move(notes.tasks[i]);
  for (size_t i = 0; i < notes.focus_work.size(); ++i) {
    work.focus_work[i].note = std::move(notes.focus_work[i]);
  }
  work.mood_and_events = std::move(notes.mood_and_events);
  work.tryouts_reviewed = std::move(notes.tryouts_reviewed);
  work.tryouts_agreed = std::move(notes.tryouts_agreed);
  work.process_notes = std::move(notes.process_notes);
  work.caller = std::move(notes.caller);
  return absl::OkStatus();
}

std::string EncodeTermination(const Termination& termination) { return Encode(termination); }
absl::Status DecodeTermination(absl::string_view text, Termination& termination) {
  return Decode(text, "terminations.document", termination);
}

std::string EncodePolicy(const FormulationPolicy& policy) { return Encode(policy); }
absl::Status DecodePolicy(absl::string_view text, FormulationPolicy& policy) {
  return Decode(text, "formulation_policies.policy", policy);
}

std::string EncodeStrings(const std::vector<std::string>& strings) { return Encode(strings); }

}  // namespace ipt::formulation
