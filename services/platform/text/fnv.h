// FNV-1a of 64 bits over values in their order: the same in every process and release, to tell
// whether something is still as it was. No guard against who wants two things to be alike.
//
// A value; not synchronized.
#pragma once

#include <cstdint>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace ipt {

class Fnv {
 public:
  // With its length, so that "ab", "c" is not "a", "bc".
  void Add(absl::string_view bytes) {
    Add(static_cast<int64_t>(bytes.size()));
    for (const char c : bytes) Mix(static_cast<unsigned char>(c));
  }
  void Add(int64_t value) {
    for (int i = 0; i < 8; ++i) Mix(static_cast<unsigned char>(value >> (8 * i)));
  }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void Add(Enum value) { Add(static_cast<int64_t>(value)); }

  uint64_t value() const { return hash_; }

 private:
  void Mix(unsigned char byte) { hash_ = (hash_ ^ byte) * 1099511628211U; }

  uint64_t hash_ = 14695981039346656037U;
};

}  // namespace ipt
