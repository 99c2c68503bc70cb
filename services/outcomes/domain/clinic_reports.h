// Reads what a clinic's report is made of, and makes it: the kept results of its courses, of those
// whose result is stale a new one, made in the same view of the store.
//
// A result follows from a course's measurements, its copy and the clinic's policy; the store marks
// it stale in the transaction that changes any of them, whoever writes. So a report is never of
// anything old; how many results are stale only decides how long it takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "outcomes/domain/clinic_report.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/outcomes.h"
#include "outcomes/domain/store.h"

namespace ipt::outcomes {

// What results of one clinic's courses are made by.
struct ResultRules {
  OutcomePolicy policy{};
  std::vector<HeldInstrument> instruments{};  // all versions of all
};
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
  ReportQuery query{};  // drop_out and smallest_group are not read
  std::optional<DropOutDefinition> drop_out{};
  int smallest_group = 0;  // 0: the policy's; never fewer than that
};

struct ClinicReportView {
  ClinicReport report{};  // its query is complete
  OutcomePolicy policy{};
  std::vector<HeldInstrument> instruments{};
  // Courses that it is without, of whatever period: what is stored of them cannot be evaluated.
  int not_made = 0;
  int64_t revision = 0;
};

// INVALID_ARGUMENT (query.instruments) for an instrument that the clinic has not.
absl::StatusOr<ClinicReportView> MakeClinicReport(OutcomesReader& reader, const Catalog& catalog,
                                                  absl::string_view clinic_id,
                                                  ReportRequest request);

}  // namespace ipt::outcomes
