#include "ipt-deliver/fair_queue.h"

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ipt::deliver {
namespace {

using ::testing::ElementsAre;

Job JobOf(size_t clinic, const std::string& key) {
  Job job{.clinic = clinic, .leased = {}, .held_until = {}};
  job.leased.set_idempotency_key(key);
  return job;
}

std::vector<std::string> Keys(const std::vector<Job>& jobs) {
  std::vector<std::string> keys;
  for (const Job& job : jobs) keys.push_back(job.leased.idempotency_key());
  return keys;
}

TEST(FairQueueTest, GivesEachClinicItsTurnInOrder) {
  FairQueue queue(3);
  for (const char* key : {"a1", "a2", "a3", "a4"}) queue.Push(JobOf(0, key));
  queue.Push(JobOf(2, "c1"));
  queue.Push(JobOf(2, "c2"));
  EXPECT_THAT(Keys(queue.Take(1)), ElementsAre("a1"));
  EXPECT_THAT(Keys(queue.Take(2)), ElementsAre("c1", "a2"));
  queue.Push(JobOf(1, "b1"));
  EXPECT_THAT(Keys(queue.Take(10)), ElementsAre("b1", "c2", "a3", "a4"));
}

TEST(FairQueueTest, GivesWhatIsLeftOnceClosedThenNothing) {
  FairQueue queue(1);
  queue.Push(JobOf(0, "a1"));
  queue.Close();
  EXPECT_THAT(Keys(queue.Take(5)), ElementsAre("a1"));
  EXPECT_TRUE(queue.Take(5).empty());
}

TEST(FairQueueTest, WakesWhoWaits) {
  FairQueue queue(1);
  std::vector<Job> taken;
  std::thread taker([&] { taken = queue.Take(5); });
  queue.Push(JobOf(0, "a1"));
  taker.join();
  EXPECT_THAT(Keys(taken), ElementsAre("a1"));
  std::thread last([&] { taken = queue.Take(5); });
  queue.Close();
  last.join();
  EXPECT_TRUE(taken.empty());
}

}  // namespace
}  // namespace ipt::deliver
