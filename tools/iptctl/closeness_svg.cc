#include "iptctl/closeness_svg.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "absl/strings/str_cat.h"
#include "iptctl/formulation_words.h"
#include "iptctl/outcome_words.h"
#include "iptctl/svg.h"

namespace ipt::ctl {
namespace {

namespace f = formulation::v1;

constexpr int kCircles = 3;
constexpr double kNameFont = 12;
constexpr double kNameRow = 18;    // from name to name
constexpr double kPersonSize = 6;  // half a mark's size
constexpr double kPatient = 24;    // radius of the middle
constexpr double kCirclesMargin = 12;
constexpr double kNameGap = 26;  // from the outermost circle to the names
constexpr std::array<f::RelationshipQuality, 6> kQualities = {
    f::RELATIONSHIP_QUALITY_SUPPORTIVE,  f::RELATIONSHIP_QUALITY_MIXED,
    f::RELATIONSHIP_QUALITY_CONFLICTUAL, f::RELATIONSHIP_QUALITY_DISTANT,
    f::RELATIONSHIP_QUALITY_ESTRANGED,   f::RELATIONSHIP_QUALITY_UNSPECIFIED};

const char* CssOf(f::RelationshipQuality quality) {
  switch (quality) {
    case f::RELATIONSHIP_QUALITY_SUPPORTIVE:
      return "supportive";
    case f::RELATIONSHIP_QUALITY_CONFLICTUAL:
      return "conflictual";
    case f::RELATIONSHIP_QUALITY_MIXED:
      return "mixed";
    case f::RELATIONSHIP_QUALITY_DISTANT:
      return "distant";
    case f::RELATIONSHIP_QUALITY_ESTRANGED:
      return "estranged";
    default:
      return "unstated";
  }
}

std::string QualityWords(f::RelationshipQuality quality) {
  const std::string words = SpokenEnum(quality);
  return words.empty() ? "quality not stated" : words;
}

void DrawMark(double x, double y, f::RelationshipQuality quality, Canvas& out) {
  const std::string css = absl::StrCat("person ", CssOf(quality));
  switch (quality) {
    case f::RELATIONSHIP_QUALITY_CONFLICTUAL:
      return out.Path(TrianglePath(x, y, kPersonSize), css);
    case f::RELATIONSHIP_QUALITY_MIXED:
      return out.Path(DiamondPath(x, y, kPersonSize + 1), css);
    case f::RELATIONSHIP_QUALITY_ESTRANGED:
      return out.Path(CrossPath(x, y, kPersonSize - 1), css);
    case f::RELATIONSHIP_QUALITY_SUPPORTIVE:
    case f::RELATIONSHIP_QUALITY_DISTANT:
      return out.Circle(x, y, kPersonSize - 0.5, css);
    default:
      return out.Rect(x - kPersonSize + 1, y - kPersonSize + 1, 2 * kPersonSize - 2,
                      2 * kPersonSize - 2, {{"class", css}});
  }
}

std::string StatusSuffix(const f::Relationship& person) {
  if (person.status() == f::RELATIONSHIP_STATUS_DECEASED) return " (died)";
  return person.status() == f::RELATIONSHIP_STATUS_PAST ? " (past)" : "";
}

// The name in so much room; that somebody has died is never cut off.
std::string NameIn(const f::Relationship& person, double width, const std::string& before = "") {
  const std::string suffix = StatusSuffix(person);
  const double left = width - TextWidth(before, kNameFont) - TextWidth(suffix, kNameFont);
  return absl::StrCat(before, ClipToWidth(person.display_name(), left, kNameFont), suffix);
}

std::string PersonWords(const f::Relationship& person) {
  const std::string contact = SpokenEnum(person.contact_frequency());
  return absl::StrCat(person.display_name(), StatusSuffix(person), ": ", SpokenEnum(person.kind()),
                      ", ", CircleWords(person), ", ", QualityWords(person.quality()),
                      contact.empty() ? "" : ", contact ", contact);
}

struct Placed {
  const f::Relationship* person = nullptr;
  int circle = 0;
  int number = 0;    // in the list beneath
  double angle = 0;  // from the right, clockwise
  double x = 0, y = 0;
  double label_y = 0;
};

// Lays the people of each circle out in lanes that hold them without touching.
class Circles {
 public:
  Circles(const f::InterpersonalInventory& inventory, double lane_step, double arc_step,
          double least_band)
      : lane_step_(lane_step), arc_step_(arc_step) {
    std::array<std::vector<const f::Relationship*>, kCircles + 1> of_circle;
    for (const f::Relationship& person : inventory.relationships()) {
      const int circle = person.closeness_circle();
      of_circle[circle >= 1 && circle <= kCircles ? circle : 0].push_back(&person);
    }
    unplaced = of_circle[0];
    double inner = kPatient;
    for (int circle = 1; circle <= kCircles; ++circle) {
      inner = PlaceCircle(circle, of_circle[circle], inner, least_band);
      radius[circle - 1] = inner;
    }
  }

  std::vector<Placed> placed;  // by circle, around the middle at 0, 0
  std::vector<const f::Relationship*> unplaced;
  std::array<double, kCircles> radius{};

 private:
  int Capacity(double lane) const {
    return std::max(1, static_cast<int>(2 * std::numbers::pi * lane / arc_step_));
  }

  // The circle's outer radius.
  double PlaceCircle(int circle, const std::vector<const f::Relationship*>& people, double inner,
                     double least_band) {
    const int count = static_cast<int>(people.size());
    int lanes = 1;
    const auto held = [&] {
      int total = 0;
      for (int j = 0; j < lanes; ++j) total += Capacity(inner + (j + 0.5) * lane_step_);
      return total;
    };
    while (held() < count) ++lanes;
    const double band = std::max(least_band, lanes * lane_step_ + 4);
    const double first = inner + (band - (lanes - 1) * lane_step_) / 2;
    int next = 0, room = 0;
    for (int j = 0; j < lanes; ++j) room += Capacity(first + j * lane_step_);
    for (int j = 0; j < lanes; ++j) {
      const double lane = first + j * lane_step_;
      // As full as the others, the last one with what is left.
      const int share = (count * Capacity(lane) + room - 1) / room;
      const int here = j + 1 == lanes ? count - next : std::min(share, count - next);
      // Lanes begin at different angles, so that few people do not stand in one line.
      const double turn = std::fmod(0.12 + 0.382 * lane_index_++, 1.0);
      for (int k = 0; k < here; ++k) {
        Placed& mark = placed.emplace_back();
        mark.person = people[next++];
        mark.circle = circle;
        mark.number = static_cast<int>(placed.size());
        mark.angle = 2 * std::numbers::pi * ((k + turn) / here);
        mark.x = lane * std::cos(mark.angle);
        mark.y = lane * std::sin(mark.angle);
      }
    }
    return inner + band;
  }

  const double lane_step_, arc_step_;
  int lane_index_ = 0;
};

// Moves names apart, up to `half` above and below the middle. REQUIRES: that they fit.
void SpreadLabels(std::vector<Placed*>& side, double half) {
  std::sort(side.begin(), side.end(), [](const Placed* a, const Placed* b) {
    return std::atan2(a->y, std::abs(a->x)) < std::atan2(b->y, std::abs(b->x));
  });
  double least = -half;
  for (Placed* mark : side) {
    mark->label_y = std::max(mark->label_y, least);
    least = mark->label_y + kNameRow;
  }
  double most = half;
  for (auto it = side.rbegin(); it != side.rend(); ++it) {
    (*it)->label_y = std::min((*it)->label_y, most);
    most = (*it)->label_y - kNameRow;
  }
}

class ClosenessPicture {
 public:
  ClosenessPicture(const f::InterpersonalInventory& inventory, const ClosenessStyle& style)
      : inventory_(inventory),
        style_(style),
        circles_(inventory, style.narrow ? 24 : 20, style.narrow ? 30 : 20, style.narrow ? 44 : 58),
        outer_(circles_.radius.back()),
        width_(style.narrow ? std::max(350.0, 2 * (outer_ + kCirclesMargin)) : 960) {}

  std::string Draw() {
    PlaceLabels();
    DrawCircles();
    // Lines first: no mark is crossed by one.
    if (!style_.narrow) {
      for (const Placed& mark : circles_.placed) DrawLeader(mark);
    }
    for (const Placed& mark : circles_.placed) DrawPerson(mark);
    double y = 2 * middle_ + kNameRow;
    if (style_.narrow) y = DrawList(y);
    y = DrawUnplaced(y);
    y = DrawLegend(y);
    return SvgFile(out_, width_, y + kCirclesMargin, style_.id, "Closeness circles", Description(),
                   style_.css);
  }

 private:
  double center_x() const { return width_ / 2; }

  void PlaceLabels() {
    std::vector<Placed*> left, right;
    for (Placed& mark : circles_.placed) {
      (mark.x < 0 ? left : right).push_back(&mark);
      // Out along the ray through the mark.
      mark.label_y = outer_ * std::sin(mark.angle);
    }
    double half = outer_;
    if (!style_.narrow) {
      const auto most = static_cast<double>(std::max(left.size(), right.size()));
      half = std::max(half, most * kNameRow / 2);
      SpreadLabels(left, half);
      SpreadLabels(right, half);
    }
    middle_ = half + kCirclesMargin;
  }

  void DrawCircles() {
    for (int i = kCircles - 1; i >= 0; --i) {
      out_.Circle(center_x(), middle_, circles_.radius[i], i % 2 == 0 ? "circle tinted" : "circle");
    }
    out_.Circle(center_x(), middle_, kPatient, "circle self");
    out_.Label(center_x(), middle_ + 4, "patient", "tiny strong", "middle");
    for (int i = 0; i < kCircles; ++i) {
      out_.Label(center_x(), middle_ - circles_.radius[i] + 3.5, absl::StrCat(i + 1),
                 "tiny muted halo", "middle");
    }
  }

  static bool left(const Placed& mark) { return mark.x < 0; }
  // Where its name begins, and its line ends.
  double Edge(const Placed& mark) const {
    return center_x() + (left(mark) ? -1 : 1) * (outer_ + kNameGap);
  }

  // Out of the circles on the ray through the mark, so that it meets no other one, then to the
  // name.
  void DrawLeader(const Placed& mark) {
    const auto point = [&](double x, double y) {
      return absl::StrCat(ShortNumber(center_x() + x), " ", ShortNumber(middle_ + y));
    };
    const double out = outer_ + 7;
    const double bend = Edge(mark) + (left(mark) ? 9 : -9) - center_x();
    out_.Path(absl::StrCat("M", point(mark.x, mark.y), "L",
                           point(out * std::cos(mark.angle), out * std::sin(mark.angle)), "L",
                           point(bend, mark.label_y), "H", ShortNumber(Edge(mark))),
              absl::StrCat("leader ", CssOf(mark.person->quality())));
  }

  void DrawPerson(const Placed& mark) {
    const f::Relationship& person = *mark.person;
    const double x = center_x() + mark.x, y = middle_ + mark.y;
    out_.Titled(PersonWords(person));
    DrawMark(x, y, person.quality(), out_);
    if (style_.narrow) {
      out_.Label(x + kPersonSize + 2, y + 3.5, absl::StrCat(mark.number), "tiny halo");
    } else {
      const double room = width_ / 2 - outer_ - kNameGap - 4 - kCirclesMargin;
      out_.Label(Edge(mark) + (left(mark) ? -4 : 4), middle_ + mark.label_y + 4,
                 NameIn(person, room), "name", left(mark) ? "end" : "start");
    }
    out_.Close();
  }

  double DrawList(double y) {
    int circle = 0;
    for (const Placed& mark : circles_.placed) {
      if (mark.circle != circle) {
        circle = mark.circle;
        y += 4;
        out_.Label(kCirclesMargin, y, Capitalized(CircleWords(*mark.person)), "small strong");
        y += kNameRow;
      }
      DrawMark(kCirclesMargin + kPersonSize, y - 4, mark.person->quality(), out_);
      out_.Label(
          kCirclesMargin + 20, y,
          NameIn(*mark.person, width_ - 2 * kCirclesMargin - 20, absl::StrCat(mark.number, " ")),
          "name");
      y += kNameRow;
    }
    return y;
  }

  // Marks with words, in as many lines as they need.
  double DrawFlow(double y,
                  const std::vector<std::pair<f::RelationshipQuality, std::string>>& items,
                  const char* css) {
    double x = kCirclesMargin;
    for (const auto& [quality, text] : items) {
      const double needed = 18 + TextWidth(text, kNameFont) + 16;
      if (x > kCirclesMargin && x + needed > width_ - kCirclesMargin) {
        x = kCirclesMargin;
        y += kNameRow;
      }
      DrawMark(x + kPersonSize, y - 4, quality, out_);
      out_.Label(x + 18, y, text, css);
      x += needed;
    }
    return items.empty() ? y : y + kNameRow;
  }

  double DrawUnplaced(double y) {
    if (circles_.unplaced.empty()) return y;
    y += 6;
    out_.Label(kCirclesMargin, y, "Not placed in a circle", "small strong");
    y += kNameRow;
    std::vector<std::pair<f::RelationshipQuality, std::string>> items;
    const double room = std::min(300.0, width_ - 2 * kCirclesMargin - 34);
    items.reserve(circles_.unplaced.size());
    for (const f::Relationship* person : circles_.unplaced) {
      items.emplace_back(person->quality(), NameIn(*person, room));
    }
    return DrawFlow(y, items, "name");
  }

  double DrawLegend(double y) {
    y += 8;
    std::vector<std::pair<f::RelationshipQuality, std::string>> items;
    for (const f::RelationshipQuality quality : kQualities) {
      const auto& people = inventory_.relationships();
      if (std::any_of(people.begin(), people.end(),
                      [&](const f::Relationship& person) { return person.quality() == quality; })) {
        items.emplace_back(quality, QualityWords(quality));
      }
    }
    return DrawFlow(y, items, "small muted") - kNameRow;
  }

  std::string Description() const {
    std::array<int, kCircles + 1> counts{};
    for (const Placed& mark : circles_.placed) ++counts[mark.circle];
    std::string text =
        absl::StrCat("The patient in the middle. In circle 1, the closest: ", counts[1],
                     "; in circle 2: ", counts[2], "; in circle 3: ", counts[3],
                     "; not placed: ", circles_.unplaced.size(), ".");
    for (const Placed& mark : circles_.placed) {
      absl::StrAppend(&text, " ", PersonWords(*mark.person), ".");
    }
    for (const f::Relationship* person : circles_.unplaced) {
      absl::StrAppend(&text, " ", PersonWords(*person), ".");
    }
    return text;
  }

  const f::InterpersonalInventory& inventory_;
  const ClosenessStyle& style_;
  Circles circles_;
  const double outer_;
  const double width_;
  double middle_ = 0;
  Canvas out_;
};

}  // namespace

std::string ClosenessSvg(const f::InterpersonalInventory& inventory, const ClosenessStyle& style) {
  return ClosenessPicture(inventory, style).Draw();
}

}  // namespace ipt::ctl
