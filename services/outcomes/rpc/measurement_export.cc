#include "outcomes/rpc/measurement_export.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "outcomes/domain/names.h"
#include "outcomes/rpc/measurement_proto.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/rpc/paging.h"
#include "platform/rpc/resource_name.h"

namespace ipt::outcomes {
namespace {

constexpr char kCursorFormat[] = "export1";
constexpr int kMeasurementsAPart = 200;
constexpr size_t kBytesAPart = 1 << 20;
// How often it is looked whether the writers of before have ended: they take milliseconds.
constexpr absl::Duration kLook = absl::Milliseconds(20);
constexpr absl::Duration kLongestWait = absl::Seconds(30);

}  // namespace

absl::StatusOr<ExportStream::Place> ExportStream::ReadCursor(
    const pb::ExportMeasurementsRequest& request, absl::Time now) {
  Place place;
  int64_t began = 0;
  const absl::Status no_cursor =
      InvalidField("cursor", "is no cursor of this export: send it with the same fields");
  const std::optional<std::string> plain = rpc::OpenPosition(request, request.cursor());
  if (!plain.has_value()) return no_cursor;
  const std::vector<std::string> parts = absl::StrSplit(*plain, ' ');
  if (parts.size() != 8 || parts[0] != kCursorFormat ||
      !absl::SimpleAtoi(parts[1], &place.revision) || !absl::SimpleAtoi(parts[2], &began) ||
      !absl::SimpleAtoi(parts[3], &place.newest_version) ||
      !absl::SimpleAtoi(parts[4], &place.exported) ||
      !absl::SimpleAtoi(parts[5], &place.after.revision)) {
    return no_cursor;
  }
  for (const int64_t count :
       {place.revision, int64_t{place.newest_version}, place.exported, place.after.revision}) {
    if (count < 0) return no_cursor;
  }
  place.began = absl::FromUnixMicros(began);
  place.after.course_id = parts[6];
  place.after.measurement_id = parts[7];
  if (place.began < now - kExportGoesOn) {
    return InvalidField("cursor", "is older than 7 days: begin the export anew");
  }
  return place;
}

std::string ExportStream::WriteCursor() const {
  return rpc::SealPosition(
      request_,
      absl::StrCat(kCursorFormat, " ", place_.revision, " ", absl::ToUnixMicros(place_.began), " ",
                   place_.newest_version, " ", place_.exported, " ", place_.after.revision, " ",
                   place_.after.course_id, " ", place_.after.measurement_id));
}

absl::StatusOr<std::unique_ptr<ExportStream>> ExportStream::Open(
    OutcomesStore& store, const Catalog& catalog, const CallContext& ctx,
    const pb::ExportMeasurementsRequest& request) {
  auto stream = std::unique_ptr<ExportStream>(new ExportStream(store, request));
  FieldViolations bad;
  FieldViolations in = bad.In("filter");
  stream->filter_ = ReadMeasurementFilter(request.filter(), in);
  if (request.after_revision() < 0) bad.Add("after_revision", "must not be negative");
  const bool csv = request.format() == pb::EXPORT_FORMAT_CSV;
  if (csv && stream->filter_.instrument_ids.size() != 1) {
    in.Add("instruments", "must name exactly one for CSV: its items are the columns");
  }
  IPT_RETURN_IF_ERROR(bad.ToStatus());

  Place& place = stream->place_;
  const bool anew = request.cursor().empty();
  if (!anew) {
    IPT_ASSIGN_OR_RETURN(place, ReadCursor(request, ctx.now));
  }
  std::vector<HeldInstrument> versions;
  IPT_RETURN_IF_ERROR(store.Read(ctx.deadline, [&](OutcomesReader& reader) -> absl::Status {
    IPT_ASSIGN_OR_RETURN(const int64_t current, reader.CurrentRevision());
    if (anew) place.revision = current;
    if (place.revision > current) {
      return InvalidField(
          "cursor", "is of more than the store has, which was restored: begin the export anew");
    }
    if (!csv) return absl::OkStatus();
    const std::string& instrument_id = stream->filter_.instrument_ids[0];
    IPT_ASSIGN_OR_RETURN(versions, AllInstruments(reader, catalog, ctx.clinic_id, instrument_id));
    if (!versions.empty()) return absl::OkStatus();
    return NotFound(kInstrumentType, InstrumentName(ctx.clinic_id, instrument_id));
  }));
  if (anew) {
    place.began = ctx.now;
    if (!versions.empty()) place.newest_version = versions.back().definition.version;
    place.after.revision = request.after_revision();
    // After all that has that very revision.
    if (request.after_revision() > 0) place.after.course_id.push_back('~');
    IPT_RETURN_IF_ERROR(store.Read(ctx.deadline, [&](OutcomesReader& reader) -> absl::Status {
      IPT_ASSIGN_OR_RETURN(stream->writers_, reader.MarkWriters());
      return absl::OkStatus();
    }));
  }
  if (csv) {
    std::erase_if(versions, [&](const HeldInstrument& held) {
      return held.definition.version > place.newest_version;
    });
    stream->csv_.emplace(versions);
    stream->heading_ = anew;
  }
  return stream;
}

absl::StatusOr<rpc::Next<pb::ExportMeasurementsResponse>> ExportStream::NextResponse(
    const CallContext& ctx) {
  std::vector<Measurement> page;
  bool writers_ended = true;
  IPT_RETURN_IF_ERROR(store_.Read(ctx.deadline, [&](OutcomesReader& reader) -> absl::Status {
    if (writers_.has_value()) {
      IPT_ASSIGN_OR_RETURN(writers_ended, reader.WritersAreOver(*writers_));
      return absl::OkStatus();
    }
    IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, reader.GetPolicy(ctx.clinic_id));
    IPT_ASSIGN_OR_RETURN(
        page, reader.ListMeasurementsAsOf(ctx.clinic_id, filter_, place_.revision, place_.after,
                                          kMeasurementsAPart + 1, policy.DuplicateWindow()));
    return absl::OkStatus();
  }));
  if (writers_.has_value()) {
    if (writers_ended) writers_.reset();
    if (!writers_ended && ctx.now > place_.began + kLongestWait) {
      return Unavailable(::ipt::reason::kStoreUnavailable,
                         "a write that began before the export has not ended: try again",
                         absl::Seconds(5));
    }
    return Next::Later(writers_ended ? ctx.now : ctx.now + kLook);
  }
  bool complete = page.size() <= kMeasurementsAPart;
  if (!complete) page.pop_back();
  pb::ExportMeasurementsResponse response;
  if (heading_) response.set_csv(csv_->Heading());
  heading_ = false;
  size_t bytes = response.csv().size();
  int64_t written = 0;
  for (const Measurement& measurement : page) {
    pb::Measurement message;
    WriteMeasurement(measurement, &message);
    const std::string line = csv_.has_value() ? csv_->Line(message) : "";
    const size_t size = csv_.has_value() ? line.size() : message.ByteSizeLong();
    if (written > 0 && bytes + size > kBytesAPart) {
      complete = false;
      break;
    }
    bytes += size;
    ++written;
    if (csv_.has_value()) {
      response.mutable_csv()->append(line);
    } else {
      *response.add_measurements() = std::move(message);
    }
    place_.after = {.revision = measurement.stamp.revision,
                    .course_id = measurement.course_id,
                    .measurement_id = measurement.measurement_id};
  }
  place_.exported += written;
  response.set_cursor(WriteCursor());
  response.set_revision(place_.revision);
  response.set_exported(place_.exported);
  response.set_complete(complete);
  Next next = Next::Send(std::move(response));
  next.end = complete;
  return next;
}

}  // namespace ipt::outcomes
