#include "course_copies/scheduling_flags.h"

#include <string>

#include "absl/flags/flag.h"
#include "platform/peer/peer_flags.h"

ABSL_FLAG(std::string, scheduling, "",
          "Address of the scheduling service, host:port. Anything but loopback needs TLS (or "
          "--scheduling_allow_insecure).");
ABSL_FLAG(bool, scheduling_tls, false,
          "Reach it by TLS with the system's CAs; implied by --scheduling_ca_file and "
          "--scheduling_cert_file.");
ABSL_FLAG(std::string, scheduling_ca_file, "", "CA of its certificate, PEM; reloaded.");
ABSL_FLAG(std::string, scheduling_cert_file, "",
          "Certificate chain to show it (mutual TLS), PEM; reloaded.");
ABSL_FLAG(std::string, scheduling_key_file, "", "The key of that certificate, PEM; reloaded.");
ABSL_FLAG(std::string, scheduling_tls_name, "",
          "The name that its certificate must bear, where that is not the host of its address.");
ABSL_FLAG(std::string, scheduling_token_file, "",
          "File whose one line is the bearer token to send it; reloaded.");
ABSL_FLAG(bool, scheduling_allow_insecure, false,
          "Reach it on another machine without TLS, where a mesh between provides it.");

namespace ipt::courses {

absl::StatusOr<peer::Settings> ReadSchedulingFlags() { return peer::ReadPeerFlags("scheduling"); }

}  // namespace ipt::courses
