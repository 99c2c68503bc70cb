#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "course_copies/storage/sql_course_copies.h"
#include "outcomes/storage/course_result_text.h"
#include "outcomes/storage/line_reader.h"
#include "outcomes/storage/sql_outcomes_tx.h"
#include "outcomes/storage/told_outcomes_json.h"

namespace ipt::outcomes {
namespace {

using storage::ColumnType;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

// Those that were made by the rules of today and that nothing changed since.
#define KEPT \
  " FROM course_results WHERE clinic_id = :clinic AND made_by = :made_by AND stale = 0 AND "
#define CLOSED "closed_day >= :first AND closed_day <= :last"
#define STARTED "start_day >= :first AND start_day <= :last"
// A line each, and all that a query finds together: a row from the store costs more than a line of
// it.
#define SQLITE_LINES "SELECT group_concat(result, char(10))"
#define POSTGRES_LINES "SELECT string_agg(result, chr(10))"
constexpr Statement kSqliteClosed = {SQLITE_LINES KEPT CLOSED, {kText}};
constexpr Statement kSqliteStarted = {SQLITE_LINES KEPT STARTED, {kText}};
// The words of its indexes: all but the largest are read from one that has whole results.
#define SMALL "octet_length(result) <= 2000 AND "
#define LARGE "octet_length(result) > 2000 AND "
constexpr Statement kPostgresClosed = {POSTGRES_LINES KEPT SMALL CLOSED, {kText}};
constexpr Statement kPostgresStarted = {POSTGRES_LINES KEPT SMALL STARTED, {kText}};
constexpr Statement kPostgresClosedLarge = {POSTGRES_LINES KEPT LARGE CLOSED, {kText}};
constexpr Statement kPostgresStartedLarge = {POSTGRES_LINES KEPT LARGE STARTED, {kText}};
constexpr Statement kClosedById = {"SELECT course_id, result" KEPT CLOSED, {kText, kText}};
constexpr Statement kStartedById = {"SELECT course_id, result" KEPT STARTED, {kText, kText}};

// All others of the clinic, each part by its index, that can be of the period: their kept days are
// not to be relied on. Instants, as wide as any zone makes days.
#define STALE_OF(which, of_period)                                      \
  "SELECT r.course_id FROM course_results r LEFT JOIN course_copies c " \
  "ON c.clinic_id = r.clinic_id AND c.course_id = r.course_id "         \
  "WHERE r.clinic_id = :clinic AND " which " AND ((" of_period          \
  ") OR (c.course_id IS NULL AND EXISTS (SELECT 1 FROM measurements m " \
  "WHERE m.clinic_id = r.clinic_id AND m.course_id = r.course_id "      \
  "AND m.completed_us >= CAST(:from AS BIGINT) AND m.completed_us < CAST(:before AS BIGINT))))"
#define STALE(of_period)                                                                           \
  STALE_OF("r.stale = 1", of_period)                                                               \
  " UNION ALL " STALE_OF("r.stale = 0 AND r.made_by < :made_by",                                   \
                         of_period) " UNION ALL " STALE_OF("r.stale = 0 AND r.made_by > :made_by", \
                                                           of_period) " LIMIT :limit"
constexpr Statement kStaleClosed = {
    STALE("c.closed_us >= CAST(:from AS BIGINT) AND c.closed_us < CAST(:before AS BIGINT)"),
    {kText}};
// Of sessions: attended ones of the treatment.
constexpr Statement kStaleStarted = {
    STALE("EXISTS (SELECT 1 FROM course_session_copies s WHERE s.clinic_id = r.clinic_id "
          "AND s.course_id = r.course_id AND s.state = 2 AND s.uses_session = 1 "
          "AND s.start_us >= CAST(:from AS BIGINT) AND s.start_us < CAST(:before AS BIGINT))"),
    {kText}};

constexpr Statement kStale = {
    "SELECT clinic_id, course_id, generation, told FROM course_results WHERE stale = 1 "
    "AND (clinic_id, course_id) > (:clinic, :course) ORDER BY clinic_id, course_id LIMIT :limit",
    {kText, kText, kInt, kText}};
constexpr Statement kNextMaker = {
    "SELECT clinic_id, made_by FROM course_results WHERE stale = 0 "
    "AND (clinic_id, made_by) > (:clinic, :made_by) ORDER BY clinic_id, made_by LIMIT 1",
    {kText, kText}};
// One pass along the primary key: by the index of `made_by` each page would sort all of them.
constexpr Statement kMadeBy = {
    "SELECT course_id, generation, told FROM course_results WHERE clinic_id = :clinic "
    "AND course_id > :course AND stale + 0 = 0 AND made_by || '' = :made_by "
    "ORDER BY course_id LIMIT :limit",
    {kText, kInt, kText}};

// Where it was kept by these rules already, whoever kept it has told of it.
#define KEEP                                                                        \
  "UPDATE course_results SET stale = 0, made_by = :made_by, closed_day = :closed, " \
  "start_day = :start, result = :result, told = :told WHERE clinic_id = :clinic "   \
  "AND generation = :generation AND (stale = 1 OR made_by <> :made_by) "
constexpr Statement kKeepResult = {KEEP "AND course_id = :course"};
// Waits for nobody, who might wait for one that was kept before: whoever has the row marks it.
constexpr Statement kKeepUnlocked = {
    KEEP
    "AND course_id = (SELECT course_id FROM course_results WHERE clinic_id = :clinic "
    "AND course_id = :course AND generation = :generation FOR NO KEY UPDATE SKIP LOCKED)"};
constexpr Statement kLockResult = {
    "SELECT 1 FROM course_results WHERE clinic_id = :clinic AND course_id = :course "
    "FOR NO KEY UPDATE",
    {kInt}};

// What one query found is read while the store answers the next.
constexpr int64_t kMostQueries = 8;
constexpr int64_t kLeastDays = 90;  // of one of them
// PostgreSQL's, in this transaction: a plan for any period takes each to be short, and looks each
// row up by itself.
constexpr Statement kPlanForThePeriod = {
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)", {kText}};

constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;

std::optional<int64_t> Number(const std::optional<DayNumber>& day) {
  if (!day.has_value()) return std::nullopt;
  return day->number();
}

// `told`: the column of it.
absl::StatusOr<StaleResult> StaleOf(std::string clinic_id, std::string course_id,
                                    int64_t generation, const Row& row, size_t told) {
  StaleResult stale{std::move(clinic_id), std::move(course_id), generation};
  if (!row.IsNull(told)) {
    IPT_ASSIGN_OR_RETURN(stale.told, DecodeToldOutcomes(row.Text(told)));
  }
  return stale;
}

}  // namespace

absl::Status SqlOutcomesTx::ReadCourseResults(
    const ResultMaker& made, const ReportPeriod& period,
    absl::FunctionRef<bool(const CourseResult&)> wants,
    absl::FunctionRef<void(const CourseResult&)> on_result, int limit,
    std::vector<std::string>& stale) {
  const bool closed = period.basis == PeriodBasis::kClosed;
  const int64_t first = period.first_day.number();
  const int64_t last = period.last_day.number();
  IPT_ASSIGN_OR_RETURN(
      stale, storage::GetRows(
                 conn_, closed ? kStaleClosed : kStaleStarted,
                 {made.clinic_id, (first - 1) * kDayUs, (last + 2) * kDayUs, made.made_by, limit},
                 [](const Row& row) -> absl::StatusOr<std::string> { return row.Text(0); }));
  if (static_cast<int>(stale.size()) >= limit) return absl::OkStatus();
  CourseResult result;
  bool damaged = false;
  const auto read = [&](absl::string_view line) {
    const bool course = DecodeCourse(line, result);
    if (course && !wants(result)) return;
    if (course && DecodeMeasures(line, result)) {
      on_result(result);
    } else {
      damaged = true;
    }
  };
  const bool sqlite = dialect() == storage::Dialect::kSqlite;
  const Statement& by_close = sqlite ? kSqliteClosed : kPostgresClosed;
  const Statement& by_start = sqlite ? kSqliteStarted : kPostgresStarted;
  if (!sqlite) {
    IPT_RETURN_IF_ERROR(
        conn_.Query(kPlanForThePeriod, {}, [](const Row&) { return absl::OkStatus(); }));
  }
  LineReader lines(read);
  const auto read_lines = [&](const Statement& of, int64_t from, int64_t to) {
    return conn_.Query(of, {made.clinic_id, made.made_by, from, to}, [&](const Row& row) {
      if (!row.IsNull(0)) lines.Add(row.Text(0));
      return absl::OkStatus();
    });
  };
  const int64_t days = last - first + 1;
  // The index goes by closed days: by started ones each query would read all of it.
  const int64_t at_once =
      closed ? std::max(kLeastDays, (days + kMostQueries - 1) / kMostQueries) : days;
  for (int64_t day = first; day <= last; day += at_once) {
    IPT_RETURN_IF_ERROR(
        read_lines(closed ? by_close : by_start, day, std::min(last, day + at_once - 1)));
  }
  if (!sqlite) {
    IPT_RETURN_IF_ERROR(
        read_lines(closed ? kPostgresClosedLarge : kPostgresStartedLarge, first, last));
  }
  lines.Finish();
  if (!damaged) return absl::OkStatus();
  // What cannot be read counts as stale: one course is no reason to have no report.
  return conn_.Query(closed ? kClosedById : kStartedById,
                     {made.clinic_id, made.made_by, first, last}, [&](const Row& row) {
                       if (!DecodeCourseResult(row.Text(1), result)) stale.push_back(row.Text(0));
                       return absl::OkStatus();
                     });
}

absl::StatusOr<std::vector<StaleResult>> SqlOutcomesTx::ListStaleResults(const StaleResult& after,
                                                                         int limit) {
  return storage::GetRows(conn_, kStale, {after.clinic_id, after.course_id, limit},
                          [](const Row& row) -> absl::StatusOr<StaleResult> {
                            return StaleOf(row.Text(0), row.Text(1), row.Int64(2), row, 3);
                          });
}

absl::StatusOr<std::optional<ResultMaker>> SqlOutcomesTx::NextResultMaker(
    const ResultMaker& after) {
  return conn_.QueryOne(kNextMaker, {after.clinic_id, after.made_by}, [](const Row& row) {
    return ResultMaker{row.Text(0), row.Text(1)};
  });
}

absl::StatusOr<std::vector<StaleResult>> SqlOutcomesTx::ListResultsMadeBy(
    const ResultMaker& made, absl::string_view after_course, int limit) {
  return storage::GetRows(conn_, kMadeBy, {made.clinic_id, after_course, made.made_by, limit},
                          [&](const Row& row) -> absl::StatusOr<StaleResult> {
                            return StaleOf(made.clinic_id, row.Text(0), row.Int64(1), row, 2);
                          });
}

absl::StatusOr<std::optional<courses::CopiedCourse>> SqlOutcomesTx::FindCourseCopy(
    absl::string_view clinic_id, absl::string_view course_id) {
  IPT_ASSIGN_OR_RETURN(auto found, courses::SqlCourseCopies::Find(conn_, clinic_id, course_id));
  if (!found.has_value()) return std::optional<courses::CopiedCourse>();
  return std::optional<courses::CopiedCourse>(std::move(found->course));
}

absl::StatusOr<bool> SqlOutcomesTx::KeepCourseResult(const StaleResult& of,
                                                     absl::string_view made_by,
                                                     const CourseResult& result,
                                                     const ToldOutcomes& told) {
  IPT_ASSIGN_OR_RETURN(
      const int64_t written,
      conn_.Execute(
          dialect() == storage::Dialect::kSqlite ? kKeepResult : kKeepUnlocked,
          {made_by, Number(result.closed_day), Number(result.start_day), EncodeCourseResult(result),
           EncodeToldOutcomes(told), of.clinic_id, of.generation, of.course_id}));
  return written > 0;
}

// SQLite needs none: its writer is one.
absl::Status SqlOutcomesTx::LockCourseResult(absl::string_view clinic_id,
                                             absl::string_view course_id) {
  if (dialect() == storage::Dialect::kSqlite) return absl::OkStatus();
  return conn_.Query(kLockResult, {clinic_id, course_id},
                     [](const Row&) { return absl::OkStatus(); });
}

}  // namespace ipt::outcomes
