// Where reminders are delivered to.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "ipt-deliver/outcome.h"

namespace ipt::deliver {

struct Letter {
  std::string idempotency_key;
  std::string body;  // one line of JSON, without its end
};

class Sink {
 public:
  virtual ~Sink() = default;
  // One outcome a letter, in order. At most most_at_once() letters, from at most senders() threads.
  virtual std::vector<Outcome> Deliver(absl::Span<const Letter> letters) = 0;
  virtual size_t senders() const = 0;
  virtual size_t most_at_once() const = 0;
  // How many reminders a clinic may have leased, or waiting to be acknowledged.
  virtual int window() const = 0;
};

}  // namespace ipt::deliver
