// Instruments as JSON: the files of instruments/, which the binary carries with it, and a clinic's
// own (instruments/README.md is the format). Thread-safe.
//
// Reading is strict: a key that is unknown, missing, there twice or of another type is an error,
// and so is what ValidateInstrument refuses. All errors come at once, each with the file's name and
// the key: "phq-9.json: items[3].options: names no option set".
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "outcomes/domain/instrument.h"

namespace ipt::outcomes {

struct EmbeddedFile {
  absl::string_view name;
  absl::string_view text;
};

// The shipped files, by name.
absl::Span<const EmbeddedFile> InstrumentFiles();

// INVALID_ARGUMENT with every error; `file` is what messages call it.
absl::StatusOr<Instrument> ReadInstrument(absl::string_view file, absl::string_view text);

// What ReadInstrument reads back as the same.
std::string WriteInstrument(const Instrument& instrument);

// The shipped instruments, by id. Fails if one of them is in error: a server does not start then.
absl::StatusOr<std::vector<Instrument>> ShippedInstruments();
// Their files, one after the other.
std::string ShippedText();

}  // namespace ipt::outcomes
