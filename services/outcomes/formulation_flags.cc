#include "outcomes/formulation_flags.h"

#include <string>

#include "absl/flags/flag.h"
#include "platform/peer/peer_flags.h"

ABSL_FLAG(
    std::string, formulation, "",
    "Address of the formulation service, host:port, whose agreed focuses are followed. Empty: "
    "no focus is known. Anything but loopback needs TLS (or --formulation_allow_insecure).");
ABSL_FLAG(bool, formulation_tls, false,
          "Reach it by TLS with the system's CAs; implied by --formulation_ca_file and "
          "--formulation_cert_file.");
ABSL_FLAG(std::string, formulation_ca_file, "", "CA of its certificate, PEM; reloaded.");
ABSL_FLAG(std::string, formulation_cert_file, "",
          "Certificate chain to show it (mutual TLS), PEM; reloaded.");
ABSL_FLAG(std::string, formulation_key_file, "", "The key of that certificate, PEM; reloaded.");
ABSL_FLAG(std::string, formulation_tls_name, "",
          "The name that its certificate must bear, where that is not the host of its address.");
ABSL_FLAG(std::string, formulation_token_file, "",
          "File whose one line is the bearer token to send it; reloaded.");
ABSL_FLAG(bool, formulation_allow_insecure, false,
          "Reach it on another machine without TLS, where a mesh between provides it.");

namespace ipt::outcomes {

absl::StatusOr<std::optional<peer::Settings>> ReadFormulationFlags() {
  return peer::ReadPeerFlagsIfGiven("formulation");
}

}  // namespace ipt::outcomes
