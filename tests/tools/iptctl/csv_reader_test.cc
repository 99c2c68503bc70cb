#include "iptctl/csv_reader.h"

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/text/csv.h"

namespace ipt::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::vector<std::string>> Records(const std::string& text) {
  std::istringstream in(text);
  CsvReader reader(in);
  std::vector<std::vector<std::string>> records;
  std::vector<std::string> cells;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(cells);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) break;
    records.push_back(cells);
  }
  EXPECT_EQ(reader.offset(), static_cast<int64_t>(text.size()));
  return records;
}

std::string Fault(const std::string& text) {
  std::istringstream in(text);
  CsvReader reader(in);
  std::vector<std::string> cells;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(cells);
    if (!more.ok()) return std::string(more.status().message());
    if (!*more) return "";
  }
}

TEST(CsvReaderTest, ReadsWhatRfc4180Has) {
  EXPECT_THAT(Records("a,b\r\n1,2\r\n"), ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2")));
  EXPECT_THAT(Records("a,b\n1,2"), ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2")));
  EXPECT_THAT(Records("\"a,\"\"b\"\"\",\"x\ny\r\n\"\n"),
              ElementsAre(ElementsAre("a,\"b\"", "x\ny\r\n")));
  EXPECT_THAT(Records(",\n,"), ElementsAre(ElementsAre("", ""), ElementsAre("", "")));
  EXPECT_THAT(Records("\"\"\n"), ElementsAre(ElementsAre("")));
}

TEST(CsvReaderTest, PassesOverAByteOrderMarkAndEmptyLines) {
  EXPECT_THAT(Records("\xEF\xBB\xBF"
                      "a\n\n\r\nb\n\n"),
              ElementsAre(ElementsAre("a"), ElementsAre("b")));
  EXPECT_THAT(Records("\xEF\xBB\xBF\"a\"\n"), ElementsAre(ElementsAre("a")));
  EXPECT_THAT(Records(""), ElementsAre());
}

TEST(CsvReaderTest, SaysWhereItIsNone) {
  EXPECT_THAT(Fault("a\nb,\"c\nd\ne\n"), HasSubstr("line 2: the file ends within quotes"));
  EXPECT_THAT(Fault("a\nb\"c\n"), HasSubstr("line 2: a quote within a cell"));
  EXPECT_THAT(Fault("\"a\"b\n"), HasSubstr("line 1: a quote within a cell"));
  EXPECT_THAT(Fault(std::string(2 << 20, 'x')), HasSubstr("more than 1 MiB"));
}

TEST(CsvReaderTest, ReadsCellsAsTheyWereWritten) {
  for (const char* words : {"=1,1", "\tx", "it's", "a \"b\"", "two\r\nlines", ""}) {
    std::istringstream in(GuardedCsvCell(words) + ",x\n");
    CsvReader reader(in);
    std::vector<std::string> cells;
    ASSERT_TRUE(reader.Next(cells).ok());
    EXPECT_EQ(UnguardedCsvCell(cells[0]), words);
  }
}

}  // namespace
}  // namespace ipt::ctl
