#include "iptctl/course_chart.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "iptctl/course_weeks.h"
#include "iptctl/outcome_words.h"
#include "iptctl/svg.h"
#include "iptctl/value_text.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;
namespace s = scheduling::v1;

constexpr absl::CivilDay kEpoch(1970, 1, 1);

ChartDay DayNumber(absl::CivilDay day) { return static_cast<double>(day - kEpoch); }

class Planner {
 public:
  explicit Planner(const ChartFacts& facts) : facts_(facts), trajectory_(facts.trajectory) {
    zone_ = facts.zone.value_or(absl::UTCTimeZone());
    if (facts.course.has_value()) absl::LoadTimeZone(facts.course->time_zone(), &zone_);
  }

  CourseChart Plan() {
    chart_.course = trajectory_.course();
    chart_.score_choice = trajectory_.score_choice();
    chart_.policy_version = trajectory_.policy_version();
    chart_.start = DayOf(trajectory_.start_date());
    if (!chart_.start.has_value() && facts_.course.has_value()) {
      chart_.start = DayOf(facts_.course->progress().start_date());
    }
    chart_.weeks =
        chart_.start.has_value() && facts_.course.has_value() && facts_.course->pauses().empty();
    AddSignals();
    for (const o::MeasureSeries& series : trajectory_.series()) AddSeries(series);
    AddSessions();
    AddPhases();
    AddAlerts();
    AddLimits();
    AddNotes();
    SetAxis();
    return std::move(chart_);
  }

 private:
  ChartDay At(absl::Time time) const {
    const absl::CivilSecond local = absl::ToCivilSecond(time, zone_);
    const absl::CivilDay day(local);
    return DayNumber(day) + static_cast<double>(local - absl::CivilSecond(day)) / 86400;
  }
  ChartDay At(const google::protobuf::Timestamp& time) const { return At(InstantOf(time)); }
  std::string DayText(ChartDay at) const { return IsoDay(DayOfNumber(at)); }

  void AddSignals() {
    for (const o::Signal& signal : trajectory_.signals()) {
      ChartSignal added;
      added.at = At(signal.raise_time());
      if (signal.has_end_time()) added.end = At(signal.end_time());
      added.now = signal.level() == o::SIGNAL_LEVEL_RED;
      added.label = absl::StrReplaceAll(signal.rule(), {{"-", " "}});
      std::string text = signal.text().empty() ? added.label : signal.text();
      if (!absl::StrContains(text, "review")) text = absl::StrCat("review: ", text);
      added.text = absl::StrCat(
          added.now ? "Review now" : "Review at the next opportunity", ", rule ", added.label, ": ",
          text, ". Found ", DayText(added.at),
          added.end.has_value() ? absl::StrCat(", ended ", DayText(*added.end)) : ", stands", ".");
      if (!signal.measurement().empty()) reviews_[signal.measurement()].push_back(added.label);
      chart_.signals.push_back(std::move(added));
    }
    const auto by_time = [](const auto& a, const auto& b) { return a.at < b.at; };
    std::stable_sort(chart_.signals.begin(), chart_.signals.end(), by_time);
  }

  static std::string SeriesName(const o::MeasureSeries& series) {
    std::string name = series.display_name();
    if (name.empty()) name = LastSegment(series.instrument());
    if (series.scale() != "total" && !series.scale().empty() &&
        !absl::StrContains(name, series.scale())) {
      absl::StrAppend(&name, ", ", series.scale());
    }
    return name;
  }

  void AddSeries(const o::MeasureSeries& series) {
    ChartSeries added;
    added.name = SeriesName(series);
    added.respondent = Spoken(series.respondent());
    added.minimum = series.minimum();
    added.maximum = std::max(series.maximum(), series.minimum() + 1);
    added.higher_is_better = series.direction() == o::DIRECTION_HIGHER_IS_BETTER;
    added.change = series.change();
    AddBands(series, added);
    std::map<std::string, size_t> places;
    for (const o::SeriesPoint& point : series.points()) {
      places[point.measurement()] = added.points.size();
      added.points.push_back(PointOf(series, point));
    }
    const o::MeasureChange& change = series.change();
    if (change.has_cut_off()) {
      added.cut_off = change.cut_off().points();
      added.cut_off_text = CutOffWords(change.cut_off(), series.direction());
    }
    if (change.has_reliable_change() && change.has_first()) {
      const double points = change.reliable_change().points();
      added.corridor.emplace(std::max(added.minimum, change.first() - points),
                             std::min(added.maximum, change.first() + points));
    }
    for (const o::SuddenGain& gain : series.sudden_gains()) {
      const auto before = places.find(gain.before_measurement());
      const auto after = places.find(gain.after_measurement());
      if (before == places.end() || after == places.end()) continue;
      const bool found = gain.state() == o::SUDDEN_GAIN_STATE_FOUND;
      ChartGain shown{before->second, after->second, ""};
      shown.text = absl::StrCat(
          "Sudden gain", found ? "" : ", undecided until two more scores", ": ",
          ShortNumber(gain.fall(), 3), " points, ", added.points[shown.before].date, " to ",
          added.points[shown.after].date, ". Shown only: in IPT unrelated to remission.");
      added.gains.push_back(std::move(shown));
    }
    added.verdict = VerdictOf(change);
    chart_.series.push_back(std::move(added));
  }

  void AddBands(const o::MeasureSeries& series, ChartSeries& added) const {
    for (const o::Band& band : series.bands()) {
      added.bands.push_back({band.display_name().empty() ? band.id() : band.display_name(),
                             band.lowest(), band.highest(), 0});
    }
    std::sort(added.bands.begin(), added.bands.end(),
              [](const ChartBand& a, const ChartBand& b) { return a.lowest < b.lowest; });
    for (size_t i = 0; i < added.bands.size(); ++i) {
      added.bands[i].severity =
          static_cast<int>(added.higher_is_better ? added.bands.size() - 1 - i : i);
    }
  }

  ChartPoint PointOf(const o::MeasureSeries& series, const o::SeriesPoint& point) const {
    ChartPoint added;
    added.source = point;
    added.at = At(point.complete_time());
    added.date = IsoDay(point.local_date());
    if (added.date.empty()) added.date = DayText(added.at);
    if (point.score().has_rounded()) added.score = point.score().rounded();
    added.first = point.measurement() == series.change().first_measurement();
    added.last = point.measurement() == series.change().last_measurement();
    added.follow_up = point.occasion() == o::OCCASION_FOLLOW_UP;
    added.why_not = Spoken(point);
    added.change =
        added.first ? "" : ImprovementWords(Optional(point.has_improvement(), point.improvement()));
    if (const auto it = reviews_.find(point.measurement()); it != reviews_.end()) {
      added.reviews = it->second;
    }
    std::vector<std::string> parts;
    parts.push_back(absl::StrCat(
        added.date, ": ", added.score.has_value() ? ShortNumber(*added.score, 3) : "no score"));
    if (!point.score().band_display_name().empty()) {
      parts.back() += absl::StrCat(" (", point.score().band_display_name(), ")");
    }
    if (added.first) parts.emplace_back("first score");
    if (added.last) parts.emplace_back("last score");
    if (point.week_number() > 0) parts.push_back(absl::StrCat("week ", point.week_number()));
    if (point.session_number() > 0) {
      parts.push_back(absl::StrCat("session ", point.session_number()));
    }
    if (added.follow_up) parts.emplace_back("follow-up");
    if (point.score().state() == o::SCORE_STATE_PRORATED) {
      parts.push_back(
          absl::StrCat("prorated: ", point.score().missing_item_count(), " items missing"));
    }
    if (point.score().reported()) parts.emplace_back("reported without answers");
    if (!added.change.empty()) {
      parts.push_back(absl::StrCat(added.change, " than at first"));
      if (added.change == "no change") parts.back() = "no change from the first";
    }
    if (!added.first && point.reliable() > o::RELIABLE_VERDICT_NOT_EVALUATED) {
      parts.push_back(Spoken(point.reliable()));
    }
    for (const std::string& review : added.reviews) {
      parts.push_back(absl::StrCat("review: ", review));
    }
    if (!added.counts()) parts.push_back(absl::StrCat("does not count: ", added.why_not));
    added.text = absl::StrJoin(parts, "; ");
    return added;
  }

  static std::optional<double> Optional(bool has, double value) {
    return has ? std::optional<double>(value) : std::nullopt;
  }

  static std::string VerdictOf(const o::MeasureChange& change) {
    if (!change.has_first()) return "no score that counts yet";
    if (!change.has_last() || change.last_measurement().empty()) {
      return absl::StrCat("first score ", ShortNumber(change.first(), 3),
                          "; one score is no pair, and has no outcome");
    }
    std::vector<std::string> parts;
    if (change.has_improvement()) parts.push_back(ImprovementWords(change.improvement()));
    if (change.reliable() > o::RELIABLE_VERDICT_NOT_EVALUATED) {
      parts.push_back(Spoken(change.reliable()));
    }
    if (change.response() == o::VERDICT_YES) parts.emplace_back("response");
    if (change.remission() == o::VERDICT_YES) parts.emplace_back("remission");
    if (change.case_at_last() == o::VERDICT_YES) parts.emplace_back("a case at last");
    if (change.case_at_first() == o::VERDICT_YES && change.case_at_last() == o::VERDICT_NO) {
      parts.emplace_back("no case any more");
    }
    return absl::StrCat(ShortNumber(change.first(), 3), " at first, ",
                        ShortNumber(change.last(), 3),
                        change.last_choice() == o::SCORE_CHOICE_LATEST ? " so far" : " at last",
                        parts.empty() ? "" : ": ", absl::StrJoin(parts, ", "));
  }

  void AddSession(ChartDay at, int number, ChartAttendance attendance, s::Phase phase,
                  absl::string_view state) {
    chart_.sessions.push_back(
        {at, number, attendance,
         absl::StrCat(number > 0 ? absl::StrCat("Session ", number) : "A session", ", ",
                      DayText(at), ": ", state,
                      phase == s::PHASE_UNSPECIFIED
                          ? ""
                          : absl::StrCat("; ", SpokenEnum(phase), " phase"))});
    phases_.emplace_back(at, phase);
  }

  void AddSessions() {
    std::vector<s::Session> known = facts_.sessions;
    std::sort(known.begin(), known.end(), [](const s::Session& a, const s::Session& b) {
      return a.start_time().seconds() < b.start_time().seconds();
    });
    for (const s::Session& session : known) {
      if (session.state() == s::SESSION_STATE_CANCELLED) continue;
      const bool over = InstantOf(session.start_time()) < facts_.now;
      AddSession(At(session.start_time()), session.session_number(),
                 session.state() == s::SESSION_STATE_ATTENDED  ? ChartAttendance::kAttended
                 : session.state() == s::SESSION_STATE_NO_SHOW ? ChartAttendance::kNoShow
                                                               : ChartAttendance::kBooked,
                 session.phase(),
                 session.state() == s::SESSION_STATE_ATTENDED  ? "attended"
                 : session.state() == s::SESSION_STATE_NO_SHOW ? "the patient did not come"
                 : over                                        ? "attendance is not recorded"
                                                               : "booked");
    }
    if (!known.empty()) return;
    for (const o::TrajectorySession& session : trajectory_.sessions()) {
      AddSession(At(session.start_time()), session.session_number(),
                 session.attended()  ? ChartAttendance::kAttended
                 : session.no_show() ? ChartAttendance::kNoShow
                                     : ChartAttendance::kBooked,
                 session.phase(),
                 session.attended()  ? "attended"
                 : session.no_show() ? "the patient did not come"
                                     : "booked, or attendance is not recorded");
    }
  }

  // From the first session of a phase to that of the next one.
  void AddPhases() {
    s::Phase now = s::PHASE_UNSPECIFIED;
    for (const auto& [at, phase] : phases_) {
      if (phase == s::PHASE_UNSPECIFIED) continue;
      if (phase != now) {
        const ChartDay begin = std::floor(at);
        if (!chart_.phases.empty()) chart_.phases.back().last = begin;
        chart_.phases.push_back({begin, begin + 1, SpokenEnum(phase)});
        now = phase;
      }
      chart_.phases.back().last = std::max(chart_.phases.back().last, std::floor(at) + 1);
    }
    if (!facts_.course.has_value()) return;
    for (const s::Pause& pause : facts_.course->pauses()) {
      const auto first = DayOf(pause.first_day()), last = DayOf(pause.last_day());
      if (!first || !last) continue;
      const std::string reason = SpokenEnum(pause.reason());
      chart_.pauses.push_back({DayNumber(*first), DayNumber(*last) + 1,
                               absl::StrCat("pause", reason.empty() ? "" : ": ", reason)});
    }
  }

  void AddAlerts() {
    std::map<std::string, o::Alert> known;
    for (const o::Alert& alert : facts_.alerts) known[alert.name()] = alert;
    for (const o::TrajectoryAlert& alert : trajectory_.alerts()) {
      o::Alert& entry = known[alert.alert()];
      if (!entry.name().empty()) continue;
      entry.set_name(alert.alert());
      entry.set_kind(alert.kind());
      entry.set_state(alert.state());
      *entry.mutable_complete_time() = alert.complete_time();
    }
    for (const auto& [name, alert] : known) {
      ChartAlert added;
      added.name = name;
      added.at = At(alert.has_complete_time() ? alert.complete_time() : alert.raise_time());
      added.unknown = alert.kind() == o::ALERT_KIND_RISK_UNKNOWN;
      added.open = alert.state() != o::ALERT_STATE_RESOLVED;
      added.kind = Spoken(alert.kind());
      if (!alert.item().empty()) absl::StrAppend(&added.kind, " (item ", alert.item(), ")");
      added.state = SpokenEnum(alert.state());
      added.text = absl::StrCat("Alert, ", DayText(added.at), ": ", added.kind, "; ", added.state);
      if (alert.has_raise_time() && alert.has_complete_time() &&
          DayText(At(alert.raise_time())) != DayText(added.at)) {
        absl::StrAppend(&added.text, "; raised ", DayText(At(alert.raise_time())));
      }
      if (alert.basis() > o::ALERT_BASIS_STANDS) {
        absl::StrAppend(&added.text, "; its measurement was ", SpokenEnum(alert.basis()));
      }
      chart_.alerts.push_back(std::move(added));
    }
    std::stable_sort(chart_.alerts.begin(), chart_.alerts.end(),
                     [](const ChartAlert& a, const ChartAlert& b) { return a.at < b.at; });
  }

  void AddLimits() {
    if (!facts_.course.has_value()) return;
    if (facts_.course->has_closure()) {
      chart_.limits.push_back({At(facts_.course->closure().time()), "closed"});
    } else {
      chart_.limits.push_back({At(facts_.now), "today"});
    }
    if (const auto deadline = DayOf(facts_.course->progress().deadline_date()); deadline) {
      chart_.limits.push_back({DayNumber(*deadline) + 1, "deadline"});
    }
    std::sort(chart_.limits.begin(), chart_.limits.end(),
              [](const ChartLimit& a, const ChartLimit& b) { return a.at < b.at; });
  }

  void AddNotes() {
    for (const std::string& missing : facts_.missing) chart_.notes.push_back(missing);
    const o::SchedulingView& view = trajectory_.scheduling();
    if (view.has_as_of_time()) {
      chart_.as_of = InstantText(InstantOf(view.as_of_time()), zone_);
    }
    if (!view.current()) {
      chart_.notes.push_back(
          chart_.as_of.empty()
              ? "Nothing is known from scheduling: there are no weeks, and scores go by their "
                "dates."
              : absl::StrCat("What is stated from scheduling may be older than now: it is as of ",
                             chart_.as_of, "."));
    }
    if (trajectory_.start_projected()) {
      chart_.notes.emplace_back("No session was attended yet: the start is a projection.");
    }
  }

  void SetAxis() {
    bool any = false;
    const auto take = [&](ChartDay at) {
      chart_.first = any ? std::min(chart_.first, at) : at;
      chart_.last = any ? std::max(chart_.last, at) : at;
      any = true;
    };
    for (const ChartSeries& series : chart_.series) {
      for (const ChartPoint& point : series.points) take(point.at);
    }
    for (const ChartSession& session : chart_.sessions) take(session.at);
    for (const ChartAlert& alert : chart_.alerts) take(alert.at);
    for (const ChartSignal& signal : chart_.signals) take(signal.at);
    if (chart_.start.has_value()) take(DayNumber(*chart_.start));
    // Today is no reason for a long empty axis, a deadline is.
    for (const ChartLimit& limit : chart_.limits) {
      if (limit.name != "today") take(limit.at);
    }
    if (!any) take(At(facts_.now));
    const double span = std::max(chart_.last - chart_.first, 6.0);
    chart_.last = std::max(chart_.last, chart_.first + span) + std::max(1.0, span * 0.02);
    chart_.first -= std::max(1.0, span * 0.02);
    std::erase_if(chart_.limits, [this](const ChartLimit& limit) {
      return limit.at < chart_.first || limit.at > chart_.last;
    });
  }

  const ChartFacts& facts_;
  const o::Trajectory& trajectory_;
  absl::TimeZone zone_;
  CourseChart chart_;
  std::map<std::string, std::vector<std::string>> reviews_;  // by measurement
  std::vector<std::pair<ChartDay, s::Phase>> phases_;        // of the sessions, by time
};

}  // namespace

absl::CivilDay DayOfNumber(ChartDay at) {
  return kEpoch + static_cast<absl::civil_diff_t>(std::floor(at));
}

absl::CivilDay DayNamed(const ChartLimit& limit) {
  return DayOfNumber(limit.at - (limit.name == "deadline" ? 1 : 0));
}

CourseChart PlanChart(const ChartFacts& facts) { return Planner(facts).Plan(); }

std::vector<ChartTick> TicksOf(const CourseChart& chart, int at_most) {
  const double span = chart.last - chart.first;
  int step = 1;
  for (const int days : {1, 2, 7, 14, 28, 56, 91, 182, 364, 728, 1820, 3640, 36400}) {
    step = days;
    if (span / days <= std::max(1, at_most)) break;
  }
  const ChartDay origin =
      chart.start.has_value() ? DayNumber(*chart.start) : std::ceil(chart.first);
  // So that the week's number is never one of after the course.
  ChartDay treated = chart.last;
  if (!chart.sessions.empty()) treated = chart.sessions.back().at;
  std::vector<ChartTick> ticks;
  absl::civil_year_t year = 0;
  for (ChartDay at = origin - step * std::floor((origin - chart.first) / step); at <= chart.last;
       at += step) {
    const absl::CivilDay day = DayOfNumber(at);
    ChartTick tick{at, ShortDay(day), ""};
    if (day.year() != year) absl::StrAppend(&tick.day, " ", day.year());
    year = day.year();
    const auto since = static_cast<int64_t>(at - origin);
    if (chart.weeks && step % 7 == 0 && since >= 0 && at <= treated + 7) {
      tick.week = absl::StrCat("week ", since / 7 + 1);
    }
    ticks.push_back(std::move(tick));
  }
  return ticks;
}

std::vector<double> ScoreTicks(double minimum, double maximum, int at_most) {
  const double rough = (maximum - minimum) / std::max(1, at_most - 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = power * 10;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (power * factor >= rough * 0.999) {
      step = power * factor;
      break;
    }
  }
  std::vector<double> ticks;
  for (double tick = std::ceil(minimum / step - 1e-9) * step; tick <= maximum + step * 1e-9;
       tick += step) {
    ticks.push_back(std::abs(tick) < step * 1e-9 ? 0 : tick);
  }
  return ticks;
}

std::string DescribeChart(const CourseChart& chart) {
  std::vector<std::string> parts;
  for (const ChartSeries& series : chart.series) {
    const auto counted = std::count_if(series.points.begin(), series.points.end(),
                                       [](const ChartPoint& point) { return point.counts(); });
    std::string part = absl::StrCat(series.name, ", ", series.respondent, ": ", counted,
                                    counted == 1 ? " score that counts" : " scores that count");
    if (const size_t others = series.points.size() - counted; others > 0) {
      absl::StrAppend(&part, " and ", others, " that ", others == 1 ? "does" : "do", " not");
    }
    absl::StrAppend(&part, ", ", ShortNumber(series.minimum, 3), " to ",
                    ShortNumber(series.maximum, 3),
                    series.higher_is_better ? ", higher is better" : ", lower is better", ": ",
                    series.verdict, ".");
    parts.push_back(std::move(part));
  }
  if (chart.series.empty()) parts.emplace_back("No measure was recorded yet.");
  const auto count = [&parts](size_t n, absl::string_view one, absl::string_view many) {
    if (n > 0) parts.push_back(absl::StrCat(n, " ", n == 1 ? one : many, "."));
  };
  count(chart.sessions.size(), "session", "sessions");
  count(chart.signals.size(), "signal to review", "signals to review");
  count(chart.alerts.size(), "alert", "alerts");
  return absl::StrJoin(parts, " ");
}

}  // namespace ipt::ctl
