// What a patient's problems are assessed as, and by what.
//
// Each function that writes runs in the caller's transaction, with the course's scope locked since
// what it is given was read. What it refuses, it refuses before it writes.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/course_parts.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/store.h"
#include "formulation/domain/types.h"
#include "platform/errors/field_violations.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {

inline constexpr size_t kMostProblemAreas = 20;

// Adds what cannot be, by field, as the contract names them; beyond the fields' own rules.
// `before`: as it was (null: it is new); its criteria stay, whatever became of the protocol.
void CheckProblemArea(const ProblemArea& area, const ProblemArea* before, const CourseParts& parts,
                      const CourseProtocol& protocol, FieldViolations bad);

// By rank (those without one last), then as they were.
void SortAreas(std::vector<ProblemArea>& areas);

// An empty id: a new one. INVALID_FIELDS, LIMIT_REACHED, RESOURCE_EXISTS.
absl::StatusOr<ProblemArea> CreateProblemArea(FormulationTx& tx, const CallContext& ctx,
                                              IdSource& ids, const ProtocolSet& protocols,
                                              const courses::CopiedCourse& course,
                                              ProblemArea area);
// `after`: all of it, merged; its kind stays. INVALID_FIELDS, ETAG_MISMATCH.
absl::StatusOr<ProblemArea> ChangeProblemArea(FormulationTx& tx, const CallContext& ctx,
                                              const ProtocolSet& protocols,
                                              const courses::CopiedCourse& course,
                                              const ProblemArea& before, ProblemArea after,
                                              int64_t if_revision);
// RESOURCE_IN_USE, ETAG_MISMATCH.
absl::Status RemoveProblemArea(FormulationTx& tx, const CallContext& ctx, const ProblemArea& area,
                               int64_t if_revision);

}  // namespace ipt::formulation
