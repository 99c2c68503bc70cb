// What was done in sessions, and how a course ends.
//
// Each function that writes runs in the caller's transaction, with the course's scope locked since
// what it is given was read. What it refuses, it refuses before it writes.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/course_parts.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/store.h"
#include "formulation/domain/types.h"
#include "platform/errors/field_violations.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {

// Adds what cannot be, by field, as the contract names them; beyond the fields' own rules.
// `before`: as it was; its codes stay, whatever became of the protocol.
void CheckSessionWork(const SessionWork& work, const SessionWork& before, const CourseParts& parts,
                      const CourseProtocol& protocol, FieldViolations bad);
void CheckTermination(const Termination& termination, FieldViolations bad);

// `after`: all of it, merged over `before` (of revision 0 where nothing is recorded).
// INVALID_FIELDS, ETAG_MISMATCH, SESSION_NOT_HELD; NOT_FOUND for a session that the course does not
// have.
absl::StatusOr<SessionWork> RecordSessionWork(FormulationTx& tx, const CallContext& ctx,
                                              const ProtocolSet& protocols,
                                              const courses::CopiedCourse& course,
                                              const SessionWork& before, SessionWork after,
                                              int64_t if_revision);

// `after`: all of it, merged. INVALID_FIELDS, ETAG_MISMATCH.
absl::StatusOr<Termination> UpdateTermination(FormulationTx& tx, const CallContext& ctx,
                                              const Termination& before, Termination after,
                                              int64_t if_revision);

}  // namespace ipt::formulation
