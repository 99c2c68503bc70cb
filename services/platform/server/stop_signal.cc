#include "platform/server/stop_signal.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

namespace ipt::server {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void BlockStopSignals() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool WaitForStopSignal(absl::Duration timeout) {
  const sigset_t signals = StopSignals();
  if (timeout == absl::InfiniteDuration()) {
    int received = 0;
    sigwait(&signals, &received);
  } else {
    const timespec wait = absl::ToTimespec(timeout);
    if (sigtimedwait(&signals, nullptr, &wait) < 0) return false;
  }
  EndAtStopSignal();
  return true;
}

void EndAtStopSignal() {
  std::thread([signals = StopSignals()] {
    int received = 0;
    sigwait(&signals, &received);
    _exit(1);
  }).detach();
}

}  // namespace ipt::server
