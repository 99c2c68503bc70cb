// Another service's lists, which come in pages.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/errors/status_macros.h"
#include "platform/peer/peer.h"

namespace ipt::peer {

// Calls a method that lists until no page follows, or something fails. `on_page` is given each
// page (`const Response&`) and returns absl::Status. `options` are each call's.
template <typename Response, typename Request, typename OnPage>
absl::Status CallPages(Peer& peer, absl::string_view method, Request request,
                       const CallOptions& options, OnPage on_page) {
  do {
    Response page;
    IPT_RETURN_IF_ERROR(peer.Call(method, request, page, options));
    IPT_RETURN_IF_ERROR(on_page(page));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

}  // namespace ipt::peer
