#include "ipt-load/report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace ipt::load {
namespace {

using nlohmann::ordered_json;

double Ms(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

std::string Dump(const ordered_json& json) {
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

ordered_json Latency(const Histogram& h) {
  return {{"p50", Ms(h.Percentile(0.5))},
          {"p90", Ms(h.Percentile(0.9))},
          {"p99", Ms(h.Percentile(0.99))},
          {"p99.9", Ms(h.Percentile(0.999))},
          {"max", Ms(h.Max())}};
}

double Rate(absl::Duration measured, int64_t calls) {
  const double seconds = absl::ToDoubleSeconds(measured);
  return seconds > 0 ? static_cast<double>(calls) / seconds : 0;
}

MethodResult Total(const LoadResult& result) {
  MethodResult total;
  for (const auto& [name, method] : result.methods) {
    total.latency.Merge(method.latency);
    total.error_calls += method.error_calls;
    total.with_retry_info += method.with_retry_info;
    total.with_pushback += method.with_pushback;
    for (const auto& [error, n] : method.errors) total.errors[error] += n;
  }
  return total;
}

std::string Row(const std::string& name, const LoadResult& result, const MethodResult& method) {
  const Histogram& h = method.latency;
  return absl::StrFormat("%-14s %10.0f %10d %8d %9.2f %9.2f %9.2f %9.2f %9.2f\n", name,
                         Rate(result.measured, h.total()), h.total(), method.error_calls,
                         Ms(h.Percentile(0.5)), Ms(h.Percentile(0.9)), Ms(h.Percentile(0.99)),
                         Ms(h.Percentile(0.999)), Ms(h.Max()));
}

ordered_json Method(absl::Duration measured, const MethodResult& method) {
  return {{"calls", method.latency.total()},
          {"calls_per_second", Rate(measured, method.latency.total())},
          {"failed", method.error_calls},
          {"errors", method.errors},
          {"errors_with_retry_info", method.with_retry_info},
          {"errors_with_pushback", method.with_pushback},
          {"latency_ms", Latency(method.latency)}};
}

std::string Latencies(const char* what, const Histogram& h) {
  return absl::StrFormat("%-14s %9.2f %9.2f %9.2f\n", what, Ms(h.Percentile(0.5)),
                         Ms(h.Percentile(0.99)), Ms(h.Max()));
}

std::string Counts(const std::string& what, const std::map<std::string, int64_t>& counts) {
  std::string text;
  for (const auto& [name, n] : counts)
    absl::StrAppendFormat(&text, "%-12s %-40s %8d\n", what, name, n);
  return text;
}

std::string Lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, "  ", line, "\n");
  return text;
}

}  // namespace

std::string Table(const LoadResult& result) {
  std::string text =
      absl::StrFormat("%-14s %10s %10s %8s %9s %9s %9s %9s %9s\n", "operation", "calls/s", "calls",
                      "failed", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms");
  for (const auto& [name, method] : result.methods) text += Row(name, result, method);
  const MethodResult total = Total(result);
  if (result.methods.size() > 1) text += Row("all", result, total);
  for (const auto& [name, method] : result.methods) {
    for (const auto& [error, n] : method.errors) {
      absl::StrAppendFormat(&text, "failed: %-14s %-40s %8d\n", name, error, n);
    }
  }
  if (result.ran_out) text += "stopped early: no room was left for bookings; raise --therapists\n";
  return text;
}

std::string Json(const LoadResult& result) {
  ordered_json methods;
  for (const auto& [name, method] : result.methods) methods[name] = Method(result.measured, method);
  return Dump({{"seconds", absl::ToDoubleSeconds(result.measured)},
               {"ran_out", result.ran_out},
               {"operations", methods},
               {"all", Method(result.measured, Total(result))}});
}

std::string Table(const AlertWayResult& result) {
  const int64_t calls = result.calls.latency.total();
  return absl::StrCat(absl::StrFormat("%d calls in %.2f s: %.0f a second; %d with a risk answer\n",
                                      calls, absl::ToDoubleSeconds(result.measured),
                                      Rate(result.measured, calls), result.raised),
                      absl::StrFormat("%-14s %9s %9s %9s\n", "", "p50 ms", "p99 ms", "max ms"),
                      Latencies("calls", result.calls.latency), Latencies("alerts", result.way),
                      absl::StrFormat("alerts that never came: %d; recorded unverified: %d\n",
                                      result.missing, result.unverified),
                      Counts("failed", result.calls.errors), Lines(result.errors),
                      result.ok() ? "ok\n" : "FAILED\n");
}

std::string Json(const AlertWayResult& result) {
  return Dump({{"ok", result.ok()},
               {"seconds", absl::ToDoubleSeconds(result.measured)},
               {"calls", Method(result.measured, result.calls)},
               {"raised", result.raised},
               {"heard", result.way.total()},
               {"missing", result.missing},
               {"unverified", result.unverified},
               {"errors", result.errors},
               {"alerts_ms", Latency(result.way)}});
}

std::string Table(const DeliverResult& result) {
  const double seconds = absl::ToDoubleSeconds(result.measured);
  return absl::StrCat(
      absl::StrFormat("%d reminders done in %.2f s: %.0f a second\n", result.done, seconds,
                      seconds > 0 ? static_cast<double>(result.done) / seconds : 0),
      absl::StrFormat("%-14s %9s %9s %9s\n", "", "p50 ms", "p99 ms", "max ms"),
      Latencies("completions", result.completion), Latencies("lateness", result.lateness),
      Counts("refused", result.refused), Lines(result.errors), result.ok() ? "ok\n" : "FAILED\n");
}

std::string Json(const DeliverResult& result) {
  const double seconds = absl::ToDoubleSeconds(result.measured);
  return Dump({{"ok", result.ok()},
               {"seconds", seconds},
               {"done", result.done},
               {"done_per_second", seconds > 0 ? static_cast<double>(result.done) / seconds : 0},
               {"leased", result.leased},
               {"refused", result.refused},
               {"errors", result.errors},
               {"completion_ms", Latency(result.completion)},
               {"timely", result.lateness.total()},
               {"lateness_ms", Latency(result.lateness)}});
}

std::string Table(const FightResult& result) {
  return absl::StrCat(Counts("done", result.acknowledged), Counts("refused", result.refused),
                      Counts("sent again", result.retries.repeated),
                      Counts("  with delay", result.retries.with_delay),
                      Counts("FAILED", result.failed), Lines(result.failures), result.calls,
                      " calls, ", result.found_again, " answers found again, ",
                      result.filled_at_the_end, " slots filled at the end, ", result.never_filled,
                      " could not be filled\n", result.ok() ? "ok\n" : "FAILED\n");
}

std::string Json(const FightResult& result) {
  return Dump({{"ok", result.ok()},
               {"calls", result.calls},
               {"acknowledged", result.acknowledged},
               {"refused", result.refused},
               {"sent_again", result.retries.repeated},
               {"sent_again_with_delay", result.retries.with_delay},
               {"gave_up", result.retries.gave_up},
               {"found_again", result.found_again},
               {"filled_at_the_end", result.filled_at_the_end},
               {"never_filled", result.never_filled},
               {"failed", result.failed},
               {"failures", result.failures}});
}

std::string Table(const SameRequestResult& result) {
  return absl::StrCat(result.calls, " calls for ", result.rounds, " bookings: ", result.stored,
                      " stored, ", result.different_answers, " answered differently, ",
                      result.refused, " refused, ", result.retries, " sent again\n",
                      result.first_error.empty() ? "" : result.first_error + "\n",
                      result.ok() ? "ok\n" : "FAILED\n");
}

std::string Json(const SameRequestResult& result) {
  return Dump({{"ok", result.ok()},
               {"course", result.course},
               {"calls", result.calls},
               {"rounds", result.rounds},
               {"stored", result.stored},
               {"different_answers", result.different_answers},
               {"refused", result.refused},
               {"sent_again", result.retries},
               {"first_error", result.first_error}});
}

std::string Table(const Verdict& verdict) {
  return absl::StrCat(verdict.sessions, " sessions, ", verdict.acknowledged, " acknowledged; ",
                      verdict.filled, " of ", verdict.slots,
                      " slots filled\noverlaps: ", verdict.therapist_overlaps, " of therapists, ",
                      verdict.patient_overlaps, " of patients; missing: ", verdict.missing,
                      "; never acknowledged: ", verdict.unknown,
                      "; acknowledged twice: ", verdict.twice, "\n", Lines(verdict.problems));
}

std::string Json(const Verdict& verdict) {
  return Dump({{"ok", verdict.ok(true)},
               {"sessions", verdict.sessions},
               {"acknowledged", verdict.acknowledged},
               {"slots", verdict.slots},
               {"filled", verdict.filled},
               {"therapist_overlaps", verdict.therapist_overlaps},
               {"patient_overlaps", verdict.patient_overlaps},
               {"missing", verdict.missing},
               {"never_acknowledged", verdict.unknown},
               {"acknowledged_twice", verdict.twice},
               {"problems", verdict.problems}});
}

std::string Table(const HealthHistory& history) {
  std::string text;
  for (const auto& change : history.changes) {
    absl::StrAppendFormat(&text, "%8.2f s  %s\n", absl::ToDoubleSeconds(change.after),
                          change.state);
  }
  return text;
}

std::string Json(const HealthHistory& history) {
  ordered_json changes = ordered_json::array();
  for (const auto& change : history.changes) {
    changes.push_back(
        {{"after_seconds", absl::ToDoubleSeconds(change.after)}, {"state", change.state}});
  }
  return Dump({{"changes", changes},
               {"checks", history.latency.total()},
               {"latency_ms", Latency(history.latency)}});
}

}  // namespace ipt::load
