// Early return on a failed absl::Status or absl::StatusOr (Debian's Abseil ships no such macros).
//
//   IPT_RETURN_IF_ERROR(Check(x));
//   IPT_ASSIGN_OR_RETURN(auto course, repository.Get(name));
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define IPT_RETURN_IF_ERROR(expr)                                              \
  do {                                                                         \
    if (absl::Status ipt_status = (expr); !ipt_status.ok()) return ipt_status; \
  } while (false)

#define IPT_MACRO_CONCAT_INNER(a, b) a##b
#define IPT_MACRO_CONCAT(a, b) IPT_MACRO_CONCAT_INNER(a, b)

#define IPT_ASSIGN_OR_RETURN(lhs, expr) \
  IPT_ASSIGN_OR_RETURN_IMPL(IPT_MACRO_CONCAT(ipt_status_or_, __LINE__), lhs, expr)

// `lhs` is a declaration or an lvalue: it cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define IPT_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  if (!tmp.ok()) return std::move(tmp).status();  \
  lhs = *std::move(tmp)
// NOLINTEND(bugprone-macro-parentheses)
