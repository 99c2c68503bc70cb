#include "scheduling/domain/variants.h"

#include <algorithm>

namespace ipt::scheduling {

// Sources: IPT-UK (iptuk.net) and Leeds NHS for the 16-session default and its 1-4, 5-12, 13-16
// phases; ISIPT for 12 to 16 sessions; Weissman, Markowitz and Klerman for WMK; Mufson for IPT-A;
// Swartz for IPT-B; WHO 2016 for group IPT; Frank 2007 for maintenance; Frank 2005 for IPSRT;
// Fairburn for IPT-ED; Markowitz for IPT-PTSD; Stuart and Robertson for the IPT Institute. What a
// source does not state is said in `source`, and a split into phases that is ours alone is
// phases_proposed: a clinic's to confirm, or to replace in its policy.
const std::vector<Variant>& Variants() {
  static const auto* const kVariants = new std::vector<Variant>{
      {.id = "ipc-6",
       .display_name = "Interpersonal counselling, 6 sessions (primary care)",
       .tradition = "WMK",
       .min_sessions = 3,
       .default_sessions = 6,
       .max_sessions = 8,
       .min_weeks = 3,
       .default_weeks = 8,
       .max_weeks = 12,
       .cadence_days = 7,
       .initial_sessions = 2,
       .termination_sessions = 1,
       .source = "IPC for primary care: 3 to 8 short sessions, flexible"},
      {.id = "ipsrt",
       .display_name = "Interpersonal and social rhythm therapy (IPSRT), bipolar disorder",
       .tradition = "WMK",
       .min_sessions = 12,
       .default_sessions = 36,
       .max_sessions = 60,
       .min_weeks = 26,
       .default_weeks = 104,
       .max_weeks = 156,
       .cadence_days = 7,
       .initial_sessions = 4,
       .termination_sessions = 4,
       .phases_proposed = true,
       .taper_days = 28,
       .source = "Frank 2005, IPSRT: weekly, then two-weekly, then monthly, long term; numbers of "
                 "sessions and weeks and the split into phases are for the clinic to confirm"},
      {.id = "ipt-a-12",
       .display_name = "IPT for adolescents (IPT-A), 12 sessions",
       .tradition = "WMK",
       .min_sessions = 12,
       .default_sessions = 12,
       .max_sessions = 16,
       .min_weeks = 12,
       .default_weeks = 12,
       .max_weeks = 16,
       .cadence_days = 7,
       .initial_sessions = 4,
       .termination_sessions = 3,
       .source = "Mufson, IPT-A: 12 sessions, which may run over 16 weeks"},
      {.id = "ipt-b-8",
       .display_name = "Brief IPT (IPT-B), 8 sessions",
       .tradition = "WMK",
       .min_sessions = 8,
       .default_sessions = 8,
       .max_sessions = 8,
       .min_weeks = 8,
       .default_weeks = 8,
       .max_weeks = 12,
       .cadence_days = 7,
       .initial_sessions = 2,
       .termination_sessions = 1,
       .phases_proposed = true,
       .source = "Swartz, IPT-B: 8 sessions; the split into phases is for the clinic to confirm"},
      {.id = "ipt-ed-20",
       .display_name = "IPT for eating disorders (IPT-ED), 20 sessions",
       .tradition = "WMK",
       .min_sessions = 19,
       .default_sessions = 20,
       .max_sessions = 20,
       .min_weeks = 19,
       .default_weeks = 20,
       .max_weeks = 24,
       .cadence_days = 7,
       .initial_sessions = 4,
       .termination_sessions = 3,
       .phases_proposed = true,
       .source = "Fairburn, IPT-ED: 19 to 20 sessions; weeks and the split into phases are for the "
                 "clinic to confirm"},
      {.id = "ipt-group-8",
       .display_name = "Group IPT, 8 sessions",
       .tradition = "WHO",
       .min_sessions = 8,
       .default_sessions = 8,
       .max_sessions = 10,
       .min_weeks = 8,
       .default_weeks = 8,
       .max_weeks = 12,
       .cadence_days = 7,
       .initial_sessions = 1,
       .termination_sessions = 1,
       .phases_proposed = true,
       .source = "WHO 2016, Group IPT for Depression: 8 group sessions after one individual "
                 "pre-group session; the split into phases is for the clinic to confirm"},
      {.id = "ipt-institute-12",
       .display_name = "IPT, tapered acute course (IPT Institute)",
       .tradition = "IPT_INSTITUTE",
       .min_sessions = 6,
       .default_sessions = 12,
       .max_sessions = 20,
       .min_weeks = 6,
       .default_weeks = 20,
       .max_weeks = 32,
       .cadence_days = 7,
       .initial_sessions = 3,
       .termination_sessions = 2,
       .phases_proposed = true,
       .taper_days = 28,
       .source = "Stuart and Robertson: some 6 to 20 sessions, weekly, then two-weekly, then "
                 "monthly; a conclusion of acute treatment rather than an end, followed by a "
                 "maintenance contract; the usual number, weeks and the split into phases are for "
                 "the clinic to confirm"},
      {.id = "ipt-m",
       .display_name = "Maintenance IPT (IPT-M), monthly",
       .tradition = "WMK",
       .min_sessions = 6,
       .default_sessions = 24,
       .max_sessions = 52,
       .min_weeks = 26,
       .default_weeks = 104,
       .max_weeks = 156,
       .cadence_days = 28,
       .initial_sessions = 1,
       .termination_sessions = 1,
       .source = "Frank 2007: monthly or two-weekly over two years after remission"},
      {.id = "ipt-ptsd-14",
       .display_name = "IPT for post-traumatic stress (IPT-PTSD), 14 sessions",
       .tradition = "WMK",
       .min_sessions = 14,
       .default_sessions = 14,
       .max_sessions = 14,
       .min_weeks = 14,
       .default_weeks = 14,
       .max_weeks = 16,
       .cadence_days = 7,
       .initial_sessions = 3,
       .termination_sessions = 3,
       .phases_proposed = true,
       .source = "Markowitz, IPT-PTSD: 14 sessions; weeks and the split into phases are for the "
                 "clinic to confirm"},
      {.id = "ipt-uk-16",
       .display_name = "IPT, 16 weekly sessions (IPT-UK)",
       .tradition = "IPT_UK",
       .min_sessions = 12,
       .default_sessions = 16,
       .max_sessions = 16,
       .min_weeks = 12,
       .default_weeks = 16,
       .max_weeks = 16,
       .cadence_days = 7,
       .initial_sessions = 4,
       .termination_sessions = 4,
       .source = "IPT-UK (iptuk.net) and Leeds NHS: sessions 1-4, 5-12, 13-16; ISIPT: 12 to 16 "
                 "sessions"},
      {.id = "ipt-wmk-12",
       .display_name = "IPT, 12 weekly sessions (Weissman, Markowitz, Klerman)",
       .tradition = "WMK",
       .min_sessions = 12,
       .default_sessions = 12,
       .max_sessions = 16,
       .min_weeks = 12,
       .default_weeks = 12,
       .max_weeks = 16,
       .cadence_days = 7,
       .initial_sessions = 3,
       .termination_sessions = 3,
       .source = "Weissman, Markowitz and Klerman: 1-3, 4-9, 10-12"},
      {.id = "ipt-wmk-16",
       .display_name = "IPT, 16 weekly sessions (Weissman, Markowitz, Klerman)",
       .tradition = "WMK",
       .min_sessions = 12,
       .default_sessions = 16,
       .max_sessions = 16,
       .min_weeks = 12,
       .default_weeks = 16,
       .max_weeks = 16,
       .cadence_days = 7,
       .initial_sessions = 3,
       .termination_sessions = 3,
       .source = "Weissman, Markowitz and Klerman: 1-3, 4-13, 14-16"},
  };
  return *kVariants;
}

const Variant* FindVariant(absl::string_view id) {
  const auto& all = Variants();
  auto it = std::find_if(all.begin(), all.end(), [&](const Variant& v) { return v.id == id; });
  return it == all.end() ? nullptr : &*it;
}

Variant PhasedBy(const SchedulingPolicy& policy, const Variant& variant) {
  Variant phased = variant;
  for (const VariantPhases& phases : policy.variant_phases) {
    if (phases.variant_id != variant.id) continue;
    phased.initial_sessions = phases.initial_sessions;
    phased.termination_sessions = phases.termination_sessions;
  }
  return phased;
}

std::vector<PhaseSpan> PhasesOf(const Variant& variant, int sessions) {
  std::vector<PhaseSpan> phases;
  if (sessions <= 0) return phases;
  const int termination = std::min(sessions, variant.termination_sessions);
  const int initial = std::min(sessions - termination, variant.initial_sessions);
  const int middle = sessions - termination - initial;
  int next = 1;
  auto append = [&](Phase phase, int count) {
    if (count > 0) phases.push_back({phase, next, next + count - 1});
    next += count;
  };
  append(Phase::kInitial, initial);
  append(Phase::kMiddle, middle);
  append(Phase::kTermination, termination);
  return phases;
}

Phase PhaseOf(const std::vector<PhaseSpan>& phases, int session_number) {
  for (const PhaseSpan& span : phases) {
    if (session_number >= span.first_session && session_number <= span.last_session) {
      return span.phase;
    }
  }
  return Phase::kUnspecified;
}

int MostCadenceDays(const Variant& variant, int sessions, int weeks) {
  if (sessions <= 1) return kMaxCadenceDays;
  const int fitting = (7 * weeks - 1) / (sessions - 1);
  return std::clamp(std::max(fitting, variant.taper_days), 1, kMaxCadenceDays);
}

int MidCourseSession(int sessions) { return (sessions + 1) / 2; }

}  // namespace ipt::scheduling
