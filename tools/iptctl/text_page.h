// Headings, paragraphs and items of a text for a terminal, at most 100 columns wide.
//
// Everything that is given is made printable: it may have been entered by anybody.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "iptctl/text.h"

namespace ipt::ctl {

class TextPage {
 public:
  explicit TextPage(const Paint& paint) : paint_(paint) {}

  void Title(absl::string_view text);
  // After an empty line.
  void Heading(absl::string_view text);
  // Its lines are paragraphs.
  void Paragraphs(absl::string_view text, int indent = 2);
  void Colored(Color color, absl::string_view text, int indent = 2);
  // "label: text", its further lines indented; nothing where the text is empty.
  void Labelled(absl::string_view label, absl::string_view text, int indent = 2);
  // "- text", its further lines beneath the text.
  void Item(absl::string_view text, int indent = 2, absl::string_view mark = "-",
            Color color = Color::kNone);

  std::string Finish() { return std::move(out_); }

 private:
  const Paint paint_;
  std::string out_;
};

// The lines of a text that have something in them.
std::vector<std::string> ParagraphsOf(absl::string_view text);

}  // namespace ipt::ctl
