// The protocol's data as JSON: the files of protocol/, which the binary carries with it, or those
// of a folder that a clinic reviews and keeps (protocol/README.md is the format). Thread-safe.
//
// Reading is strict: a key that is unknown, missing, there twice or of another type is an error,
// and so is what ValidateCatalog refuses. All errors come at once, each with the file's name and
// the key: "areas/grief.json: questions[3].sources[0]: must be the key of a source".
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "formulation/domain/protocol.h"

namespace ipt::formulation {

struct EmbeddedFile {
  absl::string_view name;  // in the folder, with "/": areas/grief.json
  absl::string_view text;
};

// The shipped files, by name.
absl::Span<const EmbeddedFile> ProtocolFiles();

// A whole catalogue, of the files of one folder in any order. INVALID_ARGUMENT with every error.
absl::StatusOr<ProtocolCatalog> ReadProtocolCatalog(absl::Span<const EmbeddedFile> files);

// That of the shipped files. Fails if one of them is in error: a server does not start then.
absl::StatusOr<ProtocolCatalog> ShippedProtocolCatalog();

}  // namespace ipt::formulation
