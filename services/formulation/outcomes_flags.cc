#include "formulation/outcomes_flags.h"

#include <string>

#include "absl/flags/flag.h"
#include "platform/peer/peer_flags.h"

ABSL_FLAG(std::string, outcomes, "",
          "Address of the outcomes service, host:port, which is asked what measures are due for a "
          "session. Empty: guides do without. Anything but loopback needs TLS (or "
          "--outcomes_allow_insecure).");
ABSL_FLAG(bool, outcomes_tls, false,
          "Reach it by TLS with the system's CAs; implied by --outcomes_ca_file and "
          "--outcomes_cert_file.");
ABSL_FLAG(std::string, outcomes_ca_file, "", "CA of its certificate, PEM; reloaded.");
ABSL_FLAG(std::string, outcomes_cert_file, "",
          "Certificate chain to show it (mutual TLS), PEM; reloaded.");
ABSL_FLAG(std::string, outcomes_key_file, "", "The key of that certificate, PEM; reloaded.");
ABSL_FLAG(std::string, outcomes_tls_name, "",
          "The name that its certificate must bear, where that is not the host of its address.");
ABSL_FLAG(std::string, outcomes_token_file, "",
          "File whose one line is the bearer token to send it; reloaded.");
ABSL_FLAG(bool, outcomes_allow_insecure, false,
          "Reach it on another machine without TLS, where a mesh between provides it.");

namespace ipt::formulation {

absl::StatusOr<std::optional<peer::Settings>> ReadOutcomesFlags() {
  return peer::ReadPeerFlagsIfGiven("outcomes");
}

}  // namespace ipt::formulation
