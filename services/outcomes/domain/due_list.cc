#include "outcomes/domain/due_list.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "outcomes/domain/plans.h"
#include "platform/errors/status_macros.h"
#include "platform/zone/time_zone.h"

namespace ipt::outcomes {
namespace {

constexpr size_t kCoursesAtOnce = 250;
constexpr int kDefaultAhead = 31;
// A closed course's treatment can be caught up on for 90 days, the most that a policy may say; two
// more, since days differ by zone.
constexpr int kClosedTreatmentDays = 92;

absl::Time SessionsSince(absl::Time now) { return now - absl::Hours(24 * kClosedTreatmentDays); }

bool IsWanted(const DueQuery& query, const Occasion& occasion, absl::CivilDay today) {
  const bool state = query.states.empty() ? occasion.state == OccasionState::kDue ||
                                                occasion.state == OccasionState::kOverdue
                                          : std::find(query.states.begin(), query.states.end(),
                                                      occasion.state) != query.states.end();
  return state && occasion.day < query.before.value_or(today + (kDefaultAhead + 1)) &&
         occasion.missed_in_a_row >= query.missed_in_a_row_at_least;
}

// Lists the courses of a clinic, a lot after the other.
class DueLister {
 public:
  DueLister(OutcomesReader& reader, absl::string_view clinic_id, const DueQuery& query,
            absl::Time now)
      : reader_(reader), clinic_id_(clinic_id), query_(query), now_(now) {}

  absl::Status Open(const Catalog& catalog) {
    IPT_ASSIGN_OR_RETURN(plans_, AllPlans(reader_, clinic_id_));
    IPT_ASSIGN_OR_RETURN(instruments_, AllInstruments(reader_, catalog, clinic_id_, ""));
    IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, reader_.GetPolicy(clinic_id_));
    last_score_days_ = policy.LastScoreDays();
    IPT_ASSIGN_OR_RETURN(deceased_, reader_.ListDeceased(clinic_id_));
    return absl::OkStatus();
  }

  absl::Status Add(const courses::CopiedCourse* begin, const courses::CopiedCourse* end) {
    std::vector<std::string> course_ids;
    for (const courses::CopiedCourse* course = begin; course != end; ++course) {
      course_ids.push_back(course->course_id);
    }
    IPT_ASSIGN_OR_RETURN(const auto stored, reader_.ListCoursePlans(clinic_id_, course_ids));
    std::map<absl::string_view, const StoredCoursePlan*> stored_of;
    for (const StoredCoursePlan& plan : stored) stored_of[plan.course_id] = &plan;

    // Only of courses and instruments that anything is asked of.
    std::vector<std::pair<const courses::CopiedCourse*, std::vector<AskedRule>>> asked;
    std::set<std::string> instrument_ids;
    course_ids.clear();
    for (const courses::CopiedCourse* course = begin; course != end; ++course) {
      if (!query_.therapist_id.empty() && course->therapist_id != query_.therapist_id) continue;
      if (deceased_.contains(course->patient_hash)) continue;
      const auto own = stored_of.find(course->course_id);
      std::vector<AskedRule> rules =
          Asked(HeldPlan(clinic_id_, course->course_id,
                         own == stored_of.end() ? nullptr : own->second, plans_, course)
                    .rules);
      // It came without its sessions.
      if (course->closed() && course->sessions.empty() && course->closed_at < SessionsSince(now_)) {
        rules.erase(std::remove_if(rules.begin(), rules.end(),
                                   [](const AskedRule& asked) {
                                     return asked.rule.timing != PlanTiming::kFollowUp;
                                   }),
                    rules.end());
      }
      if (rules.empty()) continue;
      for (const AskedRule& rule : rules) instrument_ids.insert(rule.rule.instrument_id);
      course_ids.push_back(course->course_id);
      asked.emplace_back(course, std::move(rules));
    }
    if (asked.empty()) return absl::OkStatus();
    IPT_ASSIGN_OR_RETURN(auto answers,
                         reader_.ListAnswers(clinic_id_, course_ids,
                                             {instrument_ids.begin(), instrument_ids.end()}));
    std::map<std::string, std::vector<PlanAnswer>> answers_of;
    for (PlanAnswer& answer : answers) answers_of[answer.course_id].push_back(std::move(answer));
    for (const auto& [course, rules] : asked) {
      IPT_RETURN_IF_ERROR(AddCourse(*course, rules, answers_of[course->course_id]));
    }
    return absl::OkStatus();
  }

  std::vector<DueLine> Take() {
    std::sort(lines_.begin(), lines_.end(), [](const DueLine& a, const DueLine& b) {
      return std::tie(a.occasion.day, a.course_id, a.rule_id) <
             std::tie(b.occasion.day, b.course_id, b.rule_id);
    });
    return std::move(lines_);
  }

 private:
  std::vector<AskedRule> Asked(const std::vector<MeasurementRule>& rules) const {
    std::vector<AskedRule> asked = AskedRules(rules, instruments_);
    if (query_.instrument_id.empty()) return asked;
    asked.erase(std::remove_if(asked.begin(), asked.end(),
                               [&](const AskedRule& rule) {
                                 return rule.rule.instrument_id != query_.instrument_id;
                               }),
                asked.end());
    return asked;
  }

  absl::Status AddCourse(const courses::CopiedCourse& course, const std::vector<AskedRule>& rules,
                         const std::vector<PlanAnswer>& answers) {
    IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
    const absl::CivilDay today = absl::ToCivilDay(now_, zone);
    for (Occasion& occasion : OccasionsOf(rules, course, zone, answers, last_score_days_, today)) {
      if (!IsWanted(query_, occasion, today)) continue;
      const AskedRule& asked = rules[occasion.rule];
      DueLine& line = lines_.emplace_back();
      line.course_id = course.course_id;
      line.therapist_id = course.therapist_id;
      line.rule_id = asked.rule.id;
      line.instrument_id = asked.rule.instrument_id;
      line.instrument_version = asked.instrument_version;
      line.instrument_name = asked.instrument_name;
      line.timing = asked.rule.timing;
      line.respondent = asked.respondent;
      line.occasion = std::move(occasion);
    }
    return absl::OkStatus();
  }

  OutcomesReader& reader_;
  const absl::string_view clinic_id_;
  const DueQuery& query_;
  const absl::Time now_;
  std::vector<MeasurementPlan> plans_;
  std::vector<HeldInstrument> instruments_;
  std::set<std::string> deceased_;  // by courses::CopiedCourse::patient_hash
  int last_score_days_ = 0;
  std::vector<DueLine> lines_;
};

PlanAnswer AnswerOf(const Measurement& m) {
  return {.course_id = m.course_id,
          .measurement_id = m.measurement_id,
          .instrument_id = m.instrument_id,
          .respondent = m.respondent,
          .complete_time = m.complete_time,
          .session_id = m.session_id};
}

}  // namespace

courses::CourseListing ListingFor(const DueQuery& query, absl::Time now) {
  return {.therapist_id = query.therapist_id,
          .closed_since = now - absl::Hours(24 * kFollowUpHorizonDays),
          .sessions_since = SessionsSince(now)};
}

absl::StatusOr<std::vector<DueLine>> ListDue(OutcomesReader& reader, const Catalog& catalog,
                                             absl::string_view clinic_id,
                                             const std::vector<courses::CopiedCourse>& courses,
                                             const DueQuery& query, absl::Time now) {
  DueLister lister(reader, clinic_id, query, now);
  IPT_RETURN_IF_ERROR(lister.Open(catalog));
  for (size_t i = 0; i < courses.size(); i += kCoursesAtOnce) {
    const size_t end = std::min(i + kCoursesAtOnce, courses.size());
    IPT_RETURN_IF_ERROR(lister.Add(courses.data() + i, courses.data() + end));
  }
  return lister.Take();
}

namespace {

// The occasions of one course, with the rules that they are of.
struct CourseOccasions {
  std::vector<AskedRule> rules{};
  std::vector<Occasion> occasions{};
};

// Those of one instrument. `instead` (may be null): takes the place of the recorded measurement of
// its id, or comes on top.
absl::StatusOr<CourseOccasions> LoadOccasions(OutcomesReader& reader, const Catalog& catalog,
                                              const OutcomePolicy& policy,
                                              absl::string_view course_id,
                                              const courses::CopiedCourse& course,
                                              absl::string_view instrument_id,
                                              const Measurement* instead, absl::Time now) {
  const std::string& clinic_id = policy.clinic_id;
  CourseOccasions result;
  IPT_ASSIGN_OR_RETURN(CoursePlan plan, FindCoursePlan(reader, clinic_id, course_id, &course));
  std::erase_if(plan.rules,
                [&](const MeasurementRule& rule) { return rule.instrument_id != instrument_id; });
  if (plan.rules.empty()) return result;
  IPT_ASSIGN_OR_RETURN(const bool deceased, reader.IsDeceased(clinic_id, course.patient_hash));
  if (deceased) return result;
  IPT_ASSIGN_OR_RETURN(const auto instruments,
                       AllInstruments(reader, catalog, clinic_id, instrument_id));
  result.rules = AskedRules(plan.rules, instruments);
  if (result.rules.empty()) return result;
  IPT_ASSIGN_OR_RETURN(auto answers, reader.ListAnswers(clinic_id, {std::string(course_id)},
                                                        {std::string(instrument_id)}));
  if (instead != nullptr) {
    answers.erase(std::remove_if(answers.begin(), answers.end(),
                                 [&](const PlanAnswer& answer) {
                                   return answer.measurement_id == instead->measurement_id;
                                 }),
                  answers.end());
    answers.push_back(AnswerOf(*instead));
    std::sort(answers.begin(), answers.end(), [](const PlanAnswer& a, const PlanAnswer& b) {
      return std::tie(a.complete_time, a.measurement_id) <
             std::tie(b.complete_time, b.measurement_id);
    });
  }
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
  result.occasions = OccasionsOf(result.rules, course, zone, answers, policy.LastScoreDays(),
                                 absl::ToCivilDay(now, zone));
  return result;
}

}  // namespace

absl::Status NameRule(OutcomesReader& reader, const Catalog& catalog, const OutcomePolicy& policy,
                      const courses::CourseAnswer& course, absl::Time now,
                      Measurement& measurement) {
  measurement.plan_rule.clear();
  if (!course.course.has_value()) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(const CourseOccasions asked,
                       LoadOccasions(reader, catalog, policy, measurement.course_id, *course.course,
                                     measurement.instrument_id, &measurement, now));
  for (const Occasion& occasion : asked.occasions) {
    if (occasion.measurement_id != measurement.measurement_id) continue;
    measurement.plan_rule = asked.rules[occasion.rule].rule.id;
    break;
  }
  return absl::OkStatus();
}

absl::Status FindMissed(OutcomesReader& reader, const Catalog& catalog, absl::Time now,
                        CourseOutcomes& outcomes) {
  const NotOnTrackPolicy& stated = outcomes.policy.not_on_track;
  NoMeasureRule rule;
  if (!outcomes.course.course.has_value() ||
      std::find(stated.disabled_rules.begin(), stated.disabled_rules.end(), rule.name.id) !=
          stated.disabled_rules.end()) {
    return absl::OkStatus();
  }
  const courses::CopiedCourse& course = *outcomes.course.course;
  const std::string watched = WatchedInstrument(outcomes.policy);
  IPT_ASSIGN_OR_RETURN(CourseOccasions asked,
                       LoadOccasions(reader, catalog, outcomes.policy, outcomes.course_id, course,
                                     watched, nullptr, now));
  std::map<std::string, absl::Time> completed;
  for (const Measurement& m : outcomes.measurements) completed[m.measurement_id] = m.complete_time;
  IPT_ASSIGN_OR_RETURN(const absl::TimeZone zone, StoredZone(course.time_zone));
  std::stable_sort(asked.occasions.begin(), asked.occasions.end(),
                   [](const Occasion& a, const Occasion& b) { return a.day < b.day; });
  std::vector<AskedPoint> points;
  for (const Occasion& occasion : asked.occasions) {
    const MeasurementRule& of = asked.rules[occasion.rule].rule;
    if (of.voluntary || of.timing == PlanTiming::kFollowUp) continue;
    if (WasMissed(occasion, of)) {
      const absl::CivilDay day =
          occasion.state == OccasionState::kMissed ? *occasion.missed_day : *occasion.overdue_day;
      points.push_back({.missed = true, .at = absl::FromCivil(day, zone), .score_id = ""});
    } else if (const auto it = completed.find(occasion.measurement_id); it != completed.end()) {
      points.push_back({.missed = false, .at = it->second, .score_id = it->first});
    }
  }
  rule.name.version = outcomes.policy.version;
  rule.in_a_row = stated.missed_in_a_row.value_or(rule.in_a_row);
  outcomes.missed = EvaluateMissed(rule, points);
  if (outcomes.missed.empty()) return absl::OkStatus();
  IPT_ASSIGN_OR_RETURN(const HeldInstrument instrument,
                       FindInstrument(reader, catalog, outcomes.clinic_id, watched, 0));
  outcomes.missed_of = instrument.definition.name;
  return absl::OkStatus();
}

}  // namespace ipt::outcomes
