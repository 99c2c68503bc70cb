#include "platform/ids/ids.h"

#include <array>
#include <cstdint>
#include <random>

#include "absl/strings/ascii.h"

namespace ipt {
namespace {

constexpr char kHex[] = "0123456789abcdef";

std::mt19937_64& Generator() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::array<uint32_t, 8> words;
    for (auto& word : words) word = device();
    std::seed_seq seed(words.begin(), words.end());
    return std::mt19937_64(seed);
  }();
  return generator;
}

}  // namespace

bool IsValidId(absl::string_view id) {
  if (id.empty() || id.size() > 63 || id[0] == '-') return false;
  for (const char c : id) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '-') return false;
  }
  return true;
}

bool IsUuid(absl::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !absl::ascii_isxdigit(text[i])) return false;
  }
  return true;
}

std::string RandomIdSource::NewUuid() {
  const uint64_t words[2] = {(Generator()() & ~uint64_t{0xf000}) | uint64_t{0x4000},
                             (Generator()() & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62)};
  std::string uuid;
  uuid.reserve(36);
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) uuid.push_back('-');
    uuid.push_back(kHex[(words[nibble / 16] >> (60 - 4 * (nibble % 16))) & 15]);
  }
  return uuid;
}

}  // namespace ipt
