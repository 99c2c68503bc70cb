// Loads from the store what decides when a session can be, and keeps it: several courses of one
// clinic, and several questions about one course, share what they have in common.
//
// Belongs to one transaction and its thread. What was loaded is not told of later writes of the
// same transaction: a use case that books for several courses makes a new one after it has written.
// Fails with what the store fails with.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "scheduling/domain/availability.h"
#include "scheduling/domain/store.h"
#include "scheduling/domain/types.h"

namespace ipt::scheduling {

// For lists that are read whole.
inline constexpr int kNoLimit = 1'000'000;

class ClinicCalendars {
 public:
  ClinicCalendars(SchedulingReader& reader, absl::string_view clinic_id)
      : reader_(reader), clinic_id_(clinic_id) {}

  // Versions are read before what they are versions of, so that a change in between shows as stale
  // and never as fresh.
  absl::StatusOr<const Clinic*> GetClinic();
  absl::StatusOr<int64_t> ClinicVersion();
  absl::StatusOr<const Therapist*> GetTherapist(absl::string_view therapist_id);
  absl::StatusOr<int64_t> TherapistVersion(absl::string_view therapist_id);

  // What this transaction has moved a calendar on to. Before the therapist is first asked for.
  void SetTherapistVersion(absl::string_view therapist_id, int64_t version);

  // The calendar of a therapist alone. Sessions of `ignore_session` (if any) are left out.
  absl::StatusOr<CalendarInputs> ForTherapist(absl::string_view therapist_id, Interval window,
                                              const Session* ignore_session = nullptr);
  // The same met with a course's patient, windows and pauses.
  absl::StatusOr<CalendarInputs> ForTherapistAndCourse(absl::string_view therapist_id,
                                                       const Course& course, Interval window,
                                                       const Session* ignore_session = nullptr);
  // The calendar of a course and its therapist, in which the course's own sessions are those given
  // and not those in the store.
  absl::StatusOr<CalendarInputs> ForCourse(const Course& course,
                                           const std::vector<Session>& sessions, Interval window);

 private:
  struct TherapistCalendar {
    std::optional<int64_t> version;
    std::optional<Therapist> therapist;
    std::optional<Interval> loaded;  // what the spans below cover
    std::vector<Interval> extra_hours;
    std::vector<Interval> time_off;
    std::vector<BusySpan> busy;
  };
  struct PatientCalendar {
    std::optional<Interval> loaded;
    std::vector<BusySpan> busy;
  };

  // The inputs without anything of therapist_busy and patient_busy.
  absl::StatusOr<CalendarInputs> Frame(absl::string_view therapist_id, Interval window);
  absl::Status AddCourse(const Course& course, CalendarInputs& inputs) const;
  absl::Status LoadHolidays(Interval window);
  absl::StatusOr<const TherapistCalendar*> LoadTherapist(absl::string_view therapist_id,
                                                         Interval window);
  absl::StatusOr<const PatientCalendar*> LoadPatient(absl::string_view patient_id, Interval window);

  SchedulingReader& reader_;
  std::string clinic_id_;
  std::optional<int64_t> clinic_version_;
  std::optional<Clinic> clinic_;
  std::optional<Interval> holidays_loaded_;
  std::vector<absl::CivilDay> holidays_;
  std::map<std::string, TherapistCalendar> therapists_;  // pointers into it stay valid
  std::map<std::string, PatientCalendar> patients_;
};

}  // namespace ipt::scheduling
