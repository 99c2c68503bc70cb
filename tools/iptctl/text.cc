#include "iptctl/text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace ipt::ctl {
namespace {

int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

bool StartsCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

}  // namespace

int DisplayWidth(absl::string_view text) {
  int width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (i < text.size() && text[i] != 'm') ++i;
    } else if (StartsCharacter(text[i])) {
      ++width;
    }
  }
  return width;
}

std::string PadRight(absl::string_view text, int width) {
  return absl::StrCat(text, std::string(std::max(0, width - DisplayWidth(text)), ' '));
}

std::string PadLeft(absl::string_view text, int width) {
  return absl::StrCat(std::string(std::max(0, width - DisplayWidth(text)), ' '), text);
}

std::string Clip(absl::string_view text, int width, absl::string_view ellipsis) {
  if (DisplayWidth(text) <= width) return std::string(text);
  int room = std::max(0, width - DisplayWidth(ellipsis));
  size_t end = 0;
  for (; end < text.size(); ++end) {
    if (StartsCharacter(text[end]) && room-- == 0) break;
  }
  return absl::StrCat(text.substr(0, end), ellipsis);
}

std::string Printable(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = [&](size_t n) {
      return i + n < text.size() ? static_cast<unsigned char>(text[i + n]) : 0;
    };
    if (byte < 0x20 || byte == 0x7F) {
      out += ' ';
    } else if (byte == 0xC2 && next(1) >= 0x80 && next(1) < 0xA0) {  // U+0080 to U+009F
      out += ' ';
      ++i;
    } else if (byte == 0xE2 && ((next(1) == 0x80 && next(2) >= 0xA8 && next(2) <= 0xAE) ||
                                (next(1) == 0x81 && next(2) >= 0xA6 && next(2) <= 0xA9))) {
      out += ' ';  // line and paragraph separators, U+202A to U+202E, U+2066 to U+2069
      i += 2;
    } else if (byte == 0xEF && next(1) == 0xBF && next(2) >= 0xBE) {  // U+FFFE and U+FFFF
      out += ' ';
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string Nearest(absl::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  int least = std::max<int>(2, static_cast<int>(word.size()) / 3) + 1;
  for (const std::string& candidate : candidates) {
    const int distance = EditDistance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string Wrap(absl::string_view text, int indent, int width) {
  const std::string blanks(indent, ' ');
  std::string out, line;
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!line.empty() && indent + DisplayWidth(line) + 1 + DisplayWidth(word) > width) {
      absl::StrAppend(&out, blanks, line, "\n");
      line.clear();
    }
    absl::StrAppend(&line, line.empty() ? "" : " ", word);
  }
  if (!line.empty()) absl::StrAppend(&out, blanks, line, "\n");
  return out;
}

std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates) {
  const std::string nearest = Nearest(word, candidates);
  return nearest.empty() ? "" : absl::StrCat(" (did you mean ", nearest, "?)");
}

std::string Paint::operator()(Color color, absl::string_view text) const {
  static constexpr absl::string_view kCodes[] = {"", "1", "2", "31", "32", "33", "34", "35", "36"};
  if (!on || color == Color::kNone || text.empty()) return std::string(text);
  return absl::StrCat("\x1b[", kCodes[static_cast<int>(color)], "m", text, "\x1b[0m");
}

std::string Counted(int64_t count, absl::string_view noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

}  // namespace ipt::ctl
