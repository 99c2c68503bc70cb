#include "platform/text/csv.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace ipt {
namespace {

// What a spreadsheet takes for a formula, or may strip to come to one; and the guard itself.
constexpr absl::string_view kGuarded = "=+-@\t\r'";

}  // namespace

std::string CsvCell(absl::string_view text) {
  if (text.find_first_of(",\"\r\n") == absl::string_view::npos) return std::string(text);
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

std::string GuardedCsvCell(absl::string_view text) {
  const bool guarded = !text.empty() && absl::StrContains(kGuarded, text.front());
  return CsvCell(guarded ? absl::StrCat("'", text) : std::string(text));
}

std::string UnguardedCsvCell(absl::string_view cell) {
  const bool guarded = cell.size() > 1 && cell[0] == '\'' && absl::StrContains(kGuarded, cell[1]);
  return std::string(guarded ? cell.substr(1) : cell);
}

}  // namespace ipt
