#include "platform/auth/tls_credentials.h"

#include <utility>

#include "grpc/grpc.h"
#include "grpc/grpc_security.h"
#include "platform/errors/status_macros.h"

namespace ipt::auth {
namespace {

grpc_ssl_client_certificate_request_type ToGrpc(ClientCertificates certificates) {
  switch (certificates) {
    case ClientCertificates::kRequest:
      return GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
    case ClientCertificates::kRequire:
      return GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    case ClientCertificates::kNone:
      break;
  }
  return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
}

// gRPC asks this before each handshake. A NEW that it cannot use leaves its old one in place.
grpc_ssl_certificate_config_reload_status OnHandshake(void* data,
                                                      grpc_ssl_server_certificate_config** config) {
  auto* port = static_cast<ServerTls::Port*>(data);
  std::shared_ptr<const TlsMaterial> material = port->files->current();
  if (material == port->served) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  const grpc_ssl_pem_key_cert_pair pair = {material->private_key_pem.c_str(),
                                           material->certificate_chain_pem.c_str()};
  // gRPC 1.51 aborts the process on a config without roots. Where no client certificate is asked
  // for nothing is ever checked against them, so any certificate will do: the server's own.
  const std::string& roots =
      material->client_ca_pem.empty() ? material->certificate_chain_pem : material->client_ca_pem;
  *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
  port->served = std::move(material);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

absl::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

}  // namespace

// gRPC's C++ face has no way to pass the C core's certificate callback, hence this small wrapper.
class ServerTls::PortCredentials final : public grpc::ServerCredentials {
 public:
  explicit PortCredentials(ServerTls* tls) : tls_(tls) {}

  // Callers are authenticated per call, in the RPC middleware; gRPC's processor is not used.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    Port* port = nullptr;
    {
      std::lock_guard<std::mutex> lock(tls_->mutex_);
      port = tls_->ports_.emplace_back(new Port{tls_->files_.get(), nullptr}).get();
    }
    grpc_server_credentials* credentials = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            ToGrpc(tls_->client_certificates_), OnHandshake, port));
    const int bound = grpc_server_add_http2_port(server, address.c_str(), credentials);
    grpc_server_credentials_release(credentials);
    return bound;
  }

  ServerTls* const tls_;
};

absl::StatusOr<std::unique_ptr<ServerTls>> ServerTls::Open(const TlsOptions& options,
                                                           const Clock& clock,
                                                           ReloadObserver observer) {
  const bool asks = options.client_certificates != ClientCertificates::kNone;
  if (asks == options.client_ca_file.empty()) {
    return absl::InvalidArgumentError(
        asks ? "client certificates are asked for, but no client CA file is given to check them"
             : "a client CA file is given, but client certificates are not asked for");
  }
  std::vector<std::string> paths = {options.certificate_file, options.key_file};
  if (asks) paths.push_back(options.client_ca_file);
  IPT_ASSIGN_OR_RETURN(auto files,
                       WatchedFiles<TlsMaterial>::Open(
                           std::move(paths),
                           [&clock](const FileWatcher::Contents& contents)
                               -> absl::StatusOr<std::shared_ptr<const TlsMaterial>> {
                             if (contents.size() > 2 && contents[2].empty()) {
                               return absl::InvalidArgumentError("the client CA file is empty");
                             }
                             return TlsMaterial::Parse(contents[0], contents[1],
                                                       contents.size() > 2 ? contents[2] : "",
                                                       clock.Now());
                           },
                           std::move(observer), options.refresh));
  return std::unique_ptr<ServerTls>(new ServerTls(options.client_certificates, std::move(files)));
}

std::shared_ptr<grpc::ServerCredentials> ServerTls::Credentials() {
  return std::make_shared<PortCredentials>(this);
}

std::optional<PeerCertificate> PeerCertificateOf(const grpc::AuthContext& context) {
  PeerCertificate peer;
  for (auto property = context.begin(); property != context.end(); ++property) {
    const auto [name, value] = *property;
    if (name == GRPC_X509_PEM_CERT_PROPERTY_NAME) peer.pem = View(value);
    if (name == GRPC_X509_CN_PROPERTY_NAME) peer.common_name = View(value);
    if (name == GRPC_PEER_URI_PROPERTY_NAME) peer.uris.push_back(View(value));
    if (name == GRPC_PEER_DNS_PROPERTY_NAME) peer.dns_names.push_back(View(value));
  }
  if (peer.pem.empty()) return std::nullopt;
  return peer;
}

}  // namespace ipt::auth
