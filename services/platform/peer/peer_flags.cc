#include "platform/peer/peer_flags.h"

#include <optional>
#include <string>

#include "absl/flags/reflection.h"
#include "absl/strings/str_cat.h"
#include "platform/errors/status_macros.h"

namespace ipt::peer {
namespace {

template <typename T>
T Read(absl::string_view name, absl::string_view setting) {
  return *absl::FindCommandLineFlag(absl::StrCat(name, setting))->TryGet<T>();
}

}  // namespace

absl::StatusOr<Settings> ReadPeerFlags(absl::string_view name) {
  Settings settings;
  settings.target.server = Read<std::string>(name, "");
  settings.target.tls = Read<bool>(name, "_tls");
  settings.target.ca = Read<std::string>(name, "_ca_file");
  settings.target.cert = Read<std::string>(name, "_cert_file");
  settings.target.key = Read<std::string>(name, "_key_file");
  settings.target.tls_name = Read<std::string>(name, "_tls_name");
  settings.token_file = Read<std::string>(name, "_token_file");
  settings.allow_insecure = Read<bool>(name, "_allow_insecure");
  IPT_RETURN_IF_ERROR(CheckSettings(settings, name));
  return settings;
}

absl::StatusOr<std::optional<Settings>> ReadPeerFlagsIfGiven(absl::string_view name) {
  if (Read<std::string>(name, "").empty()) return std::nullopt;
  return ReadPeerFlags(name);
}

}  // namespace ipt::peer
