// One measure over one course: its scores in order, which of them count and as what, what changed,
// and what is to be shown of it.
//
// Order is completed-at: a paper form that is entered late takes its place. One score counts a
// session, or a day where a score is bound to none: of duplicates, the one completed last (then
// the one received last) counts, since what was sent twice must not look like change.
//
// The episode is from the first contact to the last one. A referral's score from before it is not
// the first, however well it would suit; one from after it (or asked for as a follow-up) is a
// follow-up and never the last. A score that is bound to a session belongs to it, whenever it was
// completed: the form that was filled in at home the evening before the first session is in. While
// the course is open its end is open, too, and the last score is the last so far.
//
// Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "outcomes/domain/change.h"
#include "outcomes/domain/not_on_track.h"
#include "outcomes/domain/sudden_gains.h"

namespace ipt::outcomes {

// One valid score. Corrected, invalid and erroneous ones are the caller's to leave out.
struct ScorePoint {
  std::string id;
  absl::Time completed_at;
  absl::Time received_at;
  absl::CivilDay day;                 // of completed_at, in the course's zone
  std::optional<int> session_number;  // of the session that it is bound to
  bool follow_up = false;             // asked for as a follow-up
  double exact = 0;                   // before rounding
  double value = 0;                   // as printed
  friend bool operator==(const ScorePoint&, const ScorePoint&) = default;
};

// What a course's sessions and contacts say, days being local ones of the course.
struct Episode {
  std::vector<absl::CivilDay> contacts;  // attended: assessments and treatment; in any order
  std::vector<absl::CivilDay> sessions;  // attended treatment sessions; in any order
  int planned_sessions = 0;              // 0 where not known
  bool ended = false;
};

// Days by which a score that is bound to no session may lie outside of the contacts.
struct EpisodeWindow {
  int days_before = 0;
  int days_after = 0;
};

void CheckEpisodeWindow(const EpisodeWindow& window, FieldViolations bad);

struct MeasureRules {
  ChangeRules change;
  NotOnTrackRules track;
  std::optional<SuddenGainRules> sudden_gains;  // unset: not looked for
  EpisodeWindow window;
};

enum class ScorePlace { kBeforeEpisode, kInEpisode, kFollowUp };

struct PlacedScore {
  ScorePoint score;
  ScorePlace place = ScorePlace::kInEpisode;
  // The score that counts in its stead; unset for scores that count.
  std::optional<size_t> duplicate_of;
  // Days since the first attended session; unset before there is one.
  std::optional<int> elapsed_days;
  int sessions_attended = 0;  // by the end of its day, or the number of its session
  // Since the first score, positive is better; of scores that count, from the first one on.
  std::optional<double> improvement;
  friend bool operator==(const PlacedScore&, const PlacedScore&) = default;
};

// Why a score was taken as the first or last one, or why there is none.
enum class EndpointReason {
  kEarliestOfEpisode,
  kLatestOfEpisode,
  kLatestSoFar,  // the course is open
  kNoContact,    // nothing was attended, and no score is bound to a session: no episode yet
  kNoScoreInEpisode,
  kSingleScore,  // the first one: no pair
};

struct Endpoint {
  std::optional<size_t> index;  // of Trajectory::scores
  EndpointReason reason = EndpointReason::kNoScoreInEpisode;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// A gain, with the scores that it lies between.
struct PlacedGain {
  size_t before = 0;  // of Trajectory::scores
  size_t after = 0;
  SuddenGain gain;  // gain.before counts sessions from the first one with a score
};

struct Trajectory {
  std::vector<PlacedScore> scores;  // by completed_at
  Endpoint first;
  Endpoint last;
  int counted = 0;  // scores that count within the episode
  // Between first and last; unset without a pair.
  std::optional<ChangeResult> change;
  // Between first and the last counted follow-up.
  std::optional<ChangeResult> follow_up_change;
  TrackVerdict track;
  // Between sessions that follow on one another; scores bound to no session are not looked at.
  std::vector<PlacedGain> gains;
};

Trajectory BuildTrajectory(const MeasureRules& rules, const Episode& episode,
                           std::vector<ScorePoint> scores);

}  // namespace ipt::outcomes
