// An authenticator that knows nobody: only who needs none is let in, as services of one process
// are.
#pragma once

#include <memory>

#include "platform/auth/authenticator.h"
#include "platform/errors/error.h"

namespace ipt::testing {

class NobodyKnown final : public auth::Authenticator {
 public:
  absl::StatusOr<std::shared_ptr<const Caller>> Authenticate(const auth::Credentials&,
                                                             absl::Time) const override {
    return Unauthenticated("no token");
  }
};

}  // namespace ipt::testing
