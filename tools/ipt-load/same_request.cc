#include "ipt-load/same_request.h"

#include <barrier>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "ipt-load/clinic_maker.h"
#include "platform/errors/status_macros.h"

namespace ipt::load {

absl::StatusOr<SameRequestResult> SendSameRequests(const Connections& connections,
                                                   const std::string& clinic, int clients,
                                                   int rounds) {
  SameRequestResult result;
  result.rounds = rounds;
  RetryingCaller maker(connections, 0, Patience{});
  IPT_ASSIGN_OR_RETURN(const std::string name, MakeClinic(maker, clinic));
  IPT_ASSIGN_OR_RETURN(const std::string therapist, MakeTherapist(maker, name, "t0"));
  IPT_ASSIGN_OR_RETURN(result.course, MakeCourse(maker, name, therapist, "p0", false));

  std::vector<v1::BookSessionRequest> requests(rounds);
  for (int i = 0; i < rounds; ++i) {
    requests[i].set_parent(result.course);
    *requests[i].mutable_start_time() =
        ToTimestamp(absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) / 3600 * 3600) +
                    absl::Hours(24 + 2 * i));
    requests[i].set_request_id(NewRequestId());
  }
  // answers[client][round]
  std::vector<std::vector<std::string>> answers(clients, std::vector<std::string>(rounds));
  std::vector<std::string> errors(clients);
  std::vector<int64_t> retries(clients);
  std::barrier together(clients);
  std::vector<std::thread> threads;
  for (int c = 0; c < clients; ++c) {
    threads.emplace_back([&, c] {
      RetryingCaller caller(connections, c, Patience{});
      for (int i = 0; i < rounds; ++i) {
        together.arrive_and_wait();
        v1::Session session;
        const grpc::Status status = caller.Call(
            caller.stubs().sessions, &v1::SessionService::Stub::BookSession, requests[i], session);
        if (status.ok()) {
          answers[c][i] = session.SerializeAsString();
        } else if (errors[c].empty()) {
          errors[c] = absl::StrCat(caller.facts().name, ": ", status.error_message());
        }
      }
      for (const auto& [reason, n] : caller.counts().repeated) retries[c] += n;
    });
  }
  for (std::thread& thread : threads) thread.join();

  result.calls = static_cast<int64_t>(clients) * rounds;
  for (int i = 0; i < rounds; ++i) {
    std::set<std::string> different;
    for (int c = 0; c < clients; ++c) {
      if (answers[c][i].empty()) {
        ++result.refused;
      } else {
        different.insert(answers[c][i]);
      }
    }
    if (different.size() > 1) ++result.different_answers;
  }
  for (int c = 0; c < clients; ++c) {
    result.retries += retries[c];
    if (result.first_error.empty()) result.first_error = errors[c];
  }
  v1::ListSessionsRequest request;
  request.set_parent(result.course);
  IPT_ASSIGN_OR_RETURN(const auto sessions, ListAllSessions(maker, request));
  result.stored = static_cast<int64_t>(sessions.size());
  return result;
}

}  // namespace ipt::load
