#include "iptctl/screen.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace ipt::ctl {
namespace {

// The alternate screen, without a cursor; and back.
constexpr char kTake[] = "\x1b[?1049h\x1b[?25l\x1b[2J";
constexpr char kGiveBack[] = "\x1b[?25h\x1b[?1049l";

// What a handler of signals leaves on the terminal. Set before the handler.
std::atomic<bool> g_taken{false};
std::atomic<const std::string*> g_last{nullptr};

// May be called by a handler of signals.
void Put(const char* text, size_t size) {
  while (size > 0) {
    const ssize_t put = write(STDOUT_FILENO, text, size);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;
    text += put;
    size -= static_cast<size_t>(put);
  }
}

void GiveBack() {
  if (!g_taken.exchange(false)) return;
  Put(kGiveBack, sizeof(kGiveBack) - 1);
  if (const std::string* last = g_last.load()) Put(last->data(), last->size());
}

// Whatever is being waited for, a call among them, is given up.
void OnEnd(int signal) {
  GiveBack();
  _exit(signal == SIGINT ? 0 : 128 + signal);
}

sigset_t ResizeSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  return set;
}

}  // namespace

void TerminalScreen::Open(bool in_place) {
  in_place_ = in_place;
  // Kept back until Wait() looks, in this thread and in those that it starts.
  const sigset_t resize = ResizeSignal();
  pthread_sigmask(SIG_BLOCK, &resize, nullptr);
  struct sigaction action = {};
  action.sa_handler = OnEnd;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&action.sa_mask, signal);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  if (!in_place) return;
  g_taken = true;
  Put(kTake, sizeof(kTake) - 1);
}

void TerminalScreen::Close() { GiveBack(); }

Screen::Size TerminalScreen::size() const {
  Size size;
  winsize found = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) == 0 && found.ws_col > 0 && found.ws_row > 0) {
    size = {.columns = found.ws_col, .lines = found.ws_row};
  }
  return size;
}

void TerminalScreen::Draw(const std::string& picture) {
  // Each line clears what is left of the one before it: nothing flickers. The last line's newline
  // would scroll a full screen.
  std::string text = picture;
  if (!text.empty() && text.back() == '\n') text.pop_back();
  text = absl::StrCat("\x1b[H", absl::StrReplaceAll(text, {{"\n", "\x1b[K\r\n"}}), "\x1b[K\x1b[J");
  Put(text.data(), text.size());
  // The handler may be reading the one before: it is kept.
  static auto* const pictures = new std::vector<std::unique_ptr<std::string>>();
  pictures->push_back(std::make_unique<std::string>(picture));
  g_last = pictures->back().get();
  if (pictures->size() > 2) pictures->erase(pictures->begin());
}

bool TerminalScreen::Wait(absl::Duration time) {
  const sigset_t resize = ResizeSignal();
  const timespec limit = absl::ToTimespec(time);
  return sigtimedwait(&resize, nullptr, &limit) != SIGWINCH;
}

}  // namespace ipt::ctl
