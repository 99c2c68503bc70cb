// base64url as JOSE writes it (RFC 7515): no padding, no white space, nothing else tolerated.
#pragma once

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace ipt::auth {

// Abseil's decoder also takes padding, dots and white space, hence the look at each character.
inline bool DecodeBase64Url(absl::string_view text, std::string* bytes) {
  return std::all_of(
             text.begin(), text.end(),
             [](unsigned char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; }) &&
         absl::WebSafeBase64Unescape(text, bytes);
}

}  // namespace ipt::auth
