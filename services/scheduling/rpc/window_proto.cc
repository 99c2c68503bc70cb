#include "scheduling/rpc/window_proto.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/type/dayofweek.pb.h"
#include "platform/rpc/proto_time.h"

namespace ipt::scheduling {
namespace {

static_assert(static_cast<int>(Weekday::kMonday) == google::type::MONDAY);
static_assert(static_cast<int>(Weekday::kSunday) == google::type::SUNDAY);

std::optional<int> ReadRequiredMinute(bool present, const google::type::TimeOfDay& time,
                                      FieldViolations& bad, absl::string_view field) {
  if (!present) {
    bad.Add(field, "is required");
    return std::nullopt;
  }
  return rpc::ReadMinute(time, bad, field);
}

std::optional<WeeklyWindow> ReadWindow(const pb::WeeklyWindow& window, FieldViolations& bad) {
  const bool has_day = window.day() >= google::type::MONDAY && window.day() <= google::type::SUNDAY;
  if (!has_day) bad.Add("day", "must be MONDAY to SUNDAY");
  const auto start = ReadRequiredMinute(window.has_start(), window.start(), bad, "start");
  const auto end = ReadRequiredMinute(window.has_end(), window.end(), bad, "end");
  if (!has_day || !start.has_value() || !end.has_value()) return std::nullopt;
  if (*end <= *start) {
    bad.Add("end", "must be after start; a window that passes midnight is two windows");
    return std::nullopt;
  }
  return WeeklyWindow{static_cast<Weekday>(window.day()), *start, *end};
}

}  // namespace

std::vector<WeeklyWindow> ReadWindows(
    const google::protobuf::RepeatedPtrField<pb::WeeklyWindow>& windows, FieldViolations& bad,
    absl::string_view field) {
  std::vector<WeeklyWindow> read;
  std::vector<int> index;  // of each in `read` among `windows`
  for (int i = 0; i < windows.size(); ++i) {
    FieldViolations at = bad.At(field, i);
    const auto window = ReadWindow(windows[i], at);
    if (!window.has_value()) continue;
    bool overlaps = false;
    for (size_t k = 0; k < read.size() && !overlaps; ++k) {
      overlaps = read[k].day == window->day && read[k].start_minute < window->end_minute &&
                 window->start_minute < read[k].end_minute;
      if (overlaps) at.Add("", absl::StrCat("overlaps ", std::string(field), "[", index[k], "]"));
    }
    if (overlaps) continue;
    read.push_back(*window);
    index.push_back(i);
  }
  return read;
}

void WriteWindows(const std::vector<WeeklyWindow>& windows,
                  google::protobuf::RepeatedPtrField<pb::WeeklyWindow>* out) {
  out->Clear();
  for (const WeeklyWindow& window : windows) {
    pb::WeeklyWindow* written = out->Add();
    written->set_day(static_cast<google::type::DayOfWeek>(window.day));
    rpc::WriteMinute(window.start_minute, written->mutable_start());
    rpc::WriteMinute(window.end_minute, written->mutable_end());
  }
}

}  // namespace ipt::scheduling
