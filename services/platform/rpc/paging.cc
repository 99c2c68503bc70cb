#include "platform/rpc/paging.h"

#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "openssl/sha.h"
#include "platform/errors/error.h"
#include "platform/rpc/content_hash.h"

namespace ipt::rpc {
namespace {

constexpr size_t kBindingBytes = 8;

// What ties a cursor to its list: the request's type and all of its fields but the paging ones. The
// cursor is in it too, so that a token that was cut or altered is not taken for another place.
std::string Binding(const google::protobuf::Message& request, absl::string_view cursor) {
  std::unique_ptr<google::protobuf::Message> bound(request.New());
  bound->CopyFrom(request);
  const auto* descriptor = bound->GetDescriptor();
  for (const char* paging : {"page_size", "page_token", "cursor", "min_revision"}) {
    if (const auto* field = descriptor->FindFieldByName(paging)) {
      bound->GetReflection()->ClearField(bound.get(), field);
    }
  }
  const std::string text = absl::StrCat(ContentHash(*bound), cursor);
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash.substr(0, kBindingBytes);
}

}  // namespace

absl::StatusOr<Page> OpenPage(const google::protobuf::Message& request) {
  const auto* descriptor = request.GetDescriptor();
  const auto* reflection = request.GetReflection();
  Page page;
  const int size = reflection->GetInt32(request, descriptor->FindFieldByName("page_size"));
  if (size < 0) return InvalidField("page_size", "must be 0 (= 50) to 1000");
  if (size > 0) page.size = std::min(size, kMaxPageSize);

  const std::string token =
      reflection->GetString(request, descriptor->FindFieldByName("page_token"));
  if (token.empty()) return page;
  std::optional<std::string> cursor = OpenPosition(request, token);
  if (!cursor.has_value()) {
    return InvalidField("page_token",
                        "is not a token of this list; send next_page_token as it came, with the "
                        "other fields unchanged, or leave it empty to begin anew");
  }
  page.cursor = *std::move(cursor);
  return page;
}

std::string NextPageToken(const google::protobuf::Message& request, absl::string_view cursor) {
  return SealPosition(request, cursor);
}

std::string SealPosition(const google::protobuf::Message& request, absl::string_view position) {
  return absl::WebSafeBase64Escape(absl::StrCat(Binding(request, position), position));
}

std::optional<std::string> OpenPosition(const google::protobuf::Message& request,
                                        absl::string_view token) {
  std::string raw;
  if (!absl::WebSafeBase64Unescape(token, &raw) || raw.size() <= kBindingBytes ||
      raw.substr(0, kBindingBytes) != Binding(request, raw.substr(kBindingBytes))) {
    return std::nullopt;
  }
  return raw.substr(kBindingBytes);
}

}  // namespace ipt::rpc
