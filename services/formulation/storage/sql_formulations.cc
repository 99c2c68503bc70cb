#include <iterator>

#include "absl/strings/str_cat.h"
#include "formulation/domain/names.h"
#include "formulation/storage/day_number.h"
#include "formulation/storage/formulation_json.h"
#include "formulation/storage/sql_formulation_tx.h"
#include "platform/storage/sql_text.h"

namespace ipt::formulation {
namespace {

using storage::ColumnType;
using storage::ColumnTypes;
using storage::FilteredQuery;
using storage::InJson;
using storage::Row;
using storage::Statement;

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;

#define REVISION_COLUMNS                                                                      \
  "r.number, r.state, r.content, r.snapshot, r.details, r.agreement, r.changes, r.revision, " \
  "r.created_us, r.updated_us"
#define OF_COURSE " WHERE clinic_id = :clinic AND course_id = :course"
#define SELECT_REVISION "SELECT " REVISION_COLUMNS " FROM formulation_revisions r" OF_COURSE
constexpr ColumnTypes kRevisionColumns = {kInt,  kInt,  kText, kText, kText,
                                          kText, kText, kInt,  kInt,  kInt};

// The course's row once for each of its two revisions, which may both be unset.
constexpr Statement kGetFormulation = {
    "SELECT " REVISION_COLUMNS
    ", f.pending_number, f.current_number, f.last_number, f.agreed_revisions, f.first_agreed_day, "
    "f.first_primary_kind, f.revision, f.created_us, f.updated_us FROM formulations f "
    "LEFT JOIN formulation_revisions r ON r.clinic_id = f.clinic_id AND r.course_id = f.course_id "
    "AND r.number IN (f.pending_number, f.current_number) "
    "WHERE f.clinic_id = :clinic AND f.course_id = :course",
    {kInt, kInt, kText, kText, kText, kText, kText, kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt,
     kInt, kInt, kInt, kInt}};
constexpr size_t kFormulationAt = 10;

constexpr Statement kGetPending = {SELECT_REVISION " AND state < 3", kRevisionColumns};
constexpr Statement kGetNumbered = {SELECT_REVISION " AND number = :number", kRevisionColumns};

constexpr Statement kInsertRevision = {
    "INSERT INTO formulation_revisions (clinic_id, course_id, number, state, proposed_us, "
    "agreed_day, outline, changes, details, agreement, snapshot, content, revision, created_us, "
    "updated_us) VALUES (:clinic, :course, :number, :state, :proposed, :agreed_day, :outline, "
    ":changes, :details, :agreement, :snapshot, :content, :revision, :created, :updated)"};
// What is agreed is written here for the last time.
constexpr Statement kUpdatePending = {
    "UPDATE formulation_revisions SET number = :number, state = :state, proposed_us = :proposed, "
    "agreed_day = :agreed_day, outline = :outline, changes = :changes, details = :details, "
    "agreement = :agreement, snapshot = :snapshot, content = :content, revision = :revision, "
    "updated_us = :updated" OF_COURSE " AND state < 3"};
constexpr Statement kUpdateCurrent = {
    "UPDATE formulation_revisions SET state = :state, changes = :changes, revision = :revision, "
    "updated_us = :updated" OF_COURSE " AND number = :number AND state = 3"};
constexpr Statement kDeletePending = {"DELETE FROM formulation_revisions" OF_COURSE
                                      " AND state < 3"};

constexpr Statement kPutFormulation = {
    "INSERT INTO formulations (clinic_id, course_id, pending_number, current_number, "
    "current_revision, agreed_day, primary_kind, secondary_kind, last_number, agreed_revisions, "
    "first_agreed_day, first_primary_kind, revision, created_us, updated_us) VALUES (:clinic, "
    ":course, :pending, :current, :current_revision, :agreed_day, :primary, :secondary, :last, "
    ":agreed, :first_day, :first_kind, :revision, :created, :updated) "
    "ON CONFLICT (clinic_id, course_id) DO UPDATE SET pending_number = excluded.pending_number, "
    "current_number = excluded.current_number, current_revision = excluded.current_revision, "
    "agreed_day = excluded.agreed_day, primary_kind = excluded.primary_kind, "
    "secondary_kind = excluded.secondary_kind, last_number = excluded.last_number, "
    "agreed_revisions = excluded.agreed_revisions, first_agreed_day = excluded.first_agreed_day, "
    "first_primary_kind = excluded.first_primary_kind, revision = excluded.revision, "
    "updated_us = excluded.updated_us RETURNING created_us",
    {kInt}};

constexpr absl::string_view kListFocuses =
    "SELECT course_id, primary_kind, secondary_kind, agreed_day, current_number, "
    "first_primary_kind, current_revision FROM formulations WHERE clinic_id = :clinic "
    "AND course_id > :after AND current_number IS NOT NULL";
constexpr ColumnTypes kFocusColumns = {kText, kInt, kInt, kInt, kInt, kInt, kInt};

absl::StatusOr<FormulationRevision> RevisionOf(absl::string_view clinic_id,
                                               absl::string_view course_id, const Row& row) {
  FormulationRevision revision;
  revision.clinic_id = std::string(clinic_id);
  revision.course_id = std::string(course_id);
  revision.number = static_cast<int>(row.Int64(0));
  revision.state = static_cast<RevisionState>(row.Int64(1));
  IPT_RETURN_IF_ERROR(DecodeContent(row.Text(2), revision.content));
  IPT_RETURN_IF_ERROR(DecodeSnapshot(row.Text(3), revision.state, revision.snapshot));
  IPT_RETURN_IF_ERROR(DecodeDetails(row.Text(4), revision));
  if (!row.IsNull(5)) {
    IPT_RETURN_IF_ERROR(DecodeAgreement(row.Text(5), revision.agreement.emplace()));
  }
  IPT_RETURN_IF_ERROR(DecodeChanges(row.Text(6), revision.changes));
  revision.stamp = StampOf(row, 7);
  return revision;
}

bool IsPending(const FormulationRevision& revision) {
  return revision.state < RevisionState::kAgreed;
}

std::string NameOf(const FormulationRevision& revision) {
  return RevisionName(revision.clinic_id, revision.course_id, revision.number);
}

std::optional<int> NumberOf(const std::optional<FormulationRevision>& revision) {
  return revision.has_value() ? std::optional(revision->number) : std::nullopt;
}

// What columns beside the documents say of a revision.
struct RevisionColumns {
  explicit RevisionColumns(const FormulationRevision& revision)
      : proposed(ProposedTimeOf(revision)) {
    if (!revision.agreement.has_value()) return;
    agreed_day = ToDayNumber(revision.agreement->agreed_on);
    outline = EncodeOutline(AgreedOf(revision));
    agreement = EncodeAgreement(*revision.agreement);
  }
  std::optional<absl::Time> proposed;
  std::optional<int64_t> agreed_day;
  std::optional<std::string> outline;
  std::optional<std::string> agreement;
};

}  // namespace

absl::StatusOr<CourseFormulation> SqlFormulationTx::GetFormulation(absl::string_view clinic_id,
                                                                   absl::string_view course_id) {
  CourseFormulation formulation{.clinic_id = std::string(clinic_id),
                                .course_id = std::string(course_id)};
  bool complete = true;
  IPT_RETURN_IF_ERROR(
      conn_.Query(kGetFormulation, {clinic_id, course_id}, [&](const Row& row) -> absl::Status {
        if (!row.IsNull(0)) {
          IPT_ASSIGN_OR_RETURN(FormulationRevision revision, RevisionOf(clinic_id, course_id, row));
          (IsPending(revision) ? formulation.pending : formulation.current) = std::move(revision);
        }
        complete = formulation.pending.has_value() != row.IsNull(kFormulationAt) &&
                   formulation.current.has_value() != row.IsNull(kFormulationAt + 1);
        formulation.last_number = static_cast<int>(row.Int64(kFormulationAt + 2));
        formulation.agreed_revisions = static_cast<int>(row.Int64(kFormulationAt + 3));
        formulation.first_agreed_on = DayAt(row, kFormulationAt + 4);
        formulation.first_primary_kind =
            static_cast<ProblemAreaKind>(row.Int64(kFormulationAt + 5));
        formulation.stamp = StampOf(row, kFormulationAt + 6);
        return absl::OkStatus();
      }));
  if (!complete) return Internal("a stored formulation is damaged: it lacks one of its revisions");
  return formulation;
}

absl::StatusOr<FormulationRevision> SqlFormulationTx::GetRevision(absl::string_view clinic_id,
                                                                  absl::string_view course_id,
                                                                  int number) {
  const auto read = [&](const Row& row) { return RevisionOf(clinic_id, course_id, row); };
  IPT_ASSIGN_OR_RETURN(
      auto found,
      number == 0 ? storage::GetRows(conn_, kGetPending, {clinic_id, course_id}, read)
                  : storage::GetRows(conn_, kGetNumbered, {clinic_id, course_id, number}, read));
  if (found.empty()) return NotFound(kRevisionType, RevisionName(clinic_id, course_id, number));
  return std::move(found[0]);
}

absl::StatusOr<std::vector<FormulationRevision>> SqlFormulationTx::ListRevisions(
    absl::string_view clinic_id, absl::string_view course_id,
    const std::vector<RevisionState>& states, int before_number, int limit) {
  std::vector<FormulationRevision> revisions;
  const auto append = [&](absl::string_view which, int upto) -> absl::Status {
    FilteredQuery query(SELECT_REVISION, {clinic_id, course_id});
    query.And(which);
    if (!states.empty()) query.AndIn("state", "state", states);
    if (before_number != 0) query.And("number < :before", {before_number});
    query.OrderBy("number DESC", upto);
    IPT_ASSIGN_OR_RETURN(
        auto found,
        storage::GetRows(conn_, query.statement(kRevisionColumns), query.params(),
                         [&](const Row& row) { return RevisionOf(clinic_id, course_id, row); }));
    revisions.insert(revisions.end(), std::make_move_iterator(found.begin()),
                     std::make_move_iterator(found.end()));
    return absl::OkStatus();
  };
  if (before_number == 0) IPT_RETURN_IF_ERROR(append("state < 3", limit));
  const int left = limit - static_cast<int>(revisions.size());
  if (left > 0) IPT_RETURN_IF_ERROR(append("state >= 3", left));
  return revisions;
}

absl::StatusOr<std::vector<CourseFocus>> SqlFormulationTx::ListCourseFocuses(
    absl::string_view clinic_id, const CourseFocusFilter& filter, absl::string_view after_course_id,
    int limit) {
  FilteredQuery query(kListFocuses, {clinic_id, after_course_id});
  if (!filter.kinds.empty()) {
    std::vector<std::string> kinds;
    for (const ProblemAreaKind kind : filter.kinds) {
      kinds.push_back(absl::StrCat(static_cast<int>(kind)));
    }
    const std::string primary = InJson(dialect(), "CAST(primary_kind AS TEXT)", ":kinds");
    const std::string secondary = InJson(dialect(), "CAST(secondary_kind AS TEXT)", ":kinds");
    query.And(filter.primary_only ? primary : absl::StrCat("(", primary, " OR ", secondary, ")"),
              {EncodeStrings(kinds)});
  }
  if (filter.agreed_from.has_value()) {
    query.And("agreed_day >= :from", {ToDayNumber(filter.agreed_from)});
  }
  if (filter.agreed_to.has_value()) {
    query.And("agreed_day <= :to", {ToDayNumber(filter.agreed_to)});
  }
  query.OrderBy("course_id", limit);
  return storage::GetRows(conn_, query.statement(kFocusColumns), query.params(),
                          [&](const Row& row) -> absl::StatusOr<CourseFocus> {
                            return CourseFocus{
                                .clinic_id = std::string(clinic_id),
                                .course_id = row.Text(0),
                                .primary_kind = static_cast<ProblemAreaKind>(row.Int64(1)),
                                .secondary_kind = static_cast<ProblemAreaKind>(row.Int64(2)),
                                .agreed_on = FromDayNumber(row.Int64(3)),
                                .revision_number = static_cast<int>(row.Int64(4)),
                                .first_primary_kind = static_cast<ProblemAreaKind>(row.Int64(5)),
                                .revision = row.Int64(6)};
                          });
}

absl::Status SqlFormulationTx::PutFormulation(const CourseFormulation& before,
                                              CourseFormulation& after,
                                              FormulationRevision* superseded, absl::Time now) {
  // At most one is current, in between as well.
  if (superseded != nullptr) IPT_RETURN_IF_ERROR(UpdateCurrent(*superseded, now));
  bool pending = before.pending.has_value();
  if (after.current.has_value() && after.current != before.current) {
    const int number = after.current->number;
    if (NumberOf(before.pending) == number) {
      IPT_RETURN_IF_ERROR(UpdatePending(*after.current, now));
      pending = false;
    } else if (NumberOf(before.current) == number) {
      IPT_RETURN_IF_ERROR(UpdateCurrent(*after.current, now));
    } else {
      IPT_RETURN_IF_ERROR(InsertRevision(*after.current, now));
    }
  }
  if (!after.pending.has_value()) {
    if (pending) {
      IPT_RETURN_IF_ERROR(ExecuteOnRow(kDeletePending, {after.clinic_id, after.course_id},
                                       kRevisionType, NameOf(*before.pending)));
    }
  } else if (after.pending != before.pending) {
    IPT_RETURN_IF_ERROR(pending ? UpdatePending(*after.pending, now)
                                : InsertRevision(*after.pending, now));
  }
  return PutCourseRow(after, now);
}

absl::Status SqlFormulationTx::InsertRevision(FormulationRevision& revision, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(revision.stamp, now));
  const RevisionColumns columns(revision);
  return conn_
      .Execute(
          kInsertRevision,
          {revision.clinic_id, revision.course_id, revision.number,
           static_cast<int>(revision.state), columns.proposed, columns.agreed_day, columns.outline,
           EncodeChanges(revision.changes), EncodeDetails(revision), columns.agreement,
           EncodeSnapshot(revision.snapshot), EncodeContent(revision.content),
           revision.stamp.revision, revision.stamp.create_time, revision.stamp.update_time})
      .status();
}

absl::Status SqlFormulationTx::UpdatePending(FormulationRevision& revision, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(revision.stamp, now));
  const RevisionColumns columns(revision);
  return ExecuteOnRow(
      kUpdatePending,
      {revision.number, static_cast<int>(revision.state), columns.proposed, columns.agreed_day,
       columns.outline, EncodeChanges(revision.changes), EncodeDetails(revision), columns.agreement,
       EncodeSnapshot(revision.snapshot), EncodeContent(revision.content), revision.stamp.revision,
       revision.stamp.update_time, revision.clinic_id, revision.course_id},
      kRevisionType, NameOf(revision));
}

absl::Status SqlFormulationTx::UpdateCurrent(FormulationRevision& revision, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(revision.stamp, now));
  return ExecuteOnRow(
      kUpdateCurrent,
      {static_cast<int>(revision.state), EncodeChanges(revision.changes), revision.stamp.revision,
       revision.stamp.update_time, revision.clinic_id, revision.course_id, revision.number},
      kRevisionType, NameOf(revision));
}

absl::Status SqlFormulationTx::PutCourseRow(CourseFormulation& formulation, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(formulation.stamp, now));
  const std::optional<CourseFocus> focus = FocusOf(formulation);
  const CourseFocus of_focus = focus.value_or(CourseFocus{});
  std::optional<int64_t> current_revision;
  std::optional<int64_t> agreed_day;
  if (focus.has_value()) {
    current_revision = focus->revision;
    agreed_day = ToDayNumber(focus->agreed_on);
  }
  return conn_.Query(
      kPutFormulation,
      {formulation.clinic_id, formulation.course_id, NumberOf(formulation.pending),
       NumberOf(formulation.current), current_revision, agreed_day,
       static_cast<int>(of_focus.primary_kind), static_cast<int>(of_focus.secondary_kind),
       formulation.last_number, formulation.agreed_revisions,
       ToDayNumber(formulation.first_agreed_on), static_cast<int>(formulation.first_primary_kind),
       formulation.stamp.revision, formulation.stamp.create_time, formulation.stamp.update_time},
      [&](const Row& row) {
        formulation.stamp.create_time = row.Time(0);
        return absl::OkStatus();
      });
}

}  // namespace ipt::formulation
