// Where a service that runs by itself finds another one, from its flags.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/peer/link.h"

namespace ipt::peer {

// REQUIRES: the flags --NAME, --NAME_tls, --NAME_ca_file, --NAME_cert_file, --NAME_key_file,
// --NAME_tls_name, --NAME_token_file and --NAME_allow_insecure are defined. INVALID_ARGUMENT with a
// sentence that says what to do (CheckSettings).
absl::StatusOr<Settings> ReadPeerFlags(absl::string_view name);

// The same; nullopt where --NAME is empty, whatever the others say.
absl::StatusOr<std::optional<Settings>> ReadPeerFlagsIfGiven(absl::string_view name);

}  // namespace ipt::peer
