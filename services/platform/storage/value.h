// The values that go into a statement and the rows that come out of it.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ipt::storage {

// kText holds UTF-8 without NUL, kBytes anything.
enum class ColumnType : uint8_t { kInt64, kDouble, kText, kBytes };

// A constant list of column types, so that a Statement can be constexpr.
class ColumnTypes {
 public:
  static constexpr size_t kMaxColumns = 64;

  constexpr ColumnTypes() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): written as a braced list.
  constexpr ColumnTypes(std::initializer_list<ColumnType> types) {
    for (ColumnType type : types) types_[size_++] = type;
  }
  constexpr size_t size() const { return size_; }
  constexpr ColumnType operator[](size_t i) const { return types_[i]; }

 private:
  std::array<ColumnType, kMaxColumns> types_ = {};
  size_t size_ = 0;
};

// Opaque bytes, told apart from text.
struct Bytes {
  std::string data;
};

// A parameter: NULL (std::nullopt), integer, double, text or bytes. Owns what it holds.
class Value {
 public:
  using Rep = std::variant<std::monostate, int64_t, double, std::string, Bytes>;

  // Implicit, so that a list of parameters reads as one: {clinic, revision, note_or_nullopt}.
  // NOLINTBEGIN(google-explicit-constructor)
  Value(std::nullopt_t = std::nullopt) {}
  template <typename T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  Value(T value) : rep_(static_cast<int64_t>(value)) {}
  Value(double value) : rep_(value) {}
  Value(std::string value) : rep_(std::move(value)) {}
  Value(absl::string_view value) : rep_(std::string(value)) {}
  Value(const char* value) : rep_(std::string(value)) {}
  Value(Bytes value) : rep_(std::move(value)) {}
  Value(absl::Time value) : rep_(absl::ToUnixMicros(value)) {}
  template <typename T>
  Value(const std::optional<T>& value) {
    if (value.has_value()) rep_ = Value(*value).rep_;
  }
  // NOLINTEND(google-explicit-constructor)

  const Rep& rep() const { return rep_; }

 private:
  Rep rep_;
};

// One cell of a result row, of the type that its Statement gives the column.
struct Cell {
  bool null = true;
  long long integer = 0;
  double real = 0;
  std::string text;  // text or bytes
};

// A view of one result row. Reading a NULL by Int64, Double, Text, Bytes or Time gives 0 or "".
class Row {
 public:
  explicit Row(const std::vector<Cell>& cells) : cells_(cells) {}

  size_t size() const { return cells_.size(); }
  bool IsNull(size_t i) const { return at(i).null; }
  int64_t Int64(size_t i) const { return at(i).null ? 0 : at(i).integer; }
  bool Bool(size_t i) const { return Int64(i) != 0; }
  double Double(size_t i) const { return at(i).null ? 0 : at(i).real; }
  const std::string& Text(size_t i) const { return at(i).text; }
  const std::string& Bytes(size_t i) const { return at(i).text; }
  absl::Time Time(size_t i) const { return absl::FromUnixMicros(Int64(i)); }

  std::optional<int64_t> OptionalInt64(size_t i) const {
    return IsNull(i) ? std::nullopt : std::optional<int64_t>(Int64(i));
  }
  std::optional<double> OptionalDouble(size_t i) const {
    return IsNull(i) ? std::nullopt : std::optional<double>(Double(i));
  }
  std::optional<std::string> OptionalText(size_t i) const {
    return IsNull(i) ? std::nullopt : std::optional<std::string>(Text(i));
  }
  std::optional<absl::Time> OptionalTime(size_t i) const {
    return IsNull(i) ? std::nullopt : std::optional<absl::Time>(Time(i));
  }

 private:
  const Cell& at(size_t i) const {
    assert(i < cells_.size());
    return cells_[i];
  }

  const std::vector<Cell>& cells_;
};

}  // namespace ipt::storage
