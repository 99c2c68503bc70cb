// Pages of lists. A token is opaque to clients: the position after which the next page begins,
// bound to the method's request without its paging fields, so that a token of another list is
// refused.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace ipt::rpc {

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 1000;

struct Page {
  int size = kDefaultPageSize;
  // Empty for the first page; else what NextPageToken was given.
  std::string cursor;
};

// REQUIRES: `request` has the fields page_size (int32) and page_token (string).
// INVALID_ARGUMENT on a negative page_size or a token that is not of this list.
absl::StatusOr<Page> OpenPage(const google::protobuf::Message& request);

// The token of the page after `cursor`, which must not be empty.
std::string NextPageToken(const google::protobuf::Message& request, absl::string_view cursor);

// The same for a position that goes to clients elsewhere than in a page_token: bound to `request`
// without its field `cursor`, too. nullopt: the token is none of this request, or was altered.
std::string SealPosition(const google::protobuf::Message& request, absl::string_view position);
std::optional<std::string> OpenPosition(const google::protobuf::Message& request,
                                        absl::string_view token);

}  // namespace ipt::rpc
