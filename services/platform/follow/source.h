// What a follower has to know of the service that it follows. Services implement it over their
// peer's contract; tests over whatever they like.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/storage/database.h"

namespace ipt::follow {

// One response of a stream.
struct Batch {
  std::string cursor{};
  int64_t events = 0;                        // none: nothing happened up to the cursor
  absl::Time newest = absl::InfinitePast();  // when the last of them happened
  // Writes what they make; in the transaction that moves the cursor. May run more than once.
  std::function<absl::Status(storage::Connection&)> apply = nullptr;
};

// Used by one thread, but for Cancel.
class EventStream {
 public:
  virtual ~EventStream() = default;
  // Waits for the next response; nullopt: the stream ended with OK.
  virtual absl::StatusOr<std::optional<Batch>> Next() = 0;
  // A Next that waits, and every later one, returns an error.
  virtual void Cancel() = 0;
};

// The writing of a list into the copy.
class Listing {
 public:
  virtual ~Listing() = default;
  // What rows that are listed are marked with; greater than that of any listing before.
  virtual int64_t number() const = 0;
  // When it was begun: what is listed was so then, or has become so since.
  virtual absl::Time begun() const = 0;
  // A transaction, refused (ABORTED) where another process has taken over.
  virtual absl::Status Write(absl::FunctionRef<absl::Status(storage::Connection&)> body) = 0;
};

// Thread-safe: each clinic has a thread.
class Source {
 public:
  virtual ~Source() = default;

  // The clinics whose events there are for us.
  virtual absl::StatusOr<std::vector<std::string>> Clinics() = 0;

  // Opens the stream: after `cursor`, or from now on where there is none. OUT_OF_RANGE
  // (RESYNC_REQUIRED), here or from Next, when the events after the cursor are not to be had.
  virtual absl::StatusOr<std::unique_ptr<EventStream>> Watch(
      const std::string& clinic_id, const std::optional<std::string>& cursor) = 0;

  // Copies everything: reads lists, and writes their rows whatever revision the copy holds, since a
  // service that was restored has gone back. Begun after the first response of a stream from now
  // on, so that nothing falls between.
  virtual absl::Status List(const std::string& clinic_id, Listing& listing) = 0;
  // Deletes what the copy holds and listing `number` did not have.
  virtual absl::Status DropUnlisted(storage::Connection& conn, const std::string& clinic_id,
                                    int64_t number) = 0;
};

}  // namespace ipt::follow
