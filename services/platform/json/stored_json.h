// JSON as a store's columns hold it. Reading and writing are compiled here, once: what nlohmann
// makes of them is most of what a file that does it takes to compile.
//
// Pure functions; thread-safe.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace ipt {

// Without spaces. Bytes that are no UTF-8 are replaced: nothing that was taken in is refused here.
std::string DumpStored(const nlohmann::json& json);

// Discarded (`is_discarded()`) where `text` is no JSON.
nlohmann::json ParseStored(absl::string_view text);

// Has `read` take what it wants; it may throw what nlohmann throws at a value of another type.
// INTERNAL, "a stored WHAT cannot be read", where it does, and where `text` is no JSON.
absl::Status ReadStored(absl::string_view text, absl::string_view what,
                        absl::FunctionRef<void(const nlohmann::json&)> read);

}  // namespace ipt
