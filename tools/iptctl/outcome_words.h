// What the outcomes contract's enums and small messages are called in front of clinicians.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/str_replace.h"
#include "absl/time/civil_time.h"
#include "google/protobuf/descriptor.h"
#include "google/type/date.pb.h"
#include "ipt/outcomes/v1/alert.pb.h"
#include "ipt/outcomes/v1/outcome.pb.h"
#include "ipt/outcomes/v1/report.pb.h"
#include "iptctl/contract.h"

namespace ipt::ctl {

// "RISK_UNKNOWN" is "risk unknown"; a value that a newer server knows, its number; empty where 0.
template <typename Enum>
std::string SpokenEnum(Enum value) {
  if (static_cast<int>(value) == 0) return "";
  const auto* found = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value);
  return found == nullptr ? std::to_string(static_cast<int>(value))
                          : absl::StrReplaceAll(EnumText(*found), {{"-", " "}});
}

// The last part of a resource's name.
std::string LastSegment(const std::string& name);

// "2026-08-05"; empty where it is not set.
std::string IsoDay(const google::type::Date& date);
std::string IsoDay(absl::CivilDay day);
// "5 Aug".
std::string ShortDay(absl::CivilDay day);

std::string Spoken(outcomes::v1::Respondent respondent);
// Why a score does not count; empty where it does.
std::string Spoken(const outcomes::v1::SeriesPoint& point);
std::string Spoken(outcomes::v1::Verdict verdict);
std::string Spoken(outcomes::v1::ReliableVerdict verdict);
std::string Spoken(outcomes::v1::SignificantChange change);
std::string Spoken(outcomes::v1::Suppression suppression);
std::string Spoken(outcomes::v1::AlertKind kind);

// "10 or more": which side of a cut-off counts.
std::string CutOffWords(const outcomes::v1::CutOff& cut_off, outcomes::v1::Direction direction);
// "6 or more points".
std::string ReliableChangeWords(const outcomes::v1::ReliableChange& change);
// "better by 12", "worse by 3", "no change"; empty without a value.
std::string ImprovementWords(std::optional<double> improvement);
// With how sure it is.
std::string SourceWords(const outcomes::v1::Source& source);

}  // namespace ipt::ctl
