// Every row and course of recovery.json, by what the shipped PHQ-9 and GAD-7 have in force.

#include <gtest/gtest.h>

#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "outcomes/domain/clinic_report.h"
#include "outcomes/domain/recovery.h"
#include "outcomes/domain/trajectory.h"
#include "tests/outcomes/expected/expected.h"

namespace ipt::outcomes {
namespace {

using ::nlohmann::json;

const json& File() {
  static const auto* const kFile = new json(ReadExpected("recovery.json"));
  return *kFile;
}

const ChangeRules& Phq9InForce() {
  static const auto* const kRules = new ChangeRules(RulesOf("phq-9"));
  return *kRules;
}

const ChangeRules& Gad7InForce() {
  static const auto* const kRules = new ChangeRules(RulesOf("gad-7"));
  return *kRules;
}

RecoveryResult Evaluate(bool finished, const json& scores) {
  return EvaluateRecovery(
      finished,
      StatusOf(Phq9InForce(), NumberOf(scores["first_phq"]), NumberOf(scores["last_phq"])),
      StatusOf(Gad7InForce(), NumberOf(scores["first_gad"]), NumberOf(scores["last_gad"])));
}

// The result in the file's words. Any deterioration is CORC's word: also a mixed one.
json InWords(const RecoveryResult& result) {
  return {{"at_caseness_at_first", result.case_at_start.value()},
          {"recovered", result.recovered},
          {"improved", result.reliable == ReliableOutcome::kImproved},
          {"deteriorated", result.reliable == ReliableOutcome::kDeteriorated},
          {"no_change", result.reliable == ReliableOutcome::kNoReliableChange},
          {"reliably_recovered", result.reliably_recovered},
          {"any_deterioration", result.reliable == ReliableOutcome::kDeteriorated || result.mixed}};
}

// `expected` is null where there must be no outcome.
void ExpectResult(const RecoveryResult& result, const json& expected) {
  EXPECT_EQ(result.no_outcome == NoOutcome::kNone, !expected.is_null());
  if (result.no_outcome == NoOutcome::kNone) {
    EXPECT_EQ(InWords(result), expected);
  } else {
    EXPECT_EQ(result.reliable, ReliableOutcome::kNone);
    EXPECT_FALSE(result.recovered || result.reliably_recovered || result.mixed);
  }
}

TEST(RecoveryExpectedTest, EveryRow) {
  const json& columns = File()["columns"];
  ASSERT_FALSE(File()["rows"].empty());
  for (const json& row : File()["rows"]) {
    SCOPED_TRACE(row.dump());
    ASSERT_EQ(row.size(), columns.size());
    json scores;
    json expected;
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string column = columns[i];
      if (i < 4) {
        scores[column] = row[i];
      } else {
        expected[column] = row[i] == 1;
      }
    }
    ExpectResult(Evaluate(true, scores), expected);
  }
}

TEST(RecoveryExpectedTest, Unpaired) {
  ASSERT_FALSE(File()["unpaired"].empty());
  for (const json& expected : File()["unpaired"]) {
    SCOPED_TRACE(NameOf(expected));
    const bool finished = IsFinished(expected["ended"], expected["attended"]);
    EXPECT_EQ(finished, expected["finished"].get<bool>());
    const RecoveryResult result = Evaluate(finished, expected);
    EXPECT_EQ(result.finished, finished);
    ExpectResult(result, expected["result"]);
    const json& at_first = expected["at_caseness_at_first"];
    EXPECT_EQ(result.case_at_start,
              at_first.is_null() ? std::nullopt : std::optional(at_first.get<bool>()));
    // Without a course that is finished, the scores would still be paired.
    EXPECT_EQ(Evaluate(true, expected).no_outcome == NoOutcome::kNone,
              expected["paired"].get<bool>());
  }
}

// ---- Which scores are first and last

const absl::CivilDay kFirstContact(2026, 1, 5);

bool HasScore(const json& contact, const std::string& measure) {
  // What has no score, and what is another patient's, is the caller's to leave out.
  return contact[measure].is_number() && !contact.value("entered_in_error", false);
}

absl::Time Noon(int day) {
  return absl::FromCivil(absl::CivilHour(kFirstContact + day) + 12, absl::UTCTimeZone());
}

class Course {
 public:
  // `bound`: forms of treatment sessions name the session, else they have their day alone.
  Course(const json& expected, bool bound) : contacts_(expected["contacts"]), bound_(bound) {
    for (const json& contact : contacts_) {
      const std::string kind = contact["kind"];
      const int day = contact["day"];
      if (kind == "treatment") sessions_.insert(day);
      // A missed appointment's form is in the episode here. That days of missed appointments are
      // given as contacts is the caller's decision; trajectory.h asks for what was attended.
      const bool form = HasScore(contact, "phq") || HasScore(contact, "gad");
      if (kind == "treatment" || kind == "assessment" || (kind == "missed" && form)) {
        episode_.contacts.push_back(kFirstContact + day);
      }
    }
    for (const int day : sessions_) episode_.sessions.push_back(kFirstContact + day);
    episode_.ended = true;
  }

  int attended() const { return static_cast<int>(sessions_.size()); }

  Trajectory Of(const std::string& measure, const ChangeRules& rules) const {
    std::vector<ScorePoint> scores;
    for (const json& contact : contacts_) {
      if (!HasScore(contact, measure)) continue;
      const int day = contact["day"];
      ScorePoint score;
      score.id = absl::StrCat("score-", scores.size());
      score.completed_at = Noon(day);
      score.received_at = Noon(contact.value("received", day)) + absl::Minutes(scores.size());
      score.day = kFirstContact + day;
      if (bound_ && contact["kind"] == "treatment") {
        const auto number = std::distance(sessions_.begin(), sessions_.find(day)) + 1;
        score.session_number = static_cast<int>(number);
      }
      score.follow_up = bound_ && contact["kind"] == "follow_up";
      score.exact = contact[measure];
      score.value = score.exact;
      scores.push_back(std::move(score));
    }
    MeasureRules measure_rules;
    measure_rules.change = rules;
    return BuildTrajectory(measure_rules, episode_, std::move(scores));
  }

 private:
  const json& contacts_;
  const bool bound_;
  std::set<int> sessions_;
  Episode episode_;
};

json ValueAt(const Trajectory& trajectory, const Endpoint& end) {
  if (!end.index.has_value()) return nullptr;
  return trajectory.scores[*end.index].score.value;
}

TEST(RecoveryExpectedTest, FirstAndLast) {
  ASSERT_FALSE(File()["first_and_last"].empty());
  for (const json& expected : File()["first_and_last"]) {
    for (const bool bound : {false, true}) {
      SCOPED_TRACE(absl::StrCat(NameOf(expected), bound ? ", bound to sessions" : ""));
      const Course course(expected, bound);
      const Trajectory phq = course.Of("phq", Phq9InForce());
      const Trajectory gad = course.Of("gad", Gad7InForce());
      const json scores = {{"first_phq", ValueAt(phq, phq.first)},
                           {"last_phq", ValueAt(phq, phq.last)},
                           {"first_gad", ValueAt(gad, gad.first)},
                           {"last_gad", ValueAt(gad, gad.last)}};
      for (const auto& [end, value] : scores.items()) EXPECT_EQ(value, expected[end]) << end;
      EXPECT_EQ(course.attended(), expected["attended"].get<int>());
      const bool finished = IsFinished(true, course.attended());
      EXPECT_EQ(finished, expected["finished"].get<bool>());
      EXPECT_EQ(phq.change.has_value() && gad.change.has_value(), expected["paired"].get<bool>());
      ExpectResult(Evaluate(finished, scores), expected["result"]);
    }
  }
}

// ---- A clinic

MeasureResult PhqOf(const json& course) {
  const double first = course["first_phq"];
  const std::optional<double> last = NumberOf(course["last_phq"]);
  const ChangeResult change = EvaluateChange(Phq9InForce(), first, last.value_or(first));
  MeasureResult result;
  result.instrument_id = "phq-9";
  result.first = first;
  result.last = last.value_or(first);
  result.paired = last.has_value();
  result.case_at_first = change.case_at_first;
  result.response = change.response;
  result.remission = change.remission;
  return result;
}

TEST(RecoveryExpectedTest, Cohort) {
  RecoveryTally tally;
  MeasureTally phq;
  for (const json& course : File()["cohort"]["courses"]) {
    const bool finished = IsFinished(course["ended"], course["attended"]);
    tally.Add(Evaluate(finished, course));
    // The file counts response and remission of the cases; a report has them of all pairs.
    const MeasureResult result = PhqOf(course);
    if (*result.case_at_first) phq.Add(result, finished);
  }
  const json got = {{"courses", tally.courses},
                    {"finished", tally.finished},
                    {"finished_paired", tally.paired},
                    {"finished_not_at_caseness", tally.not_case_at_start},
                    {"finished_minus_not_at_caseness", tally.Recovery().of},
                    {"finished_paired_at_caseness", tally.paired_cases},
                    {"recovered", tally.recovered},
                    {"reliably_recovered", tally.reliably_recovered},
                    {"improved", tally.improved},
                    {"deteriorated", tally.deteriorated},
                    {"no_change", tally.unchanged},
                    {"response_of_phq_cases", phq.pairs.response.hits},
                    {"remission_of_phq_cases", phq.pairs.remission.hits},
                    {"phq_cases_paired", phq.pairs.scores.count()}};
  EXPECT_EQ(got, File()["cohort"]["expected"]);
  // Each rate's denominator, as published and of the paired.
  EXPECT_EQ(tally.ReliableRecovery().of, 8);
  EXPECT_EQ(tally.Improvement().of, 10);
  EXPECT_EQ(tally.Deterioration().of, 10);
  EXPECT_EQ(tally.NoReliableChange().of, 10);
  EXPECT_EQ(tally.PairedRecovery().of, 7);
  EXPECT_EQ(tally.PairedReliableRecovery().of, 7);
  EXPECT_EQ(tally.PairedImprovement().of, 9);
  EXPECT_EQ(phq.pairs.response.of, 6);
  EXPECT_EQ(phq.pairs.remission.of, 6);
}

}  // namespace
}  // namespace ipt::outcomes
