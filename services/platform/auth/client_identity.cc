#include "platform/auth/client_identity.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "platform/auth/json_claims.h"

namespace ipt::auth {

absl::StatusOr<std::shared_ptr<const ClientIdentities>> ClientIdentities::Parse(
    absl::string_view text) {
  const nlohmann::json root =
      nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!root.is_object() || root.size() != 1 || !root.contains("clients") ||
      !root["clients"].is_object()) {
    return absl::InvalidArgumentError(
        "it must be a JSON object with one member, 'clients', that maps names to callers");
  }
  auto identities = std::make_shared<ClientIdentities>();
  for (const auto& [name, entry] : root["clients"].items()) {
    const auto wrong = [&name = name](absl::string_view what) {
      return absl::InvalidArgumentError(absl::StrCat("client '", name, "': ", what));
    };
    const size_t colon = name.find(':');
    const absl::string_view kind = absl::string_view(name).substr(0, colon);
    if ((kind != "uri" && kind != "dns" && kind != "cn") || colon == std::string::npos ||
        colon + 1 == name.size()) {
      return wrong("a name must be uri:, dns: or cn: and what the certificate holds there");
    }
    if (!entry.is_object()) return wrong("must be an object with subject, clinics and scopes");
    for (const auto& [member, unused] : entry.items()) {
      if (member != "subject" && member != "clinics" && member != "scopes") {
        return wrong("knows only subject, clinics and scopes; remove the other members");
      }
    }
    auto caller = std::make_shared<Caller>();
    absl::Status status = ReadSubject(entry, "subject", *caller);
    if (status.ok()) status = ReadClinics(entry, "clinics", *caller);
    if (status.ok()) status = ReadScopes(entry, "scopes", *caller);
    if (!status.ok()) return wrong(status.message());
    identities->clients_.emplace(name, std::move(caller));
  }
  return identities;
}

std::shared_ptr<const Caller> ClientIdentities::Find(const PeerCertificate& certificate) const {
  const auto look_up = [this](absl::string_view kind,
                              absl::string_view name) -> std::shared_ptr<const Caller> {
    const auto it = clients_.find(absl::StrCat(kind, ":", name));
    return it == clients_.end() ? nullptr : it->second;
  };
  for (absl::string_view uri : certificate.uris) {
    if (auto caller = look_up("uri", uri)) return caller;
  }
  for (absl::string_view dns : certificate.dns_names) {
    if (auto caller = look_up("dns", dns)) return caller;
  }
  return certificate.common_name.empty() ? nullptr : look_up("cn", certificate.common_name);
}

}  // namespace ipt::auth
