#include "iptctl/error_output.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/rpc/code.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "nlohmann/json.hpp"

namespace ipt::ctl {
namespace {

using Json = nlohmann::ordered_json;

struct Report {
  std::string code, reason, message, hint, resource, retry_after, server_request;
  std::vector<std::pair<std::string, std::string>> fields, preconditions;
  std::map<std::string, std::string> metadata;
};

// What to do, by reason; where the reason tells more than its code.
const std::map<std::string, const char*>& HintsByReason() {
  static const auto* const hints = new std::map<std::string, const char*>{
      {"RESOURCE_EXISTS", "choose another name, or read what is there with the noun's get"},
      {"REQUEST_ID_REUSED", "leave --request-id out, so that a new one is made"},
      {"ETAG_MISMATCH", "read the resource again, look at what changed, repeat with its new etag"},
      {"SCOPE_MISSING", "ask for a token with the scope named above"},
      {"STORE_FULL", "tell whoever operates the server: its disk is full; reads go on"},
      {"SLOT_TAKEN", "find a free time: iptctl slots find --help"},
      {"SERIES_CONFLICT", "nothing was booked; plan again: iptctl course plan --help"},
      {"OUTSIDE_AVAILABILITY",
       "find a free time (iptctl slots find), or add --outside-availability --override.reason WHY"},
      {"PAST_DEADLINE",
       "book earlier, extend the course, or add --past-deadline --override.reason WHY"},
      {"COURSE_PAUSED",
       "book outside the pause, resume the course, or add --during-pause --override.reason WHY"},
      {"NO_SLOT", "widen the search: other therapists, days or windows"},
      {"COURSE_STATE", "read where it stands: iptctl course get"},
      {"SESSION_STATE", "read where it stands: iptctl session get"},
      {"REMINDER_STATE", "read where it stands: iptctl reminders get"},
      {"SESSION_IN_FUTURE", "repeat once the session has begun"},
      {"PAUSE_CAP", "agree a shorter pause, or extend the course: iptctl course extend --help"},
      {"VARIANT_BOUNDS",
       "stay within the bounds named above; iptctl variant list has those of each variant"},
      {"SESSION_LIMIT", "extend the course first: iptctl course extend --help"},
      {"SESSIONS_IN_THE_WAY", "move or cancel them first, or add --cancel-sessions"},
      {"OPEN_COURSE_EXISTS",
       "close the other course first; beside it only a new one can be opened, by course create or "
       "import with --allow-concurrent"},
      {"THERAPIST_FULL",
       "choose another therapist, or let this one have more: iptctl therapist update --help"},
      {"THERAPIST_INACTIVE", "choose another therapist: iptctl therapist list --active-only"},
      {"THERAPIST_LACKS_VARIANT", "choose another therapist: iptctl therapist list --variant ID"},
      {"THERAPIST_HAS_COURSES",
       "give the courses away first (iptctl course transfer-all), or add --force"},
      {"SESSION_HISTORY_FULL", "cancel the session and book another one"},
      {"TOO_MANY_SESSIONS", "close the course and open another one: iptctl course create --help"},
      {"REVISION_NOT_REACHED", "repeat without --min-revision: the store was restored"},
      {"PATIENT_EXISTS", "merge the two: iptctl patient merge --help"},
      {"COMPLETED_IN_FUTURE", "correct the time, or the clock that it came from"},
      {"MEASUREMENT_EXISTS", "nothing: it is stored; other answers are a correction of it"},
      {"MEASUREMENT_STATE", "it was taken back: record it anew"},
      {"MEASUREMENT_HISTORY_FULL", "take it back, and record it anew"},
      {"INSTRUMENT_RETIRED", "record with the version in use, or reinstate the instrument"},
      {"INSTRUMENT_VERSION", "register the version after the one named above"},
      {"ALERT_STATE", "somebody was first: read the alert again"},
      {"INDICATION_TAKEN", "change the plan named above, or take the indication out of it"},
      {"IMPORT_ROW_ORDER", "go on with the row named above"},
      {"IMPORT_TAKEN_OVER", "open the import again once the other stream has ended"},
      {"RESULTS_BEING_MADE", "repeat in a moment: results are being made anew"},
      {"FORMULATION_STATE", "read where it stands: iptctl formulation get"},
      {"FORMULATION_INCOMPLETE", "save what is named above: iptctl formulation save --help"},
      {"RESOURCE_IN_USE", "take it out of what is named above first"},
      {"LIMIT_REACHED", "take away what is not needed any more"},
      {"GOAL_STATE", "read where it stands: iptctl goal get"},
      {"SESSION_NOT_HELD", "read where it stands: iptctl session get"},
  };
  return *hints;
}

std::string HintFor(grpc::StatusCode code, const std::string& reason, bool write) {
  if (const auto it = HintsByReason().find(reason); it != HintsByReason().end()) return it->second;
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return "correct what is named above; the command's --help lists its flags";
    case grpc::StatusCode::NOT_FOUND:
      return "check the name, and that the token is for this clinic";
    case grpc::StatusCode::ABORTED:
      return "repeat the command";
    case grpc::StatusCode::UNAUTHENTICATED:
      return "give a valid token with --token-file";
    case grpc::StatusCode::PERMISSION_DENIED:
      return "ask for a token that allows this call";
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
      return write ? "it may have been done or not: repeat with the same --request-id (below)"
                   : "repeat, with a longer --deadline if need be";
    case grpc::StatusCode::UNAVAILABLE:
      return write ? "check --server and TLS, then repeat with the same --request-id (below)"
                   : "check --server and TLS, then repeat";
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return "wait, then repeat";
    case grpc::StatusCode::UNIMPLEMENTED:
      return "this server does not have the method: name the service that has it by --server, or "
             "compare iptctl --version with the server's";
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::DATA_LOSS:
      return "tell whoever operates the server";
    default:
      return "";
  }
}

Report Read(const grpc::Status& status, bool write) {
  Report report;
  report.code = google::rpc::Code_Name(static_cast<google::rpc::Code>(status.error_code()));
  report.message = status.error_message();
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) details.Clear();
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad;
  google::rpc::PreconditionFailure preconditions;
  google::rpc::ResourceInfo resource;
  google::rpc::RetryInfo retry;
  google::rpc::RequestInfo request;
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&info)) {
      report.reason = info.reason();
      report.metadata.insert(info.metadata().begin(), info.metadata().end());
    } else if (any.UnpackTo(&bad)) {
      for (const auto& v : bad.field_violations()) {
        report.fields.emplace_back(v.field(), v.description());
      }
    } else if (any.UnpackTo(&preconditions)) {
      for (const auto& v : preconditions.violations()) {
        // Of one violation the message says all already.
        const bool said = v.description() == report.message;
        report.preconditions.emplace_back(
            v.subject(), said ? v.type() : absl::StrCat(v.type(), ": ", v.description()));
      }
    } else if (any.UnpackTo(&resource)) {
      report.resource = resource.resource_name();
    } else if (any.UnpackTo(&retry)) {
      report.retry_after = absl::FormatDuration(absl::Seconds(retry.retry_delay().seconds()) +
                                                absl::Nanoseconds(retry.retry_delay().nanos()));
    } else if (any.UnpackTo(&request)) {
      report.server_request = request.request_id();
    }
  }
  // What ResourceInfo has said.
  if (const auto it = report.metadata.find("resource");
      it != report.metadata.end() && it->second == report.resource) {
    report.metadata.erase(it);
  }
  report.hint = HintFor(status.error_code(), report.reason, write);
  return report;
}

Json Pairs(const std::vector<std::pair<std::string, std::string>>& pairs, const char* key) {
  Json out = Json::array();
  for (const auto& [name, description] : pairs) {
    out.push_back({{key, name}, {"description", description}});
  }
  return out;
}

// Bytes from a server or a file may be no UTF-8.
std::string Dump(const Json& json) {
  return absl::StrCat(json.dump(2, ' ', false, Json::error_handler_t::replace), "\n");
}

}  // namespace

const char kExitCodesHelp[] =
    "  0  done\n"
    "  1  the command line is wrong\n"
    "  2  the server refused a field (INVALID_ARGUMENT, OUT_OF_RANGE)\n"
    "  3  no such resource (NOT_FOUND)\n"
    "  4  the state forbids it (FAILED_PRECONDITION, ABORTED, ALREADY_EXISTS)\n"
    "  5  not allowed (UNAUTHENTICATED, PERMISSION_DENIED)\n"
    "  6  try again later (UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, CANCELLED)\n"
    "  7  a fault (everything else)\n";

int ExitCodeOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:
      return 0;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return 2;
    case grpc::StatusCode::NOT_FOUND:
      return 3;
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::ALREADY_EXISTS:
      return kExitState;
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return 5;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::CANCELLED:
      return 6;
    default:
      return 7;
  }
}

std::string ReasonOf(const grpc::Status& status) { return Read(status, false).reason; }

std::string DescribeError(const grpc::Status& status, absl::string_view request_id, bool json,
                          absl::string_view program) {
  const Report report = Read(status, !request_id.empty());
  if (json) {
    Json error{{"code", report.code}, {"message", report.message}};
    const auto add = [&](const char* key, absl::string_view text) {
      if (!text.empty()) error[key] = std::string(text);
    };
    add("reason", report.reason);
    if (!report.fields.empty()) error["fields"] = Pairs(report.fields, "field");
    if (!report.preconditions.empty()) {
      error["preconditions"] = Pairs(report.preconditions, "subject");
    }
    add("resource", report.resource);
    if (!report.metadata.empty()) error["metadata"] = report.metadata;
    add("retryAfter", report.retry_after);
    add("serverRequest", report.server_request);
    add("requestId", request_id);
    add("hint", report.hint);
    error["exitCode"] = ExitCodeOf(status.error_code());
    return Dump(Json{{"error", error}});
  }
  std::string out = absl::StrCat(program, ": ", report.code);
  if (!report.reason.empty() && report.reason != report.code) {
    absl::StrAppend(&out, " (", report.reason, ")");
  }
  absl::StrAppend(&out, ": ", report.message, "\n");
  for (const auto& [field, description] : report.fields) {
    absl::StrAppend(&out, "  ", field, ": ", description, "\n");
  }
  for (const auto& [subject, description] : report.preconditions) {
    absl::StrAppend(&out, "  ", subject, ": ", description, "\n");
  }
  const auto line = [&](absl::string_view label, absl::string_view text) {
    if (!text.empty()) absl::StrAppend(&out, "  ", label, ": ", text, "\n");
  };
  line("resource", report.resource);
  for (const auto& [key, value] : report.metadata) line(key, value);
  line("retry after", report.retry_after);
  line("what to do", report.hint);
  line("request-id", request_id);
  line("server's request", report.server_request);
  return out;
}

std::string DescribeUsageError(absl::string_view message, absl::string_view help, bool json,
                               absl::string_view program) {
  if (json) {
    return Dump(Json{{"error",
                      {{"code", "USAGE"},
                       {"message", std::string(message)},
                       {"hint", std::string(help)},
                       {"exitCode", kExitUsage}}}});
  }
  return absl::StrCat(program, ": ", message, "\n  ", help, "\n");
}

}  // namespace ipt::ctl
