// All rows of a query, as values.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/database.h"

namespace ipt::storage {

// Each row converted by `convert` (const Row& -> StatusOr<T>); the first failure of it ends them.
template <typename Convert>
auto GetRows(Connection& conn, const Statement& statement, absl::Span<const Value> params,
             Convert convert)
    -> absl::StatusOr<std::vector<typename std::invoke_result_t<Convert, const Row&>::value_type>> {
  std::vector<typename std::invoke_result_t<Convert, const Row&>::value_type> result;
  IPT_RETURN_IF_ERROR(conn.Query(statement, params, [&](const Row& row) {
    auto converted = convert(row);
    if (!converted.ok()) return converted.status();
    result.push_back(*std::move(converted));
    return absl::OkStatus();
  }));
  return result;
}

}  // namespace ipt::storage
