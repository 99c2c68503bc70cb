// Where a session may be booked: the rules, and how a refusal is told. Shared by every use case
// that gives sessions a place.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "scheduling/domain/calendar_loader.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

inline constexpr int kRetrospectiveDays = 31;
inline constexpr int kBookAheadDays = 5 * 366;

// What a caller may override, with a reason that the session's history keeps.
struct BookingOverride {
  bool outside_availability = false;
  bool past_deadline = false;
  bool during_pause = false;
  std::string reason;

  bool Any() const { return outside_availability || past_deadline || during_pause; }
};

// The reason as the history keeps it.
std::string HistoryReason(absl::string_view reason, const BookingOverride& override);

// Adds a violation unless `start` is a whole minute, and in the future (`retrospective`: in the
// last 31 days).
void CheckStart(absl::Time start, absl::Time now, bool retrospective, FieldViolations& bad,
                absl::string_view field);

// One reason why one session of several cannot be where it should.
struct Refusal {
  size_t index = 0;  // of the session among those to be placed
  PreconditionViolation violation;
  ErrorMetadata metadata;
};

struct PlacementRequest {
  const Course& course;
  // The course's sessions without those to be placed: their old places do not stand in their way.
  const std::vector<Session>& others;
  // By start, with therapist, patient, interval and blocked_until set.
  const std::vector<Session>& placed;
  BookingOverride override;
  // They took place: only overlaps are looked at.
  bool retrospective = false;
  // They are booked already and only move: the agreed number of sessions is not asked.
  bool moves = false;
  absl::Time now;
};

// Everything that forbids the sessions their places, by session; several reasons for one where it
// has them. REQUIRES: the calendars of the course's therapist are taken by this transaction.
absl::StatusOr<std::vector<Refusal>> CheckPlacements(ClinicCalendars& calendars,
                                                     const PlacementRequest& request);

// FAILED_PRECONDITION of a single session: its weightiest reason. `subject`: a resource name.
absl::Status RefuseOne(absl::string_view subject, const std::vector<Refusal>& refusals);

// SERIES_CONFLICT, naming each as `field`[index].
absl::Status RefuseSeries(absl::string_view field, size_t count,
                          const std::vector<Refusal>& refusals);

// THERAPIST_INACTIVE, THERAPIST_LACKS_VARIANT or THERAPIST_FULL (`open_courses` and `more` exceed
// what they may have), unless the therapist may take `more` courses of the variant.
absl::Status CheckTherapistTakes(const Therapist& therapist, absl::string_view variant_id,
                                 int open_courses, int more);
absl::Status CheckTherapistActive(const Therapist& therapist);
// THERAPIST_FULL, as above.
absl::Status CheckTherapistHasRoom(const Therapist& therapist, int open_courses, int more);

}  // namespace ipt::scheduling
