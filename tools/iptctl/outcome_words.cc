#include "iptctl/outcome_words.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "iptctl/svg.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;

}  // namespace

std::string LastSegment(const std::string& name) {
  const auto slash = name.rfind('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

std::string IsoDay(const google::type::Date& date) {
  if (date.year() == 0) return "";
  return absl::StrFormat("%04d-%02d-%02d", date.year(), date.month(), date.day());
}

std::string IsoDay(absl::CivilDay day) { return absl::FormatCivilTime(day); }

std::string ShortDay(absl::CivilDay day) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  return absl::FormatTime("%-d %b", absl::FromCivil(day, utc), utc);
}

std::string Spoken(o::Respondent respondent) {
  switch (respondent) {
    case o::RESPONDENT_SELF:
      return "answered by the patient";
    case o::RESPONDENT_CLINICIAN_READ:
      return "read to the patient";
    case o::RESPONDENT_PROXY:
      return "answered by somebody who knows the patient";
    case o::RESPONDENT_CLINICIAN_RATED:
      return "rated by a clinician";
    default:
      return SpokenEnum(respondent);
  }
}

std::string Spoken(const o::SeriesPoint& point) {
  switch (point.exclusion()) {
    case o::SERIES_EXCLUSION_UNSPECIFIED:
      return "";
    case o::SERIES_EXCLUSION_INVALID:
      switch (point.score().invalid_reason()) {
        case o::INVALID_REASON_TOO_MANY_MISSING:
          return "more items are missing than the rule allows";
        case o::INVALID_REASON_ALL_ITEMS_REQUIRED:
          return "items are missing, and there is no rule for it";
        case o::INVALID_REASON_NOTHING_ANSWERED:
          return "nothing was answered";
        case o::INVALID_REASON_NOT_REPORTED:
          return "it was not reported";
        default:
          return "it has no valid score";
      }
    case o::SERIES_EXCLUSION_SUPERSEDED:
      return "a later form of the same hours, day or session counts in its place";
    case o::SERIES_EXCLUSION_OTHER_RANGE:
      return "an item was not applicable: its range is another one";
    case o::SERIES_EXCLUSION_OTHER_VERSION:
      return "this version of the instrument is scored otherwise";
    case o::SERIES_EXCLUSION_BINDING_PROBLEM:
      return "its course or session turned out not to exist";
    case o::SERIES_EXCLUSION_BEFORE_COURSE:
      return "it is from before the course";
    default:
      return SpokenEnum(point.exclusion());
  }
}

std::string Spoken(o::Verdict verdict) {
  return verdict == o::VERDICT_NOT_EVALUATED ? "cannot be told" : SpokenEnum(verdict);
}

std::string Spoken(o::ReliableVerdict verdict) {
  switch (verdict) {
    case o::RELIABLE_VERDICT_NOT_EVALUATED:
      return "cannot be told";
    case o::RELIABLE_VERDICT_IMPROVED:
      return "reliably improved";
    case o::RELIABLE_VERDICT_UNCHANGED:
      return "no reliable change";
    case o::RELIABLE_VERDICT_DETERIORATED:
      return "reliably deteriorated";
    default:
      return SpokenEnum(verdict);
  }
}

std::string Spoken(o::SignificantChange change) {
  return change == o::SIGNIFICANT_CHANGE_NOT_EVALUATED ? "cannot be told" : SpokenEnum(change);
}

std::string Spoken(o::Suppression suppression) {
  switch (suppression) {
    case o::SUPPRESSION_SMALL:
      return "too few courses: patients could be told from it";
    case o::SUPPRESSION_COMPLEMENTARY:
      return "with the other rows it would tell a small one";
    case o::SUPPRESSION_NOT_COMPUTABLE:
      return "nothing to compute it from";
    default:
      return SpokenEnum(suppression);
  }
}

std::string Spoken(o::AlertKind kind) {
  switch (kind) {
    case o::ALERT_KIND_RISK_ITEM:
      return "risk item answered";
    case o::ALERT_KIND_RISK_SCORE:
      return "score at a limit of risk";
    case o::ALERT_KIND_RISK_UNKNOWN:
      return "risk unknown: ask";
    case o::ALERT_KIND_REVIEW:
      return "review";
    default:
      return SpokenEnum(kind);
  }
}

std::string CutOffWords(const o::CutOff& cut_off, o::Direction direction) {
  const std::string points = ShortNumber(cut_off.points(), 3);
  const bool better_side = cut_off.kind() == o::CUT_OFF_KIND_REMISSION;
  const bool up = (direction == o::DIRECTION_HIGHER_IS_BETTER) == better_side;
  if (cut_off.inclusive()) return absl::StrCat(points, up ? " or more" : " or less");
  return absl::StrCat(up ? "above " : "below ", points);
}

std::string ReliableChangeWords(const o::ReliableChange& change) {
  const std::string points = ShortNumber(change.points(), 3);
  return change.inclusive() ? absl::StrCat(points, " points or more")
                            : absl::StrCat("more than ", points, " points");
}

std::string ImprovementWords(std::optional<double> improvement) {
  if (!improvement.has_value()) return "";
  if (*improvement == 0) return "no change";
  return absl::StrCat(*improvement > 0 ? "better by " : "worse by ",
                      ShortNumber(std::abs(*improvement), 3));
}

std::string SourceWords(const o::Source& source) {
  const std::string sure = source.evidence() == o::EVIDENCE_TO_CONFIRM
                               ? "for a clinician to confirm"
                               : SpokenEnum(source.evidence());
  if (source.citation().empty()) return sure;
  return absl::StrCat(source.citation(), sure.empty() ? "" : " (", sure, sure.empty() ? "" : ")");
}

}  // namespace ipt::ctl
