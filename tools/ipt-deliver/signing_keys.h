// The keys with which webhook requests are signed: a file, so that none is seen in a process list,
// and several at once, so that sender and receiver change keys in either order.
//
//   {"keys": [{"id": "2026-11", "secret": "<base64 of 32 to 256 bytes>"}]}
//
// Immutable once parsed; safe from any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/auth/watched_files.h"

namespace ipt::deliver {

class SigningKeys {
 public:
  // INVALID_ARGUMENT with a sentence for the operator, never with key material.
  static absl::StatusOr<std::shared_ptr<const SigningKeys>> Parse(absl::string_view json);

  // "v1=<hex>;key=<id>" for each key, joined by ", ": HMAC-SHA256 over "<timestamp>.<body>".
  std::string Sign(absl::string_view timestamp, absl::string_view body) const;

  std::vector<std::string> ids() const;

 private:
  struct Key {
    std::string id;
    std::string secret;  // bytes
  };
  std::vector<Key> keys_;
};

// The keys of a file, read again when it changes; the last good ones stay. The file must be closed
// to others than its owner and its group, who may not write.
absl::StatusOr<std::unique_ptr<auth::WatchedFiles<SigningKeys>>> WatchKeys(
    const std::string& path, auth::ReloadObserver observer);

// In lower-case hexadecimal.
std::string HmacSha256Hex(absl::string_view key, absl::string_view text);

}  // namespace ipt::deliver
