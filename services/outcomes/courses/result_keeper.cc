#include "outcomes/courses/result_keeper.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
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
// Looks at what changed to one at rules that did, which seldom do.
constexpr int kLooksToRules = 10;
// Made in one view of the store and written in one transaction, which does no more than write them,
// and waits for nobody.
constexpr int kResultsAtOnce = 100;

struct Made {
  StaleResult of;
  std::string made_by;
  CourseResult result;
  OutcomeNews news;
};

}  // namespace

void ResultKeeper::Start() {
  stopping_ = false;
  auto periodic = std::make_unique<server::Periodic>(kKeepEvery, [this] {
    const absl::Status status = Keep(looks_++ % kLooksToRules == 0);
    if (!status.ok() && !failing_) {
      log::Line(log::Level::kWarning, "keeping_results_failed",
                {{log::Key::kDetail, status.message()}});
    }
    failing_ = !status.ok();
  });
  std::lock_guard<std::mutex> lock(mutex_);
  periodic_ = std::move(periodic);
}

void ResultKeeper::Stop() {
  stopping_ = true;
  std::unique_ptr<server::Periodic> ending;  // its thread takes the lock, too
  std::lock_guard<std::mutex> lock(mutex_);
  ending = std::move(periodic_);
}

void ResultKeeper::Wake(absl::string_view clinic_id) {
  std::lock_guard<std::mutex> lock(mutex_);
  wanted_.emplace(clinic_id);
  if (periodic_ != nullptr) periodic_->Kick();
}

bool ResultKeeper::IsWanted() {
  std::lock_guard<std::mutex> lock(mutex_);
  return !wanted_.empty();
}

absl::Status ResultKeeper::KeepAll(StaleResult after, List list) {
  absl::Status first_error;
  bool last = false;
  while (!last && !stopping_) {
    std::vector<Made> made;
    absl::Status not_made;
    StaleResult newest;
    IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](OutcomesReader& reader) -> absl::Status {
      made.clear();
      not_made = absl::OkStatus();
      IPT_ASSIGN_OR_RETURN(std::vector<StaleResult> stale, list(reader, after));
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
        made.push_back({std::move(of), rules.made_by, std::move(result), std::move(news)});
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
                             tx.KeepCourseResult(one.of, one.made_by, one.result, one.news.told));
        if (!kept) continue;
        for (const Event& event : one.news.events) IPT_RETURN_IF_ERROR(tx.Emit(event, now));
      }
      return absl::OkStatus();
    }));
  }
  return first_error;
}

absl::Status ResultKeeper::KeepChanged(const std::string& clinic_id) {
  return KeepAll({.clinic_id = clinic_id},
                 [&](OutcomesReader& reader,
                     const StaleResult& after) -> absl::StatusOr<std::vector<StaleResult>> {
                   std::vector<StaleResult> stale;
                   if (clinic_id.empty() && IsWanted()) return stale;  // the rest waits
                   IPT_ASSIGN_OR_RETURN(stale, reader.ListStaleResults(after, kResultsAtOnce));
                   if (clinic_id.empty()) return stale;
                   stale.erase(std::find_if(stale.begin(), stale.end(),
                                            [&](const StaleResult& one) {
                                              return one.clinic_id != clinic_id;
                                            }),
                               stale.end());
                   return stale;
                 });
}

absl::Status ResultKeeper::KeepOutdated(const std::string& clinic_id) {
  std::vector<ResultMaker> outdated;
  IPT_RETURN_IF_ERROR(store_.Read(Deadline(), [&](OutcomesReader& reader) -> absl::Status {
    outdated.clear();
    ResultMaker maker{.clinic_id = clinic_id};
    while (!stopping_) {
      IPT_ASSIGN_OR_RETURN(std::optional<ResultMaker> next, reader.NextResultMaker(maker));
      if (!next.has_value() || (!clinic_id.empty() && next->clinic_id != clinic_id)) break;
      maker = *std::move(next);
      IPT_ASSIGN_OR_RETURN(const OutcomePolicy policy, reader.GetPolicy(maker.clinic_id));
      if (maker.made_by != MadeBy(policy, catalog_, reader.follows_formulation())) {
        outdated.push_back(maker);
      }
    }
    return absl::OkStatus();
  }));
  absl::Status first_error;
  for (const ResultMaker& maker : outdated) {
    first_error.Update(
        KeepAll({.clinic_id = maker.clinic_id},
                [&](OutcomesReader& reader,
                    const StaleResult& after) -> absl::StatusOr<std::vector<StaleResult>> {
                  if (clinic_id.empty() && IsWanted()) return std::vector<StaleResult>();
                  return reader.ListResultsMadeBy(maker, after.course_id, kResultsAtOnce);
                }));
  }
  return first_error;
}

absl::Status ResultKeeper::KeepWanted() {
  std::set<std::string> wanted;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    wanted.swap(wanted_);
  }
  absl::Status first_error;
  for (const std::string& clinic_id : wanted) {
    first_error.Update(KeepChanged(clinic_id));
    first_error.Update(KeepOutdated(clinic_id));
  }
  return first_error;
}

absl::Status ResultKeeper::Keep(bool by_rules) {
  absl::Status first_error = KeepWanted();
  first_error.Update(KeepChanged(""));
  if (by_rules) first_error.Update(KeepOutdated(""));
  return first_error;
}

}  // namespace ipt::outcomes
