#include "outcomes/rpc/measurement_handler.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "outcomes/domain/binding.h"
#include "outcomes/domain/measurements.h"
#include "outcomes/domain/names.h"
#include "outcomes/rpc/measurement_proto.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/etag.h"
#include "platform/rpc/field_mask.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/read_view.h"
#include "platform/rpc/resource_name.h"
#include "platform/rpc/write_once.h"

namespace ipt::outcomes {
namespace {

constexpr int kMostMeasurementsAPage = 250;
constexpr int kMostRevisionsAPage = 100;

// The ids in a measurement's name, which the adapter has matched.
struct MeasurementIds {
  explicit MeasurementIds(absl::string_view name) {
    const auto ids = rpc::IdsOf(name);
    course_id = ids[1];
    measurement_id = ids[2];
  }
  std::string course_id;
  std::string measurement_id;
};

// Positions in lists: microseconds, then ids; ids hold no space.
absl::StatusOr<std::optional<MeasurementCursor>> ReadMeasurementCursor(absl::string_view cursor) {
  if (cursor.empty()) return std::optional<MeasurementCursor>();
  const std::vector<std::string> parts = absl::StrSplit(cursor, ' ');
  int64_t micros = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &micros)) {
    return InvalidField("page_token", "is not a token of this list");
  }
  return std::optional<MeasurementCursor>(
      MeasurementCursor{absl::FromUnixMicros(micros), parts[1], parts[2]});
}

std::string SessionIdOf(const pb::Measurement& measurement) {
  return measurement.session().empty() ? "" : rpc::IdsOf(measurement.session())[2];
}

// What was only tried has no revision and raised no alert.
pb::Measurement WrittenFor(const CallContext& ctx, Measurement measurement) {
  if (ctx.validate_only) {
    measurement.stamp.revision = 0;
    for (HeldRisk& risk : measurement.risks) risk.alert_id.clear();
  }
  pb::Measurement response;
  WriteMeasurement(measurement, &response);
  return response;
}

}  // namespace

absl::StatusOr<pb::Measurement> MeasurementHandler::RecordMeasurement(
    const CallContext& ctx, const pb::RecordMeasurementRequest& request) {
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  FieldViolations bad;
  if (!request.measurement_id().empty() && !IsValidId(request.measurement_id())) {
    bad.Add("measurement_id",
            "must be 1 to 63 of a-z, 0-9 and \"-\", starting with a letter or digit, or empty");
  }
  FieldViolations in = bad.In("measurement");
  const MeasurementInput input = ReadMeasurement(request.measurement(), course_id, in);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  IPT_ASSIGN_OR_RETURN(const courses::CourseAnswer course,
                       FindCourseOf(courses_, ctx, course_id, input.session_id));
  return rpc::WriteOnce<pb::Measurement>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::Measurement> {
        IPT_ASSIGN_OR_RETURN(Measurement recorded,
                             outcomes::RecordMeasurement(tx, ctx, ids_, catalog_, course, course_id,
                                                         request.measurement_id(), input));
        return WrittenFor(ctx, std::move(recorded));
      });
}

absl::StatusOr<pb::Measurement> MeasurementHandler::GetMeasurement(
    const CallContext& ctx, const pb::GetMeasurementRequest& request) {
  if (request.revision_number() < 0) {
    return InvalidField("revision_number", "must not be negative");
  }
  const MeasurementIds ids(request.name());
  return rpc::ReadView<pb::Measurement>(
      store_, ctx, request.min_revision(),
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::Measurement> {
        IPT_ASSIGN_OR_RETURN(const Measurement measurement,
                             ReadRevision(reader, ctx.clinic_id, ids.course_id, ids.measurement_id,
                                          request.revision_number()));
        pb::Measurement response;
        WriteMeasurement(measurement, &response);
        return response;
      });
}

absl::StatusOr<pb::ListMeasurementsResponse> MeasurementHandler::ListMeasurements(
    const CallContext& ctx, const pb::ListMeasurementsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  IPT_ASSIGN_OR_RETURN(const auto after, ReadMeasurementCursor(page.cursor));
  FieldViolations bad;
  FieldViolations in = bad.In("filter");
  MeasurementFilter filter = ReadMeasurementFilter(request.filter(), in);
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  const std::string course_id = rpc::IdsOf(request.parent())[1];
  if (course_id != "-") filter.course_id = course_id;
  const size_t size = std::min(page.size, kMostMeasurementsAPage);
  return rpc::ReadView<pb::ListMeasurementsResponse>(
      store_, ctx, request.min_revision(),
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::ListMeasurementsResponse> {
        IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, reader.GetPolicy(ctx.clinic_id));
        IPT_ASSIGN_OR_RETURN(
            auto measurements,
            reader.ListMeasurements(ctx.clinic_id, filter, request.newest_first(), after,
                                    static_cast<int>(size) + 1, policy.DuplicateWindow()));
        pb::ListMeasurementsResponse response;
        if (measurements.size() > size) {
          measurements.resize(size);
          const Measurement& last = measurements.back();
          response.set_next_page_token(
              rpc::NextPageToken(request, absl::StrCat(absl::ToUnixMicros(last.complete_time), " ",
                                                       last.course_id, " ", last.measurement_id)));
        }
        for (const Measurement& measurement : measurements) {
          WriteMeasurement(measurement, response.add_measurements());
        }
        return response;
      });
}

absl::StatusOr<pb::ListMeasurementRevisionsResponse> MeasurementHandler::ListMeasurementRevisions(
    const CallContext& ctx, const pb::ListMeasurementRevisionsRequest& request) {
  IPT_ASSIGN_OR_RETURN(const rpc::Page page, rpc::OpenPage(request));
  int after = 0;
  if (!page.cursor.empty() && !absl::SimpleAtoi(page.cursor, &after)) {
    return InvalidField("page_token", "is not a token of this list");
  }
  const MeasurementIds ids(request.parent());
  const size_t size = std::min(page.size, kMostRevisionsAPage);
  return rpc::ReadView<pb::ListMeasurementRevisionsResponse>(
      store_, ctx, 0,
      [&](OutcomesReader& reader) -> absl::StatusOr<pb::ListMeasurementRevisionsResponse> {
        IPT_ASSIGN_OR_RETURN(Measurement present, ReadRevision(reader, ctx.clinic_id, ids.course_id,
                                                               ids.measurement_id, 0));
        IPT_ASSIGN_OR_RETURN(auto revisions, reader.ListPastRevisions(ctx.clinic_id, ids.course_id,
                                                                      ids.measurement_id, after,
                                                                      static_cast<int>(size) + 1));
        if (present.revision_number > after) revisions.push_back(std::move(present));
        pb::ListMeasurementRevisionsResponse response;
        if (revisions.size() > size) {
          revisions.resize(size);
          response.set_next_page_token(
              rpc::NextPageToken(request, absl::StrCat(revisions.back().revision_number)));
        }
        for (const Measurement& revision : revisions) {
          WriteMeasurement(revision, response.add_measurements());
        }
        return response;
      });
}

absl::StatusOr<pb::Measurement> MeasurementHandler::CorrectMeasurement(
    const CallContext& ctx, const pb::CorrectMeasurementRequest& request) {
  if (request.measurement().name().empty()) return InvalidField("measurement.name", "is required");
  const MeasurementIds ids(request.measurement().name());
  IPT_ASSIGN_OR_RETURN(
      const courses::CourseAnswer course,
      FindCourseOf(courses_, ctx, ids.course_id, SessionIdOf(request.measurement())));
  return rpc::WriteOnce<pb::Measurement>(
      store_, ctx, [&](OutcomesTx& tx) -> absl::StatusOr<pb::Measurement> {
        IPT_RETURN_IF_ERROR(tx.LockScope(ctx.clinic_id, ids.course_id));
        IPT_ASSIGN_OR_RETURN(const Measurement before,
                             ReadRevision(tx, ctx.clinic_id, ids.course_id, ids.measurement_id, 0));
        IPT_RETURN_IF_ERROR(rpc::CheckEtag(request.measurement().etag(), before.stamp.revision,
                                           kMeasurementType, request.measurement().name()));
        pb::Measurement merged;
        WriteMeasurement(before, &merged);
        IPT_RETURN_IF_ERROR(
            rpc::MergeByMask(request.update_mask(), request.measurement(), merged, "measurement"));
        FieldViolations bad;
        FieldViolations in = bad.In("measurement");
        CorrectionCommand command{.input = ReadMeasurement(merged, ids.course_id, in),
                                  .reason = request.reason()};
        IPT_RETURN_IF_ERROR(bad.ToStatus());
        IPT_ASSIGN_OR_RETURN(Measurement corrected,
                             outcomes::CorrectMeasurement(tx, ctx, ids_, catalog_, course, before,
                                                          std::move(command)));
        return WrittenFor(ctx, std::move(corrected));
      });
}

absl::StatusOr<pb::MarkMeasurementEnteredInErrorResponse>
MeasurementHandler::MarkMeasurementEnteredInError(
    const CallContext& ctx, const pb::MarkMeasurementEnteredInErrorRequest& request) {
  FieldViolations bad;
  if (request.reason() == pb::ENTERED_IN_ERROR_REASON_UNSPECIFIED) {
    bad.Add("reason", "is required");
  }
  if (request.reason() == pb::ENTERED_IN_ERROR_REASON_OTHER && request.note().empty()) {
    bad.Add("note", "is required where the reason is OTHER");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());
  const MeasurementIds ids(request.name());
  const TakeBackCommand command{.course_id = ids.course_id,
                                .measurement_id = ids.measurement_id,
                                .if_revision = rpc::RevisionOfEtag(request.etag()),
                                .reason = static_cast<EnteredInErrorReason>(request.reason()),
                                .note = request.note()};
  return rpc::WriteOnce<pb::MarkMeasurementEnteredInErrorResponse>(
      store_, ctx,
      [&](OutcomesTx& tx) -> absl::StatusOr<pb::MarkMeasurementEnteredInErrorResponse> {
        IPT_ASSIGN_OR_RETURN(TakenBack taken, TakeBackMeasurement(tx, ctx, command));
        pb::MarkMeasurementEnteredInErrorResponse response;
        if (ctx.validate_only) taken.measurement.stamp.revision = 0;
        WriteMeasurement(taken.measurement, response.mutable_measurement());
        for (const std::string& id : taken.open_alert_ids) {
          response.add_open_alerts(
              absl::StrCat(CourseName(ctx.clinic_id, ids.course_id), "/alerts/", id));
        }
        return response;
      });
}

}  // namespace ipt::outcomes
