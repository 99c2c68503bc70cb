// Where the texts of an SVG stand, for tests that none of them lies over another.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "iptctl/svg.h"
#include "tests/tools/iptctl/xml_elements.h"

namespace ipt::ctl::samples {

struct TextBox {
  std::string text;
  double left = 0, right = 0, top = 0, bottom = 0;
};

inline double NumberOf(const XmlElement& element, const char* name) {
  double value = -1;
  EXPECT_TRUE(absl::SimpleAtod(element.Get(name), &value)) << element.tag << " " << name;
  return value;
}

// Of texts of that class, or of all.
inline std::vector<TextBox> TextBoxes(const XmlDocument& document, const std::string& css = "") {
  std::vector<TextBox> boxes;
  for (const XmlElement* text : document.All("text", css)) {
    const std::string own = text->Get("class");
    const double font = absl::StrContains(own, "head")    ? 15
                        : absl::StrContains(own, "tiny")  ? 10
                        : absl::StrContains(own, "small") ? 11
                                                          : 12;
    const double wide = TextWidth(text->text, font) * 0.85;  // TextWidth errs on the wide side
    const double x = NumberOf(*text, "x"), y = NumberOf(*text, "y");
    const std::string anchor = text->Get("text-anchor");
    const double left = anchor == "end" ? x - wide : anchor == "middle" ? x - wide / 2 : x;
    boxes.push_back({text->text, left, left + wide, y - font * 0.7, y});
  }
  return boxes;
}

// Two that lie on one another and could not be read; empty where there are none.
inline std::string Overlapping(const std::vector<TextBox>& boxes) {
  for (size_t i = 0; i < boxes.size(); ++i) {
    for (size_t j = i + 1; j < boxes.size(); ++j) {
      const TextBox &a = boxes[i], &b = boxes[j];
      const double across = std::min(a.right, b.right) - std::max(a.left, b.left);
      const double down = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
      if (across > 1 && down > 1) return absl::StrCat(a.text, " | ", b.text);
    }
  }
  return "";
}

}  // namespace ipt::ctl::samples
