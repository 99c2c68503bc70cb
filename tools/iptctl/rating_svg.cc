#include "iptctl/rating_svg.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "iptctl/outcome_words.h"
#include "iptctl/svg.h"

namespace ipt::ctl {
namespace {

constexpr double kRatingWidth = 280, kRatingHeight = 92;
constexpr double kRatingLeft = 24, kRatingRight = kRatingWidth - 10, kRatingTop = 8,
                 kRatingBottom = 70;

class RatingPicture {
 public:
  // Of several of one day the last one is the day's.
  explicit RatingPicture(const std::vector<SheetRating>& ratings) {
    for (const SheetRating& rating : ratings) {
      (rating.patient ? patient_ : therapist_)[rating.day] = rating.value;
      first_ = std::min(first_, rating.day);
      last_ = std::max(last_, rating.day);
    }
  }

  std::string Draw(const std::string& id) {
    for (const int value : {0, 5, 10}) {
      out_.Line(kRatingLeft, YOf(value), kRatingRight, YOf(value), value == 0 ? "axis" : "grid");
      out_.Label(kRatingLeft - 5, YOf(value) + 3.5, absl::StrCat(value), "tiny muted", "end");
    }
    out_.Label(kRatingLeft, kRatingHeight - 8, IsoDay(first_), "tiny muted");
    if (last_ > first_)
      out_.Label(kRatingRight, kRatingHeight - 8, IsoDay(last_), "tiny muted", "end");
    DrawLine(therapist_, "after", false);
    DrawLine(patient_, "course", true);
    return SvgFile(out_, kRatingWidth, kRatingHeight, id, "Ratings of the goal, 0 to 10",
                   absl::StrCat(WordsOf("Patient", patient_), WordsOf("Therapist", therapist_)),
                   false);
  }

 private:
  using Line = std::map<absl::CivilDay, int>;

  static double YOf(int value) {
    return kRatingBottom - (kRatingBottom - kRatingTop) * std::clamp(value, 0, 10) / 10.0;
  }

  double XOf(absl::CivilDay day) const {
    if (last_ == first_) return (kRatingLeft + kRatingRight) / 2;
    return kRatingLeft + 6 +
           (kRatingRight - kRatingLeft - 12) * static_cast<double>(day - first_) /
               static_cast<double>(last_ - first_);
  }

  void DrawLine(const Line& line, const char* css, bool dots) {
    std::string path;
    for (const auto& [day, value] : line) {
      absl::StrAppend(&path, path.empty() ? "M" : "L", ShortNumber(XOf(day)), " ",
                      ShortNumber(YOf(value)));
    }
    if (line.size() > 1) out_.Path(path, css);
    for (const auto& [day, value] : line) {
      out_.Titled(absl::StrCat(IsoDay(day), ": ", value, dots ? ", patient" : ", therapist"));
      if (dots) {
        out_.Circle(XOf(day), YOf(value), 4, "dot");
      } else {
        out_.Rect(XOf(day) - 3.5, YOf(value) - 3.5, 7, 7, {{"class", "hollow"}});
      }
      out_.Close();
    }
  }

  static std::string WordsOf(const char* who, const Line& line) {
    if (line.empty()) return "";
    std::string words = who;
    for (const auto& [day, value] : line)
      absl::StrAppend(&words, " ", IsoDay(day), ": ", value, ",");
    words.back() = '.';
    return words + " ";
  }

  Line patient_, therapist_;
  absl::CivilDay first_ = absl::CivilDay::max();
  absl::CivilDay last_ = absl::CivilDay::min();
  Canvas out_;
};

}  // namespace

std::string RatingSvg(const std::vector<SheetRating>& ratings, const std::string& id) {
  return ratings.empty() ? "" : RatingPicture(ratings).Draw(id);
}

}  // namespace ipt::ctl
