#include "iptctl/field_value.h"

#include <cmath>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "iptctl/resource_names.h"
#include "iptctl/text.h"

namespace ipt::ctl {
namespace {

using google::protobuf::Reflection;

void SetInt(Message& message, const char* name, int64_t value) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  const Reflection* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->SetInt32(&message, field, static_cast<int32_t>(value));
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->SetEnumValue(&message, field, static_cast<int>(value));
    default:
      return reflection->SetInt64(&message, field, value);
  }
}

Message& Child(Message& message, const char* name) {
  return *message.GetReflection()->MutableMessage(&message,
                                                  message.GetDescriptor()->FindFieldByName(name));
}

void PutInstant(absl::Time time, Message& out) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  SetInt(out, "seconds", seconds);
  SetInt(out, "nanos", absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds)));
}

void PutDay(absl::CivilDay day, Message& out) {
  SetInt(out, "year", day.year());
  SetInt(out, "month", day.month());
  SetInt(out, "day", day.day());
}

void PutMinute(int minute, Message& out) {
  SetInt(out, "hours", minute / 60);
  SetInt(out, "minutes", minute % 60);
}

// google.type.DayOfWeek: Monday is 1. 0 for anything else.
int ParseWeekday(absl::string_view text) {
  static constexpr absl::string_view kDays[] = {"monday", "tuesday",  "wednesday", "thursday",
                                                "friday", "saturday", "sunday"};
  const std::string word = absl::AsciiStrToLower(text);
  for (int i = 0; i < 7; ++i) {
    if (word.size() >= 3 && absl::StartsWith(kDays[i], word)) return i + 1;
  }
  return 0;
}

struct Windows {
  std::vector<int> days;
  int start = 0, end = 0;
};

// "mon 09:00-17:00", "mon-fri 09:00-12:00", "tue,thu 14:00-18:00".
absl::StatusOr<Windows> ParseWindows(absl::string_view text) {
  absl::Status bad = IsNot(text, "a weekly window: write mon 09:00-17:00 or mon-fri 09:00-12:00");
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ' ', absl::SkipEmpty());
  if (parts.size() != 2) return bad;
  Windows windows;
  for (absl::string_view item : absl::StrSplit(parts[0], ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(item, '-');
    const int first = ParseWeekday(ends.front()), last = ParseWeekday(ends.back());
    if (ends.size() > 2 || first == 0 || last < first) return bad;
    for (int day = first; day <= last; ++day) windows.days.push_back(day);
  }
  const std::vector<absl::string_view> times = absl::StrSplit(parts[1], '-');
  if (times.size() != 2) return bad;
  const absl::StatusOr<int> start = ParseTimeOfDay(times[0]), end = ParseTimeOfDay(times[1]);
  if (!start.ok() || !end.ok() || *start >= *end) return bad;
  windows.start = *start;
  windows.end = *end;
  return windows;
}

using Parser = absl::Status (*)(absl::string_view, ValueContext&, Message&);

// The messages of the contract that have a short form.
struct Kind {
  const char* hint;
  Parser parse;
};

absl::Status ParseIdentifier(absl::string_view text, ValueContext&, Message& out) {
  const auto bar = text.rfind('|');
  if (bar == absl::string_view::npos || bar == 0 || bar + 1 == text.size()) {
    return IsNot("(value withheld)",
                 "an identifier: write SYSTEM|VALUE, e.g. 'https://hospital.example/mrn|4711'");
  }
  const auto set = [&](const char* name, absl::string_view value) {
    out.GetReflection()->SetString(&out, out.GetDescriptor()->FindFieldByName(name),
                                   std::string(value));
  };
  set("system", text.substr(0, bar));
  set("value", text.substr(bar + 1));
  return absl::OkStatus();
}

// "2009", "2009-03", or a day; after "~" or "about " it is not exact.
absl::Status ParsePartialDate(absl::string_view text, ValueContext& context, Message& out) {
  absl::string_view rest = text;
  const bool about = absl::ConsumePrefix(&rest, "~") || absl::ConsumePrefix(&rest, "about ");
  Message& date = Child(out, "date");
  const std::vector<absl::string_view> parts = absl::StrSplit(rest, '-');
  int year = 0, month = 0;
  if (parts.size() <= 2 && absl::SimpleAtoi(parts[0], &year) &&
      (parts.size() == 1 || (absl::SimpleAtoi(parts[1], &month) && month >= 1 && month <= 12))) {
    SetInt(date, "year", year);
    SetInt(date, "month", month);
  } else {
    const auto day = ParseDay(rest, context.time);
    if (!day.ok()) return IsNot(text, "a date: write 2009, 2009-03 or 2009-03-12, ~2009 for about");
    PutDay(*day, date);
  }
  if (about) {
    out.GetReflection()->SetBool(&out, out.GetDescriptor()->FindFieldByName("approximate"), true);
  }
  return absl::OkStatus();
}

const std::map<std::string, Kind>& Kinds() {
  static const auto* const kinds = new std::map<std::string, Kind>{
      {"google.protobuf.Timestamp",
       {"TIME",
        [](absl::string_view text, ValueContext& context, Message& out) {
          const auto time = ParseInstant(text, context.time);
          if (time.ok()) PutInstant(*time, out);
          return time.status();
        }}},
      {"google.protobuf.Duration",
       {"SPAN",
        [](absl::string_view text, ValueContext&, Message& out) {
          const auto span = ParseSpan(text);
          if (span.ok()) PutInstant(absl::UnixEpoch() + *span, out);
          return span.status();
        }}},
      {"google.protobuf.FieldMask",
       {"FIELD,FIELD",
        [](absl::string_view text, ValueContext&, Message& out) {
          const auto* paths = out.GetDescriptor()->FindFieldByName("paths");
          for (absl::string_view path : absl::StrSplit(text, ',', absl::SkipEmpty())) {
            out.GetReflection()->AddString(&out, paths, absl::StrReplaceAll(path, {{"-", "_"}}));
          }
          return absl::OkStatus();
        }}},
      {"google.type.Date",
       {"DATE",
        [](absl::string_view text, ValueContext& context, Message& out) {
          const auto day = ParseDay(text, context.time);
          if (day.ok()) PutDay(*day, out);
          return day.status();
        }}},
      {"google.type.TimeOfDay",
       {"HH:MM",
        [](absl::string_view text, ValueContext&, Message& out) {
          const auto minute = ParseTimeOfDay(text);
          if (minute.ok()) PutMinute(*minute, out);
          return minute.status();
        }}},
      {"ipt.common.v1.Identifier", {"SYSTEM|VALUE", ParseIdentifier}},
      {"ipt.formulation.v1.PartialDate", {"[~]YYYY[-MM[-DD]]", ParsePartialDate}},
      {"ipt.scheduling.v1.DateRange",
       {"DATE..DATE",
        [](absl::string_view text, ValueContext& context, Message& out) {
          const auto days = ParseDayRange(text, context.time);
          if (days.ok()) PutDay(days->first, Child(out, "first"));
          if (days.ok()) PutDay(days->second, Child(out, "last"));
          return days.status();
        }}},
      {"ipt.scheduling.v1.TimeRange",
       {"TIME..TIME",
        [](absl::string_view text, ValueContext& context, Message& out) {
          const auto range = ParseTimeRange(text, context.time);
          if (range.ok()) PutInstant(range->first, Child(out, "start_time"));
          if (range.ok()) PutInstant(range->second, Child(out, "end_time"));
          return range.status();
        }}},
  };
  return *kinds;
}

constexpr char kWeeklyWindow[] = "ipt.scheduling.v1.WeeklyWindow";

absl::Status AddWindows(Message& message, const FieldDescriptor& field, absl::string_view text) {
  const absl::StatusOr<Windows> windows = ParseWindows(text);
  if (!windows.ok()) return windows.status();
  for (int day : windows->days) {
    Message& window = *message.GetReflection()->AddMessage(&message, &field);
    SetInt(window, "day", day);
    PutMinute(windows->start, Child(window, "start"));
    PutMinute(windows->end, Child(window, "end"));
  }
  return absl::OkStatus();
}

// {json}, or key=value,key=value with the fields' names.
absl::Status ParseMessage(absl::string_view text, ValueContext& context, Message& out) {
  if (absl::StartsWith(text, "{")) {
    const auto status = google::protobuf::util::JsonStringToMessage(std::string(text), &out);
    return status.ok() ? absl::OkStatus()
                       : absl::InvalidArgumentError(absl::StrCat(
                             "not the JSON of a ", out.GetDescriptor()->name(), ": ",
                             std::string(status.message().data(), status.message().size())));
  }
  for (absl::string_view pair : absl::StrSplit(text, ',')) {
    const std::vector<std::string> parts = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    const FieldDescriptor* field =
        out.GetDescriptor()->FindFieldByName(absl::StrReplaceAll(parts[0], {{"-", "_"}}));
    if (parts.size() != 2 || field == nullptr || !IsLeaf(*field)) {
      std::vector<std::string> names;
      names.reserve(out.GetDescriptor()->field_count());
      for (int i = 0; i < out.GetDescriptor()->field_count(); ++i) {
        names.push_back(absl::StrReplaceAll(out.GetDescriptor()->field(i)->name(), {{"_", "-"}}));
      }
      return IsNot(pair,
                   absl::StrCat("of the form name=value with one of ", absl::StrJoin(names, ", ")));
    }
    const absl::Status status = SetField(out, *field, parts[1], context);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(parts[0], ": ", absl::string_view(status.message())));
    }
  }
  return absl::OkStatus();
}

absl::Status SetMessage(Message& message, const FieldDescriptor& field, absl::string_view text,
                        ValueContext& context) {
  if (field.message_type()->full_name() == kWeeklyWindow) return AddWindows(message, field, text);
  const std::unique_ptr<Message> value = NewMessage(*field.message_type());
  const auto kind = Kinds().find(field.message_type()->full_name());
  absl::Status status = kind == Kinds().end() || absl::StartsWith(text, "{")
                            ? ParseMessage(text, context, *value)
                            : kind->second.parse(text, context, *value);
  if (!status.ok()) return status;
  const Reflection* reflection = message.GetReflection();
  (field.is_repeated() ? reflection->AddMessage(&message, &field)
                       : reflection->MutableMessage(&message, &field))
      ->CopyFrom(*value);
  return absl::OkStatus();
}

absl::Status SetEnum(Message& message, const FieldDescriptor& field, absl::string_view text) {
  const std::string word = absl::StrReplaceAll(absl::AsciiStrToLower(text), {{"_", "-"}});
  std::vector<std::string> names;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    const EnumValueDescriptor* value = field.enum_type()->value(i);
    if (value->number() == 0) continue;
    names.push_back(EnumText(*value));
    if (word != names.back() && text != value->name()) continue;
    const Reflection* reflection = message.GetReflection();
    field.is_repeated() ? reflection->AddEnum(&message, &field, value)
                        : reflection->SetEnum(&message, &field, value);
    return absl::OkStatus();
  }
  return IsNot(text, absl::StrCat("one of ", absl::StrJoin(names, ", "), DidYouMean(word, names)));
}

template <typename T>
absl::Status SetNumber(Message& message, const FieldDescriptor& field, absl::string_view text,
                       void (Reflection::*set)(Message*, const FieldDescriptor*, T) const,
                       void (Reflection::*add)(Message*, const FieldDescriptor*, T) const) {
  T value;
  bool sound;
  if constexpr (std::is_same_v<T, double>) {
    sound = absl::SimpleAtod(text, &value) && std::isfinite(value);
  } else {
    sound = absl::SimpleAtoi(text, &value);
  }
  if (!sound) return IsNot(text, "a number");
  (message.GetReflection()->*(field.is_repeated() ? add : set))(&message, &field, value);
  return absl::OkStatus();
}

}  // namespace

bool IsLeaf(const FieldDescriptor& field) {
  return field.is_repeated() || field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
         field.message_type()->full_name() == kWeeklyWindow ||
         Kinds().contains(field.message_type()->full_name());
}

absl::Status SetField(Message& message, const FieldDescriptor& field, absl::string_view text,
                      ValueContext& context) {
  const Reflection* reflection = message.GetReflection();
  if (const auto* oneof = field.real_containing_oneof(); oneof != nullptr) {
    const auto* set = reflection->GetOneofFieldDescriptor(message, oneof);
    if (set != nullptr && set != &field) {
      return absl::InvalidArgumentError(absl::StrCat(
          "give either this or ", absl::StrReplaceAll(set->name(), {{"_", "-"}}), ", not both"));
    }
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetMessage(message, field, text, context);
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(message, field, text);
    case FieldDescriptor::CPPTYPE_STRING: {
      const auto& rules = RulesOf(field);
      const std::string value =
          ExpandName(text, rules.resource(), rules.wildcard(), context.clinic);
      field.is_repeated() ? reflection->AddString(&message, &field, value)
                          : reflection->SetString(&message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value;
      if (!absl::SimpleAtob(text, &value)) return IsNot(text, "true or false");
      field.is_repeated() ? reflection->AddBool(&message, &field, value)
                          : reflection->SetBool(&message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT32:
      return SetNumber<int32_t>(message, field, text, &Reflection::SetInt32, &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return SetNumber<int64_t>(message, field, text, &Reflection::SetInt64, &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return SetNumber<uint32_t>(message, field, text, &Reflection::SetUInt32,
                                 &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return SetNumber<uint64_t>(message, field, text, &Reflection::SetUInt64,
                                 &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return SetNumber<double>(message, field, text, &Reflection::SetDouble,
                               &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_FLOAT: {
      float value;
      if (!absl::SimpleAtof(text, &value) || !std::isfinite(value)) return IsNot(text, "a number");
      field.is_repeated() ? reflection->AddFloat(&message, &field, value)
                          : reflection->SetFloat(&message, &field, value);
      return absl::OkStatus();
    }
  }
  return IsNot(text, "a value of this field");
}

std::string ValueHint(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      if (field.message_type()->full_name() == kWeeklyWindow) return "\"DAYS HH:MM-HH:MM\"";
      const auto kind = Kinds().find(field.message_type()->full_name());
      return kind == Kinds().end() ? kPairsHint : kind->second.hint;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      std::vector<std::string> names;
      for (int i = 1; i < field.enum_type()->value_count(); ++i) {
        names.push_back(EnumText(*field.enum_type()->value(i)));
      }
      return absl::StrJoin(names, "|");
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return "";
    case FieldDescriptor::CPPTYPE_STRING:
      return RulesOf(field).resource().empty() ? "TEXT" : "NAME";
    default:
      return "NUMBER";
  }
}

}  // namespace ipt::ctl
