#include "iptctl/watch_picture.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "iptctl/text.h"
#include "nlohmann/json.hpp"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;

// One line: parts of a colour each, cut to the width.
using Part = std::pair<Color, std::string>;
std::string CutLine(const std::vector<Part>& parts, int width, const Paint& paint) {
  std::string out;
  int left = width;
  for (const auto& [color, text] : parts) {
    if (left <= 0) break;
    const std::string cut = Clip(text, left, "~");
    left -= DisplayWidth(cut);
    absl::StrAppend(&out, paint(color, cut));
  }
  return absl::StrCat(absl::StripTrailingAsciiWhitespace(out), "\n");
}

std::string Grown(int64_t now, int64_t before) {
  return now == before ? "" : absl::StrFormat("%+d", now - before);
}

template <typename Value>
std::string Word(const google::protobuf::EnumDescriptor* type, Value value) {
  const auto* found = type->FindValueByNumber(value);
  return found == nullptr ? absl::StrCat(static_cast<int>(value)) : EnumText(*found);
}

std::string IdOf(const std::string& name) {
  return name.substr(name.rfind('/') == std::string::npos ? 0 : name.rfind('/') + 1);
}

// What a reminder is about, for the right end of a row.
std::vector<std::string> About(const v1::Reminder& reminder) {
  return {Word(v1::ReminderKind_descriptor(), reminder.kind()),
          Word(v1::ReminderAudience_descriptor(), reminder.audience()),
          absl::StrCat("course ", IdOf(reminder.course()))};
}

std::string Tried(const v1::Reminder& reminder) {
  return reminder.attempt() == 0 ? "" : absl::StrCat("tried ", reminder.attempt());
}

using Rows = std::vector<std::vector<std::string>>;

// Cells below each other.
std::vector<std::string> Aligned(const Rows& rows) {
  std::vector<int> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], DisplayWidth(row[c]));
  }
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    std::string line = "  ";
    for (size_t c = 0; c < row.size(); ++c) {
      if (widths[c] > 0) absl::StrAppend(&line, PadRight(row[c], widths[c]), "  ");
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

// The day is said where it is another than that of the look.
std::string ClockText(absl::Time time, absl::Time now, const absl::TimeZone& zone) {
  const bool today = absl::FormatTime("%F", time, zone) == absl::FormatTime("%F", now, zone);
  return absl::FormatTime(today ? "%H:%M:%S" : "%m-%d %H:%M", time, zone);
}

std::string SendingText(const v1::SendingState& sending, absl::Time now,
                        const absl::TimeZone& zone) {
  std::string text;
  if (sending.paused()) {
    text = "PAUSED";
    if (sending.has_update_time()) {
      absl::StrAppend(&text, " since ", ClockText(InstantOf(sending.update_time()), now, zone));
    }
    if (!sending.caller().empty()) absl::StrAppend(&text, " by ", sending.caller());
  } else if (sending.max_per_minute() > 0) {
    text = absl::StrCat("at most ", sending.max_per_minute(), " a minute");
  } else {
    text = "yes, without a cap";
  }
  if (!sending.reason().empty()) absl::StrAppend(&text, ": ", sending.reason());
  return text;
}

std::string RateText(const QueueLook& look, const QueueLook* before) {
  const std::optional<double> rate = SentPerMinute(look, before);
  return rate.has_value() ? absl::StrFormat("%.0f a minute", *rate) : "";
}

}  // namespace

std::string SpanText(absl::Duration span) {
  const int64_t s = std::max<int64_t>(absl::ToInt64Seconds(span), 0);
  if (s < 60) return absl::StrFormat("%ds", s);
  if (s < 3600) return absl::StrFormat("%dm%02ds", s / 60, s % 60);
  if (s < 86400) return absl::StrFormat("%dh%02dm", s / 3600, s / 60 % 60);
  return absl::StrFormat("%dd%02dh", s / 86400, s / 3600 % 24);
}

std::optional<double> SentPerMinute(const QueueLook& look, const QueueLook* before) {
  if (before == nullptr) return std::nullopt;
  const absl::Duration apart = InstantOf(look.queue.as_of()) - InstantOf(before->queue.as_of());
  if (apart <= absl::ZeroDuration()) return std::nullopt;
  // What was sent more than a day ago leaves the count.
  const int64_t sent = std::max<int64_t>(look.queue.sent_day() - before->queue.sent_day(), 0);
  return static_cast<double>(sent) / absl::ToDoubleMinutes(apart);
}

std::string QueuePicture(const QueueLook& look, const QueueLook* before, const PictureFrame& frame,
                         const ShowContext& context) {
  const v1::ReminderQueue& queue = look.queue;
  const absl::Time now = InstantOf(queue.as_of());
  const absl::TimeZone zone = context.zone;
  std::vector<std::vector<Part>> lines;

  lines.push_back({{Color::kBold, absl::StrCat("reminders of ", queue.clinic())},
                   {Color::kNone, absl::FormatTime("   %a %F %H:%M:%S %Z   ", now, zone)},
                   {Color::kDim, absl::StrCat("every ", absl::FormatDuration(frame.interval),
                                              ", Ctrl-C ends")}});
  if (!frame.trouble.empty()) lines.push_back({{Color::kRed, frame.trouble}});
  lines.push_back({{Color::kNone, "sending     "},
                   {look.sending.paused()               ? Color::kRed
                    : look.sending.max_per_minute() > 0 ? Color::kYellow
                                                        : Color::kNone,
                    SendingText(look.sending, now, zone)}});
  lines.emplace_back();

  struct Count {
    const char* label;
    int64_t value;
    int64_t old;
    Color color;
  };
  const v1::ReminderQueue& old = before == nullptr ? queue : before->queue;
  const std::vector<Count> counts = {
      {"DUE", queue.due(), old.due(), Color::kBold},
      {"LEASED", queue.leased(), old.leased(), Color::kBold},
      {"RETRYING", queue.retrying(), old.retrying(),
       queue.retrying() > 0 ? Color::kYellow : Color::kBold},
      {"SCHEDULED", queue.scheduled(), old.scheduled(), Color::kBold},
      {"DEAD", queue.dead(), old.dead(), queue.dead() > 0 ? Color::kRed : Color::kBold},
      {"SENT IN 24 H", queue.sent_day(), old.sent_day(), Color::kBold}};
  std::vector<Part> labels, values, grown;
  for (const Count& count : counts) {
    const std::string value = absl::StrCat(count.value);
    const std::string change = Grown(count.value, count.old);
    const int width =
        std::max({DisplayWidth(count.label), DisplayWidth(value), DisplayWidth(change)}) + 3;
    labels.emplace_back(Color::kDim, PadRight(count.label, width));
    values.emplace_back(count.color, PadRight(value, width));
    grown.emplace_back(Color::kDim, PadRight(change, width));
  }
  values.emplace_back(Color::kNone, RateText(look, before));
  lines.insert(lines.end(), {labels, values, grown});

  if (queue.has_oldest_due_time()) {
    const absl::Time oldest = InstantOf(queue.oldest_due_time());
    const absl::Duration late = now - oldest;
    lines.push_back(
        {{Color::kNone, absl::StrCat("oldest due  ", ClockText(oldest, now, zone))},
         {late >= absl::Minutes(1) && !look.sending.paused() ? Color::kRed : Color::kNone,
          absl::StrCat(", ", SpanText(late), " late")}});
  } else {
    lines.push_back({{Color::kNone, "oldest due  none"}});
  }
  if (queue.has_next_due_time()) {
    const absl::Time next = InstantOf(queue.next_due_time());
    lines.push_back({{Color::kNone, absl::StrCat("next due    ", ClockText(next, now, zone),
                                                 ", in ", SpanText(next - now))}});
  } else {
    lines.push_back({{Color::kNone, "next due    none"}});
  }

  Rows next, leased, dead;
  for (const v1::Reminder& reminder : look.next) {
    const absl::Time due = InstantOf(reminder.has_next_attempt_time() ? reminder.next_attempt_time()
                                                                      : reminder.due_time());
    std::vector<std::string> row = {ClockText(due, now, zone),
                                    due > now ? absl::StrCat("in ", SpanText(due - now))
                                              : absl::StrCat(SpanText(now - due), " late")};
    for (std::string& cell : About(reminder)) row.push_back(std::move(cell));
    row.push_back(Tried(reminder));
    row.push_back(reminder.last_reason());
    next.push_back(std::move(row));
  }
  for (const v1::Reminder& reminder : look.leased) {
    const absl::Time until = InstantOf(reminder.lease_expire_time());
    std::vector<std::string> row = {
        absl::StrCat("until ", ClockText(until, now, zone)),
        until > now ? absl::StrCat("in ", SpanText(until - now)) : "lapsing"};
    for (std::string& cell : About(reminder)) row.push_back(std::move(cell));
    row.push_back(Tried(reminder));
    leased.push_back(std::move(row));
  }
  for (const v1::Reminder& reminder : look.dead) {
    std::vector<std::string> row = {IdOf(reminder.name()),
                                    Word(v1::ReminderWhyNot_descriptor(), reminder.why_not()),
                                    reminder.last_reason(), Tried(reminder)};
    for (std::string& cell : About(reminder)) row.push_back(std::move(cell));
    dead.push_back(std::move(row));
  }
  struct Section {
    std::string title;
    std::vector<std::string> rows;
    Color color;
  };
  std::vector<Section> sections;
  if (!next.empty()) sections.push_back({"DUE NEXT", Aligned(next), Color::kNone});
  if (!leased.empty()) {
    sections.push_back({absl::StrCat("LEASED (", queue.leased(), "), the next to lapse first"),
                        Aligned(leased), Color::kNone});
  }
  if (!dead.empty()) {
    sections.push_back(
        {absl::StrCat("DEAD LETTERS (", queue.dead(), "), newest first: iptctl reminders get ",
                      queue.clinic(), "/reminders/ID"),
         Aligned(dead), Color::kRed});
  }
  // A row each, in turn, while there is room; those with the most trouble first.
  int room =
      frame.size.lines - static_cast<int>(lines.size()) - 2 * static_cast<int>(sections.size());
  std::vector<size_t> rows(sections.size(), 0);
  for (bool any = true; any && room > 0;) {
    any = false;
    for (size_t i = sections.size(); i-- > 0 && room > 0;) {
      if (rows[i] == sections[i].rows.size()) continue;
      ++rows[i];
      --room;
      any = true;
    }
  }
  for (size_t i = 0; i < sections.size(); ++i) {
    if (rows[i] == 0) continue;
    lines.emplace_back();
    lines.push_back({{Color::kBold, sections[i].title}});
    for (size_t r = 0; r < rows[i]; ++r)
      lines.push_back({{sections[i].color, sections[i].rows[r]}});
  }

  std::string out;
  const int height = std::min<int>(frame.size.lines, static_cast<int>(lines.size()));
  for (int i = 0; i < height; ++i) {
    absl::StrAppend(&out, CutLine(lines[i], frame.size.columns, context.paint));
  }
  return out;
}

std::string QueueLine(const QueueLook& look, const QueueLook* before, const ShowContext& context) {
  const v1::ReminderQueue& queue = look.queue;
  const absl::Time now = InstantOf(queue.as_of());
  std::vector<std::string> parts = {absl::FormatTime("%F %H:%M:%S %Z", now, context.zone)};
  const auto add = [&](const char* label, int64_t value) {
    parts.push_back(absl::StrCat(label, " ", value));
  };
  add("due", queue.due());
  add("leased", queue.leased());
  add("retrying", queue.retrying());
  add("scheduled", queue.scheduled());
  add("dead", queue.dead());
  add("sent in 24 h", queue.sent_day());
  if (const std::string rate = RateText(look, before); !rate.empty()) parts.push_back(rate);
  if (queue.has_oldest_due_time()) {
    parts.push_back(
        absl::StrCat("oldest ", SpanText(now - InstantOf(queue.oldest_due_time())), " late"));
  }
  if (look.sending.paused() || look.sending.max_per_minute() > 0) {
    parts.push_back(absl::StrCat("sending ", SendingText(look.sending, now, context.zone)));
  }
  return absl::StrJoin(parts, ", ");
}

std::string QueueJson(const QueueLook& look, const QueueLook* before) {
  const auto of = [](const google::protobuf::Message& message) {
    std::string text;
    google::protobuf::util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    (void)google::protobuf::util::MessageToJsonString(message, &text, options);
    return nlohmann::json::parse(text);
  };
  nlohmann::json json = {{"queue", of(look.queue)}, {"sending", of(look.sending)}};
  if (look.queue.has_oldest_due_time()) {
    json["oldestLateSeconds"] = absl::ToInt64Seconds(InstantOf(look.queue.as_of()) -
                                                     InstantOf(look.queue.oldest_due_time()));
  }
  if (const auto rate = SentPerMinute(look, before); rate.has_value()) {
    json["sentPerMinute"] = std::round(*rate);
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace ipt::ctl
