#include "scheduling/reminders/store_clock.h"

namespace ipt::scheduling {

void StoreClock::Learn(absl::Time before, absl::Time store, absl::Time after) {
  offset_us_ = absl::ToInt64Microseconds(store - (before + (after - before) / 2));
}

}  // namespace ipt::scheduling
