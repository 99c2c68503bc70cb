#include "scheduling/domain/variants.h"

#include <algorithm>

namespace ipt::scheduling {

// Sources: IPT-UK (iptuk.net) and NHS for the 16-session default and its 1-4, 5-12, 13-16 phases;
// ISIPT for 12 to 16 sessions; Weissman, Markowitz and Klerman for WMK; Mufson for IPT-A; Swartz
// for IPT-B; WHO 2016 for group IPT; Frank 2007 for maintenance. Splits that a source does not
// state are marked so and are a clinic's to confirm.
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
       .source = "Swartz, IPT-B: 8 sessions; split into phases to be confirmed by the clinic"},
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
       .source = "WHO 2016, Group IPT for Depression: 8 group sessions after one individual "
                 "pre-group session; split into phases to be confirmed by the clinic"},
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
       .source = "IPT-UK and NHS: sessions 1-4, 5-12, 13-16; ISIPT: 12 to 16 sessions"},
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

int MostCadenceDays(int sessions, int weeks) {
  if (sessions <= 1) return kMaxCadenceDays;
  return std::clamp((7 * weeks - 1) / (sessions - 1), 1, kMaxCadenceDays);
}

int MidCourseSession(int sessions) { return (sessions + 1) / 2; }

}  // namespace ipt::scheduling
