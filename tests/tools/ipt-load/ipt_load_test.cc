#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ipt-load/booking_log.h"
#include "ipt-load/clinic_maker.h"
#include "ipt-load/closed_loop.h"
#include "ipt-load/forms.h"
#include "ipt-load/histogram.h"

namespace ipt::load {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(HistogramTest, PercentilesAreWithinABucketOfTheTruth) {
  absl::BitGen random;
  std::vector<int64_t> values;
  Histogram first, second;
  for (int i = 0; i < 20000; ++i) {
    const auto us = static_cast<int64_t>(absl::LogUniform<int64_t>(random, 1, 100'000'000));
    values.push_back(us);
    (i % 2 == 0 ? first : second).Add(absl::Microseconds(us));
  }
  first.Merge(second);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(first.total(), 20000);
  EXPECT_EQ(first.Max(), absl::Microseconds(values.back()));
  for (const double share : {0.5, 0.9, 0.99, 0.999}) {
    const double truth = static_cast<double>(values[static_cast<size_t>(share * 20000) - 1]);
    const double told = absl::ToDoubleMicroseconds(first.Percentile(share));
    EXPECT_GE(told, truth) << share;
    EXPECT_LE(told, truth * 1.017 + 1) << share;
  }
}

TEST(HistogramTest, OfNothingIsZero) {
  EXPECT_EQ(Histogram().Percentile(0.99), absl::ZeroDuration());
  EXPECT_EQ(Histogram().Max(), absl::ZeroDuration());
}

TEST(ParseMixTest, ReadsWeightsAndRefusesWhatItDoesNotKnow) {
  const auto mix = ParseMix("get-course=80,plan");
  ASSERT_TRUE(mix.ok());
  EXPECT_THAT(*mix, ElementsAre(Pair("get-course", 80), Pair("plan", 1)));
  for (const char* wrong : {"", "get-course=0", "get-course=x", "fly", "get-course=1001"}) {
    EXPECT_FALSE(ParseMix(wrong).ok()) << wrong;
  }
  EXPECT_THAT(std::string(ParseMix("fly").status().message()), HasSubstr("book-session"));
}

int TotalOf(const ov1::Measurement& measurement) {
  int total = 0;
  for (const ov1::Answer& answer : measurement.answers().answers()) total += answer.value();
  return total;
}

// Also where a year's weeks begin anew: many more than a course ever has.
TEST(FormsTest, NoTwoOfACourseAreAlikeNearEachOther) {
  const absl::Time now = absl::FromUnixSeconds(1'790'000'000);
  Forms forms({"clinics/a/courses/k1", "clinics/a/courses/k2"}, 0.25, now);
  // By course and answers: when they were completed.
  std::map<std::pair<std::string, std::string>, std::vector<absl::Time>> seen;
  std::set<std::string> ids;
  for (int i = 0; i < 2 * 3000; ++i) {
    const ov1::RecordMeasurementRequest request = forms.Next().request;
    const ov1::Measurement& measurement = request.measurement();
    EXPECT_EQ(measurement.instrument(), "clinics/a/instruments/phq-9");
    EXPECT_EQ(measurement.answers().answers_size(), 9);
    for (const ov1::Answer& answer : measurement.answers().answers()) {
      ASSERT_GE(answer.value(), 0);
      ASSERT_LE(answer.value(), 3);
    }
    const absl::Time completed = FromTimestamp(measurement.complete_time());
    ASSERT_LT(completed, now);
    for (const absl::Time other :
         seen[{request.parent(), measurement.answers().SerializeAsString()}]) {
      ASSERT_GT(absl::AbsDuration(completed - other), absl::Hours(12)) << i;
    }
    seen[{request.parent(), measurement.answers().SerializeAsString()}].push_back(completed);
    EXPECT_TRUE(ids.insert(request.measurement_id()).second);
    EXPECT_TRUE(ids.insert(request.request_id()).second);
  }
}

TEST(FormsTest, ScoresFallAndTheShareOfRiskIsKept) {
  for (const double share : {0.0, 0.25, 1.0}) {
    Forms forms({"clinics/a/courses/k"}, share, absl::Now());
    int risk = 0;
    int first = 0;
    int last = 0;
    for (int i = 0; i < 1000; ++i) {
      const Form form = forms.Next();
      const ov1::Measurement& measurement = form.request.measurement();
      EXPECT_EQ(form.risk, measurement.answers().answers(8).value() > 0);
      risk += form.risk ? 1 : 0;
      if (i == 0) first = TotalOf(measurement);
      if (i == 20) last = TotalOf(measurement);
    }
    EXPECT_NEAR(risk, 1000 * share, 2);
    EXPECT_GE(first, 16);
    EXPECT_LE(last, 11);
  }
}

class BookingLogTest : public ::testing::Test {
 protected:
  ~BookingLogTest() override { std::remove(path_.c_str()); }

  absl::StatusOr<Acknowledged> Read(const std::vector<std::string>& lines) {
    auto log = BookingLog::Create(path_);
    if (!log.ok()) return log.status();
    for (const std::string& line : lines) (*log)->Write(line);
    return ReadBookingLog(path_);
  }

  const std::string path_ = ::testing::TempDir() + "/booking_log_test";
};

TEST_F(BookingLogTest, KeepsTheLastThatWasAcknowledgedOfEachSession) {
  const auto log = Read({"clinic clinics/a", "slot t 10", "slot t 20", "booked s1 t 10",
                         "booked s2 t 20", "moved s2 t 30", "booked s3 t 20", "cancelled s1"});
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->clinic, "clinics/a");
  EXPECT_THAT(log->slots, ElementsAre(Pair("t", 10), Pair("t", 20)));
  EXPECT_THAT(log->booked, ElementsAre(Pair("s2", Pair("t", 30)), Pair("s3", Pair("t", 20))));
  EXPECT_THAT(log->cancelled, ElementsAre("s1"));
  EXPECT_EQ(log->bookings, 3);
  EXPECT_TRUE(log->twice.empty());
}

TEST_F(BookingLogTest, TellsASessionThatWasNewTwice) {
  const auto again = Read({"clinic c", "booked s1 t 10", "booked s1 t 10"});
  ASSERT_TRUE(again.ok());
  EXPECT_THAT(again->twice, ElementsAre("s1"));
  const auto risen = Read({"clinic c", "booked s1 t 10", "cancelled s1", "booked s1 t 10"});
  ASSERT_TRUE(risen.ok());
  EXPECT_THAT(risen->twice, ElementsAre("s1"));
}

TEST_F(BookingLogTest, RefusesWhatIsNotALog) {
  EXPECT_FALSE(Read({"booked s1 t 10"}).ok());
  EXPECT_FALSE(Read({"clinic c", "booked s1"}).ok());
  EXPECT_FALSE(Read({"clinic c", "eaten s1"}).ok());
}

}  // namespace
}  // namespace ipt::load
