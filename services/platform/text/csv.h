// Cells of CSV (RFC 4180) as they are written. Of a caller's own words, one that a spreadsheet
// would take for a formula begins with an apostrophe, which whoever reads it takes off again.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace ipt {

// Quoted where it must be.
std::string CsvCell(absl::string_view text);
// Of a caller's own words: guarded, too.
std::string GuardedCsvCell(absl::string_view text);
// What a cell said before it was guarded.
std::string UnguardedCsvCell(absl::string_view cell);

}  // namespace ipt
