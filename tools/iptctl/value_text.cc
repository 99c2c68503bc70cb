#include "iptctl/value_text.h"

#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace ipt::ctl {
namespace {

using google::protobuf::Reflection;

const FieldDescriptor* FieldOf(const Message& message, const char* name) {
  return message.GetDescriptor()->FindFieldByName(name);
}

const Message& Sub(const Message& message, const char* name) {
  return message.GetReflection()->GetMessage(message, FieldOf(message, name));
}

std::string DayText(const Message& date) {
  return absl::StrFormat("%04d-%02d-%02d", IntField(date, "year"), IntField(date, "month"),
                         IntField(date, "day"));
}

// "about 2019-03": as much of it as is known.
std::string PartialDayText(const Message& partial) {
  const Message& date = Sub(partial, "date");
  std::string text = DayText(date);
  if (IntField(date, "day") == 0) text.resize(text.size() - 3);
  if (IntField(date, "month") == 0) text.resize(text.size() - 3);
  const bool about = partial.GetReflection()->GetBool(partial, FieldOf(partial, "approximate"));
  return absl::StrCat(about ? "about " : "", text);
}

std::string MinuteText(const Message& time) {
  return absl::StrFormat("%02d:%02d", IntField(time, "hours"), IntField(time, "minutes"));
}

using Writer = std::string (*)(const Message&, const ShowContext&);

const std::map<std::string, Writer>& Writers() {
  static const auto* const writers = new std::map<std::string, Writer>{
      {"google.protobuf.Timestamp",
       [](const Message& m, const ShowContext& c) { return InstantText(InstantOf(m), c.zone); }},
      {"google.protobuf.Duration",
       [](const Message& m, const ShowContext&) {
         return absl::FormatDuration(InstantOf(m) - absl::UnixEpoch());
       }},
      {"google.protobuf.FieldMask",
       [](const Message& m, const ShowContext& c) {
         return ValueText(m, *FieldOf(m, "paths"), c);
       }},
      {"google.type.Date", [](const Message& m, const ShowContext&) { return DayText(m); }},
      {"google.type.TimeOfDay", [](const Message& m, const ShowContext&) { return MinuteText(m); }},
      {"ipt.common.v1.Identifier",
       [](const Message& m, const ShowContext&) {
         return absl::StrCat(StringField(m, "system"), "|", StringField(m, "value"));
       }},
      {"ipt.formulation.v1.PartialDate",
       [](const Message& m, const ShowContext&) { return PartialDayText(m); }},
      {"ipt.scheduling.v1.WeeklyWindow",
       [](const Message& m, const ShowContext&) {
         return absl::StrCat(EnumField(m, "day").substr(0, 3), " ", MinuteText(Sub(m, "start")),
                             "-", MinuteText(Sub(m, "end")));
       }},
      {"ipt.scheduling.v1.DateRange",
       [](const Message& m, const ShowContext&) {
         return absl::StrCat(DayText(Sub(m, "first")), "..", DayText(Sub(m, "last")));
       }},
      {"ipt.scheduling.v1.TimeRange",
       [](const Message& m, const ShowContext& c) {
         const absl::Time start = InstantOf(Sub(m, "start_time")),
                          end = InstantOf(Sub(m, "end_time"));
         if (absl::FormatTime("%F %Z", start, c.zone) != absl::FormatTime("%F %Z", end, c.zone)) {
           return absl::StrCat(InstantText(start, c.zone), " .. ", InstantText(end, c.zone));
         }
         return absl::StrCat(absl::FormatTime("%a %Y-%m-%d %H:%M", start, c.zone), "-",
                             absl::FormatTime("%H:%M %Z", end, c.zone));
       }},
      {"ipt.scheduling.v1.PhaseSpan",
       [](const Message& m, const ShowContext&) {
         return absl::StrCat(EnumField(m, "phase"), " ", IntField(m, "first_session"), "-",
                             IntField(m, "last_session"));
       }},
  };
  return *writers;
}

std::string ElementText(const Message& message, const FieldDescriptor& field, int index,
                        const ShowContext& context) {
  const Reflection* r = message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const Message& value =
          one ? r->GetMessage(message, &field) : r->GetRepeatedMessage(message, &field, index);
      return Writers().at(value.GetDescriptor()->full_name())(value, context);
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number =
          one ? r->GetEnumValue(message, &field) : r->GetRepeatedEnumValue(message, &field, index);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      // A newer server may know more values.
      const std::string text = value == nullptr ? absl::StrCat(number) : EnumText(*value);
      return context.paint(ColorOfState(text), text);
    }
    case FieldDescriptor::CPPTYPE_STRING:
      return Printable(one ? r->GetString(message, &field)
                           : r->GetRepeatedString(message, &field, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (one ? r->GetBool(message, &field) : r->GetRepeatedBool(message, &field, index))
                 ? "yes"
                 : "no";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(one ? r->GetInt32(message, &field)
                              : r->GetRepeatedInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(one ? r->GetInt64(message, &field)
                              : r->GetRepeatedInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(one ? r->GetUInt32(message, &field)
                              : r->GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(one ? r->GetUInt64(message, &field)
                              : r->GetRepeatedUInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrCat(one ? r->GetDouble(message, &field)
                              : r->GetRepeatedDouble(message, &field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return absl::StrCat(one ? r->GetFloat(message, &field)
                              : r->GetRepeatedFloat(message, &field, index));
  }
  return "";
}

}  // namespace

absl::Time InstantOf(const Message& timestamp) {
  return absl::FromUnixSeconds(IntField(timestamp, "seconds")) +
         absl::Nanoseconds(IntField(timestamp, "nanos"));
}

int64_t IntField(const Message& message, const char* name) {
  const auto* field = FieldOf(message, name);
  return field->cpp_type() == FieldDescriptor::CPPTYPE_INT32
             ? message.GetReflection()->GetInt32(message, field)
             : message.GetReflection()->GetInt64(message, field);
}

std::string EnumField(const Message& message, const char* name) {
  const auto* field = FieldOf(message, name);
  const auto* value =
      field->enum_type()->FindValueByNumber(message.GetReflection()->GetEnumValue(message, field));
  return value == nullptr ? "?" : EnumText(*value);
}

std::string StringField(const Message& message, const char* name) {
  const auto* field = FieldOf(message, name);
  if (field == nullptr || field->is_repeated() ||
      field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
    return "";
  }
  return message.GetReflection()->GetString(message, field);
}

ShowContext Within(const Message& message, const ShowContext& context) {
  ShowContext inner = context;
  const std::string name = StringField(message, "time_zone");
  absl::TimeZone zone;
  if (!name.empty() && absl::LoadTimeZone(name, &zone)) inner.zone = zone;
  return inner;
}

bool IsInline(const Descriptor& type) { return Writers().contains(type.full_name()); }

std::vector<std::string> ValueTexts(const Message& message, const FieldDescriptor& field,
                                    const ShowContext& context) {
  const Reflection* reflection = message.GetReflection();
  if (!field.is_repeated()) {
    const bool blank = field.has_presence() ? !reflection->HasField(message, &field)
                       : field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM
                           ? reflection->GetEnumValue(message, &field) == 0
                           : false;
    if (blank) return {};
    return {ElementText(message, field, -1, context)};
  }
  const bool instants = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                        field.message_type()->full_name() == "google.protobuf.Timestamp";
  std::vector<std::string> texts;
  std::string day;
  for (int i = 0; i < reflection->FieldSize(message, &field); ++i) {
    texts.push_back(ElementText(message, field, i, context));
    if (!instants) continue;
    // Several of one day say it once.
    const absl::Time time = InstantOf(reflection->GetRepeatedMessage(message, &field, i));
    const std::string same = absl::FormatTime("%a %Y-%m-%d %Z", time, context.zone);
    if (same == day) texts.back() = absl::FormatTime("%H:%M", time, context.zone);
    day = same;
  }
  return texts;
}

std::string ValueText(const Message& message, const FieldDescriptor& field,
                      const ShowContext& context) {
  return absl::StrJoin(ValueTexts(message, field, context), ", ");
}

std::string InstantText(absl::Time time, const absl::TimeZone& zone) {
  return absl::FormatTime("%a %Y-%m-%d %H:%M %Z", time, zone);
}

Color ColorOfState(absl::string_view text) {
  static const auto* const colors = new std::map<std::string, Color>{
      {"active", Color::kGreen},     {"on-track", Color::kGreen},
      {"attended", Color::kGreen},   {"attended-late", Color::kGreen},
      {"completed", Color::kGreen},  {"booked", Color::kCyan},
      {"paused", Color::kYellow},    {"at-risk", Color::kYellow},
      {"no-show", Color::kRed},      {"infeasible", Color::kRed},
      {"overdue", Color::kRed},      {"cancelled", Color::kDim},
      {"discontinued", Color::kDim}, {"sent", Color::kGreen},
      {"leased", Color::kCyan},      {"dead", Color::kRed},
      {"retry", Color::kYellow},     {"agreed", Color::kGreen},
      {"proposed", Color::kCyan},    {"draft", Color::kYellow},
      {"achieved", Color::kGreen},   {"abandoned", Color::kDim},
  };
  const auto it = colors->find(std::string(text));
  return it == colors->end() ? Color::kNone : it->second;
}

}  // namespace ipt::ctl
