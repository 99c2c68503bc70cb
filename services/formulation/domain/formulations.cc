#include "formulation/domain/formulations.h"

#include <utility>

#include "formulation/domain/course_access.h"
#include "formulation/domain/goals.h"
#include "formulation/domain/refusals.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"

namespace ipt::formulation {
namespace {

StepBy ByCallerOf(const CallContext& ctx) { return {ctx.caller->subject, ctx.now}; }

// Keeps a step, and tells of it. `number`: of the revision that it is about.
template <typename Notice>
absl::Status Keep(FormulationTx& tx, const CallContext& ctx, const CourseFormulation& before,
                  int number, CourseFormulation& after, FormulationRevision* superseded = nullptr) {
  IPT_RETURN_IF_ERROR(tx.PutFormulation(before, after, superseded, ctx.now));
  Notice notice;
  notice.clinic_id = after.clinic_id;
  notice.course_id = after.course_id;
  notice.number = number;
  notice.state = after.state();
  notice.focus = FocusOf(after);
  return tx.Emit(notice, ctx.now);
}

void GiveLinkIds(IdSource& ids, FormulationContent& content) {
  for (FormulationLink& link : content.links) {
    if (link.id.empty()) link.id = ids.NewUuid();
  }
}

absl::Status CheckAgainst(const FormulationGround& ground, const FormulationContent& content) {
  FieldViolations bad;
  CheckContent(content, ground.parts, ground.max_focus(), bad.In("content"));
  return bad.ToStatus();
}

absl::Status CheckAgreeing(const AgreeCommand& command, absl::CivilDay today) {
  FieldViolations bad;
  if (!command.agreed_on.has_value()) {
    bad.Add("agreed_on", "is required");
  } else if (*command.agreed_on > today) {
    bad.Add("agreed_on", "must not be in the future");
  }
  if (command.agreed_by == AgreementParty::kUnspecified) bad.Add("agreed_by", "is required");
  if (command.mode == AgreementMode::kUnspecified) bad.Add("mode", "is required");
  if (!command.session_id.empty() && command.mode != AgreementMode::kInSession) {
    bad.Add("session", "must be empty but for IN_SESSION");
  }
  return bad.ToStatus();
}

}  // namespace

absl::StatusOr<FormulationGround> ReadGround(FormulationReader& reader,
                                             const ProtocolSet& protocols,
                                             absl::string_view clinic_id,
                                             absl::string_view course_id,
                                             absl::string_view variant_id) {
  FormulationGround ground;
  IPT_ASSIGN_OR_RETURN(ground.parts, ReadParts(reader, clinic_id, course_id));
  IPT_ASSIGN_OR_RETURN(ground.policy, reader.GetPolicy(clinic_id));
  ground.protocol = protocols.For(variant_id, ground.policy);
  return ground;
}

absl::StatusOr<SavedDraft> SaveDraft(FormulationTx& tx, const CallContext& ctx, IdSource& ids,
                                     const ProtocolSet& protocols,
                                     const courses::CopiedCourse& course,
                                     const CourseFormulation& before, SaveDraftCommand command) {
  GiveLinkIds(ids, command.content);
  IPT_ASSIGN_OR_RETURN(FormulationGround ground, ReadGround(tx, protocols, before.clinic_id,
                                                            before.course_id, course.variant_id));
  const bool draft = before.pending.has_value() && before.pending->state == RevisionState::kDraft;
  if (draft && !IsOfDraft(before, command.if_revision)) {
    const FormulationSnapshot none;
    DraftConflict conflict{.mine = std::move(command.content), .theirs = *before.pending};
    conflict.differences = Diff(before.clinic_id, before.course_id, {conflict.theirs.content, none},
                                {conflict.mine, none});
    return SavedDraft{
        .formulation = before, .ground = std::move(ground), .conflict = std::move(conflict)};
  }
  const FormulationContent content = command.content;
  IPT_ASSIGN_OR_RETURN(
      CourseFormulation after,
      SaveStep(before, command.if_revision, std::move(command.content), ByCallerOf(ctx)));
  IPT_RETURN_IF_ERROR(CheckAgainst(ground, content));
  IPT_RETURN_IF_ERROR(Keep<DraftChanged>(tx, ctx, before, after.pending->number, after));
  return SavedDraft{.formulation = std::move(after), .ground = std::move(ground)};
}

absl::StatusOr<CourseFormulation> ProposeFormulation(FormulationTx& tx, const CallContext& ctx,
                                                     const ProtocolSet& protocols,
                                                     const courses::CopiedCourse& course,
                                                     const CourseFormulation& before,
                                                     int64_t if_revision) {
  IPT_ASSIGN_OR_RETURN(
      const FormulationGround ground,
      ReadGround(tx, protocols, before.clinic_id, before.course_id, course.variant_id));
  IPT_ASSIGN_OR_RETURN(CourseFormulation after, ProposeStep(before, if_revision, ground.parts,
                                                            ground.protocol, ByCallerOf(ctx)));
  // The policy and what the content names may be others than when it was saved.
  IPT_RETURN_IF_ERROR(CheckAgainst(ground, after.pending->content));
  IPT_RETURN_IF_ERROR(Keep<FormulationProposed>(tx, ctx, before, after.pending->number, after));
  return after;
}

absl::StatusOr<CourseFormulation> WithdrawProposal(FormulationTx& tx, const CallContext& ctx,
                                                   const CourseFormulation& before,
                                                   int64_t if_revision, absl::string_view reason) {
  FieldViolations bad;
  CheckReason(reason, /*required=*/true, bad);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(CourseFormulation after,
                       WithdrawStep(before, if_revision, reason, ByCallerOf(ctx)));
  IPT_RETURN_IF_ERROR(Keep<ProposalWithdrawn>(tx, ctx, before, after.pending->number, after));
  return after;
}

absl::StatusOr<CourseFormulation> AgreeFormulation(FormulationTx& tx, const CallContext& ctx,
                                                   const courses::CopiedCourse& course,
                                                   const CourseFormulation& before,
                                                   const AgreeCommand& command) {
  IPT_ASSIGN_OR_RETURN(const absl::CivilDay today, DayIn(course, ctx.now));
  IPT_RETURN_IF_ERROR(CheckAgreeing(command, today));
  Agreement agreement{.agreed_on = *command.agreed_on,
                      .agreed_by = command.agreed_by,
                      .mode = command.mode,
                      .session_id = command.session_id};
  if (!command.session_id.empty()) {
    IPT_ASSIGN_OR_RETURN(const courses::CopiedSession* session,
                         SessionOf(course, command.session_id));
    IPT_RETURN_IF_ERROR(RefuseNotHeld(course, *session, ctx.now));
    agreement.session_number = session->number;
  }
  IPT_ASSIGN_OR_RETURN(AgreedStep step, AgreeStep(before, command.if_revision, std::move(agreement),
                                                  ByCallerOf(ctx)));
  IPT_RETURN_IF_ERROR(ActivateGoals(tx, ctx, before.clinic_id, before.course_id,
                                    step.after.current->content.goal_ids));
  IPT_RETURN_IF_ERROR(
      Keep<FormulationAgreed>(tx, ctx, before, step.after.current->number, step.after,
                              step.superseded.has_value() ? &*step.superseded : nullptr));
  return std::move(step.after);
}

absl::StatusOr<CourseFormulation> ReviseFormulation(FormulationTx& tx, const CallContext& ctx,
                                                    const CourseFormulation& before,
                                                    int64_t if_revision, RevisionReason reason,
                                                    absl::string_view reason_text) {
  FieldViolations bad;
  if (reason == RevisionReason::kUnspecified) bad.Add("reason", "is required");
  if (reason == RevisionReason::kOther && IsBlank(reason_text)) {
    bad.Add("reason_text", "is required where the reason is OTHER");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(CourseFormulation after,
                       ReviseStep(before, if_revision, reason, reason_text, ByCallerOf(ctx)));
  IPT_RETURN_IF_ERROR(Keep<DraftChanged>(tx, ctx, before, after.pending->number, after));
  return after;
}

absl::StatusOr<CourseFormulation> DiscardDraft(FormulationTx& tx, const CallContext& ctx,
                                               const CourseFormulation& before,
                                               int64_t if_revision) {
  IPT_ASSIGN_OR_RETURN(CourseFormulation after, DiscardStep(before, if_revision));
  IPT_RETURN_IF_ERROR(Keep<DraftDiscarded>(tx, ctx, before, before.pending->number, after));
  return after;
}

std::vector<FieldChange> DiffRevisions(const FormulationRevision& from,
                                       const FormulationRevision& to,
                                       const FormulationGround& ground) {
  const auto snapshot = [&](const FormulationRevision& revision) {
    return revision.state == RevisionState::kDraft
               ? SnapshotOf(revision.content, ground.parts, ground.protocol)
               : revision.snapshot;
  };
  const FormulationSnapshot first = snapshot(from);
  const FormulationSnapshot second = snapshot(to);
  return Diff(from.clinic_id, from.course_id, {from.content, first}, {to.content, second});
}

}  // namespace ipt::formulation
