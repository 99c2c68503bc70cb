// Reads what a clinic's report is made of, and makes it: the kept results of its courses, of those
// whose result is stale a new one, made in the same view of the store.
//
// A result follows from a course's measurements, its copy and its focus, which the store marks it
// for in the transaction that changes them, whoever writes, and from rules, which are kept beside
// it: one made by others than today's counts as little as one that is marked. So a report is never
// of anything old. Where more are to be made than a call can make, there is none until they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "outcomes/domain/clinic_report.h"
#include "outcomes/domain/course_focus.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/outcomes.h"
#include "outcomes/domain/store.h"

namespace ipt::outcomes {

// What results of one clinic's courses are made by.
struct ResultRules {
  OutcomePolicy policy{};
  std::vector<HeldInstrument> instruments{};  // all versions of all
  // Another one where results would be made in another way, or other signals found: of what of the
  // policy they follow from, of the suite's instruments, of the code, and whether formulation is
  // followed. A clinic's own instruments never change.
  std::string made_by{};
};
std::string MadeBy(const OutcomePolicy& policy, const Catalog& catalog, bool follows_formulation);
absl::StatusOr<ResultRules> LoadResultRules(OutcomesReader& reader, const Catalog& catalog,
                                            absl::string_view clinic_id);

// By what the copy says of the course, which counts as true. Without its alerts.
absl::StatusOr<CourseOutcomes> MakeCourseOutcomes(OutcomesReader& reader, const ResultRules& rules,
                                                  absl::string_view clinic_id,
                                                  const std::string& course_id);
CourseResult CourseResultOf(const CourseOutcomes& outcomes);
// Both.
absl::StatusOr<CourseResult> MakeCourseResult(OutcomesReader& reader, const ResultRules& rules,
                                              absl::string_view clinic_id,
                                              const std::string& course_id);

// A query as it was asked, before the policy's part of it.
struct ReportRequest {
  ReportQuery query{};  // what of it is of drop-out and of smallest groups is not read
  std::optional<DropOutDefinition> drop_out{};
  int smallest_group = 0;  // 0: the policy's; never fewer than that
};

// Results that may be made in the time that a call has left.
int MostMadeIn(absl::Duration left);

struct ClinicReportView {
  ClinicReport report{};  // its query is complete
  OutcomePolicy policy{};
  std::vector<HeldInstrument> instruments{};
  // Courses that may be of the period and that it is without: what is stored of them cannot be
  // evaluated.
  int not_made = 0;
  FormulationAge formulation{};  // that focuses are as of
  int64_t revision = 0;
};

// INVALID_ARGUMENT (query.instruments) for an instrument that the clinic has not. UNAVAILABLE
// (RESULTS_BEING_MADE) where more than `most_made` results are to be made first.
absl::StatusOr<ClinicReportView> MakeClinicReport(OutcomesReader& reader, const Catalog& catalog,
                                                  absl::string_view clinic_id,
                                                  ReportRequest request, int most_made,
                                                  absl::Time now);

}  // namespace ipt::outcomes
