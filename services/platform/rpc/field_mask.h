// Updates by google.protobuf.FieldMask, as AIP-134 has it.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"

namespace ipt::rpc {

// Overwrites in `into` the fields that `mask` names with their values in `from`.
//   empty mask: every field that is set in `from` and may be written;
//   "*":        every field that may be written, unset ones to their defaults;
//   paths:      these, also below message fields ("policy.pause_cap_days"); a repeated field is
//               replaced whole.
// INVALID_ARGUMENT on update_mask for paths that do not exist, are output-only or immutable
// (options of the field). `field` is the request's field that holds the resource, for the message.
absl::Status MergeByMask(const google::protobuf::FieldMask& mask,
                         const google::protobuf::Message& from, google::protobuf::Message& into,
                         absl::string_view field);

}  // namespace ipt::rpc
