#include "outcomes/domain/trajectory.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace ipt::outcomes {
namespace {

constexpr int kMostWindowDays = 180;

// Scores of one session, or of one day.
struct Group {
  std::optional<int> session;
  std::vector<absl::CivilDay> days;
  std::vector<size_t> members;  // by completed_at
};

bool Belongs(const Group& group, const ScorePoint& score) {
  if (group.session.has_value() && score.session_number.has_value()) {
    return *group.session == *score.session_number;
  }
  return std::find(group.days.begin(), group.days.end(), score.day) != group.days.end();
}

// Scores bound to sessions first, so that which group a day's unbound one joins does not depend on
// the hour.
std::vector<Group> GroupsOf(const std::vector<PlacedScore>& scores, ScorePlace place) {
  std::vector<Group> groups;
  for (const bool bound : {true, false}) {
    for (size_t i = 0; i < scores.size(); ++i) {
      const ScorePoint& score = scores[i].score;
      if (scores[i].place != place || score.session_number.has_value() != bound) continue;
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const Group& g) { return Belongs(g, score); });
      if (group == groups.end()) {
        groups.push_back({score.session_number, {}, {}});
        group = groups.end() - 1;
      }
      group->days.push_back(score.day);
      group->members.push_back(i);
    }
  }
  return groups;
}

void MarkDuplicates(std::vector<PlacedScore>& scores) {
  for (const ScorePlace place :
       {ScorePlace::kBeforeEpisode, ScorePlace::kInEpisode, ScorePlace::kFollowUp}) {
    for (const Group& group : GroupsOf(scores, place)) {
      const size_t counts = *std::max_element(group.members.begin(), group.members.end());
      for (const size_t member : group.members) {
        if (member == counts) continue;
        scores[member].duplicate_of = counts;
        // It stands for the session that the others are bound to.
        if (!scores[counts].score.session_number.has_value()) {
          scores[counts].score.session_number = group.session;
        }
      }
    }
  }
}

class Window {
 public:
  Window(const EpisodeWindow& window, const Episode& episode) : open_(!episode.ended) {
    if (episode.contacts.empty()) return;
    const auto [first, last] =
        std::minmax_element(episode.contacts.begin(), episode.contacts.end());
    begin_ = *first - window.days_before;
    end_ = *last + window.days_after;
  }

  ScorePlace PlaceOf(const ScorePoint& score) const {
    if (score.follow_up) return ScorePlace::kFollowUp;
    if (score.session_number.has_value()) return ScorePlace::kInEpisode;
    if (!begin_.has_value() || score.day < *begin_) return ScorePlace::kBeforeEpisode;
    return open_ || score.day <= *end_ ? ScorePlace::kInEpisode : ScorePlace::kFollowUp;
  }

 private:
  const bool open_;
  std::optional<absl::CivilDay> begin_;
  std::optional<absl::CivilDay> end_;
};

std::vector<PlacedGain> GainsOf(const SuddenGainRules& rules, const Trajectory& trajectory,
                                const std::vector<size_t>& counted, bool complete) {
  std::optional<int> lowest;
  int highest = 0;
  for (const size_t i : counted) {
    const std::optional<int> session = trajectory.scores[i].score.session_number;
    if (!session.has_value()) continue;
    lowest = std::min(lowest.value_or(*session), *session);
    highest = std::max(highest, *session);
  }
  std::vector<PlacedGain> gains;
  if (!lowest.has_value()) return gains;
  std::vector<std::optional<double>> series(highest - *lowest + 1);
  std::vector<size_t> index(series.size());
  for (const size_t i : counted) {
    const ScorePoint& score = trajectory.scores[i].score;
    if (!score.session_number.has_value()) continue;
    series[*score.session_number - *lowest] = score.value;
    index[*score.session_number - *lowest] = i;
  }
  for (const SuddenGain& gain : FindSuddenGains(rules, series, complete)) {
    gains.push_back({index[gain.before], index[gain.before + 1], gain});
  }
  return gains;
}

}  // namespace

void CheckEpisodeWindow(const EpisodeWindow& window, FieldViolations bad) {
  if (window.days_before < 0 || window.days_before > kMostWindowDays) {
    bad.Add("days_before", "must be 0 to 180");
  }
  if (window.days_after < 0 || window.days_after > kMostWindowDays) {
    bad.Add("days_after", "must be 0 to 180");
  }
}

Trajectory BuildTrajectory(const MeasureRules& rules, const Episode& episode,
                           std::vector<ScorePoint> scores) {
  std::sort(scores.begin(), scores.end(), [](const ScorePoint& a, const ScorePoint& b) {
    return std::tie(a.completed_at, a.received_at, a.id) <
           std::tie(b.completed_at, b.received_at, b.id);
  });
  std::vector<absl::CivilDay> sessions = episode.sessions;
  std::sort(sessions.begin(), sessions.end());

  Trajectory result;
  const Window window(rules.window, episode);
  for (ScorePoint& score : scores) {
    PlacedScore placed;
    placed.score = std::move(score);
    placed.place = window.PlaceOf(placed.score);
    if (!sessions.empty()) {
      placed.elapsed_days = static_cast<int>(placed.score.day - sessions.front());
    }
    placed.sessions_attended = static_cast<int>(
        std::upper_bound(sessions.begin(), sessions.end(), placed.score.day) - sessions.begin());
    result.scores.push_back(std::move(placed));
  }
  MarkDuplicates(result.scores);

  std::vector<size_t> counted;
  std::optional<size_t> follow_up;
  for (size_t i = 0; i < result.scores.size(); ++i) {
    PlacedScore& placed = result.scores[i];
    // Completed the evening before its session, it belongs to that one all the same.
    placed.sessions_attended =
        std::max(placed.sessions_attended, placed.score.session_number.value_or(0));
    if (placed.duplicate_of.has_value()) continue;
    if (placed.place == ScorePlace::kInEpisode) counted.push_back(i);
    if (placed.place == ScorePlace::kFollowUp) follow_up = i;
  }
  result.counted = static_cast<int>(counted.size());
  if (counted.empty()) {
    const EndpointReason why =
        episode.contacts.empty() ? EndpointReason::kNoContact : EndpointReason::kNoScoreInEpisode;
    result.first.reason = why;
    result.last.reason = why;
    return result;
  }
  result.first = {counted.front(), EndpointReason::kEarliestOfEpisode};
  if (counted.size() == 1) {
    result.last = {std::nullopt, EndpointReason::kSingleScore};
  } else {
    result.last = {counted.back(),
                   episode.ended ? EndpointReason::kLatestOfEpisode : EndpointReason::kLatestSoFar};
  }

  const double first = result.scores[counted.front()].score.value;
  for (size_t i = counted.front(); i < result.scores.size(); ++i) {
    PlacedScore& placed = result.scores[i];
    if (placed.duplicate_of.has_value() || placed.place == ScorePlace::kBeforeEpisode) continue;
    placed.improvement = Improvement(rules.change.better, first, placed.score.value);
  }
  if (result.last.index.has_value()) {
    result.change =
        EvaluateChange(rules.change, first, result.scores[*result.last.index].score.value);
  }
  if (follow_up.has_value()) {
    result.follow_up_change =
        EvaluateChange(rules.change, first, result.scores[*follow_up].score.value);
  }

  std::vector<TrackPoint> points;
  for (const size_t i : counted) {
    const PlacedScore& placed = result.scores[i];
    points.push_back({.score_id = placed.score.id,
                      .completed_at = placed.score.completed_at,
                      .value = placed.score.value,
                      .elapsed_days = placed.elapsed_days,
                      .sessions = placed.sessions_attended});
  }
  result.track = EvaluateTrack(rules.track, rules.change, episode.planned_sessions, points);
  if (rules.sudden_gains.has_value() && rules.change.better == BetterWhen::kLower) {
    result.gains = GainsOf(*rules.sudden_gains, result, counted, episode.ended);
  }
  return result;
}

}  // namespace ipt::outcomes
