// The copy of scheduling's courses. Thread-safe, as the store is.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "platform/storage/database.h"

namespace ipt::courses {

// Where a row comes from, which decides what gives way when the copy has one already.
enum class CopySource {
  kEvent,  // told in order: replaces the same revision, too, as what follows from other rows moves
           // without one; an older one is of the past
  kListing,  // replaces everything: a restored scheduling has gone back
  kAnswer,   // asked for on the side of the stream: replaces older revisions only
};

struct CopyStamp {
  CopySource source = CopySource::kEvent;
  absl::Time at{};      // what is copied was so at this instant
  int64_t listing = 0;  // of kListing: its number
};

class SqlCourseCopies {
 public:
  explicit SqlCourseCopies(storage::Database& db) : db_(db) {}

  // One course without its sessions, or one session. In a transaction of the caller's. Whether the
  // course was written: false where the copy has a newer one.
  static absl::StatusOr<bool> PutCourse(storage::Connection& conn, const CopiedCourse& course,
                                        const CopyStamp& stamp);
  static absl::Status PutSession(storage::Connection& conn, absl::string_view clinic_id,
                                 absl::string_view course_id, const CopiedSession& session,
                                 const CopyStamp& stamp);
  // Deletes what listing `number` did not have.
  static absl::Status DropUnlisted(storage::Connection& conn, absl::string_view clinic_id,
                                   int64_t number);

  // A whole course as it was answered.
  absl::Status PutAnswer(const CopiedCourse& course, absl::Time at, absl::Time deadline);

  struct Found {
    CopiedCourse course;
    absl::Time copied_at;
  };
  // The course with its sessions, of one moment; nullopt: it is not in the copy.
  absl::StatusOr<std::optional<Found>> Find(absl::string_view clinic_id,
                                            absl::string_view course_id, absl::Time deadline);
  // The same, inside a transaction of the caller's.
  static absl::StatusOr<std::optional<Found>> Find(storage::Connection& conn,
                                                   absl::string_view clinic_id,
                                                   absl::string_view course_id);
  // A clinic's courses by id, of one moment. In a transaction of the caller's.
  static absl::StatusOr<std::vector<CopiedCourse>> List(storage::Connection& conn,
                                                        absl::string_view clinic_id,
                                                        const CourseListing& listing);

 private:
  storage::Database& db_;
};

}  // namespace ipt::courses
