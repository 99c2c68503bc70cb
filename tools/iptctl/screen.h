// A terminal on which a picture is drawn again and again.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace ipt::ctl {

class Screen {
 public:
  struct Size {
    int columns = 80;
    int lines = 24;
  };

  virtual ~Screen() = default;

  // From now on Ctrl-C ends the process with 0. `in_place`: the terminal is taken over for pictures
  // until Close(), or until the process is told to end; what it showed before comes back, and
  // beneath it the last picture.
  virtual void Open(bool in_place) = 0;
  virtual void Close() = 0;

  virtual Size size() const = 0;
  // Puts the picture, lines that end in a newline and are no wider than the screen, in place of the
  // one before. REQUIRES: opened in place.
  virtual void Draw(const std::string& picture) = 0;
  // False when the size changed before the time was over.
  virtual bool Wait(absl::Duration time) = 0;
};

// Standard output's. One a process.
class TerminalScreen final : public Screen {
 public:
  ~TerminalScreen() override { Close(); }
  void Open(bool in_place) override;
  void Close() override;
  Size size() const override;
  void Draw(const std::string& picture) override;
  bool Wait(absl::Duration time) override;

 private:
  bool in_place_ = false;
};

}  // namespace ipt::ctl
