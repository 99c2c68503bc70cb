// Writing a formulation, putting it to the patient, agreeing and revising it.
//
// Each function that writes runs in the caller's transaction, with the course's scope locked since
// `before` was read. What it refuses, it refuses before it writes: INVALID_FIELDS,
// FORMULATION_STATE, ETAG_MISMATCH, and what is said with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/course_parts.h"
#include "formulation/domain/formulation.h"
#include "formulation/domain/formulation_diff.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/store.h"
#include "formulation/domain/types.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {

// What a formulation is checked and read by.
struct FormulationGround {
  CourseParts parts{};
  FormulationPolicy policy{};
  CourseProtocol protocol{};

  int max_focus() const { return protocol.MaxFocus(policy); }
};
// `variant_id`: the course's; empty: it is not known.
absl::StatusOr<FormulationGround> ReadGround(FormulationReader& reader,
                                             const ProtocolSet& protocols,
                                             absl::string_view clinic_id,
                                             absl::string_view course_id,
                                             absl::string_view variant_id);

struct SaveDraftCommand {
  int64_t if_revision = 0;       // of the draft; 0: none is stated
  FormulationContent content{};  // all of it, merged over the present draft
};
// A draft that somebody else saved meanwhile. Nothing was written.
struct DraftConflict {
  FormulationContent mine{};
  FormulationRevision theirs{};
  std::vector<FieldChange> differences{};  // from theirs to mine
};
struct SavedDraft {
  CourseFormulation formulation{};  // as it stands afterwards
  FormulationGround ground{};       // by which it was checked
  std::optional<DraftConflict> conflict{};
};
// Links without an id are given one. A conflict is the caller's to refuse or to answer with; where
// the draft is gone, there are no two versions: ETAG_MISMATCH.
absl::StatusOr<SavedDraft> SaveDraft(FormulationTx& tx, const CallContext& ctx, IdSource& ids,
                                     const ProtocolSet& protocols,
                                     const courses::CopiedCourse& course,
                                     const CourseFormulation& before, SaveDraftCommand command);

// FORMULATION_INCOMPLETE, LIMIT_REACHED; INVALID_FIELDS where the draft, as things are now, could
// not be saved as it is.
absl::StatusOr<CourseFormulation> ProposeFormulation(FormulationTx& tx, const CallContext& ctx,
                                                     const ProtocolSet& protocols,
                                                     const courses::CopiedCourse& course,
                                                     const CourseFormulation& before,
                                                     int64_t if_revision);

absl::StatusOr<CourseFormulation> WithdrawProposal(FormulationTx& tx, const CallContext& ctx,
                                                   const CourseFormulation& before,
                                                   int64_t if_revision, absl::string_view reason);

struct AgreeCommand {
  int64_t if_revision = 0;
  std::optional<absl::CivilDay> agreed_on{};
  AgreementParty agreed_by = AgreementParty::kUnspecified;
  AgreementMode mode = AgreementMode::kUnspecified;
  std::string session_id{};
};
// Goals that it names and that were PROPOSED are ACTIVE afterwards. SESSION_NOT_HELD; NOT_FOUND for
// a session that the course does not have.
absl::StatusOr<CourseFormulation> AgreeFormulation(FormulationTx& tx, const CallContext& ctx,
                                                   const courses::CopiedCourse& course,
                                                   const CourseFormulation& before,
                                                   const AgreeCommand& command);

absl::StatusOr<CourseFormulation> ReviseFormulation(FormulationTx& tx, const CallContext& ctx,
                                                    const CourseFormulation& before,
                                                    int64_t if_revision, RevisionReason reason,
                                                    absl::string_view reason_text);

absl::StatusOr<CourseFormulation> DiscardDraft(FormulationTx& tx, const CallContext& ctx,
                                               const CourseFormulation& before,
                                               int64_t if_revision);

// `from` and `to`: of one course. `ground`: what drafts' names stand for now.
std::vector<FieldChange> DiffRevisions(const FormulationRevision& from,
                                       const FormulationRevision& to,
                                       const FormulationGround& ground);

}  // namespace ipt::formulation
