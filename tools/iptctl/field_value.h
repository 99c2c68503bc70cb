// One field of a request from the text that a person typed for it. The kinds of the contract have a
// short form each; every other message is key=value pairs or JSON.
//
// Errors are INVALID_ARGUMENT with a sentence that says what to type instead.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "iptctl/contract.h"
#include "iptctl/time_input.h"

namespace ipt::ctl {

struct ValueContext {
  TimeContext time;
  // Completes shortened resource names; empty: none are.
  std::string clinic;
};

// Whether the field is set as a whole by one text rather than by the fields below it.
bool IsLeaf(const FieldDescriptor& field);

// Sets the field, or appends to it when repeated. A text may add several elements
// ("mon-fri 09:00-17:00"). REQUIRES: IsLeaf(field).
absl::Status SetField(Message& message, const FieldDescriptor& field, absl::string_view text,
                      ValueContext& context);

// What to type for the field, for help: "TIME", "DATE", "in-person|video|telephone".
std::string ValueHint(const FieldDescriptor& field);
// The hint for messages without a short form.
inline constexpr char kPairsHint[] = "FIELD=VALUE,...";

}  // namespace ipt::ctl
