#include "formulation/domain/names.h"
#include "formulation/storage/formulation_json.h"
#include "formulation/storage/sql_formulation_tx.h"

namespace ipt::formulation {

using storage::ColumnType;
using storage::ColumnTypes;
using storage::Row;
using storage::Statement;

// Relationships, life events and problem areas have a table each, of the same columns: the id and
// its place in the course, a document, the stamp.
template <typename T>
struct EntryTable {
  struct Statements {
    Statement get;
    Statement list;
    Statement insert;
    Statement update;
    Statement erase;
  };
  Statements sql;
  std::string T::*id;
  const char* type;
  std::string (*name)(absl::string_view, absl::string_view, absl::string_view);
  std::string (*encode)(const T&);
  absl::Status (*decode)(absl::string_view, T&);

  std::string NameOf(const T& entry) const {
    return name(entry.clinic_id, entry.course_id, entry.*id);
  }
  absl::StatusOr<T> Read(absl::string_view clinic_id, absl::string_view course_id,
                         const Row& row) const {
    T entry;
    entry.clinic_id = std::string(clinic_id);
    entry.course_id = std::string(course_id);
    entry.*id = row.Text(0);
    IPT_RETURN_IF_ERROR(decode(row.Text(1), entry));
    entry.stamp = StampOf(row, 2);
    return entry;
  }
};

namespace {

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kText = ColumnType::kText;
constexpr ColumnTypes kColumns = {kText, kText, kInt, kInt, kInt};

#define OF_COURSE " WHERE clinic_id = :clinic AND course_id = :course"
#define SELECT_ENTRY(table, id) \
  "SELECT " id ", document, revision, created_us, updated_us FROM " table OF_COURSE
#define ENTRY_STATEMENTS(table, id)                                                               \
  {                                                                                               \
    .get = {SELECT_ENTRY(table, id) " AND " id " = :id", kColumns},                               \
    .list = {SELECT_ENTRY(table, id) " ORDER BY position", kColumns},                             \
    .insert =                                                                                     \
        {"INSERT INTO " table " (clinic_id, course_id, " id                                       \
         ", position, document, revision, created_us, updated_us) VALUES (:clinic, "              \
         ":course, :id, (SELECT COALESCE(MAX(position), 0) + 1 FROM " table OF_COURSE             \
         "), :document, :revision, :created, :updated) ON CONFLICT (clinic_id, course_id, " id    \
         ") DO NOTHING"},                                                                         \
    .update = {"UPDATE " table                                                                    \
               " SET document = :document, revision = :revision, updated_us = :updated" OF_COURSE \
               " AND " id " = :id"},                                                              \
    .erase = {"DELETE FROM " table OF_COURSE " AND " id " = :id"},                                \
  }

constexpr EntryTable<Relationship> kRelationships = {
    .sql = ENTRY_STATEMENTS("relationships", "relationship_id"),
    .id = &Relationship::relationship_id,
    .type = kRelationshipType,
    .name = RelationshipName,
    .encode = EncodeRelationship,
    .decode = DecodeRelationship};
constexpr EntryTable<LifeEvent> kLifeEvents = {
    .sql = ENTRY_STATEMENTS("life_events", "life_event_id"),
    .id = &LifeEvent::life_event_id,
    .type = kLifeEventType,
    .name = LifeEventName,
    .encode = EncodeLifeEvent,
    .decode = DecodeLifeEvent};
constexpr EntryTable<ProblemArea> kProblemAreas = {
    .sql = ENTRY_STATEMENTS("problem_areas", "problem_area_id"),
    .id = &ProblemArea::problem_area_id,
    .type = kProblemAreaType,
    .name = ProblemAreaName,
    .encode = EncodeProblemArea,
    .decode = DecodeProblemArea};

}  // namespace

template <typename T>
absl::StatusOr<T> SqlFormulationTx::GetEntry(const EntryTable<T>& table,
                                             absl::string_view clinic_id,
                                             absl::string_view course_id, absl::string_view id) {
  IPT_ASSIGN_OR_RETURN(
      auto found,
      storage::GetRows(conn_, table.sql.get, {clinic_id, course_id, id},
                       [&](const Row& row) { return table.Read(clinic_id, course_id, row); }));
  if (found.empty()) return NotFound(table.type, table.name(clinic_id, course_id, id));
  return std::move(found[0]);
}

template <typename T>
absl::StatusOr<std::vector<T>> SqlFormulationTx::ListEntries(const EntryTable<T>& table,
                                                             absl::string_view clinic_id,
                                                             absl::string_view course_id) {
  return storage::GetRows(conn_, table.sql.list, {clinic_id, course_id},
                          [&](const Row& row) { return table.Read(clinic_id, course_id, row); });
}

template <typename T>
absl::Status SqlFormulationTx::InsertEntry(const EntryTable<T>& table, T& entry, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(entry.stamp, now));
  return Insert(table.sql.insert,
                {entry.clinic_id, entry.course_id, entry.*table.id, table.encode(entry),
                 entry.stamp.revision, entry.stamp.create_time, entry.stamp.update_time},
                table.type, table.NameOf(entry));
}

template <typename T>
absl::Status SqlFormulationTx::UpdateEntry(const EntryTable<T>& table, T& entry, absl::Time now) {
  IPT_RETURN_IF_ERROR(SetStamp(entry.stamp, now));
  return ExecuteOnRow(table.sql.update,
                      {table.encode(entry), entry.stamp.revision, entry.stamp.update_time,
                       entry.clinic_id, entry.course_id, entry.*table.id},
                      table.type, table.NameOf(entry));
}

template <typename T>
absl::Status SqlFormulationTx::DeleteEntry(const EntryTable<T>& table, const T& entry) {
  return ExecuteOnRow(table.sql.erase, {entry.clinic_id, entry.course_id, entry.*table.id},
                      table.type, table.NameOf(entry));
}

absl::StatusOr<Relationship> SqlFormulationTx::GetRelationship(absl::string_view clinic_id,
                                                               absl::string_view course_id,
                                                               absl::string_view relationship_id) {
  return GetEntry(kRelationships, clinic_id, course_id, relationship_id);
}
absl::StatusOr<std::vector<Relationship>> SqlFormulationTx::ListRelationships(
    absl::string_view clinic_id, absl::string_view course_id) {
  return ListEntries(kRelationships, clinic_id, course_id);
}
absl::Status SqlFormulationTx::InsertRelationship(Relationship& relationship, absl::Time now) {
  return InsertEntry(kRelationships, relationship, now);
}
absl::Status SqlFormulationTx::UpdateRelationship(Relationship& relationship, absl::Time now) {
  return UpdateEntry(kRelationships, relationship, now);
}
absl::Status SqlFormulationTx::DeleteRelationship(const Relationship& relationship) {
  return DeleteEntry(kRelationships, relationship);
}

absl::StatusOr<LifeEvent> SqlFormulationTx::GetLifeEvent(absl::string_view clinic_id,
                                                         absl::string_view course_id,
                                                         absl::string_view life_event_id) {
  return GetEntry(kLifeEvents, clinic_id, course_id, life_event_id);
}
absl::StatusOr<std::vector<LifeEvent>> SqlFormulationTx::ListLifeEvents(
    absl::string_view clinic_id, absl::string_view course_id) {
  return ListEntries(kLifeEvents, clinic_id, course_id);
}
absl::Status SqlFormulationTx::InsertLifeEvent(LifeEvent& event, absl::Time now) {
  return InsertEntry(kLifeEvents, event, now);
}
absl::Status SqlFormulationTx::UpdateLifeEvent(LifeEvent& event, absl::Time now) {
  return UpdateEntry(kLifeEvents, event, now);
}
absl::Status SqlFormulationTx::DeleteLifeEvent(const LifeEvent& event) {
  return DeleteEntry(kLifeEvents, event);
}

absl::StatusOr<ProblemArea> SqlFormulationTx::GetProblemArea(absl::string_view clinic_id,
                                                             absl::string_view course_id,
                                                             absl::string_view problem_area_id) {
  return GetEntry(kProblemAreas, clinic_id, course_id, problem_area_id);
}
absl::StatusOr<std::vector<ProblemArea>> SqlFormulationTx::ListProblemAreas(
    absl::string_view clinic_id, absl::string_view course_id) {
  return ListEntries(kProblemAreas, clinic_id, course_id);
}
absl::Status SqlFormulationTx::InsertProblemArea(ProblemArea& area, absl::Time now) {
  return InsertEntry(kProblemAreas, area, now);
}
absl::Status SqlFormulationTx::UpdateProblemArea(ProblemArea& area, absl::Time now) {
  return UpdateEntry(kProblemAreas, area, now);
}
absl::Status SqlFormulationTx::DeleteProblemArea(const ProblemArea& area) {
  return DeleteEntry(kProblemAreas, area);
}

}  // namespace ipt::formulation
