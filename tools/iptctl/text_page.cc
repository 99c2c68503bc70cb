#include "iptctl/text_page.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace ipt::ctl {
namespace {

constexpr int kTextPageWidth = 100;

}  // namespace

std::vector<std::string> ParagraphsOf(absl::string_view text) {
  std::vector<std::string> paragraphs;
  for (const absl::string_view line : absl::StrSplit(text, absl::ByAnyChar("\r\n"))) {
    const absl::string_view said = absl::StripAsciiWhitespace(line);
    if (!said.empty()) paragraphs.emplace_back(said);
  }
  return paragraphs;
}

void TextPage::Title(absl::string_view text) {
  absl::StrAppend(&out_, paint_(Color::kBold, Printable(text)), "\n");
}

void TextPage::Heading(absl::string_view text) {
  absl::StrAppend(&out_, "\n", paint_(Color::kBold, absl::AsciiStrToUpper(Printable(text))), "\n");
}

void TextPage::Paragraphs(absl::string_view text, int indent) {
  for (const std::string& paragraph : ParagraphsOf(text)) {
    out_ += Wrap(Printable(paragraph), indent, kTextPageWidth);
  }
}

void TextPage::Colored(Color color, absl::string_view text, int indent) {
  const std::string wrapped = Wrap(Printable(text), indent, kTextPageWidth);
  absl::StrAppend(&out_, paint_(color, absl::StripTrailingAsciiWhitespace(wrapped)),
                  wrapped.empty() ? "" : "\n");
}

void TextPage::Labelled(absl::string_view label, absl::string_view text, int indent) {
  const std::vector<std::string> paragraphs = ParagraphsOf(text);
  for (size_t i = 0; i < paragraphs.size(); ++i) {
    if (i == 0) {
      Item(paragraphs[i], indent, absl::StrCat(label, ":"), Color::kBold);
    } else {
      out_ += Wrap(Printable(paragraphs[i]), indent + 4, kTextPageWidth);
    }
  }
}

void TextPage::Item(absl::string_view text, int indent, absl::string_view mark, Color color) {
  // Beneath a short mark the text goes on where it began, beneath a long one a little indented.
  const std::string shown = Printable(mark);
  const int width = DisplayWidth(shown) + 1;
  const int hang = width <= 3 ? width : 4;
  // Wrapped together with the mark's room, which is put in its place then.
  const std::string room(width - 1, '#');
  const std::string body =
      Wrap(absl::StrCat(room, " ", Printable(text)), 0, kTextPageWidth - indent - hang);
  bool first = true;
  for (const absl::string_view line : absl::StrSplit(body, '\n', absl::SkipEmpty())) {
    if (first) {
      absl::StrAppend(&out_, std::string(indent, ' '), paint_(color, shown),
                      line.substr(room.size()), "\n");
    } else {
      absl::StrAppend(&out_, std::string(indent + hang, ' '), line, "\n");
    }
    first = false;
  }
}

}  // namespace ipt::ctl
