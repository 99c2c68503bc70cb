#include "platform/observability/line_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace ipt::log {
namespace {

std::string TellLost(int64_t lost) { return absl::StrCat("lost ", lost); }

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0); }
  ~Pipe() {
    close(ends_[0]);
    CloseInput();
  }

  int input() const { return ends_[1]; }
  void CloseInput() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  // At most `most` bytes, or all until the input is closed.
  std::string Read(size_t most = std::string::npos) const {
    std::string text;
    std::array<char, 4096> part;
    while (text.size() < most) {
      const ssize_t got = read(ends_[0], part.data(), std::min(part.size(), most - text.size()));
      if (got <= 0) break;
      text.append(part.data(), static_cast<size_t>(got));
    }
    return text;
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(LineWriterTest, WritesEveryThreadsLinesWholeAndInOrder) {
  constexpr int kThreads = 4;
  constexpr int kLines = 2000;
  Pipe pipe;
  std::thread writers([&] {
    LineWriter writer(pipe.input(), &TellLost);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&writer, t] {
        for (int i = 0; i < kLines; ++i) writer.Add(absl::StrCat(t, ":", i));
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  // Read while it writes: a pipe holds less than all of it.
  std::string text;
  std::thread reader([&] { text = pipe.Read(); });
  writers.join();
  pipe.CloseInput();
  reader.join();

  std::map<std::string, int> next;
  int lines = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, ':');
    EXPECT_EQ(parts.second, absl::StrCat(next[parts.first]++));
    ++lines;
  }
  EXPECT_EQ(lines, kThreads * kLines);
}

TEST(LineWriterTest, WhatComesBeforeTheEndIsWritten) {
  Pipe pipe;
  {
    LineWriter writer(pipe.input(), &TellLost);
    writer.Add("last words");
  }
  pipe.CloseInput();
  EXPECT_EQ(pipe.Read(), "last words\n");
}

TEST(LineWriterTest, NobodyWaitsForAFullPipeAndWhatIsLostIsCounted) {
  for (const int flags : {0, O_NONBLOCK}) {
    Pipe pipe;
    ASSERT_EQ(fcntl(pipe.input(), F_SETFL, flags), 0);
    const int room = fcntl(pipe.input(), F_GETPIPE_SZ);
    const std::string line(999, 'x');
    const size_t most = static_cast<size_t>(room);
    const int added = 10 * room / 1000;
    auto writer = std::make_unique<LineWriter>(pipe.input(), &TellLost, most);
    // The pipe takes its room, the buffer as much again and what the writer holds; no more.
    for (int i = 0; i < added; ++i) writer->Add(line);

    std::string text;
    std::thread reader([&] { text = pipe.Read(); });
    writer.reset();
    pipe.CloseInput();
    reader.join();
    int written = 0;
    int lost = 0;
    for (absl::string_view got : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      if (absl::ConsumePrefix(&got, "lost ")) {
        lost += std::stoi(std::string(got));
      } else {
        EXPECT_EQ(got, line);
        ++written;
      }
    }
    EXPECT_GT(lost, 0);
    EXPECT_EQ(written + lost, added);
  }
}

// What a stop of the server may take when whoever should read its stderr hangs.
TEST(LineWriterTest, APipeThatNobodyReadsDoesNotHoldUpTheEnd) {
  for (const int flags : {0, O_NONBLOCK}) {
    Pipe pipe;
    ASSERT_EQ(fcntl(pipe.input(), F_SETFL, flags), 0);
    auto writer = std::make_unique<LineWriter>(pipe.input(), &TellLost);
    for (int i = 0; i < 2000; ++i) writer->Add(std::string(999, 'x'));
    std::atomic<bool> ended = false;
    std::thread end([&] {
      writer.reset();
      ended = true;
    });
    for (int i = 0; i < 6000 && !ended; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(ended);
    std::thread reader;
    if (!ended) reader = std::thread([&] { pipe.Read(); });  // or this test would never end
    end.join();
    pipe.CloseInput();
    if (reader.joinable()) reader.join();
  }
}

TEST(LineWriterTest, WhatTheLastWordsHadNoTimeForIsCounted) {
  constexpr int kAdded = 5000;
  Pipe pipe;
  const std::string line(999, 'x');
  std::string text;
  std::thread reader([&] {
    while (true) {  // slowly: some 80 KB in the writer's time
      const std::string part = pipe.Read(4000);
      if (part.empty()) break;
      text += part;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  {
    LineWriter writer(pipe.input(), &TellLost, LineWriter::kMostWaiting,
                      std::chrono::milliseconds(200));
    for (int i = 0; i < kAdded; ++i) writer.Add(line);
  }
  pipe.CloseInput();
  reader.join();
  int written = 0;
  int lost = 0;
  for (absl::string_view got : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (absl::ConsumePrefix(&got, "lost ")) {
      lost += std::stoi(std::string(got));
    } else {
      EXPECT_EQ(got, line);  // whole lines only
      ++written;
    }
  }
  EXPECT_GT(written, 0);
  EXPECT_GT(lost, 0);
  EXPECT_EQ(written + lost, kAdded);
}

}  // namespace
}  // namespace ipt::log
