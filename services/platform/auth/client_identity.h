// Which system stands behind a client certificate: a file maps names in certificates to Callers.
//
//   {"clients": {
//      "uri:spiffe://hospital.example/ns/ehr/sa/gateway":
//          {"subject": "ehr-gateway", "clinics": ["north"], "scopes": ["courses.read"]},
//      "dns:portal.hospital.example": {"subject": "portal", "clinics": "*", "scopes": [...]},
//      "cn:night-batch": {...}}}
//
// Immutable once parsed; safe from any thread.
#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/auth/caller.h"
#include "platform/auth/peer_certificate.h"

namespace ipt::auth {

class ClientIdentities {
 public:
  // INVALID_ARGUMENT with a sentence for the operator, naming the entry that is wrong.
  static absl::StatusOr<std::shared_ptr<const ClientIdentities>> Parse(absl::string_view json);

  // The first of the certificate's names that has an entry: URIs, then DNS names, then the common
  // name. Null if none has.
  std::shared_ptr<const Caller> Find(const PeerCertificate& certificate) const;

  size_t size() const { return clients_.size(); }

 private:
  absl::flat_hash_map<std::string, std::shared_ptr<const Caller>> clients_;
};

}  // namespace ipt::auth
