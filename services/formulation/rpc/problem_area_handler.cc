#include "formulation/rpc/problem_area_handler.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "course_copies/rpc/scheduling_view.h"
#include "formulation/domain/course_access.h"
#include "formulation/domain/formulations.h"
#include "formulation/domain/names.h"
#include "formulation/domain/problem_areas.h"
#include "formulation/rpc/course_entry.h"
#include "formulation/rpc/course_write.h"
#include "formulation/rpc/problem_area_proto.h"
#include "formulation/rpc/whole_list.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stated.h"

namespace ipt::formulation {
namespace {

using courses::CourseAnswer;

// A course's areas, and what is said of each beside what was recorded.
struct CourseAreas {
  FormulationGround ground{};
  CourseFormulation formulation{};
  const CourseAnswer* course = nullptr;

  void Write(const ProblemArea& area, pb::ProblemArea* out) const {
    WriteProblemArea(area, out);
    WriteStanding(area, formulation, ground, out);
    courses::WriteScheduling(*course, out->mutable_scheduling());
  }
};

// `course` must outlive what is returned.
absl::StatusOr<CourseAreas> ReadAreas(FormulationReader& reader, const ProtocolSet& protocols,
                                      const CallContext& ctx, absl::string_view course_id,
                                      const CourseAnswer& course) {
  CourseAreas areas{.course = &course};
  IPT_ASSIGN_OR_RETURN(areas.ground,
                       ReadGround(reader, protocols, ctx.clinic_id, course_id, VariantOf(course)));
  IPT_ASSIGN_OR_RETURN(areas.formulation, reader.GetFormulation(ctx.clinic_id, course_id));
  return areas;
}

// As it reads after the write. What was only tried has no revision.
absl::StatusOr<pb::ProblemArea> AreaWrittenFor(const CallContext& ctx, FormulationTx& tx,
                                               const ProtocolSet& protocols,
                                               const CourseAnswer& course, ProblemArea area) {
  IPT_ASSIGN_OR_RETURN(const CourseAreas areas,
                       ReadAreas(tx, protocols, ctx, area.course_id, course));
  if (ctx.validate_only) area.stamp.revision = 0;
  pb::ProblemArea response;
  areas.Write(area, &response);
  return response;
}

}  // namespace

absl::StatusOr<pb::ProblemArea> ProblemAreaHandler::CreateProblemArea(
    const CallContext& ctx, const pb::CreateProblemAreaRequest& request) {
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  return WriteToCourse<pb::ProblemArea>(
      store_, courses_, ctx, course_id, "",
      [&](FormulationTx& tx, const CourseAnswer& course) -> absl::StatusOr<pb::ProblemArea> {
        ProblemArea area = ReadProblemArea(request.problem_area(), course_id);
        area.problem_area_id = request.problem_area_id();
        IPT_ASSIGN_OR_RETURN(area, formulation::CreateProblemArea(tx, ctx, ids_, protocols_,
                                                                  *course.course, std::move(area)));
        return AreaWrittenFor(ctx, tx, protocols_, course, std::move(area));
      });
}

absl::StatusOr<pb::ProblemArea> ProblemAreaHandler::GetProblemArea(
    const CallContext& ctx, const pb::GetProblemAreaRequest& request) {
  const EntryIds ids(request.name());
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course, FindCourseToRead(courses_, ctx, ids.course_id));
  return rpc::ReadView<pb::ProblemArea>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ProblemArea> {
        IPT_ASSIGN_OR_RETURN(const CourseAreas areas,
                             ReadAreas(reader, protocols_, ctx, ids.course_id, course));
        const ProblemArea* area = areas.ground.parts.FindArea(ids.entry_id);
        if (area == nullptr) return NotFound(kProblemAreaType, request.name());
        pb::ProblemArea response;
        areas.Write(*area, &response);
        return response;
      });
}

absl::StatusOr<pb::ListProblemAreasResponse> ProblemAreaHandler::ListProblemAreas(
    const CallContext& ctx, const pb::ListProblemAreasRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  FieldViolations bad;
  const auto kinds = rpc::ReadStated<ProblemAreaKind>(request.kinds(), bad, "kinds");
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  IPT_ASSIGN_OR_RETURN(const CourseAnswer course, FindCourseToRead(courses_, ctx, course_id));
  return rpc::ReadView<pb::ListProblemAreasResponse>(
      store_, ctx, request.min_revision(),
      [&](FormulationReader& reader) -> absl::StatusOr<pb::ListProblemAreasResponse> {
        IPT_ASSIGN_OR_RETURN(const CourseAreas areas,
                             ReadAreas(reader, protocols_, ctx, course_id, course));
        std::vector<ProblemArea> list = areas.ground.parts.areas;
        if (!kinds.empty()) {
          std::erase_if(list, [&](const ProblemArea& area) {
            return !absl::c_linear_search(kinds, area.kind);
          });
        }
        SortAreas(list);
        const auto shown =
            PageOf(list, page, static_cast<int>(kMostProblemAreas), &ProblemArea::problem_area_id);
        pb::ListProblemAreasResponse response;
        for (const ProblemArea& area : shown.entries) {
          areas.Write(area, response.add_problem_areas());
        }
        if (!shown.next_cursor.empty()) {
          response.set_next_page_token(rpc::NextPageToken(request, shown.next_cursor));
        }
        return response;
      });
}

absl::StatusOr<pb::ProblemArea> ProblemAreaHandler::UpdateProblemArea(
    const CallContext& ctx, const pb::UpdateProblemAreaRequest& request) {
  const EntryIds ids(request.problem_area().name());
  return WriteToCourse<pb::ProblemArea>(
      store_, courses_, ctx, ids.course_id, "",
      [&](FormulationTx& tx, const CourseAnswer& course) -> absl::StatusOr<pb::ProblemArea> {
        IPT_ASSIGN_OR_RETURN(const ProblemArea before,
                             tx.GetProblemArea(ctx.clinic_id, ids.course_id, ids.entry_id));
        pb::ProblemArea merged;
        WriteProblemArea(before, &merged);
        IPT_RETURN_IF_ERROR(rpc::MergeByMask(request.update_mask(), request.problem_area(), merged,
                                             "problem_area"));
        IPT_ASSIGN_OR_RETURN(ProblemArea after,
                             ChangeProblemArea(tx, ctx, protocols_, *course.course, before,
                                               ReadProblemArea(merged, ids.course_id),
                                               rpc::RevisionOfEtag(request.problem_area().etag())));
        return AreaWrittenFor(ctx, tx, protocols_, course, std::move(after));
      });
}

absl::StatusOr<pb::DeleteProblemAreaResponse> ProblemAreaHandler::DeleteProblemArea(
    const CallContext& ctx, const pb::DeleteProblemAreaRequest& request) {
  const EntryIds ids(request.name());
  return WriteToCourse<pb::DeleteProblemAreaResponse>(
      store_, courses_, ctx, ids.course_id, "",
      [&](FormulationTx& tx, const CourseAnswer&) -> absl::StatusOr<pb::DeleteProblemAreaResponse> {
        IPT_ASSIGN_OR_RETURN(const ProblemArea area,
                             tx.GetProblemArea(ctx.clinic_id, ids.course_id, ids.entry_id));
        IPT_RETURN_IF_ERROR(RemoveProblemArea(tx, ctx, area, rpc::RevisionOfEtag(request.etag())));
        IPT_ASSIGN_OR_RETURN(const int64_t revision, tx.log().Revision());
        pb::DeleteProblemAreaResponse response;
        response.set_revision(revision);
        return response;
      });
}

}  // namespace ipt::formulation
