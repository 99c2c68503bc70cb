// A field's value as people read it: local times with their zone, enum values by their short name,
// the contract's small messages in one line.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "iptctl/contract.h"
#include "iptctl/text.h"

namespace ipt::ctl {

struct ShowContext {
  absl::TimeZone zone = absl::UTCTimeZone();
  Paint paint;
};

// `context` with the zone that the message states for itself, if it does.
ShowContext Within(const Message& message, const ShowContext& context);

// Whether messages of the type are shown in one line.
bool IsInline(const Descriptor& type);

// The field's elements, or its one value; none when unset. REQUIRES: the field is no message, or
// one of an inline type.
std::vector<std::string> ValueTexts(const Message& message, const FieldDescriptor& field,
                                    const ShowContext& context);
// The same, with commas between.
std::string ValueText(const Message& message, const FieldDescriptor& field,
                      const ShowContext& context);

// "Mon 2026-12-01 09:00 GMT".
std::string InstantText(absl::Time time, const absl::TimeZone& zone);

// States stand out: what is well, what wants attention, what is wrong.
Color ColorOfState(absl::string_view text);

// A number of a message by its field's name.
int64_t IntField(const Message& message, const char* name);
// The string field of the message, empty if it has none of that name.
std::string StringField(const Message& message, const char* name);
// The enum field's value, as people read it; "?" where a newer server knows more of them.
std::string EnumField(const Message& message, const char* name);

// Of a google.protobuf.Timestamp.
absl::Time InstantOf(const Message& timestamp);

}  // namespace ipt::ctl
