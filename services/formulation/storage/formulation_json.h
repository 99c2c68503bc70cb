// What columns hold as JSON: what is only read and written whole. Members that have their default
// are left out. Reading is strict: a member that is unknown, or of another type, or an enumeration
// beyond its values, or that something is missing without which it is none such, makes the row a
// damaged one: INTERNAL, naming the column.
//
// What columns of their own hold (ids, stamps, and what each pair of functions names) is in no
// document; decoding leaves it alone.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "formulation/domain/course_records.h"
#include "formulation/domain/types.h"

namespace ipt::formulation {

std::string EncodeRelationship(const Relationship& relationship);
absl::Status DecodeRelationship(absl::string_view text, Relationship& relationship);

std::string EncodeLifeEvent(const LifeEvent& event);
absl::Status DecodeLifeEvent(absl::string_view text, LifeEvent& event);

std::string EncodeProblemArea(const ProblemArea& area);
absl::Status DecodeProblemArea(absl::string_view text, ProblemArea& area);

// Without its problem area and state. Decoding gives the ratings the ids that the goal has.
std::string EncodeGoal(const Goal& goal);
absl::Status DecodeGoal(absl::string_view text, Goal& goal);

std::string EncodeContent(const FormulationContent& content);
absl::Status DecodeContent(absl::string_view text, FormulationContent& content);

// Of a revision in `state`: but of a draft, it has a focus, the primary one first.
std::string EncodeSnapshot(const FormulationSnapshot& snapshot);
absl::Status DecodeSnapshot(absl::string_view text, RevisionState state,
                            FormulationSnapshot& snapshot);

std::string EncodeAgreement(const Agreement& agreement);
absl::Status DecodeAgreement(absl::string_view text, Agreement& agreement);

// Who wrote a revision, why, and on what it is based.
std::string EncodeDetails(const FormulationRevision& revision);
absl::Status DecodeDetails(absl::string_view text, FormulationRevision& revision);

std::string EncodeChanges(const std::vector<RevisionChange>& changes);
absl::Status DecodeChanges(absl::string_view text, std::vector<RevisionChange>& changes);

// Without number and day.
std::string EncodeOutline(const AgreedFormulation& agreed);
absl::Status DecodeOutline(absl::string_view text, AgreedFormulation& agreed);

// A session's work in two parts: what was done, by codes and states, and all else, which stands in
// the order of what was done, so that is decoded first.
std::string EncodeWorkDone(const RecordedWork& work);
absl::Status DecodeWorkDone(absl::string_view text, RecordedWork& work);
std::string EncodeWorkNotes(const SessionWork& work);
absl::Status DecodeWorkNotes(absl::string_view text, SessionWork& work);

// Without the day on which the plan was given.
std::string EncodeTermination(const Termination& termination);
absl::Status DecodeTermination(absl::string_view text, Termination& termination);

// Without its version.
std::string EncodePolicy(const FormulationPolicy& policy);
absl::Status DecodePolicy(absl::string_view text, FormulationPolicy& policy);

// A parameter of storage::InJson.
std::string EncodeStrings(const std::vector<std::string>& strings);

}  // namespace ipt::formulation
