// What Redis answered: a value that owns it, and a view of a part of it. Reading a reply as what it
// is not gives an empty text, 0 or no elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"

struct redisReply;  // hiredis

namespace ipt::cache {

class RedisReplyView {
 public:
  RedisReplyView() = default;
  explicit RedisReplyView(const redisReply* reply) : reply_(reply) {}

  bool is_nil() const;
  bool is_error() const;
  // Of a string, a status or an error.
  absl::string_view text() const;
  // Of an integer, or of a string that is one.
  int64_t integer() const;
  // Of an array.
  size_t size() const;
  RedisReplyView operator[](size_t i) const;

 private:
  const redisReply* reply_ = nullptr;
};

class RedisReply : public RedisReplyView {
 public:
  RedisReply() = default;
  // Takes it.
  explicit RedisReply(redisReply* reply) : RedisReplyView(reply), owned_(reply) {}

 private:
  struct Free {
    void operator()(redisReply* reply) const;
  };
  std::unique_ptr<redisReply, Free> owned_;
};

}  // namespace ipt::cache
