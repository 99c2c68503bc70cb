#include "ipt-deliver/tally.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace ipt::deliver {
namespace {

prometheus::Counter* Reminders(Metrics& metrics, const char* outcome) {
  return &metrics.Counter("ipt_deliver_reminders_total",
                          "Leased reminders, by what became of them here.", {{"outcome", outcome}});
}

}  // namespace

Tally::Tally(std::vector<std::string> clinics, Metrics& metrics)
    : clinics_(std::move(clinics)),
      counts_(clinics_.size()),
      sent_(Reminders(metrics, "sent")),
      retry_(Reminders(metrics, "retry")),
      dead_(Reminders(metrics, "dead")),
      given_back_(Reminders(metrics, "given_back")),
      lost_(Reminders(metrics, "lost")),
      stream_breaks_(
          &metrics.Counter("ipt_deliver_stream_breaks_total", "Streams that ended with an error.")),
      receiver_up_(&metrics.Gauge("ipt_deliver_receiver_up",
                                  "1 while the receiver takes reminders, 0 while it is held to be "
                                  "down.")),
      seconds_(&metrics.Histogram("ipt_deliver_send_seconds",
                                  "How long the receiver took for a request, or for a batch of a "
                                  "file.",
                                  LatencyBuckets())) {
  receiver_up_->Set(1);
}

void Tally::AddSend(size_t clinic, const Outcome& outcome, absl::Duration latency) {
  seconds_->Observe(absl::ToDoubleSeconds(latency));
  const bool sent = outcome.word == v1::ATTEMPT_OUTCOME_SENT;
  const bool dead = outcome.word == v1::ATTEMPT_OUTCOME_DEAD;
  (sent ? sent_ : dead ? dead_ : retry_)->Increment();
  const std::lock_guard<std::mutex> lock(mutex_);
  Counts& counts = counts_[clinic];
  ++(sent ? counts.sent : dead ? counts.dead : counts.retry);
  if (!sent) ++reasons_[outcome.reason];
}

void Tally::AddGivenBack(size_t clinic, const Outcome& outcome) {
  given_back_->Increment();
  const std::lock_guard<std::mutex> lock(mutex_);
  ++counts_[clinic].given_back;
  ++reasons_[outcome.reason];
}

void Tally::AddLost(size_t clinic) {
  lost_->Increment();
  const std::lock_guard<std::mutex> lock(mutex_);
  ++counts_[clinic].lost;
}

bool Tally::AnyToRetry() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::any_of(counts_.begin(), counts_.end(),
                     [](const Counts& counts) { return counts.retry + counts.given_back > 0; });
}

std::string Tally::Table(int64_t unacknowledged) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t width = sizeof("clinic") - 1;
  for (const std::string& clinic : clinics_) width = std::max(width, clinic.size());
  const auto line = [&](const std::string& name, const auto&... cells) {
    std::string text = absl::StrCat(name, std::string(width - name.size(), ' '));
    (absl::StrAppendFormat(&text, "  %10s", absl::StrCat(cells)), ...);
    return absl::StrCat(text, "\n");
  };
  std::string table = line("clinic", "sent", "retry", "dead", "given back", "lost");
  for (size_t i = 0; i < clinics_.size(); ++i) {
    const Counts& counts = counts_[i];
    absl::StrAppend(&table, line(clinics_[i], counts.sent, counts.retry, counts.dead,
                                 counts.given_back, counts.lost));
  }
  for (const auto& [reason, count] : reasons_) {
    absl::StrAppend(&table, "reason ", reason, "  ", count, "\n");
  }
  if (unacknowledged > 0) absl::StrAppend(&table, "unacknowledged  ", unacknowledged, "\n");
  return table;
}

std::string Tally::Json(int64_t unacknowledged) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  nlohmann::ordered_json json = {{"clinics", nlohmann::ordered_json::array()},
                                 {"reasons", nlohmann::ordered_json::object()},
                                 {"unacknowledged", unacknowledged}};
  for (size_t i = 0; i < clinics_.size(); ++i) {
    const Counts& counts = counts_[i];
    json["clinics"].push_back({{"clinic", clinics_[i]},
                               {"sent", counts.sent},
                               {"retry", counts.retry},
                               {"dead", counts.dead},
                               {"given_back", counts.given_back},
                               {"lost", counts.lost}});
  }
  for (const auto& [reason, count] : reasons_) json["reasons"][reason] = count;
  return absl::StrCat(json.dump(2), "\n");
}

}  // namespace ipt::deliver
