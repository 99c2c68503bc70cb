#include "outcomes/rpc/measurement_plan_handler.h"

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "course_copies/rpc/scheduling_view.h"
#include "outcomes/domain/names.h"
#include "outcomes/domain/plans.h"
#include "outcomes/domain/reasons.h"
#include "outcomes/rpc/plan_proto.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/content_hash.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/stated.h"
#include "platform/rpc/write_once.h"

namespace ipt::outcomes {
namespace {

// Another plan of the clinic may be for the same courses. With the clinic's scope locked.
absl::Status RefuseTaken(OutcomesReader& reader, const MeasurementPlan& plan) {
  IPT_ASSIGN_OR_RETURN(const auto plans, AllPlans(reader, plan.clinic_id));
  const std::optional<TakenIndication> taken = FindTaken(plans, plan);
  if (!taken.has_value()) return absl::OkStatus();
  ErrorMetadata metadata = {{"plan", MeasurementPlanName(plan.clinic_id, taken->plan_id)}};
  if (taken->indication == 0) {
    return FailedPrecondition(reason::kIndicationTaken,
                              MeasurementPlanName(plan.clinic_id, plan.plan_id),
                              "another plan is for all that no other plan names: change that one, "
                              "or name the indications that this one is for",
                              metadata);
  }
  metadata["indication"] =
      scheduling::v1::Indication_Name(static_cast<scheduling::v1::Indication>(taken->indication));
  return FailedPrecondition(reason::kIndicationTaken,
                            MeasurementPlanName(plan.clinic_id, plan.plan_id),
                            "another plan is for this indication: change that one, or take the "
                            "indication out of it first",
                            metadata);
}

// `before`: its rules as they were.
absl::Status CheckWritten(OutcomesReader& reader, const Catalog& catalog,
                          const std::vector<MeasurementRule>& before, const MeasurementPlan& plan) {
  IPT_ASSIGN_OR_RETURN(const auto instruments, AllInstruments(reader, catalog, plan.clinic_id, ""));
  FieldViolations bad;
  CheckPlan(plan, before, instruments, bad.In("measurement_plan"));
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return RefuseTaken(reader, plan);
}

// What was only tried has no revision.
pb::MeasurementPlan WrittenFor(const CallContext& ctx, MeasurementPlan plan) {
  if (ctx.validate_only) plan.stamp.revision = 0;
  pb::MeasurementPlan response;
  WritePlan(plan, &response);
  return response;
}

pb::CourseMeasurementPlan WrittenFor(const CallContext& ctx, CoursePlan plan,
                                     const courses::CourseAnswer& course) {
  if (ctx.validate_only) plan.stamp.revision = plan.revision = 0;
  pb::CourseMeasurementPlan response;
  WriteCoursePlan(plan, &response);
  courses::WriteScheduling(course, response.mutable_scheduling());
  return response;
}

const courses::CopiedCourse* CopyIn(const courses::CourseAnswer& course) {
  return course.course.has_value() ? &*course.course : nullptr;
}

// Where a list goes on.
struct DueCursor {
  std::string walk;
  DuePlace place;
};

constexpr absl::CivilDay kFirstDay(1970, 1, 1);
constexpr int64_t kMostDays = 10'000 * 366;

std::string WriteDueCursor(const DueWalk& walk, const DueLine& last) {
  return absl::StrCat(walk.id, " ", last.occasion.day - kFirstDay, " ", last.course_id, " ",
                      last.rule_id);
}

absl::StatusOr<std::optional<DueCursor>> ReadDueCursor(absl::string_view text) {
  if (text.empty()) return std::optional<DueCursor>();
  const std::vector<std::string> parts = absl::StrSplit(text, ' ');
  int64_t day = 0;
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[1], &day) || day < -kMostDays ||
      day > kMostDays) {
    return InvalidField("page_token", "is not a token of this list");
  }
  return std::optional<DueCursor>(DueCursor{parts[0], {kFirstDay + day, parts[2], parts[3]}});
}

absl::StatusOr<DueQuery> ReadDueQuery(const pb::ListDueMeasurementsRequest& request) {
  FieldViolations bad;
  DueQuery query;
  query.states = rpc::ReadStated<OccasionState>(request.states(), bad, "states");
  if (!request.instrument().empty()) query.instrument_id = rpc::IdsOf(request.instrument())[1];
  if (!request.therapist().empty()) query.therapist_id = rpc::IdsOf(request.therapist())[1];
  if (request.has_due_before()) {
    query.before = rpc::ReadDay(request.due_before(), bad, "due_before");
  }
  query.missed_in_a_row_at_least = request.missed_in_a_row_at_least();
  if (query.missed_in_a_row_at_least < 0) {
    bad.Add("missed_in_a_row_at_least", "must not be negative");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  return query;
}

}  // namespace

absl::StatusOr<courses::CourseAnswer> MeasurementPlanHandler::FindCourse(
    const CallContext& ctx, absl::string_view course_id) {
  IPT_ASSIGN_OR_RETURN(courses::CourseAnswer course,
                       courses_.FindCourse(ctx.clinic_id, course_id, {}, ctx.now, ctx.deadline));
  if (course.known == courses::CourseAnswer::Known::kAbsent) {
    return NotFound(kCourseType, CourseName(ctx.clinic_id, course_id));
  }
  return course;
}

absl::StatusOr<pb::MeasurementPlan> MeasurementPlanHandler::CreateMeasurementPlan(
    const CallContext& ctx, const pb::CreateMeasurementPlanRequest& request) {
  if (!request.measurement_plan_id().empty() && !IsValidId(request.measurement_plan_id())) {
    return InvalidField(
        "measurement_plan_id",
        "must be 1 to 63 of a-z, 0-9 and -, starting with a letter or digit, or empty");
  }
  MeasurementPlan plan = ReadPlan(request.measurement_plan());
  plan.clinic_id = ctx.clinic_id;
  plan.plan_id =
      request.measurement_plan_id().empty() ? ids_.NewUuid() : request.measurement_plan_id();
  return rpc::WriteOnce<pb::MeasurementPlan>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::MeasurementPlan> {
        IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, ""));
        IPT_RETURN_IF_ERROR(CheckWritten(tx, catalog_, {}, plan));
        IPT_ASSIGN_OR_RETURN(MeasurementPlan created, CreatePlan(tx, ctx, plan));
        return WrittenFor(ctx, std::move(created));
      });
}

absl::StatusOr<pb::MeasurementPlan> MeasurementPlanHandler::GetMeasurementPlan(
    const CallContext& ctx, const pb::GetMeasurementPlanRequest& request) {
  return rpc::ReadView<pb::MeasurementPlan>(
      store_, ctx, request.min_revision(),
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::MeasurementPlan> {
        IPT_ASSIGN_OR_RETURN(const MeasurementPlan plan,
                             reader.GetPlan(ctx.clinic_id, rpc::IdsOf(request.name())[1]));
        pb::MeasurementPlan response;
        WritePlan(plan, &response);
        return response;
      });
}

absl::StatusOr<pb::ListMeasurementPlansResponse> MeasurementPlanHandler::ListMeasurementPlans(
    const CallContext& ctx, const pb::ListMeasurementPlansRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  return rpc::ReadView<pb::ListMeasurementPlansResponse>(
      store_, ctx, request.min_revision(),
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::ListMeasurementPlansResponse> {
        IPT_ASSIGN_OR_RETURN(auto plans,
                             reader.ListPlans(ctx.clinic_id, page.cursor, page.size + 1));
        pb::ListMeasurementPlansResponse response;
        if (plans.size() > static_cast<size_t>(page.size)) {
          plans.resize(page.size);
          response.set_next_page_token(rpc::NextPageToken(request, plans.back().plan_id));
        }
        for (const MeasurementPlan& plan : plans) {
          WritePlan(plan, response.add_measurement_plans());
        }
        return response;
      });
}

absl::StatusOr<pb::MeasurementPlan> MeasurementPlanHandler::UpdateMeasurementPlan(
    const CallContext& ctx, const pb::UpdateMeasurementPlanRequest& request) {
  const std::string& name = request.measurement_plan().name();
  if (name.empty()) return InvalidField("measurement_plan.name", "is required");
  return rpc::WriteOnce<pb::MeasurementPlan>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::MeasurementPlan> {
        IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, ""));
        IPT_ASSIGN_OR_RETURN(const MeasurementPlan before,
                             tx.GetPlan(ctx.clinic_id, rpc::IdsOf(name)[1]));
        IPT_RETURN_IF_ERROR(rpc::CheckEtag(request.measurement_plan().etag(), before.stamp.revision,
                                           kMeasurementPlanType, name));
        pb::MeasurementPlan merged;
        WritePlan(before, &merged);
        IPT_RETURN_IF_ERROR(rpc::MergeByMask(request.update_mask(), request.measurement_plan(),
                                             merged, "measurement_plan"));
        MeasurementPlan after = ReadPlan(merged);
        after.clinic_id = before.clinic_id;
        after.plan_id = before.plan_id;
        IPT_RETURN_IF_ERROR(CheckWritten(tx, catalog_, before.rules, after));
        IPT_ASSIGN_OR_RETURN(after, ChangePlan(tx, ctx, before, std::move(after)));
        return WrittenFor(ctx, std::move(after));
      });
}

absl::StatusOr<pb::DeleteMeasurementPlanResponse> MeasurementPlanHandler::DeleteMeasurementPlan(
    const CallContext& ctx, const pb::DeleteMeasurementPlanRequest& request) {
  return rpc::WriteOnce<pb::DeleteMeasurementPlanResponse>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::DeleteMeasurementPlanResponse> {
        IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, ""));
        IPT_ASSIGN_OR_RETURN(const MeasurementPlan plan,
                             tx.GetPlan(ctx.clinic_id, rpc::IdsOf(request.name())[1]));
        IPT_RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), plan.stamp.revision,
                                           kMeasurementPlanType, request.name()));
        IPT_RETURN_IF_ERROR(RemovePlan(tx, ctx, plan));
        pb::DeleteMeasurementPlanResponse response;
        IPT_ASSIGN_OR_RETURN(const int64_t revision, tx.log().Revision());
        response.set_revision(revision);
        return response;
      });
}

absl::StatusOr<pb::CourseMeasurementPlan> MeasurementPlanHandler::GetCourseMeasurementPlan(
    const CallContext& ctx, const pb::GetCourseMeasurementPlanRequest& request) {
  const std::string course_id = rpc::IdsOf(request.course())[1];
  IPT_ASSIGN_OR_RETURN(const courses::CourseAnswer course, FindCourse(ctx, course_id));
  return rpc::ReadView<pb::CourseMeasurementPlan>(
      store_, ctx, request.min_revision(),
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::CourseMeasurementPlan> {
        IPT_ASSIGN_OR_RETURN(CoursePlan plan,
                             FindCoursePlan(reader, ctx.clinic_id, course_id, CopyIn(course)));
        return WrittenFor(ctx, std::move(plan), course);
      });
}

absl::StatusOr<pb::CourseMeasurementPlan> MeasurementPlanHandler::UpdateCourseMeasurementPlan(
    const CallContext& ctx, const pb::UpdateCourseMeasurementPlanRequest& request) {
  const std::string course_id = rpc::IdsOf(request.course())[1];
  IPT_ASSIGN_OR_RETURN(const courses::CourseAnswer course, FindCourse(ctx, course_id));
  if (CopyIn(course) == nullptr) {
    return Unavailable(::ipt::reason::kPeerUnavailable,
                       "scheduling cannot be asked for the course, and nothing is known of it yet",
                       absl::Seconds(5));
  }
  return rpc::WriteOnce<pb::CourseMeasurementPlan>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::CourseMeasurementPlan> {
        IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, course_id));
        IPT_ASSIGN_OR_RETURN(const CoursePlan before,
                             FindCoursePlan(tx, ctx.clinic_id, course_id, CopyIn(course)));
        IPT_RETURN_IF_ERROR(rpc::CheckEtag(request.measurement_plan().etag(), before.stamp.revision,
                                           kCourseMeasurementPlanType,
                                           CourseMeasurementPlanName(ctx.clinic_id, course_id)));
        pb::CourseMeasurementPlan merged;
        WriteCoursePlan(before, &merged);
        IPT_RETURN_IF_ERROR(rpc::MergeByMask(request.update_mask(), request.measurement_plan(),
                                             merged, "measurement_plan"));
        IPT_ASSIGN_OR_RETURN(const auto instruments,
                             AllInstruments(tx, catalog_, ctx.clinic_id, ""));
        std::vector<MeasurementRule> rules = ReadRules(merged);
        FieldViolations bad;
        CheckRules(rules, before.rules, instruments, bad.In("measurement_plan"));
        IPT_RETURN_IF_ERROR(bad.ToStatus());
        IPT_ASSIGN_OR_RETURN(CoursePlan after, SetCoursePlan(tx, ctx, before, std::move(rules)));
        return WrittenFor(ctx, std::move(after), course);
      });
}

absl::StatusOr<pb::CourseMeasurementPlan> MeasurementPlanHandler::ResetCourseMeasurementPlan(
    const CallContext& ctx, const pb::ResetCourseMeasurementPlanRequest& request) {
  const std::string course_id = rpc::IdsOf(request.course())[1];
  IPT_ASSIGN_OR_RETURN(const courses::CourseAnswer course, FindCourse(ctx, course_id));
  return rpc::WriteOnce<pb::CourseMeasurementPlan>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::CourseMeasurementPlan> {
        IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, course_id));
        IPT_ASSIGN_OR_RETURN(CoursePlan plan, ResetCoursePlan(tx, ctx, course_id, CopyIn(course)));
        return WrittenFor(ctx, std::move(plan), course);
      });
}

absl::StatusOr<DueWalk> MeasurementPlanHandler::Walk(const CallContext& ctx,
                                                     const pb::ListDueMeasurementsRequest& request,
                                                     const DueQuery& query) {
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  DueWalk walk;
  std::vector<courses::CopiedCourse> courses;
  if (course_id == "-") {
    IPT_ASSIGN_OR_RETURN(
        courses::ListedCourses listed,
        lister_.ListCourses(ctx.clinic_id, ListingFor(query, ctx.now), ctx.now, ctx.deadline));
    walk.age = listed.age;
    courses = std::move(listed.courses);
  } else {
    IPT_ASSIGN_OR_RETURN(courses::CourseAnswer course, FindCourse(ctx, course_id));
    walk.age = {.as_of = course.as_of,
                .current = course.known == courses::CourseAnswer::Known::kVerified};
    if (course.course.has_value()) courses.push_back(*std::move(course.course));
  }
  IPT_ASSIGN_OR_RETURN(
      walk.lines, rpc::ReadView<std::vector<DueLine>>(
                      store_, ctx, request.min_revision(), [&](OutcomesReader& reader) {
                        return ListDue(reader, catalog_, ctx.clinic_id, courses, query, ctx.now);
                      }));
  walk.clinic_id = ctx.clinic_id;
  return walk;
}

absl::StatusOr<pb::ListDueMeasurementsResponse> MeasurementPlanHandler::ListDueMeasurements(
    const CallContext& ctx, const pb::ListDueMeasurementsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  IPT_ASSIGN_OR_RETURN(const auto after, ReadDueCursor(page.cursor));
  IPT_ASSIGN_OR_RETURN(const DueQuery query, ReadDueQuery(request));
  pb::ListDueMeasurementsRequest asked = request;
  asked.clear_page_size();
  asked.clear_page_token();
  const std::string asked_for = rpc::ContentHash(asked);
  std::optional<DuePlace> place;
  DueWalks::Walk walk;
  if (after.has_value()) {
    place = after->place;
    walk = walks_.Find(after->walk, ctx.clinic_id, asked_for, *place, ctx.now);
  }
  const bool kept = walk != nullptr;
  if (!kept) {
    IPT_ASSIGN_OR_RETURN(DueWalk made, Walk(ctx, request, query));
    made.id = after.has_value() ? after->walk : ids_.NewUuid();
    made.request = asked_for;
    walk = std::make_shared<const DueWalk>(std::move(made));
  }
  auto line = walk->lines.begin() + walk->IndexAfter(place);
  pb::ListDueMeasurementsResponse response;
  for (; line != walk->lines.end() && response.due_measurements_size() < page.size; ++line) {
    WriteDue(ctx.clinic_id, *line, response.add_due_measurements());
  }
  if (line != walk->lines.end() || walk->more) {
    response.set_next_page_token(
        rpc::NextPageToken(request, WriteDueCursor(*walk, *std::prev(line))));
    if (!kept) walks_.Keep(walk, place, ctx.now);
  }
  courses::WriteScheduling(walk->age, response.mutable_scheduling());
  return response;
}

}  // namespace ipt::outcomes
