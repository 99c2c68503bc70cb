// Has scheduling know what stands out in open courses, so that it reminds their therapists. Every
// replica has one; what one has told, another finds told. It goes by what is in the store, so a
// restart loses nothing.
//
// One thread. Ends with Stop().
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/course_findings.h"
#include "formulation/domain/protocol_set.h"
#include "formulation/domain/store.h"
#include "formulation/storage/told_findings.h"
#include "platform/server/periodic.h"
#include "platform/time/clock.h"

namespace ipt::formulation {

class FindingKeeper {
 public:
  // `owner`: no other replica's. All of them outlive it.
  FindingKeeper(FormulationStore& store, ToldFindings& told, const ProtocolSet& protocols,
                courses::CourseLister& courses, FindingTeller& teller, const Clock& clock,
                absl::string_view owner)
      : store_(store),
        told_(told),
        protocols_(protocols),
        courses_(courses),
        teller_(teller),
        clock_(clock),
        claim_(absl::StrCat("being told by ", owner)) {}
  ~FindingKeeper() { Stop(); }

  void Start();
  void Stop();

  // One look at all open courses; ends early where scheduling or the store is away. The first
  // error. What the thread does, and tests.
  absl::Status TellOnce();

 private:
  absl::Time Deadline() const { return clock_.Now() + absl::Seconds(10); }
  absl::Status TellClinic(const std::string& clinic_id);
  using Told = std::map<std::string, std::string>;
  absl::Status TellLot(const std::string& clinic_id,
                       const std::vector<courses::CopiedCourse>& courses, Told& told);
  absl::Status TellCourse(const courses::CopiedCourse& course, const CourseRecords& records,
                          const FormulationPolicy& policy, const std::optional<std::string>& known);
  // Whether there is no use in going on: scheduling, or the store, is away, or all ends.
  bool Ends(const absl::Status& status) const;

  FormulationStore& store_;
  ToldFindings& told_;
  const ProtocolSet& protocols_;
  courses::CourseLister& courses_;
  FindingTeller& teller_;
  const Clock& clock_;
  const std::string claim_;  // what stands while this one tells
  int away_in_a_row_ = 0;
  std::atomic<bool> stopping_ = false;
  bool failing_ = false;
  absl::Time next_ = absl::InfinitePast();
  std::optional<server::Periodic> periodic_;
};

}  // namespace ipt::formulation
