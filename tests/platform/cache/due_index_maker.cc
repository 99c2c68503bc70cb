#include "tests/platform/cache/due_index_maker.h"

#include "platform/cache/memory_due_index.h"
#include "platform/time/clock.h"

namespace ipt::cache {
namespace {

class MemoryMaker final : public DueIndexMaker {
 public:
  std::unique_ptr<DueIndex> Open() override { return std::make_unique<MemoryDueIndex>(clock_); }
  void LoseContent(std::unique_ptr<DueIndex>& index) override { index = Open(); }

 private:
  SystemClock clock_;
};

}  // namespace

std::vector<DueIndexKind> DueIndexKinds() { return {DueIndexKind::kMemory}; }

std::string DueIndexKindName(DueIndexKind) { return "Memory"; }

std::unique_ptr<DueIndexMaker> MakeDueIndexMaker(DueIndexKind) {
  return std::make_unique<MemoryMaker>();
}

}  // namespace ipt::cache
