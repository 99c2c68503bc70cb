// The interpersonal inventory: who there is in a patient's life, and what happened when.
//
// Each function that writes runs in the caller's transaction, with the course's scope locked since
// what it is given was read. What it refuses, it refuses before it writes.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/store.h"
#include "formulation/domain/types.h"
#include "platform/errors/field_violations.h"
#include "platform/ids/ids.h"
#include "platform/transaction/call_context.h"

namespace ipt::formulation {

inline constexpr size_t kMostRelationships = 100;
inline constexpr size_t kMostLifeEvents = 200;

// Adds what cannot be, by field, as the contract names them; beyond the fields' own rules.
void CheckRelationship(const Relationship& relationship, FieldViolations bad);
// `relationships`: all of the course's.
void CheckLifeEvent(const LifeEvent& event, const std::vector<Relationship>& relationships,
                    FieldViolations bad);

// CURRENT, PAST, then DECEASED ones; in each by circle (those without one last), then as they were.
void SortInventory(std::vector<Relationship>& relationships);
// By start, then as they were.
void SortTimeline(std::vector<LifeEvent>& events);

// An empty id: a new one. INVALID_FIELDS, LIMIT_REACHED, RESOURCE_EXISTS.
absl::StatusOr<Relationship> CreateRelationship(FormulationTx& tx, const CallContext& ctx,
                                                IdSource& ids, const courses::CopiedCourse& course,
                                                Relationship relationship);
// `after`: all of it, merged. INVALID_FIELDS, ETAG_MISMATCH.
absl::StatusOr<Relationship> ChangeRelationship(FormulationTx& tx, const CallContext& ctx,
                                                const Relationship& before, Relationship after,
                                                int64_t if_revision);
// RESOURCE_IN_USE, ETAG_MISMATCH.
absl::Status RemoveRelationship(FormulationTx& tx, const CallContext& ctx,
                                const Relationship& relationship, int64_t if_revision);

absl::StatusOr<LifeEvent> CreateLifeEvent(FormulationTx& tx, const CallContext& ctx, IdSource& ids,
                                          const courses::CopiedCourse& course, LifeEvent event);
absl::StatusOr<LifeEvent> ChangeLifeEvent(FormulationTx& tx, const CallContext& ctx,
                                          const LifeEvent& before, LifeEvent after,
                                          int64_t if_revision);
absl::Status RemoveLifeEvent(FormulationTx& tx, const CallContext& ctx, const LifeEvent& event,
                             int64_t if_revision);

}  // namespace ipt::formulation
