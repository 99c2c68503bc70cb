#include "platform/cache/redis_reply.h"

#include <hiredis/hiredis.h>

#include "absl/strings/numbers.h"

namespace ipt::cache {

bool RedisReplyView::is_nil() const { return reply_ == nullptr || reply_->type == REDIS_REPLY_NIL; }

bool RedisReplyView::is_error() const {
  return reply_ != nullptr && reply_->type == REDIS_REPLY_ERROR;
}

absl::string_view RedisReplyView::text() const {
  if (reply_ == nullptr) return {};
  switch (reply_->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
      return {reply_->str, reply_->len};
    default:
      return {};
  }
}

int64_t RedisReplyView::integer() const {
  if (reply_ == nullptr) return 0;
  if (reply_->type == REDIS_REPLY_INTEGER) return reply_->integer;
  int64_t value = 0;
  return absl::SimpleAtoi(text(), &value) ? value : 0;
}

size_t RedisReplyView::size() const {
  return reply_ != nullptr && reply_->type == REDIS_REPLY_ARRAY ? reply_->elements : 0;
}

RedisReplyView RedisReplyView::operator[](size_t i) const {
  return i < size() ? RedisReplyView(reply_->element[i]) : RedisReplyView();
}

void RedisReply::Free::operator()(redisReply* reply) const { freeReplyObject(reply); }

}  // namespace ipt::cache
