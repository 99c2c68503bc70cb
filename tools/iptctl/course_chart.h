// What a chart of a course shows, and where on its time axis: from the messages of outcomes and, as
// far as they can be had, of scheduling. The drawings (chart_svg.h, chart_text.h) and the page
// (chart_page.h) only turn it into marks and words.
//
// A pure function of its arguments. It takes nothing over that says who the patient is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "ipt/outcomes/v1/alert.pb.h"
#include "ipt/outcomes/v1/outcome.pb.h"
#include "ipt/scheduling/v1/course.pb.h"
#include "ipt/scheduling/v1/session.pb.h"

namespace ipt::ctl {

struct ChartFacts {
  outcomes::v1::Trajectory trajectory;
  std::optional<scheduling::v1::Course> course;   // none: scheduling could not be asked
  std::vector<scheduling::v1::Session> sessions;  // its sessions, in any order
  std::vector<outcomes::v1::Alert> alerts;        // of any state
  std::vector<std::string> missing;               // what could not be had, in words
  std::optional<absl::TimeZone> zone;             // of the reader; the course's goes before it
  absl::Time now;
};

// Instants are days since 1970-01-01 on the course's own calendar and clock: 20670.5 is a noon.
using ChartDay = double;

struct ChartPoint {
  ChartDay at = 0;
  std::string date;
  std::optional<double> score;  // none: the form has no valid one
  bool first = false, last = false;
  bool follow_up = false;
  std::string why_not;  // why it does not count; empty: it counts
  std::string text;     // all of it, for a tooltip
  std::string change;   // from the first, in words
  std::vector<std::string> reviews;
  outcomes::v1::SeriesPoint source;

  bool counts() const { return why_not.empty(); }
};

struct ChartBand {
  std::string name;
  double lowest = 0, highest = 0;
  int severity = 0;  // 0 is the mildest
};

struct ChartGain {
  size_t before = 0, after = 0;  // of the series' points
  std::string text;
};

struct ChartSeries {
  std::string name;        // "PHQ-9"
  std::string respondent;  // "answered by the patient"
  double minimum = 0, maximum = 1;
  bool higher_is_better = false;
  std::vector<ChartBand> bands;  // from low to high scores
  std::vector<ChartPoint> points;
  std::optional<double> cut_off;
  std::string cut_off_text;  // "10 or more"
  // Within it a score differs from the first one by less than a reliable change.
  std::optional<std::pair<double, double>> corridor;
  std::vector<ChartGain> gains;
  std::string verdict;  // "18, then 6: better by 12, reliably improved"
  outcomes::v1::MeasureChange change;
};

enum class ChartAttendance { kAttended, kNoShow, kBooked };

struct ChartSession {
  ChartDay at = 0;
  int number = 0;
  ChartAttendance attendance = ChartAttendance::kBooked;
  std::string text;
};

struct ChartSpan {
  ChartDay first = 0, last = 0;
  std::string name;
};

struct ChartSignal {
  ChartDay at = 0;
  std::optional<ChartDay> end;  // none: it stands
  bool now = false;             // review now, not at the next opportunity
  std::string label;            // "slow start"
  std::string text;             // begins with "review"
};

struct ChartAlert {
  ChartDay at = 0;
  bool unknown = false;  // risk unknown: ask
  bool open = false;     // not resolved
  std::string kind, state, text;
  std::string name;
};

struct ChartLimit {
  ChartDay at = 0;
  std::string name;  // "today", "deadline", "closed"
};

struct CourseChart {
  std::string course;
  ChartDay first = 0, last = 1;  // of the axis
  std::optional<absl::CivilDay> start;
  bool weeks = false;  // weeks may be counted from the start: no pause is between
  std::vector<ChartSeries> series;
  std::vector<ChartSession> sessions;
  std::vector<ChartSpan> phases, pauses;
  std::vector<ChartSignal> signals;  // by time
  std::vector<ChartAlert> alerts;    // by time
  std::vector<ChartLimit> limits;    // by time
  std::vector<std::string> notes;    // what to mind
  std::string score_choice;
  std::string as_of;  // of what is known of the course; empty: nothing is
  int policy_version = 0;
};

CourseChart PlanChart(const ChartFacts& facts);

struct ChartTick {
  ChartDay at = 0;
  std::string day;   // "5 Aug", with the year where it is a new one
  std::string week;  // "week 3"; empty where weeks are not counted
};

// Ticks of the time axis, whole weeks from the course's start, at most so many.
std::vector<ChartTick> TicksOf(const CourseChart& chart, int at_most);

// Round values within a scale, at most so many.
std::vector<double> ScoreTicks(double minimum, double maximum, int at_most);

// All of it in a few sentences, for who cannot see it.
std::string DescribeChart(const CourseChart& chart);

absl::CivilDay DayOfNumber(ChartDay at);
// The day that the limit is named by: a deadline's line lies at its day's end.
absl::CivilDay DayNamed(const ChartLimit& limit);

}  // namespace ipt::ctl
