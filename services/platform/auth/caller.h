// Who makes a call, and what they may reach: the result of authentication, seen by handlers and
// domain code. Knows nothing of tokens, certificates or gRPC.
//
// A plain value; immutable once shared (`std::shared_ptr<const Caller>`), then safe from any
// thread.
#pragma once

#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ipt {

struct Caller {
  // Stable name of the person or system: the token's `sub`, or what a client certificate maps to.
  // Goes into audit entries and logs. Never empty for a caller that was authenticated.
  std::string subject{};

  absl::flat_hash_set<std::string> clinics{};  // Ids, without the `clinics/` prefix.
  bool all_clinics = false;

  absl::flat_hash_set<std::string> scopes{};  // As granted, e.g. `courses.read`.
  bool all_scopes = false;

  bool anonymous = false;  // Authentication is switched off (`--auth=none`).

  // What the caller identified itself with holds until then; streams end.
  absl::Time expires = absl::InfiniteFuture();

  // May this caller touch anything of `clinic` (an id)?
  bool MayEnter(absl::string_view clinic) const { return all_clinics || clinics.contains(clinic); }

  // Was `required` (the scope that a method's proto option names) granted, letter by letter?
  bool HasScope(absl::string_view required) const {
    return all_scopes || scopes.contains(required);
  }
};

}  // namespace ipt
