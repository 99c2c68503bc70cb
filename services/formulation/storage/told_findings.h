// What scheduling was told of courses' findings, and which clinics are told of at all.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/storage/database.h"

namespace ipt::formulation {

// Thread-safe. `db`, with the tables of FormulationMigrations in it, outlives it.
class ToldFindings {
 public:
  explicit ToldFindings(storage::Database& db) : db_(db) {}

  // The clinic after this one (empty: the first) that has begun a formulation of any course: nobody
  // is told of clinics that do not work with formulations. nullopt: there is none.
  absl::StatusOr<std::optional<std::string>> NextClinic(absl::string_view after,
                                                        absl::Time deadline);
  // By course: what was told of those that something was told of.
  absl::StatusOr<std::map<std::string, std::string>> List(absl::string_view clinic_id,
                                                          absl::Time deadline);
  // Writes what is told in the place of `before` (nullopt: nothing was). False: it is another one
  // by now.
  absl::StatusOr<bool> Put(absl::string_view clinic_id, absl::string_view course_id,
                           const std::optional<std::string>& before, absl::string_view told,
                           absl::Time deadline);
  absl::Status Drop(absl::string_view clinic_id, absl::string_view course_id, absl::Time deadline);

 private:
  storage::Database& db_;
};

}  // namespace ipt::formulation
