// Reads the members that a token's claims and a client's entry share: who may enter which clinics
// with which scopes. One reader, so that both files and tokens mean the same.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "platform/auth/caller.h"

namespace ipt::auth {

// The value of `name` in `object` if it is a string, else null.
const std::string* FindString(const nlohmann::json& object, absl::string_view name);

// Each of these fills its part of `caller`, leaves it as it is where the member is absent, and
// fails with INVALID_ARGUMENT and a sentence (without the value) where the member has the wrong
// shape.
absl::Status ReadSubject(const nlohmann::json& object, absl::string_view name, Caller& caller);
absl::Status ReadClinics(const nlohmann::json& object, absl::string_view name, Caller& caller);
absl::Status ReadScopes(const nlohmann::json& object, absl::string_view name, Caller& caller);

}  // namespace ipt::auth
