// SIGTERM and SIGINT as something to wait for. A second one ends the process at once.
#pragma once

#include "absl/time/time.h"

namespace ipt::server {

// REQUIRES: called in main before any thread starts, since threads inherit the mask.
void BlockStopSignals();

// Waits until the process is told to stop, or for `timeout`; true when it was told. From then on
// a second signal ends the process with status 1.
// REQUIRES: BlockStopSignals() before.
bool WaitForStopSignal(absl::Duration timeout = absl::InfiniteDuration());

// The next stop signal ends the process at once, status 1: for work that needs no tidying up.
void EndAtStopSignal();

}  // namespace ipt::server
