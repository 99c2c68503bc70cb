// Days as columns and documents hold them: whole days since 1970-01-01.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/time/civil_time.h"
#include "platform/storage/value.h"

namespace ipt::formulation {

inline constexpr absl::CivilDay kDayZero(1970, 1, 1);

inline int64_t ToDayNumber(absl::CivilDay day) { return day - kDayZero; }
inline absl::CivilDay FromDayNumber(int64_t number) { return kDayZero + number; }

inline std::optional<int64_t> ToDayNumber(const std::optional<absl::CivilDay>& day) {
  return day.has_value() ? std::optional(ToDayNumber(*day)) : std::nullopt;
}
inline std::optional<absl::CivilDay> DayAt(const storage::Row& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return FromDayNumber(row.Int64(column));
}

}  // namespace ipt::formulation
