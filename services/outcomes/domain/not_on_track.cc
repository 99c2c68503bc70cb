#include "outcomes/domain/not_on_track.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/statistics.h"

namespace ipt::outcomes {
namespace {

constexpr int kMostCourseDays = 3 * 366;
constexpr int kMostSessions = 200;

// Whether a rule's condition holds at a point; nullopt where the rule says nothing of it.
using Condition = std::function<std::optional<bool>(const TrackPoint& point)>;

class Evaluation {
 public:
  Evaluation(const std::vector<TrackPoint>& points, TrackVerdict& verdict)
      : points_(points), verdict_(verdict) {}

  void Run(const RuleName& rule, SignalLevel level, const std::string& wording,
           const Condition& holds) {
    bool held = false;
    for (size_t i = 1; i < points_.size(); ++i) {
      const TrackPoint& point = points_[i];
      const bool now = holds(point).value_or(held);
      if (now && !held) {
        verdict_.signals.push_back({.rule = rule,
                                    .level = level,
                                    .wording = wording,
                                    .raised_by = point.score_id,
                                    .raised_at = point.completed_at,
                                    .cleared_by = "",
                                    .cleared_at = std::nullopt});
      } else if (!now && held) {
        verdict_.signals.back().cleared_by = point.score_id;
        verdict_.signals.back().cleared_at = point.completed_at;
      }
      held = now;
    }
  }

  void Skip(const RuleName& rule, RuleSkipped why) { verdict_.skipped.push_back({rule, why}); }

 private:
  const std::vector<TrackPoint>& points_;
  TrackVerdict& verdict_;
};

bool FromDay(const TrackPoint& point, int day) {
  return point.elapsed_days.has_value() && *point.elapsed_days >= day;
}

// In points, as EvaluateChange does: a fall of exactly the share is enough.
bool FellShort(double first, double value, double share) {
  return !Reaches(first - value, share * first, true);
}

std::string Percent(double share) { return absl::StrCat(std::round(share * 1000) / 10, " %"); }

void CheckName(const RuleName& name, std::set<std::string>& ids, FieldViolations& bad) {
  if (name.id.empty()) {
    bad.Add("id", "must name the rule");
  } else if (!ids.insert(name.id).second) {
    bad.Add("id", "must differ from the other rules' ids");
  }
  if (name.version < 1) bad.Add("version", "must be 1 or more");
}

void CheckRange(int value, int least, int most, absl::string_view field, FieldViolations& bad) {
  if (value < least || value > most) {
    bad.Add(field, absl::StrCat("must be ", least, " to ", most));
  }
}

void CheckShare(double share, FieldViolations& bad) {
  if (!(share > 0 && share <= 1)) bad.Add("least_fall", "must be above 0, up to 1");
}

void CheckExpectedBounds(const ExpectedBoundRule& rule, FieldViolations bad) {
  if (rule.least_courses < 1) {
    bad.Add("least_courses", "must say from how many courses on a bound may be used");
  }
  if (rule.bounds.empty()) bad.Add("bounds", "must have a bound");
  for (size_t i = 0; i < rule.bounds.size(); ++i) {
    const ExpectedBound& bound = rule.bounds[i];
    FieldViolations row = bad.At("bounds", i);
    CheckScore(bound.first_from, "first_from", row);
    CheckScore(bound.first_to, "first_to", row);
    CheckScore(bound.bound, "bound", row);
    if (bound.first_to < bound.first_from) row.Add("first_to", "must not be below first_from");
    CheckRange(bound.session, 1, kMostSessions, "session", row);
    if (bound.courses < rule.least_courses) {
      row.Add("courses", "must be least_courses or more: too few to expect anything by");
    }
  }
}

}  // namespace

EarlyResponseRule IptAdolescentRule() {
  return {.name = {"ipt-a-week-4", 1},
          .least_severe_first = 0,
          .from_day = 28,
          .from_session = 0,
          .least_fall = 0.162,
          .level = SignalLevel::kAmber};
}

CutPointRule Phq9CbtCutPoints() {
  CutPointRule rule;
  rule.name = {"phq-9-cbt-cut-points", 1};
  rule.points = {{4 * 7, 17}, {9 * 7, 13}, {14 * 7, 9}};
  return rule;
}

void CheckNotOnTrackRules(const NotOnTrackRules& rules, FieldViolations bad) {
  std::set<std::string> ids;
  for (size_t i = 0; i < rules.early_response.size(); ++i) {
    const EarlyResponseRule& rule = rules.early_response[i];
    FieldViolations in = bad.At("early_response", i);
    CheckName(rule.name, ids, in);
    if (rule.least_severe_first.has_value()) {
      CheckScore(*rule.least_severe_first, "least_severe_first", in);
    }
    CheckRange(rule.from_day, 0, kMostCourseDays, "from_day", in);
    CheckRange(rule.from_session, 0, kMostSessions, "from_session", in);
    CheckShare(rule.least_fall, in);
  }
  if (rules.worsening.has_value()) {
    FieldViolations in = bad.In("worsening");
    CheckName(rules.worsening->name, ids, in);
  }
  if (rules.midpoint.has_value()) {
    FieldViolations in = bad.In("midpoint");
    CheckName(rules.midpoint->name, ids, in);
  }
  if (rules.late_response.has_value()) {
    FieldViolations in = bad.In("late_response");
    CheckName(rules.late_response->name, ids, in);
    CheckRange(rules.late_response->from_day, 0, kMostCourseDays, "from_day", in);
    CheckShare(rules.late_response->least_fall, in);
  }
  if (rules.cut_points.has_value()) {
    FieldViolations in = bad.In("cut_points");
    const std::vector<CutPoint>& points = rules.cut_points->points;
    CheckName(rules.cut_points->name, ids, in);
    if (points.empty()) in.Add("points", "must have a cut point");
    for (size_t i = 0; i < points.size(); ++i) {
      FieldViolations row = in.At("points", i);
      CheckRange(points[i].from_day, 0, kMostCourseDays, "from_day", row);
      CheckScore(points[i].at_least, "at_least", row);
      if (i > 0 && points[i].from_day <= points[i - 1].from_day) {
        row.Add("from_day", "must be after the cut point before");
      }
    }
  }
  if (rules.points_by_week.has_value()) {
    const PointsByWeekRule& rule = *rules.points_by_week;
    FieldViolations in = bad.In("points_by_week");
    CheckName(rule.name, ids, in);
    CheckRange(rule.from_day, 0, kMostCourseDays, "from_day", in);
    CheckRange(rule.to_day, 0, kMostCourseDays, "to_day", in);
    if (rule.to_day < rule.from_day) in.Add("to_day", "must not be before from_day");
    CheckScore(rule.adequate, "adequate", in);
    CheckScore(rule.doubtful, "doubtful", in);
    if (!(rule.doubtful < rule.adequate)) in.Add("doubtful", "must be below adequate");
  }
  if (rules.expected_bound.has_value()) {
    FieldViolations in = bad.In("expected_bound");
    CheckName(rules.expected_bound->name, ids, in);
    CheckExpectedBounds(*rules.expected_bound, in.In(""));
  }
}

std::vector<Signal> EvaluateMissed(const NoMeasureRule& rule,
                                   const std::vector<AskedPoint>& points) {
  std::vector<Signal> signals;
  int in_a_row = 0;
  for (const AskedPoint& point : points) {
    if (point.missed) {
      if (++in_a_row != rule.in_a_row) continue;
      signals.push_back(
          {.rule = rule.name,
           .level = rule.level,
           .wording = absl::StrCat(
               "review: ", rule.in_a_row,
               rule.in_a_row == 1 ? " due measure missed" : " due measures missed in a row"),
           .raised_by = "",
           .raised_at = point.at,
           .cleared_by = "",
           .cleared_at = std::nullopt});
    } else {
      if (in_a_row >= rule.in_a_row) {
        signals.back().cleared_by = point.score_id;
        signals.back().cleared_at = point.at;
      }
      in_a_row = 0;
    }
  }
  return signals;
}

TrackVerdict EvaluateTrack(const NotOnTrackRules& rules, const ChangeRules& change,
                           int planned_sessions, const std::vector<TrackPoint>& points) {
  TrackVerdict verdict;
  if (points.empty()) return verdict;
  Evaluation evaluation(points, verdict);
  const double first = points.front().value;
  const std::optional<bool> case_at_first = IsCase(change, first);
  const bool higher = change.better == BetterWhen::kHigher;

  for (const EarlyResponseRule& rule : rules.early_response) {
    if (higher) {
      evaluation.Skip(rule.name, RuleSkipped::kHigherIsBetter);
    } else if (!rule.least_severe_first.has_value() && !case_at_first.has_value()) {
      evaluation.Skip(rule.name, RuleSkipped::kNoCutOff);
    } else if (first <= 0 || !(rule.least_severe_first.has_value()
                                   ? Reaches(first, *rule.least_severe_first, true)
                                   : *case_at_first)) {
      evaluation.Skip(rule.name, RuleSkipped::kFirstNotSevere);
    } else {
      evaluation.Run(rule.name, rule.level,
                     absl::StrCat("review: less than ", Percent(rule.least_fall),
                                  " better, from day ", rule.from_day, " on"),
                     [&](const TrackPoint& point) {
                       return FromDay(point, rule.from_day) &&
                              point.sessions >= rule.from_session &&
                              FellShort(first, point.value, rule.least_fall);
                     });
    }
  }
  if (rules.worsening.has_value()) {
    const WorseningRule& rule = *rules.worsening;
    if (!change.reliable_change.has_value()) {
      evaluation.Skip(rule.name, RuleSkipped::kNoReliableChange);
    } else {
      double best = first;
      evaluation.Run(rule.name, rule.level,
                     rule.against_best ? "review now: reliably worse than the best score so far"
                                       : "review now: reliably worse than at first",
                     [&, best](const TrackPoint& point) mutable {
                       const double against = rule.against_best ? best : first;
                       if (Improvement(change.better, best, point.value) > 0) best = point.value;
                       return ReliableVerdictOf(change, against, point.value) ==
                              ReliableVerdict::kDeteriorated;
                     });
    }
  }
  if (rules.midpoint.has_value()) {
    const MidpointRule& rule = *rules.midpoint;
    if (!change.reliable_change.has_value()) {
      evaluation.Skip(rule.name, RuleSkipped::kNoReliableChange);
    } else if (planned_sessions < 1) {
      evaluation.Skip(rule.name, RuleSkipped::kNoPlan);
    } else {
      evaluation.Run(
          rule.name, rule.level, "review: no reliable improvement by half of the planned sessions",
          [&](const TrackPoint& point) {
            return point.sessions >= (planned_sessions + 1) / 2 &&
                   ReliableVerdictOf(change, first, point.value) != ReliableVerdict::kImproved;
          });
    }
  }
  if (rules.late_response.has_value()) {
    const LateResponseRule& rule = *rules.late_response;
    if (higher) {
      evaluation.Skip(rule.name, RuleSkipped::kHigherIsBetter);
    } else if (!change.cut_off.has_value()) {
      evaluation.Skip(rule.name, RuleSkipped::kNoCutOff);
    } else if (first <= 0) {
      evaluation.Skip(rule.name, RuleSkipped::kFirstNotSevere);
    } else {
      evaluation.Run(rule.name, rule.level,
                     absl::StrCat("review whether the treatment should change: less than ",
                                  Percent(rule.least_fall), " better and still a case, from day ",
                                  rule.from_day, " on"),
                     [&](const TrackPoint& point) {
                       return FromDay(point, rule.from_day) &&
                              FellShort(first, point.value, rule.least_fall) &&
                              *IsCase(change, point.value);
                     });
    }
  }
  const double sign = higher ? -1 : 1;
  if (rules.cut_points.has_value()) {
    const CutPointRule& rule = *rules.cut_points;
    evaluation.Run(
        rule.name, rule.level, "review: at a score with which response was unlikely by this week",
        [&](const TrackPoint& point) {
          const CutPoint* now = nullptr;
          for (const CutPoint& cut : rule.points) {
            if (FromDay(point, cut.from_day)) now = &cut;
          }
          return now != nullptr && Reaches(sign * point.value, sign * now->at_least, true);
        });
  }
  if (rules.points_by_week.has_value()) {
    const PointsByWeekRule& rule = *rules.points_by_week;
    auto better_by = [&](const TrackPoint& point) -> std::optional<double> {
      if (FromDay(point, rule.to_day + 1)) return std::nullopt;
      // Before its weeks any improvement will do.
      if (!FromDay(point, rule.from_day)) return rule.adequate;
      return Improvement(change.better, first, point.value);
    };
    evaluation.Run(rule.name, rule.level, "review: doubtful improvement for this week",
                   [&](const TrackPoint& point) -> std::optional<bool> {
                     const std::optional<double> better = better_by(point);
                     if (!better.has_value()) return std::nullopt;
                     return Reaches(*better, rule.doubtful, true) &&
                            !Reaches(*better, rule.adequate, true);
                   });
    evaluation.Run(rule.name, rule.level, "review: inadequate improvement for this week",
                   [&](const TrackPoint& point) -> std::optional<bool> {
                     const std::optional<double> better = better_by(point);
                     if (!better.has_value()) return std::nullopt;
                     return !Reaches(*better, rule.doubtful, true);
                   });
  }
  if (rules.expected_bound.has_value()) {
    const ExpectedBoundRule& rule = *rules.expected_bound;
    evaluation.Run(rule.name, rule.level,
                   "review: outside what this site's courses with such a start had by this session",
                   [&](const TrackPoint& point) {
                     return std::any_of(
                         rule.bounds.begin(), rule.bounds.end(), [&](const ExpectedBound& bound) {
                           return bound.session == point.sessions &&
                                  Reaches(first, bound.first_from, true) &&
                                  Reaches(bound.first_to, first, true) &&
                                  Reaches(sign * point.value, sign * bound.bound, false);
                         });
                   });
  }
  std::stable_sort(verdict.signals.begin(), verdict.signals.end(),
                   [](const Signal& a, const Signal& b) { return a.raised_at < b.raised_at; });
  return verdict;
}

}  // namespace ipt::outcomes
