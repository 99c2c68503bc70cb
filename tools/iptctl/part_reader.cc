#include "iptctl/part_reader.h"

#include "absl/strings/str_cat.h"
#include "google/rpc/code.pb.h"

namespace ipt::ctl {

bool PartReader::Read(const char* method, const Message& request, Message& response,
                      absl::string_view without) {
  const grpc::Status status = session_.connection()->Call(*FindMethod(method), request, response);
  if (status.ok()) return true;
  missing_.push_back(absl::StrCat(
      without, " (", google::rpc::Code_Name(static_cast<google::rpc::Code>(status.error_code())),
      ")."));
  return false;
}

}  // namespace ipt::ctl
