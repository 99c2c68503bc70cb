#include "platform/text/csv.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace ipt {
namespace {

TEST(CsvCellTest, IsQuotedWhereItMustBe) {
  EXPECT_EQ(CsvCell(""), "");
  EXPECT_EQ(CsvCell("a b"), "a b");
  EXPECT_EQ(CsvCell("=1"), "=1");
  EXPECT_EQ(CsvCell("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvCell("a\nb"), "\"a\nb\"");
  EXPECT_EQ(CsvCell("a \"b\""), "\"a \"\"b\"\"\"");
}

TEST(CsvCellTest, IsGuardedWhereSpreadsheetsWouldTakeItForAFormula) {
  for (const char* formula : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "'x"}) {
    EXPECT_EQ(GuardedCsvCell(formula), absl::StrCat("'", formula));
  }
  EXPECT_EQ(GuardedCsvCell("\r=1"), "\"'\r=1\"");
  EXPECT_EQ(GuardedCsvCell("a=1"), "a=1");
  EXPECT_EQ(GuardedCsvCell(""), "");
  EXPECT_EQ(GuardedCsvCell("=1,2"), "\"'=1,2\"");
}

TEST(CsvCellTest, TheGuardComesOffAgain) {
  for (const char* words : {"=1+1", "+1", "-1", "@x", "'quoted", "plain", "", "it's", " =1"}) {
    EXPECT_EQ(UnguardedCsvCell(GuardedCsvCell(words)), words);
  }
  EXPECT_EQ(UnguardedCsvCell("'"), "'");
  EXPECT_EQ(UnguardedCsvCell("'70s"), "'70s");
}

}  // namespace
}  // namespace ipt
