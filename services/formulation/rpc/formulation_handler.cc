#include "formulation/rpc/formulation_handler.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "formulation/domain/course_access.h"
#include "formulation/domain/formulations.h"
#include "formulation/domain/names.h"
#include "formulation/domain/patient_copy.h"
#include "formulation/rpc/course_write.h"
#include "formulation/rpc/entry_field.h"
#include "formulation/rpc/event_proto.h"
#include "formulation/rpc/formulation_proto.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stated.h"

namespace ipt::formulation {
namespace {

using courses::CourseAnswer;

constexpr int kDefaultRevisionsAPage = 10;
constexpr int kMostRevisionsAPage = 20;

// What a revision's name says. Its ids are at odd places but for the last one, since "formulation",
// of which a course has one, stands without an id.
struct RevisionRef {
  explicit RevisionRef(absl::string_view name)
      : course_id(rpc::IdsOf(name)[1]), revision(name.substr(name.rfind('/') + 1)) {}

  // Its number; 0: the pending one; nullopt: no revision is called so.
  std::optional<int> Number() const {
    if (revision == "draft") return 0;
    int number = 0;
    if (!absl::SimpleAtoi(revision, &number) || number <= 0 || absl::StrCat(number) != revision) {
      return std::nullopt;
    }
    return number;
  }

  std::string course_id;
  std::string revision;
};

absl::StatusOr<FormulationRevision> ReadRevision(FormulationReader& reader, const CallContext& ctx,
                                                 const std::string& name) {
  const RevisionRef ref(name);
  const std::optional<int> number = ref.Number();
  if (!number.has_value()) return NotFound(kRevisionType, name);
  return reader.GetRevision(ctx.clinic_id, ref.course_id, *number);
}

absl::StatusOr<pb::Formulation> Described(FormulationReader& reader, const ProtocolSet& protocols,
                                          const CourseAnswer& course,
                                          const CourseFormulation& formulation) {
  IPT_ASSIGN_OR_RETURN(const FormulationGround ground,
                       ReadGround(reader, protocols, formulation.clinic_id, formulation.course_id,
                                  VariantOf(course)));
  pb::Formulation response;
  WriteFormulation(formulation, {ground, course}, &response);
  return response;
}

// What was only tried has no revision; what it left as it was keeps its own.
void ForgetRevision(CourseFormulation& tried) {
  for (auto* revision : {&tried.pending, &tried.current}) {
    if (revision->has_value() && (*revision)->stamp.revision == tried.stamp.revision) {
      (*revision)->stamp.revision = 0;
    }
  }
  tried.stamp.revision = 0;
}

absl::StatusOr<FormulationRevision> RevisionForPatient(FormulationReader& reader,
                                                       absl::string_view clinic_id,
                                                       absl::string_view course_id, int number) {
  if (number != 0) return reader.GetRevision(clinic_id, course_id, number);
  IPT_ASSIGN_OR_RETURN(CourseFormulation formulation, reader.GetFormulation(clinic_id, course_id));
  if (!formulation.current.has_value()) {
    return NotFound(kFormulationType, FormulationName(clinic_id, course_id));
  }
  return *std::move(formulation.current);
}

}  // namespace

absl::StatusOr<pb::Formulation> FormulationHandler::GetFormulation(
    const CallContext& ctx, const pb::GetFormulationRequest& request) {
  const std::string course_id = rpc::IdsOf(request.course())[1];
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course, FindCourseToRead(courses_, ctx, course_id));
  return rpc::ReadView<pb::Formulation>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::Formulation> {
        IPT_ASSIGN_OR_RETURN(const CourseFormulation formulation,
                             reader.GetFormulation(ctx.clinic_id, course_id));
        return Described(reader, protocols_, course, formulation);
      });
}

absl::StatusOr<pb::SaveFormulationDraftResponse> FormulationHandler::SaveFormulationDraft(
    const CallContext& ctx, const pb::SaveFormulationDraftRequest& request) {
  const std::string course_id = rpc::IdsOf(request.course())[1];
  return WriteToCourse<pb::SaveFormulationDraftResponse>(
      store_, courses_, ctx, course_id, "",
      [&](FormulationTx& tx,
          const CourseAnswer& course) -> absl::StatusOr<pb::SaveFormulationDraftResponse> {
        IPT_ASSIGN_OR_RETURN(const CourseFormulation before,
                             tx.GetFormulation(ctx.clinic_id, course_id));
        pb::FormulationContent merged;
        if (before.pending.has_value()) {
          WriteContent(ctx.clinic_id, course_id, before.pending->content, &merged);
        }
        IPT_RETURN_IF_ERROR(
            rpc::MergeByMask(request.update_mask(), request.content(), merged, "content"));
        FieldViolations bad;
        SaveDraftCommand command{.if_revision = rpc::RevisionOfEtag(request.etag()),
                                 .content = ReadContent(merged, course_id, bad.In("content"))};
        IPT_RETURN_IF_ERROR(bad.ToStatus());
        IPT_ASSIGN_OR_RETURN(SavedDraft saved, SaveDraft(tx, ctx, ids_, protocols_, *course.course,
                                                         before, std::move(command)));
        if (saved.conflict.has_value() &&
            request.on_conflict() != pb::CONFLICT_HANDLING_RETURN_BOTH) {
          const FormulationRevision& theirs = saved.conflict->theirs;
          return EtagMismatch(kRevisionType, RevisionName(ctx.clinic_id, course_id, theirs.number),
                              {{"etag", rpc::Etag(theirs.stamp.revision)}});
        }
        pb::SaveFormulationDraftResponse response;
        if (saved.conflict.has_value()) {
          WriteConflict(*saved.conflict, request.etag(), {saved.ground, course},
                        response.mutable_conflict());
          return response;
        }
        // The answer has no name that would tell.
        tx.log().NoteChanged(FormulationName(ctx.clinic_id, course_id));
        if (ctx.validate_only) ForgetRevision(saved.formulation);
        WriteRevision(*saved.formulation.pending, {saved.ground, course}, response.mutable_saved());
        response.set_revision(saved.formulation.stamp.revision);
        return response;
      });
}

absl::StatusOr<pb::Formulation> FormulationHandler::Take(const CallContext& ctx,
                                                         const std::string& course_name,
                                                         const std::string& session_id, Step step) {
  const std::string course_id = rpc::IdsOf(course_name)[1];
  return WriteToCourse<pb::Formulation>(
      store_, courses_, ctx, course_id, session_id,
      [&](FormulationTx& tx, const CourseAnswer& course) -> absl::StatusOr<pb::Formulation> {
        IPT_ASSIGN_OR_RETURN(const CourseFormulation before,
                             tx.GetFormulation(ctx.clinic_id, course_id));
        IPT_ASSIGN_OR_RETURN(CourseFormulation after, step(tx, *course.course, before));
        if (ctx.validate_only) ForgetRevision(after);
        return Described(tx, protocols_, course, after);
      });
}

absl::StatusOr<pb::Formulation> FormulationHandler::ProposeFormulation(
    const CallContext& ctx, const pb::ProposeFormulationRequest& request) {
  return Take(
      ctx, request.course(), "",
      [&](FormulationTx& tx, const courses::CopiedCourse& course, const CourseFormulation& before) {
        return formulation::ProposeFormulation(tx, ctx, protocols_, course, before,
                                               rpc::RevisionOfEtag(request.etag()));
      });
}

absl::StatusOr<pb::Formulation> FormulationHandler::WithdrawProposal(
    const CallContext& ctx, const pb::WithdrawProposalRequest& request) {
  return Take(
      ctx, request.course(), "",
      [&](FormulationTx& tx, const courses::CopiedCourse&, const CourseFormulation& before) {
        return formulation::WithdrawProposal(tx, ctx, before, rpc::RevisionOfEtag(request.etag()),
                                             request.reason());
      });
}

absl::StatusOr<pb::Formulation> FormulationHandler::AgreeFormulation(
    const CallContext& ctx, const pb::AgreeFormulationRequest& request) {
  FieldViolations bad;
  const AgreeCommand command{.if_revision = rpc::RevisionOfEtag(request.etag()),
                             .agreed_on = rpc::ReadDay(request.agreed_on(), bad, "agreed_on"),
                             .agreed_by = static_cast<AgreementParty>(request.agreed_by()),
                             .mode = static_cast<AgreementMode>(request.mode()),
                             .session_id = ReadEntryId(rpc::IdsOf(request.course())[1],
                                                       request.session(), "session", bad)};
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return Take(
      ctx, request.course(), command.session_id,
      [&](FormulationTx& tx, const courses::CopiedCourse& course, const CourseFormulation& before) {
        return formulation::AgreeFormulation(tx, ctx, course, before, command);
      });
}

absl::StatusOr<pb::Formulation> FormulationHandler::ReviseFormulation(
    const CallContext& ctx, const pb::ReviseFormulationRequest& request) {
  return Take(
      ctx, request.course(), "",
      [&](FormulationTx& tx, const courses::CopiedCourse&, const CourseFormulation& before) {
        return formulation::ReviseFormulation(tx, ctx, before, rpc::RevisionOfEtag(request.etag()),
                                              static_cast<RevisionReason>(request.reason()),
                                              request.reason_text());
      });
}

absl::StatusOr<pb::Formulation> FormulationHandler::DiscardFormulationDraft(
    const CallContext& ctx, const pb::DiscardFormulationDraftRequest& request) {
  return Take(
      ctx, request.course(), "",
      [&](FormulationTx& tx, const courses::CopiedCourse&, const CourseFormulation& before) {
        return DiscardDraft(tx, ctx, before, rpc::RevisionOfEtag(request.etag()));
      });
}

absl::StatusOr<pb::ListFormulationRevisionsResponse> FormulationHandler::ListFormulationRevisions(
    const CallContext& ctx, const pb::ListFormulationRevisionsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  int before_number = 0;
  if (!page.cursor.empty() && !absl::SimpleAtoi(page.cursor, &before_number)) {
    return InvalidField("page_token", "is not a token of this list");
  }
  FieldViolations bad;
  const auto states = rpc::ReadStated<RevisionState>(request.states(), bad, "states");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  const size_t size =
      request.page_size() == 0 ? kDefaultRevisionsAPage : std::min(page.size, kMostRevisionsAPage);
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course, FindCourseToRead(courses_, ctx, course_id));
  return rpc::ReadView<pb::ListFormulationRevisionsResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ListFormulationRevisionsResponse> {
        IPT_ASSIGN_OR_RETURN(auto revisions,
                             reader.ListRevisions(ctx.clinic_id, course_id, states, before_number,
                                                  static_cast<int>(size) + 1));
        IPT_ASSIGN_OR_RETURN(
            const FormulationGround ground,
            ReadGround(reader, protocols_, ctx.clinic_id, course_id, VariantOf(course)));
        pb::ListFormulationRevisionsResponse response;
        if (revisions.size() > size) {
          // Only the first of all can be pending. The next page begins with what comes next now, so
          // that one that is agreed meanwhile does not come again.
          response.set_next_page_token(
              rpc::NextPageToken(request, absl::StrCat(revisions[size].number + 1)));
          revisions.resize(size);
        }
        for (const FormulationRevision& revision : revisions) {
          WriteRevision(revision, {ground, course}, response.add_revisions());
        }
        return response;
      });
}

absl::StatusOr<pb::FormulationRevision> FormulationHandler::GetFormulationRevision(
    const CallContext& ctx, const pb::GetFormulationRevisionRequest& request) {
  const std::string course_id = RevisionRef(request.name()).course_id;
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course, FindCourseToRead(courses_, ctx, course_id));
  return rpc::ReadView<pb::FormulationRevision>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::FormulationRevision> {
        IPT_ASSIGN_OR_RETURN(const FormulationRevision revision,
                             ReadRevision(reader, ctx, request.name()));
        IPT_ASSIGN_OR_RETURN(
            const FormulationGround ground,
            ReadGround(reader, protocols_, ctx.clinic_id, course_id, VariantOf(course)));
        pb::FormulationRevision response;
        WriteRevision(revision, {ground, course}, &response);
        return response;
      });
}

absl::StatusOr<pb::DiffFormulationRevisionsResponse> FormulationHandler::DiffFormulationRevisions(
    const CallContext& ctx, const pb::DiffFormulationRevisionsRequest& request) {
  const std::string course_id = RevisionRef(request.from_revision()).course_id;
  if (RevisionRef(request.to_revision()).course_id != course_id) {
    return InvalidField("to_revision", "must be of the same course as from_revision");
  }
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course, FindCourseToRead(courses_, ctx, course_id));
  return rpc::ReadView<pb::DiffFormulationRevisionsResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::DiffFormulationRevisionsResponse> {
        IPT_ASSIGN_OR_RETURN(const FormulationRevision from,
                             ReadRevision(reader, ctx, request.from_revision()));
        IPT_ASSIGN_OR_RETURN(const FormulationRevision to,
                             ReadRevision(reader, ctx, request.to_revision()));
        IPT_ASSIGN_OR_RETURN(
            const FormulationGround ground,
            ReadGround(reader, protocols_, ctx.clinic_id, course_id, VariantOf(course)));
        pb::DiffFormulationRevisionsResponse response;
        for (const FieldChange& change : DiffRevisions(from, to, ground)) {
          WriteFieldChange(change, response.add_changes());
        }
        response.set_from_revision(RevisionName(ctx.clinic_id, course_id, from.number));
        response.set_to_revision(RevisionName(ctx.clinic_id, course_id, to.number));
        return response;
      });
}

absl::StatusOr<pb::PatientCopy> FormulationHandler::GetPatientCopy(
    const CallContext& ctx, const pb::GetPatientCopyRequest& request) {
  if (request.number() < 0) return InvalidField("number", "must not be negative");
  const std::string course_id = rpc::IdsOf(request.course())[1];
  return rpc::ReadView<pb::PatientCopy>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::PatientCopy> {
        IPT_ASSIGN_OR_RETURN(
            const FormulationRevision revision,
            RevisionForPatient(reader, ctx.clinic_id, course_id, request.number()));
        IPT_ASSIGN_OR_RETURN(const PatientCopy copy,
                             PatientCopyOf(revision, protocols_.catalog().language));
        pb::PatientCopy response;
        WritePatientCopy(copy, &response);
        return response;
      });
}

absl::StatusOr<pb::ListCourseFocusesResponse> FormulationHandler::ListCourseFocuses(
    const CallContext& ctx, const pb::ListCourseFocusesRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  FieldViolations bad;
  CourseFocusFilter filter{.kinds = rpc::ReadStated<ProblemAreaKind>(request.kinds(), bad, "kinds"),
                           .primary_only = request.primary_only()};
  if (request.has_agreed_from()) {
    filter.agreed_from = rpc::ReadDay(request.agreed_from(), bad, "agreed_from");
  }
  if (request.has_agreed_to()) {
    filter.agreed_to = rpc::ReadDay(request.agreed_to(), bad, "agreed_to");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return rpc::ReadView<pb::ListCourseFocusesResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ListCourseFocusesResponse> {
        IPT_ASSIGN_OR_RETURN(auto focuses, reader.ListCourseFocuses(ctx.clinic_id, filter,
                                                                    page.cursor, page.size + 1));
        pb::ListCourseFocusesResponse response;
        if (focuses.size() > static_cast<size_t>(page.size)) {
          focuses.resize(page.size);
          response.set_next_page_token(rpc::NextPageToken(request, focuses.back().course_id));
        }
        for (const CourseFocus& focus : focuses) {
          WriteCourseFocus(focus, response.add_course_focuses());
        }
        return response;
      });
}

}  // namespace ipt::formulation
