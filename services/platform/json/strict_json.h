// Data files in JSON, read strictly: a key that is unknown, missing, there twice or of another type
// is an error. All errors of a file come at once, each with the file's name and the key:
// "phq-9.json: items[3].options: names no option set".
//
// A format is a type that says which keys the objects of a file have:
//
//   struct Format {
//     using Context = ...;  // what the reading of one file shares
//     // For each key of an object, v.Key("name", value.name), or v.Maybe where it may be left out.
//     template <typename V> static void Visit(V& v, Point& value);
//     // The words that stand for an enum's values.
//     static absl::Span<const JsonName<Colour>> NamesOf(Colour);
//   };
//
// Nothing here is thread-safe or needs to be.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "platform/errors/field_violations.h"

namespace ipt {

// In the order in which it is written.
using OrderedJson = nlohmann::ordered_json;

template <typename Enum>
struct JsonName {
  Enum value;
  const char* name;
};

// INVALID_ARGUMENT, naming the line, where the text is no JSON, and naming the key where one is
// there twice, which JSON itself allows.
absl::Status ParseStrictly(absl::string_view file, absl::string_view text, OrderedJson& json);

// What was found in a file as INVALID_ARGUMENT, a line each; OK where that is nothing.
absl::Status InFile(absl::string_view file, const FieldViolations& bad);

// Reads one object; what it does not find or understand goes to `bad`.
template <typename Format>
class JsonReader {
 public:
  using Context = typename Format::Context;

  JsonReader(const OrderedJson& object, Context& context, FieldViolations& bad)
      : object_(object), context_(context), bad_(bad) {}

  // Reads `json` into `out`, of which `bad` is the path.
  template <typename T>
  static void ReadValue(const OrderedJson& json, T& out, Context& context, FieldViolations bad) {
    if constexpr (std::is_same_v<T, bool>) {
      if (!json.is_boolean()) return bad.Add("", "must be true or false");
      json.get_to(out);
    } else if constexpr (std::is_same_v<T, int>) {
      if (!FitsInt(json)) return bad.Add("", "must be a whole number");
      json.get_to(out);
    } else if constexpr (std::is_same_v<T, double>) {
      if (!json.is_number()) return bad.Add("", "must be a number");
      json.get_to(out);
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!json.is_string()) return bad.Add("", "must be a string");
      json.get_to(out);
    } else if constexpr (std::is_enum_v<T>) {
      ReadEnum(json, out, bad);
    } else {
      ReadObject(json, out, context, bad);
    }
  }

  template <typename T>
  static void ReadValue(const OrderedJson& json, std::vector<T>& out, Context& context,
                        FieldViolations bad) {
    if (!json.is_array()) return bad.Add("", "must be an array");
    for (size_t i = 0; i < json.size(); ++i) {
      ReadValue(json[i], out.emplace_back(), context, bad.At("", i));
    }
  }

  // Unset where the value is null.
  template <typename T>
  static void ReadValue(const OrderedJson& json, std::optional<T>& out, Context& context,
                        FieldViolations bad) {
    if (!json.is_null()) ReadValue(json, out.emplace(), context, bad);
  }

  // A key that must be there.
  template <typename T>
  void Key(const char* key, T& out) {
    const OrderedJson* found = Find(key);
    if (found == nullptr) return bad_.Add(key, "is missing");
    ReadValue(*found, out, context_, bad_.In(key));
  }

  // A key that may be left out: `out` then stays what it is, which the format calls usual.
  template <typename T>
  void Maybe(const char* key, T& out, const T& = T()) {
    const OrderedJson* found = Find(key);
    if (found != nullptr) ReadValue(*found, out, context_, bad_.In(key));
  }

  // A key that the format reads in a way of its own; nullptr where it is not there.
  const OrderedJson* Find(const char* key) {
    known_.insert(key);
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }

  Context& context() { return context_; }
  FieldViolations& bad() { return bad_; }

 private:
  static bool FitsInt(const OrderedJson& json) {
    if (!json.is_number_integer()) return false;
    if (json.is_number_unsigned()) {
      return json.get<uint64_t>() <= uint64_t{std::numeric_limits<int>::max()};
    }
    return json.get<int64_t>() >= std::numeric_limits<int>::min();
  }

  template <typename Enum>
  static void ReadEnum(const OrderedJson& json, Enum& out, FieldViolations& bad) {
    std::vector<absl::string_view> names;
    for (const JsonName<Enum>& known : Format::NamesOf(Enum())) {
      if (json.is_string() && json.get_ref<const std::string&>() == known.name) {
        out = known.value;
        return;
      }
      names.push_back(known.name);
    }
    bad.Add("", absl::StrCat("must be one of ", absl::StrJoin(names, ", ")));
  }

  template <typename T>
  static void ReadObject(const OrderedJson& json, T& out, Context& context, FieldViolations& bad) {
    if (!json.is_object()) return bad.Add("", "must be an object");
    JsonReader reader(json, context, bad);
    Format::Visit(reader, out);
    for (const auto& [key, value] : json.items()) {
      if (!reader.known_.contains(key)) bad.Add(key, "is no key of the format");
    }
  }

  const OrderedJson& object_;
  Context& context_;
  FieldViolations& bad_;
  std::set<std::string> known_;
};

}  // namespace ipt
