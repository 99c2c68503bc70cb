// Reads, of what several services know, what can be had: what is away or refused is said, and does
// not keep the rest from being shown.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "iptctl/app.h"

namespace ipt::ctl {

class PartReader {
 public:
  // `missing` gets a sentence for each part that could not be had.
  // REQUIRES: the session has called before, so that there is a connection.
  PartReader(Session& session, std::vector<std::string>& missing)
      : session_(session), missing_(missing) {}

  // `without`: what is not shown then. Whether it was read.
  bool Read(const char* method, const Message& request, Message& response,
            absl::string_view without);

  // Follows a list's pages; `take` gets each.
  template <typename Response, typename Request, typename Take>
  bool ReadPages(const char* method, Request& request, absl::string_view without,
                 const Take& take) {
    do {
      Response page;
      if (!Read(method, request, page, without)) return false;
      take(page);
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return true;
  }

 private:
  Session& session_;
  std::vector<std::string>& missing_;
};

}  // namespace ipt::ctl
