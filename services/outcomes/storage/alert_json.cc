#include "outcomes/storage/alert_json.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "nlohmann/json.hpp"
#include "platform/json/stored_json.h"

namespace ipt::outcomes {
namespace {

using Json = nlohmann::json;

constexpr absl::string_view kTherapists = "therapists/";
constexpr absl::string_view kDesks = "desks/";

AlertRecipient RecipientOf(const Json& json) { return DecodeRecipient(json.get<std::string>()); }
absl::Time TimeOf(const Json& json) { return absl::FromUnixMicros(json.get<int64_t>()); }
template <typename Enum>
Enum EnumOf(const Json& json) {
  return static_cast<Enum>(json.get<int>());
}

}  // namespace

std::string EncodeRecipient(const AlertRecipient& recipient) {
  if (!recipient.therapist_id.empty()) return absl::StrCat(kTherapists, recipient.therapist_id);
  return recipient.desk.empty() ? "" : absl::StrCat(kDesks, recipient.desk);
}

AlertRecipient DecodeRecipient(absl::string_view text) {
  AlertRecipient recipient;
  if (absl::ConsumePrefix(&text, kTherapists)) {
    recipient.therapist_id = std::string(text);
  } else if (absl::ConsumePrefix(&text, kDesks)) {
    recipient.desk = std::string(text);
  }
  return recipient;
}

std::string EncodeRecipients(const std::vector<AlertRecipient>& recipients) {
  Json json = Json::array();
  for (const AlertRecipient& recipient : recipients) json.push_back(EncodeRecipient(recipient));
  return DumpStored(json);
}

absl::Status DecodeRecipients(absl::string_view text, std::vector<AlertRecipient>& recipients) {
  return ReadStored(text, "list of recipients", [&](const Json& json) {
    recipients.clear();
    for (const Json& one : json) recipients.push_back(RecipientOf(one));
  });
}

std::string EncodeSteps(const std::vector<AlertStep>& steps) {
  Json json = Json::array();
  for (const AlertStep& step : steps) {
    json.push_back(Json::array({step.after_minutes, EncodeRecipient(step.to)}));
  }
  return DumpStored(json);
}

absl::Status DecodeSteps(absl::string_view text, std::vector<AlertStep>& steps) {
  return ReadStored(text, "escalation", [&](const Json& json) {
    steps.clear();
    for (const Json& one : json) {
      steps.push_back({.after_minutes = one.at(0).get<int>(), .to = RecipientOf(one.at(1))});
    }
  });
}

std::string EncodeAlertDetails(const Alert& alert) {
  Json changes = Json::array();
  for (const AlertChange& change : alert.changes) {
    changes.push_back(Json::array({absl::ToUnixMicros(change.time), static_cast<int>(change.kind),
                                   change.caller, change.note, EncodeRecipient(change.assignee),
                                   static_cast<int>(change.escalation_reason)}));
  }
  Json json = {{"changes", std::move(changes)}};
  if (alert.resolution.has_value()) {
    const AlertResolution& resolution = *alert.resolution;
    json["resolution"] = Json::array({static_cast<int>(resolution.outcome), resolution.note,
                                      absl::ToUnixMicros(resolution.time), resolution.caller});
  }
  return DumpStored(json);
}

absl::Status DecodeAlertDetails(absl::string_view text, Alert& alert) {
  return ReadStored(text, "alert", [&](const Json& json) {
    alert.changes.clear();
    for (const Json& one : json.at("changes")) {
      alert.changes.push_back({.time = TimeOf(one.at(0)),
                               .kind = EnumOf<AlertChangeKind>(one.at(1)),
                               .caller = one.at(2).get<std::string>(),
                               .note = one.at(3).get<std::string>(),
                               .assignee = RecipientOf(one.at(4)),
                               .escalation_reason = EnumOf<EscalationReason>(one.at(5))});
    }
    alert.resolution.reset();
    if (json.contains("resolution")) {
      const Json& one = json.at("resolution");
      alert.resolution = AlertResolution{.outcome = EnumOf<ResolutionOutcome>(one.at(0)),
                                         .note = one.at(1).get<std::string>(),
                                         .time = TimeOf(one.at(2)),
                                         .caller = one.at(3).get<std::string>()};
    }
  });
}

std::string EncodeIds(const std::vector<std::string>& ids) { return DumpStored(Json(ids)); }

}  // namespace ipt::outcomes
