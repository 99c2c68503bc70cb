#include "formulation/rpc/goal_proto.h"

#include "formulation/domain/names.h"
#include "formulation/rpc/course_entry.h"
#include "formulation/rpc/entry_field.h"
#include "platform/rpc/proto_time.h"
#include "platform/rpc/stamp.h"

namespace ipt::formulation {

void WriteRating(const GoalRating& rating, pb::GoalRating* out) {
  out->Clear();
  out->set_name(
      GoalRatingName(rating.clinic_id, rating.course_id, rating.goal_id, rating.rating_id));
  if (rating.value.has_value()) out->set_value(*rating.value);
  out->set_rater(static_cast<pb::GoalRater>(rating.rater));
  if (rating.rated_on.has_value()) rpc::WriteDay(*rating.rated_on, out->mutable_rated_on());
  if (!rating.session_id.empty()) {
    out->set_session(SessionName(rating.clinic_id, rating.course_id, rating.session_id));
  }
  out->set_note(rating.note);
  out->set_caller(rating.caller);
  rpc::WriteStamp(rating.stamp, out);
}

void WriteGoal(const Goal& goal, bool in_current_formulation, pb::Goal* out) {
  out->Clear();
  out->set_name(GoalName(goal.clinic_id, goal.course_id, goal.goal_id));
  out->set_description(goal.description);
  if (!goal.problem_area_id.empty()) {
    out->set_problem_area(ProblemAreaName(goal.clinic_id, goal.course_id, goal.problem_area_id));
  }
  out->set_measure(goal.measure);
  if (goal.target_date.has_value()) rpc::WriteDay(*goal.target_date, out->mutable_target_date());
  out->set_state(static_cast<pb::GoalState>(goal.state));
  const RatingSummary& ratings = goal.ratings;
  if (ratings.first_patient.has_value()) {
    WriteRating(*ratings.first_patient, out->mutable_first_patient_rating());
  }
  if (ratings.last_patient.has_value()) {
    WriteRating(*ratings.last_patient, out->mutable_last_patient_rating());
  }
  if (ratings.last_therapist.has_value()) {
    WriteRating(*ratings.last_therapist, out->mutable_last_therapist_rating());
  }
  out->set_rating_count(ratings.count);
  out->set_in_current_formulation(in_current_formulation);
  for (const GoalChange& change : goal.changes) {
    pb::GoalChange* written = out->add_changes();
    rpc::WriteTime(change.time, written->mutable_time());
    written->set_state(static_cast<pb::GoalState>(change.state));
    written->set_caller(change.caller);
    written->set_reason(change.reason);
  }
  rpc::WriteStamp(goal.stamp, out);
}

Goal ReadGoal(const pb::Goal& in, absl::string_view course_id, FieldViolations bad) {
  Goal goal;
  goal.description = in.description();
  goal.problem_area_id = EntryIdIn(course_id, in.problem_area());
  goal.measure = in.measure();
  if (in.has_target_date()) goal.target_date = rpc::ReadDay(in.target_date(), bad, "target_date");
  return goal;
}

GoalRating ReadRating(const pb::GoalRating& in, absl::string_view course_id, FieldViolations bad) {
  GoalRating rating;
  if (in.has_value()) rating.value = in.value();
  rating.rater = static_cast<GoalRater>(in.rater());
  if (in.has_rated_on()) rating.rated_on = rpc::ReadDay(in.rated_on(), bad, "rated_on");
  rating.session_id = ReadEntryId(course_id, in.session(), "session", bad);
  rating.note = in.note();
  return rating;
}

}  // namespace ipt::formulation
