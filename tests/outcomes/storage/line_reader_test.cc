// All lines are read, each once, whether there are few or so many that another thread reads them.
#include "outcomes/storage/line_reader.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ipt::outcomes {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Read {
  std::vector<std::string> lines{};
  std::vector<std::thread::id> threads{};
};

TEST(LineReaderTest, ReadsFewLinesWhereItIs) {
  Read read;
  const auto on_line = [&](absl::string_view line) {
    read.lines.emplace_back(line);
    read.threads.push_back(std::this_thread::get_id());
  };
  LineReader reader(on_line);
  reader.Add("a;1;\nb;2;");
  reader.Add("c;3;");
  EXPECT_THAT(read.lines, IsEmpty());
  reader.Finish();
  EXPECT_THAT(read.lines, ElementsAre("a;1;", "b;2;", "c;3;"));
  EXPECT_THAT(read.threads, ::testing::Each(std::this_thread::get_id()));
}

// A row without a result is damaged: whoever reads it has to see it.
TEST(LineReaderTest, ReadsAnEmptyLine) {
  Read read;
  const auto on_line = [&](absl::string_view line) { read.lines.emplace_back(line); };
  LineReader reader(on_line);
  reader.Add("");
  reader.Add("a\n\nb");
  reader.Finish();
  EXPECT_THAT(read.lines, ElementsAre("", "a", "", "b"));
}

TEST(LineReaderTest, ReadsManyLinesOnceAndInOrder) {
  constexpr int kRows = 5000;
  Read read;
  const auto on_line = [&](absl::string_view line) {
    read.lines.emplace_back(line);
    read.threads.push_back(std::this_thread::get_id());
  };
  std::vector<std::string> expected;
  {
    LineReader reader(on_line);
    for (int row = 0; row < kRows; ++row) {
      const std::string line = absl::StrCat(row, ";", std::string(row % 100, 'x'));
      reader.Add(absl::StrCat(line, "\n", line));
      expected.insert(expected.end(), 2, line);
    }
  }  // it ends what it began
  EXPECT_EQ(read.lines, expected);
  EXPECT_NE(read.threads.front(), std::this_thread::get_id());
}

TEST(LineReaderTest, ReadsNothingOfNothing) {
  int lines = 0;
  const auto on_line = [&](absl::string_view) { ++lines; };
  LineReader reader(on_line);
  reader.Finish();
  EXPECT_EQ(lines, 0);
}

}  // namespace
}  // namespace ipt::outcomes
