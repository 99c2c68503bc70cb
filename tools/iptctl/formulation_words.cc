#include "iptctl/formulation_words.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace ipt::ctl {
namespace {

namespace f = formulation::v1;

constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::optional<DaySpan> SpanOf(const f::PartialDate& partial) {
  const google::type::Date& date = partial.date();
  if (date.year() == 0) return std::nullopt;
  const bool about = partial.approximate();
  if (date.month() == 0) {
    return DaySpan{absl::CivilDay(date.year(), 1, 1), absl::CivilDay(date.year(), 12, 31), about};
  }
  const absl::CivilMonth month(date.year(), date.month());
  if (date.day() == 0) {
    return DaySpan{absl::CivilDay(month), absl::CivilDay(month + 1) - 1, about};
  }
  const absl::CivilDay day(date.year(), date.month(), date.day());
  return DaySpan{day, day, about};
}

std::string DateWords(const f::PartialDate& partial) {
  const google::type::Date& date = partial.date();
  if (date.year() == 0) return "";
  const bool month = date.month() >= 1 && date.month() <= 12;
  return absl::StrCat(partial.approximate() ? "about " : "",
                      month && date.day() > 0 ? absl::StrCat(date.day(), " ") : "",
                      month ? absl::StrCat(kMonths[date.month() - 1], " ") : "", date.year());
}

std::string DateWords(const f::LifeEvent& event) {
  const std::string start = DateWords(event.start_date());
  const std::string end = DateWords(event.end_date());
  if (start.empty() && end.empty()) return event.ongoing() ? "goes on" : "no date";
  if (start.empty()) return absl::StrCat("until ", end);
  if (!end.empty()) return absl::StrCat(start, " to ", end);
  return absl::StrCat(event.ongoing() ? "since " : "", start);
}

std::string CircleWords(const f::Relationship& person) {
  switch (person.closeness_circle()) {
    case 1:
      return "circle 1, the closest";
    case 2:
      return "circle 2";
    case 3:
      return "circle 3, the outermost";
    default:
      return "not placed";
  }
}

std::string CadenceWords(int days) {
  if (days == 0) return "";
  if (days == 1) return "daily";
  return days == 7 ? "weekly" : absl::StrCat("every ", days, " days");
}

std::string Capitalized(absl::string_view words) {
  std::string out(words);
  if (!out.empty()) out[0] = absl::ascii_toupper(static_cast<unsigned char>(out[0]));
  return out;
}

}  // namespace ipt::ctl
