// Makes due-indexes of each kind, for the conformance suite.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/cache/due_index.h"

namespace ipt::cache {

enum class DueIndexKind { kMemory, kRedis };

class DueIndexMaker {
 public:
  virtual ~DueIndexMaker() = default;
  // Empty, never built.
  virtual std::unique_ptr<DueIndex> Open() = 0;
  // What the index held is gone: a flush, or a process started anew.
  virtual void LoseContent(std::unique_ptr<DueIndex>& index) = 0;
};

std::vector<DueIndexKind> DueIndexKinds();
std::string DueIndexKindName(DueIndexKind kind);
std::unique_ptr<DueIndexMaker> MakeDueIndexMaker(DueIndexKind kind);

}  // namespace ipt::cache
