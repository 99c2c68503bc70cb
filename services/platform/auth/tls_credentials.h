// TLS and mutual TLS for gRPC servers, from files that may be replaced while the server runs.
//
// New connections use the files' last good content; open connections keep what they began with.
// A pair of certificate and key that does not fit (half-written, of different age), an expired
// certificate or a torn CA file is reported and passed over: the last good one goes on. Versions:
// TLS 1.2 and 1.3, which is what gRPC 1.51 offers by itself.
//
// Thread-safe. A ServerTls must outlive every grpc::Server that was given its credentials.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/security/server_credentials.h"
#include "platform/auth/peer_certificate.h"
#include "platform/auth/tls_material.h"
#include "platform/auth/watched_files.h"
#include "platform/time/clock.h"

namespace ipt::auth {

enum class ClientCertificates {
  kNone,     // Not asked for.
  kRequest,  // Asked for; a connection without one is let in, one with a bad one is not.
  kRequire,  // Mutual TLS: no connection without a good one.
};

struct TlsOptions {
  std::string certificate_file;  // PEM, leaf first, then intermediates.
  std::string key_file;          // PEM, without a pass phrase.
  std::string client_ca_file{};  // PEM; needed unless client_certificates is kNone.
  ClientCertificates client_certificates = ClientCertificates::kNone;
  absl::Duration refresh = absl::Seconds(1);
};

class ServerTls {
 public:
  // Fails, with the file and the reason, unless the files can be used right now. `clock` must
  // outlive the ServerTls.
  static absl::StatusOr<std::unique_ptr<ServerTls>> Open(const TlsOptions& options,
                                                         const Clock& clock,
                                                         ReloadObserver observer = nullptr);

  // For ServerBuilder::AddListeningPort; may be used for many ports.
  std::shared_ptr<grpc::ServerCredentials> Credentials();

  // When the certificate in use expires.
  absl::Time NotAfter() const { return files_->current()->not_after; }

  // Looks at the files now instead of at the next second.
  absl::Status CheckNow() { return files_->CheckNow(); }

  // What one listening port hands to gRPC. Public for the callback only.
  struct Port {
    const WatchedFiles<TlsMaterial>* files;
    std::shared_ptr<const TlsMaterial> served;  // Touched under gRPC's own lock of the port.
  };

 private:
  class PortCredentials;

  ServerTls(ClientCertificates client_certificates,
            std::unique_ptr<WatchedFiles<TlsMaterial>> files)
      : client_certificates_(client_certificates), files_(std::move(files)) {}

  const ClientCertificates client_certificates_;
  const std::unique_ptr<WatchedFiles<TlsMaterial>> files_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Port>> ports_;
};

// The client certificate that the handshake of a call's connection verified; nullopt without one.
// The views point into `context`.
std::optional<PeerCertificate> PeerCertificateOf(const grpc::AuthContext& context);

}  // namespace ipt::auth
