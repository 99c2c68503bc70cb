// Whether bytes are text.
#pragma once

#include "absl/strings/string_view.h"

namespace ipt {

// Well-formed UTF-8: no overlong form, no surrogate, nothing beyond U+10FFFF.
bool IsUtf8(absl::string_view text);

}  // namespace ipt
