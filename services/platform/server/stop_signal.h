// SIGTERM and SIGINT as something to wait for. A second one ends the process at once.
#pragma once

namespace ipt::server {

// REQUIRES: called in main before any thread starts, since threads inherit the mask.
void BlockStopSignals();

// Returns when the process is told to stop. From then on a second signal is exit status 1.
// REQUIRES: BlockStopSignals() before.
void WaitForStopSignal();

}  // namespace ipt::server
