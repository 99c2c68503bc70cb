#include "scheduling/rpc/therapist_proto.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "platform/rpc/proto_time.h"
#include "scheduling/domain/availability_rules.h"
#include "scheduling/domain/names.h"
#include "scheduling/rpc/stamp_proto.h"
#include "scheduling/rpc/window_proto.h"

namespace ipt::scheduling {
namespace {

static_assert(static_cast<int>(TimeOffReason::kOther) == pb::TIME_OFF_REASON_OTHER);

Interval ReadInterval(const pb::TimeRange& range, absl::Duration longest, absl::string_view limit,
                      FieldViolations& bad) {
  std::optional<absl::Time> start;
  std::optional<absl::Time> end;
  if (range.has_start_time()) {
    start = rpc::ReadTime(range.start_time(), bad, "start_time");
  } else {
    bad.Add("start_time", "is required");
  }
  if (range.has_end_time()) {
    end = rpc::ReadTime(range.end_time(), bad, "end_time");
  } else {
    bad.Add("end_time", "is required");
  }
  if (!start.has_value() || !end.has_value()) return {};
  const Interval interval{*start, *end};
  CheckTimeRange(interval, longest, limit, bad);
  return interval;
}

std::optional<DayRange> ReadDays(const pb::DateRange& range, FieldViolations& bad) {
  std::optional<absl::CivilDay> first;
  std::optional<absl::CivilDay> last;
  if (range.has_first()) {
    first = rpc::ReadDay(range.first(), bad, "first");
  } else {
    bad.Add("first", "is required");
  }
  if (range.has_last()) {
    last = rpc::ReadDay(range.last(), bad, "last");
  } else {
    bad.Add("last", "is required");
  }
  if (!first.has_value() || !last.has_value()) return std::nullopt;
  const DayRange days{*first, *last};
  CheckTimeOffDays(days, bad);
  return days;
}

}  // namespace

void WriteInterval(const Interval& interval, pb::TimeRange* out) {
  rpc::WriteTime(interval.start, out->mutable_start_time());
  rpc::WriteTime(interval.end, out->mutable_end_time());
}

void WriteTherapist(const Therapist& therapist, pb::Therapist* out) {
  out->Clear();
  out->set_name(TherapistName(therapist.clinic_id, therapist.therapist_id));
  out->set_display_name(therapist.display_name);
  out->set_time_zone(therapist.time_zone);
  WriteWindows(therapist.working_hours, out->mutable_working_hours());
  if (therapist.session_minutes.has_value()) out->set_session_minutes(*therapist.session_minutes);
  out->set_buffer_minutes(therapist.buffer_minutes);
  if (therapist.max_active_courses.has_value()) {
    out->set_max_active_courses(*therapist.max_active_courses);
  }
  for (const std::string& language : therapist.languages) out->add_languages(language);
  for (const std::string& variant : therapist.variants) out->add_variants(variant);
  out->set_active(therapist.active);
  out->set_open_courses(therapist.open_courses);
  WriteStamp(therapist.stamp, out);
}

void WriteTimeOff(const TimeOff& time_off, pb::TimeOff* out) {
  out->Clear();
  out->set_name(TimeOffName(time_off.clinic_id, time_off.therapist_id, time_off.time_off_id));
  if (time_off.days.has_value()) {
    rpc::WriteDay(time_off.days->first, out->mutable_days()->mutable_first());
    rpc::WriteDay(time_off.days->last, out->mutable_days()->mutable_last());
  } else {
    WriteInterval(time_off.interval, out->mutable_time());
  }
  out->set_reason(static_cast<pb::TimeOffReason>(time_off.reason));
  rpc::WriteTime(time_off.interval.start, out->mutable_start_time());
  rpc::WriteTime(time_off.interval.end, out->mutable_end_time());
  WriteCreation(time_off.stamp, out);
}

void WriteExtraHours(const ExtraHours& extra_hours, pb::ExtraHours* out) {
  out->Clear();
  out->set_name(
      ExtraHoursName(extra_hours.clinic_id, extra_hours.therapist_id, extra_hours.extra_hours_id));
  WriteInterval(extra_hours.interval, out->mutable_time());
  WriteCreation(extra_hours.stamp, out);
}

Therapist ReadTherapist(const pb::Therapist& therapist, FieldViolations& bad) {
  Therapist read;
  read.display_name = therapist.display_name();
  read.time_zone = therapist.time_zone();
  read.working_hours = ReadWindows(therapist.working_hours(), bad, "working_hours");
  if (therapist.has_session_minutes()) read.session_minutes = therapist.session_minutes();
  read.buffer_minutes = therapist.buffer_minutes();
  if (therapist.has_max_active_courses()) {
    read.max_active_courses = therapist.max_active_courses();
  }
  read.languages.assign(therapist.languages().begin(), therapist.languages().end());
  read.variants.assign(therapist.variants().begin(), therapist.variants().end());
  CheckTherapist(read, bad);
  for (std::string& language : read.languages) {
    language = CanonicalLanguage(language).value_or(language);
  }
  return read;
}

TimeOff ReadTimeOff(const pb::TimeOff& time_off, FieldViolations& bad) {
  TimeOff read;
  read.reason = static_cast<TimeOffReason>(time_off.reason());
  switch (time_off.period_case()) {
    case pb::TimeOff::kDays: {
      FieldViolations in = bad.In("days");
      read.days = ReadDays(time_off.days(), in);
      break;
    }
    case pb::TimeOff::kTime: {
      FieldViolations in = bad.In("time");
      read.interval = ReadInterval(time_off.time(), kMaxTimeOffDays * absl::Hours(24),
                                   absl::StrCat(kMaxTimeOffDays, " days"), in);
      break;
    }
    case pb::TimeOff::PERIOD_NOT_SET:
      bad.Add("period", "is required: set days or time");
  }
  return read;
}

ExtraHours ReadExtraHours(const pb::ExtraHours& extra_hours, FieldViolations& bad) {
  ExtraHours read;
  if (extra_hours.has_time()) {
    FieldViolations in = bad.In("time");
    read.interval = ReadInterval(extra_hours.time(), kMaxExtraHours, "24 hours", in);
  } else {
    bad.Add("time", "is required");
  }
  return read;
}

}  // namespace ipt::scheduling
