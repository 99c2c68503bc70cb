#include "platform/events/cursor.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/errors/error.h"

namespace ipt::events {
namespace {

constexpr char kFormat[] = "1";

}  // namespace

std::string WriteCursor(const Cursor& cursor) {
  return absl::WebSafeBase64Escape(
      absl::StrCat(kFormat, ",", cursor.epoch, ",", cursor.clinic_id, ",", cursor.position));
}

absl::StatusOr<Cursor> ReadCursor(absl::string_view text) {
  std::string plain;
  Cursor cursor;
  const absl::Status wrong =
      InvalidField("cursor", "is not a cursor that this method gave; send one exactly as it came");
  if (!absl::WebSafeBase64Unescape(text, &plain)) return wrong;
  const std::vector<absl::string_view> parts = absl::StrSplit(plain, ',');
  if (parts.size() != 4 || parts[0] != kFormat || !absl::SimpleAtoi(parts[3], &cursor.position) ||
      cursor.position < 0) {
    return wrong;
  }
  cursor.epoch = std::string(parts[1]);
  cursor.clinic_id = std::string(parts[2]);
  if (WriteCursor(cursor) != text) return wrong;
  return cursor;
}

}  // namespace ipt::events
