#include "scheduling/domain/availability_rules.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "scheduling/domain/time_zone.h"
#include "scheduling/domain/variants.h"

namespace ipt::scheduling {
namespace {

constexpr std::array kSlotMinutes = {5, 10, 15, 20, 30, 60};

void CheckRange(const std::optional<int>& value, int low, int high, absl::string_view unit,
                FieldViolations& bad, absl::string_view field) {
  if (value.has_value() && (*value < low || *value > high)) {
    bad.Add(field, absl::StrCat("must be ", low, " to ", high, unit));
  }
}

void CheckDisplayName(absl::string_view name, FieldViolations& bad) {
  if (absl::StripAsciiWhitespace(name).empty()) bad.Add("display_name", "is required");
}

void CheckZone(absl::string_view zone, FieldViolations& bad) {
  if (!LoadZone(zone).ok()) bad.Add("time_zone", "must be an IANA time zone, e.g. Europe/London");
}

void CheckPhases(const VariantPhases& phases, FieldViolations& bad) {
  const Variant* variant = FindVariant(phases.variant_id);
  if (variant == nullptr) {
    bad.Add("variant", "must be the id of a variant, as ListVariants has them");
    return;
  }
  const int most = variant->default_sessions - 2;  // one for each other phase
  CheckRange(phases.initial_sessions, 1, most, " sessions", bad, "initial_sessions");
  CheckRange(phases.termination_sessions, 1, most, " sessions", bad, "termination_sessions");
  if (phases.initial_sessions > 0 && phases.initial_sessions <= most &&
      phases.termination_sessions <= most &&
      phases.initial_sessions + phases.termination_sessions >= variant->default_sessions) {
    bad.Add("termination_sessions",
            absl::StrCat("must leave sessions to the middle phase: with the initial ones at most ",
                         variant->default_sessions - 1));
  }
}

void CheckPolicy(const SchedulingPolicy& policy, FieldViolations& bad) {
  CheckRange(policy.session_minutes, 15, 240, " minutes", bad, "session_minutes");
  CheckRange(policy.cadence_days, 1, 92, " days", bad, "cadence_days");
  CheckRange(policy.cancellation_notice_hours, 0, 336, " hours", bad, "cancellation_notice_hours");
  CheckRange(policy.pause_cap_days, 0, 366, " days", bad, "pause_cap_days");
  const auto& tolerance = policy.cadence_tolerance_days;
  if (tolerance.has_value() && (*tolerance < 0 || *tolerance > 45)) {
    CheckRange(tolerance, 0, 45, " days", bad, "cadence_tolerance_days");
  } else if (tolerance.has_value() && policy.cadence_days.has_value() &&
             *policy.cadence_days >= 1 && 2 * *tolerance >= *policy.cadence_days) {
    bad.Add("cadence_tolerance_days",
            absl::StrCat("must be less than half of cadence_days: at most ",
                         (*policy.cadence_days - 1) / 2));
  }
  std::vector<absl::string_view> phased;
  for (size_t i = 0; i < policy.variant_phases.size(); ++i) {
    FieldViolations at = bad.At("variant_phases", i);
    CheckPhases(policy.variant_phases[i], at);
    if (absl::c_linear_search(phased, policy.variant_phases[i].variant_id)) {
      at.Add("variant", "is listed twice");
    }
    phased.push_back(policy.variant_phases[i].variant_id);
  }
  if (policy.slot_minutes.has_value() &&
      !absl::c_linear_search(kSlotMinutes, *policy.slot_minutes)) {
    bad.Add("slot_minutes", absl::StrCat("must be one of ", absl::StrJoin(kSlotMinutes, ", ")));
  }
}

}  // namespace

void CheckClinic(const Clinic& clinic, FieldViolations& bad) {
  CheckDisplayName(clinic.display_name, bad);
  CheckZone(clinic.time_zone, bad);
  FieldViolations policy = bad.In("policy");
  CheckPolicy(clinic.policy, policy);
}

void CheckTherapist(const Therapist& therapist, FieldViolations& bad) {
  CheckDisplayName(therapist.display_name, bad);
  if (!therapist.time_zone.empty()) CheckZone(therapist.time_zone, bad);
  CheckRange(therapist.session_minutes, 15, 240, " minutes", bad, "session_minutes");
  CheckRange(therapist.buffer_minutes, 0, 120, " minutes", bad, "buffer_minutes");
  CheckRange(therapist.max_active_courses, 1, 500, "", bad, "max_active_courses");
  std::vector<std::string> seen;
  for (size_t i = 0; i < therapist.languages.size(); ++i) {
    const auto canonical = CanonicalLanguage(therapist.languages[i]);
    if (!canonical.has_value()) {
      bad.At("languages", i).Add("", "must be a BCP 47 tag such as en or pt-BR");
    } else if (absl::c_linear_search(seen, *canonical)) {
      bad.At("languages", i).Add("", "is listed twice");
    } else {
      seen.push_back(*canonical);
    }
  }
  for (size_t i = 0; i < therapist.variants.size(); ++i) {
    const auto end = therapist.variants.begin() + static_cast<std::ptrdiff_t>(i);
    if (FindVariant(therapist.variants[i]) == nullptr) {
      bad.At("variants", i).Add("", "is not a variant; CourseService.ListVariants has them");
    } else if (std::find(therapist.variants.begin(), end, *end) != end) {
      bad.At("variants", i).Add("", "is listed twice");
    }
  }
}

void CheckTimeOffDays(const DayRange& days, FieldViolations& bad) {
  if (days.last < days.first) {
    bad.Add("last", "must not be before first");
  } else if (days.last - days.first >= kMaxTimeOffDays) {
    bad.Add("last", absl::StrCat("must be at most ", kMaxTimeOffDays,
                                 " days from first, both counted (two years)"));
  }
}

void CheckTimeRange(const Interval& interval, absl::Duration longest, absl::string_view limit,
                    FieldViolations& bad) {
  if (interval.end <= interval.start) {
    bad.Add("end_time", "must be after start_time");
  } else if (interval.end - interval.start > longest) {
    bad.Add("end_time", absl::StrCat("must be at most ", std::string(limit), " after start_time"));
  }
}

std::optional<std::string> CanonicalLanguage(absl::string_view tag) {
  std::vector<std::string> parts = absl::StrSplit(tag, '-');
  bool after_singleton = false;  // what follows "x" or an extension's letter stays in lower case
  for (size_t i = 0; i < parts.size(); ++i) {
    std::string& part = parts[i];
    if (part.empty() || part.size() > 8 || !absl::c_all_of(part, absl::ascii_isalnum)) {
      return std::nullopt;
    }
    absl::AsciiStrToLower(&part);
    if (i == 0) {
      if (part.size() < 2 || !absl::c_all_of(part, absl::ascii_isalpha)) return std::nullopt;
    } else if (part.size() == 1) {
      if (i + 1 == parts.size()) return std::nullopt;
      after_singleton = true;
    } else if (!after_singleton && absl::c_all_of(part, absl::ascii_isalpha)) {
      if (part.size() == 2) absl::AsciiStrToUpper(&part);
      if (part.size() == 4) part[0] = absl::ascii_toupper(static_cast<unsigned char>(part[0]));
    }
  }
  return absl::StrJoin(parts, "-");
}

}  // namespace ipt::scheduling
