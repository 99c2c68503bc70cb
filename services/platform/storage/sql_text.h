// Builds services' SQL texts. Here, and nowhere else, the engines' texts differ: in how a JSON
// array becomes rows. Values are always bound, never part of a text.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "platform/storage/database.h"
#include "platform/storage/value.h"

namespace ipt::storage {

// A query whose conditions depend on a filter. Its text depends only on which conditions there are,
// so that each combination is prepared once.
class FilteredQuery {
 public:
  FilteredQuery(absl::string_view select, std::initializer_list<Value> params)
      : sql_(select), params_(params) {}

  // `condition` names its parameters as no other one does, in the order of `values`.
  FilteredQuery& And(absl::string_view condition, std::initializer_list<Value> values = {}) {
    absl::StrAppend(&sql_, " AND ", condition);
    params_.insert(params_.end(), values.begin(), values.end());
    return *this;
  }
  // `column` is one of `values`; a text per number of different values, which enumerations bound.
  template <typename Enum>
  FilteredQuery& AndIn(absl::string_view column, absl::string_view name,
                       const std::vector<Enum>& values) {
    const std::set<Enum> distinct(values.begin(), values.end());
    std::vector<std::string> names;
    for (Enum value : distinct) {
      names.push_back(absl::StrCat(":", name, names.size()));
      params_.emplace_back(static_cast<int>(value));
    }
    absl::StrAppend(&sql_, " AND ", column, " IN (", absl::StrJoin(names, ", "), ")");
    return *this;
  }
  FilteredQuery& OrderBy(absl::string_view order, int limit) {
    absl::StrAppend(&sql_, " ORDER BY ", order, " LIMIT :limit");
    params_.emplace_back(limit);
    return *this;
  }

  Statement statement(ColumnTypes columns) const { return {sql_, columns}; }
  absl::Span<const Value> params() const { return params_; }

 private:
  std::string sql_;
  std::vector<Value> params_;
};

// The elements of a JSON array of strings, for IN. `array` is a parameter (":ids") or a column.
inline std::string JsonElements(Dialect dialect, absl::string_view array) {
  return dialect == Dialect::kSqlite
             ? absl::StrCat("(SELECT value FROM json_each(", array, "))")
             : absl::StrCat("(SELECT json_array_elements_text(CAST(", array, " AS json)))");
}

// `column` is one of the strings of the JSON array in the parameter `array` (":ids"). The array is
// read once, whatever PostgreSQL believes of the table: as a subquery it would be read again for
// each row of a table that it takes for small.
inline std::string InJson(Dialect dialect, absl::string_view column, absl::string_view array) {
  return dialect == Dialect::kSqlite
             ? absl::StrCat(column, " IN ", JsonElements(dialect, array))
             : absl::StrCat(column, " = ANY (ARRAY", JsonElements(dialect, array), ")");
}

struct JsonColumn {
  absl::string_view name;
  bool integer = false;
};

// A table of a JSON array of arrays, to be joined with: `UPDATE .. FROM <this> AS v WHERE ..`. Read
// once, as InJson's.
inline std::string JsonRows(Dialect dialect, absl::string_view array,
                            std::initializer_list<JsonColumn> columns) {
  const bool sqlite = dialect == Dialect::kSqlite;
  std::vector<std::string> parts;
  for (const JsonColumn& column : columns) {
    const size_t i = parts.size();
    std::string part = sqlite ? absl::StrCat("json_extract(value, '$[", i, "]')")
                              : absl::StrCat("(value ->> ", i, ")");
    if (column.integer) part = absl::StrCat("CAST(", part, " AS BIGINT)");
    parts.push_back(absl::StrCat(part, " AS ", column.name));
  }
  const std::string columns_of = absl::StrCat("SELECT ", absl::StrJoin(parts, ", "), " FROM ");
  return sqlite ? absl::StrCat("(", columns_of, "json_each(", array, "))")
                : absl::StrCat("(WITH j AS MATERIALIZED (", columns_of, "json_array_elements(CAST(",
                               array, " AS json))) SELECT * FROM j)");
}

}  // namespace ipt::storage
