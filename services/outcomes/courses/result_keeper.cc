#include "outcomes/courses/result_keeper.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "outcomes/domain/clinic_reports.h"
#include "outcomes/domain/outcome_news.h"
#include "platform/errors/status_macros.h"
#include "platform/observability/log.h"

namespace ipt::outcomes {
namespace {

constexpr absl::Duration kKeepEvery = absl::Seconds(1);
// Made in one view of the store and written in one transaction, which does no more than write them.
constexpr int kResultsAtOnce = 100;

struct Made {
  StaleResult of;
  CourseResult result;
  OutcomeNews news;
};

}  // namespace

void ResultKeeper::Start() {
  stopping_ = false;
  periodic_.emplace(kKeepEvery, [this] {
    const absl::Status status = KeepOnce();
    if (!status.ok() && !failing_) {
      log::Line(log::Level::kWarning, "keeping_results_failed",
                {{log::Key::kDetail, status.message()}});
    }
    failing_ = !status.ok();
  });
}

void ResultKeeper::Stop() {
  stopping_ = true;
  periodic_.reset();
}

absl::Status ResultKeeper::KeepOnce() {
  absl::Status first_error;
  StaleResult after;
  bool last = false;
  while (!last && !stopping_) {
    std::vector<Made> made;
    absl::Status not_made;
    StaleResult newest;
    IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](OutcomesReader& reader) -> absl::Status {
      made.clear();
      not_made = absl::OkStatus();
      IPT_ASSIGN_OR_RETURN(std::vector<StaleResult> stale,
                           reader.ListStaleResults(after, kResultsAtOnce));
      last = static_cast<int>(stale.size()) < kResultsAtOnce;
      if (!stale.empty()) newest = stale.back();
      IPT_ASSIGN_OR_RETURN(const int64_t revision, reader.CurrentRevision());
      std::optional<std::string> clinic_id;  // that `rules` are of
      ResultRules rules;
      for (StaleResult& of : stale) {
        if (clinic_id != of.clinic_id) {
          IPT_ASSIGN_OR_RETURN(rules, LoadResultRules(reader, catalog_, of.clinic_id));
          clinic_id = of.clinic_id;
        }
        absl::StatusOr<CourseOutcomes> outcomes =
            MakeCourseOutcomes(reader, rules, of.clinic_id, of.course_id);
        if (absl::IsInternal(outcomes.status())) {
          not_made.Update(outcomes.status());
          continue;
        }
        IPT_RETURN_IF_ERROR(outcomes.status());
        outcomes->revision = revision;
        CourseResult result = CourseResultOf(*outcomes);
        OutcomeNews news =
            NewsOf(std::make_shared<const CourseOutcomes>(*std::move(outcomes)), of.told);
        made.push_back({std::move(of), std::move(result), std::move(news)});
      }
      return absl::OkStatus();
    }));
    after = std::move(newest);
    first_error.Update(not_made);
    if (made.empty()) continue;
    const absl::Time now = clock_.Now();
    IPT_RETURN_IF_ERROR(store_.Write(Deadline(), [&](OutcomesTx& tx) -> absl::Status {
      for (const Made& one : made) {
        IPT_ASSIGN_OR_RETURN(const bool kept,
                             tx.KeepCourseResult(one.of, one.result, one.news.told));
        if (!kept) continue;
        for (const Event& event : one.news.events) IPT_RETURN_IF_ERROR(tx.Emit(event, now));
      }
      return absl::OkStatus();
    }));
  }
  return first_error;
}

}  // namespace ipt::outcomes
