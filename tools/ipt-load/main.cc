// ipt-load: load, contention and verification over real gRPC.
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ipt-load/alert_way.h"
#include "ipt-load/clinic_maker.h"
#include "ipt-load/forms.h"
#include "ipt-load/report.h"
#include "platform/errors/status_macros.h"

ABSL_FLAG(std::string, server, "127.0.0.1:50051", "The server.");
ABSL_FLAG(std::string, scheduling, "",
          "run, alerts: the server that has clinics, therapists and courses, where that is not "
          "--server (which is ipt-outcomes then).");
ABSL_FLAG(bool, tls, false, "Connect with TLS; implied by --ca and --cert.");
ABSL_FLAG(std::string, ca, "", "PEM of the authorities to trust. Empty: the system's.");
ABSL_FLAG(std::string, cert, "", "PEM of the client's certificate chain, for mutual TLS.");
ABSL_FLAG(std::string, key, "", "PEM of the client's private key.");
ABSL_FLAG(std::string, tls_name, "", "The name that the server's certificate must bear.");
ABSL_FLAG(std::string, token_file, "", "File with a bearer token.");
ABSL_FLAG(bool, allow_insecure, false, "Send the token to another machine although TLS is off.");
ABSL_FLAG(absl::Duration, deadline, absl::Seconds(10), "Deadline of every single call.");
ABSL_FLAG(int, connections, 4, "TCP connections.");
ABSL_FLAG(std::string, output, "table", "table or json.");

ABSL_FLAG(std::string, mix, "get-course=80,book-session=15,plan=5",
          "run: operations and their weights; `ipt-load operations` lists them.");
ABSL_FLAG(int, in_flight, 64, "run: calls in flight at any time.");
ABSL_FLAG(double, rate, 100, "alerts: calls a second, sent when they are due.");
ABSL_FLAG(double, risk, 0.25,
          "run, alerts: share of forms (0 to 1) with a risk answer, which raises an alert.");
ABSL_FLAG(absl::Duration, warmup, absl::Seconds(2),
          "run, alerts, deliver: load before measuring begins.");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(10),
          "run, alerts, deliver, fight, watch: how long to measure, fight, watch. SIGINT ends a "
          "watch early.");
ABSL_FLAG(bool, setup, true,
          "run: make clinics, therapists and courses; --nosetup takes those of an earlier run.");
ABSL_FLAG(std::vector<std::string>, clinics, std::vector<std::string>({"load-0", "load-1"}),
          "run, alerts: ids of the clinics; those that do not exist are made. deliver: of these.");
ABSL_FLAG(int, courses, 64, "run, alerts: courses a clinic whose sessions are all booked.");
ABSL_FLAG(int, spare_courses, 0, "run: courses a clinic made beforehand for book-session.");
ABSL_FLAG(int, therapists, 4, "run, alerts, fight: therapists a clinic.");

ABSL_FLAG(int, streams, 8, "deliver: streams that are open at once.");
ABSL_FLAG(int, credits, 100, "deliver: reminders that a stream has under way, 1 to 500.");
ABSL_FLAG(int, reminders, 0,
          "deliver: end once so many are done, however long it takes up to "
          "--duration. 0: by time.");

ABSL_FLAG(std::string, clinic, "", "fight, same: id of the new clinic. Empty: one of its own.");
ABSL_FLAG(int, clients, 64, "fight, same: clients.");
ABSL_FLAG(int, slots, 200, "fight: slots; a multiple of --therapists.");
ABSL_FLAG(absl::Duration, patience, absl::Seconds(60),
          "fight: how long a client repeats a call before it gives up.");
ABSL_FLAG(
    absl::Duration, longest_pause, absl::Seconds(30),
    "fight: the longest that a client waits before it repeats a call, whatever the server asks.");
ABSL_FLAG(double, abandon, 0,
          "fight: share of calls (0 to 1) that are given up within moments of being sent, then "
          "repeated.");
ABSL_FLAG(std::string, acknowledged, "",
          "fight: where to write down what the server acknowledged; verify: what to verify.");
ABSL_FLAG(bool, must_be_full, true, "verify: fail while a slot is free.");
ABSL_FLAG(int, rounds, 10, "same: bookings, each sent by all clients at once.");
ABSL_FLAG(std::string, service, "", "watch: full name of the service. Empty: the server itself.");
ABSL_FLAG(absl::Duration, every, absl::Milliseconds(50), "watch: time between two checks.");

namespace ipt::load {
namespace {

volatile std::sig_atomic_t interrupted = 0;

constexpr char kUsage[] =
    "Load, contention and verification of IPT Suite over gRPC. Every call has a deadline.\n\n"
    "  ipt-load [run]       closed-loop load with a chosen mix: calls a second and latency "
    "percentiles\n"
    "  ipt-load operations  what --mix may name\n"
    "  ipt-load alerts      forms at a steady rate, and how long after a risk answer its alert is "
    "heard\n"
    "  ipt-load deliver     takes due reminders as a gateway would, and completes them at once; "
    "sends nothing\n"
    "  ipt-load fight       many clients fight for few slots; every acknowledged booking is "
    "written down\n"
    "  ipt-load verify      holds such a file against the store: overlaps, lost or unknown "
    "bookings\n"
    "  ipt-load same        equal requests with one request_id at once: one booking, one answer\n"
    "  ipt-load watch       the health of a service, and when it changed\n\n"
    "Exit status: 0 done; 1 a check failed, or calls of `run` did; 2 wrong flags or no server.\n\n"
    "Examples:\n"
    "  ipt-load --mix=get-course=80,book-session=15,plan=5 --in_flight=64 --duration=30s\n"
    "  ipt-load --mix=empty --connections=1 --output=json\n"
    "  ipt-load --nosetup --mix=get-course=9,find-slots=1\n"
    "  ipt-load alerts --rate=200 --risk=0.25 --duration=30s\n"
    "  ipt-load deliver --clinics=north --streams=8 --credits=100 --duration=30s\n"
    "  ipt-load fight --clients=64 --slots=200 --duration=20s --acknowledged=/tmp/fight.log\n"
    "  ipt-load verify --acknowledged=/tmp/fight.log\n"
    "  ipt-load watch --service=ipt.scheduling.v1.CourseService --duration=1m\n"
    "  ipt-load --server=ipt.example:443 --ca=ca.pem --token_file=token --mix=get-course\n";

// What a command prints, and whether it went well.
template <typename Result>
int Print(const Result& result, bool ok) {
  std::cout << (absl::GetFlag(FLAGS_output) == "json" ? Json(result) : Table(result)) << std::flush;
  return ok ? 0 : 1;
}

absl::Status AtLeast(const char* flag, int value, int least) {
  if (value >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " must be at least ", least));
}

absl::StatusOr<std::unique_ptr<Connections>> Connect(const std::string& server) {
  Target target;
  target.server = server;
  target.tls = absl::GetFlag(FLAGS_tls);
  target.ca = absl::GetFlag(FLAGS_ca);
  target.cert = absl::GetFlag(FLAGS_cert);
  target.key = absl::GetFlag(FLAGS_key);
  target.tls_name = absl::GetFlag(FLAGS_tls_name);
  target.allow_insecure = absl::GetFlag(FLAGS_allow_insecure);
  target.deadline = absl::GetFlag(FLAGS_deadline);
  if (target.deadline <= absl::ZeroDuration() || target.deadline == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError("--deadline must be above 0 and finite");
  }
  if (const std::string path = absl::GetFlag(FLAGS_token_file); !path.empty()) {
    std::ifstream file(path);
    std::string token;
    if (!std::getline(file, token)) {
      return absl::InvalidArgumentError(absl::StrCat("--token_file: cannot read ", path));
    }
    target.token = std::string(absl::StripAsciiWhitespace(token));
  }
  IPT_RETURN_IF_ERROR(AtLeast("connections", absl::GetFlag(FLAGS_connections), 1));
  return Connections::Open(target, absl::GetFlag(FLAGS_connections));
}

std::string NewClinicId(const char* prefix) {
  const std::string given = absl::GetFlag(FLAGS_clinic);
  return given.empty() ? absl::StrCat(prefix, "-", NewRequestId().substr(0, 8)) : given;
}

absl::StatusOr<WorkloadOptions> ReadWorkload() {
  WorkloadOptions work;
  work.setup = absl::GetFlag(FLAGS_setup);
  work.clinics = absl::GetFlag(FLAGS_clinics);
  work.therapists = absl::GetFlag(FLAGS_therapists);
  work.courses = absl::GetFlag(FLAGS_courses);
  work.spare_courses = absl::GetFlag(FLAGS_spare_courses);
  if (work.clinics.empty()) return absl::InvalidArgumentError("--clinics: name at least one");
  IPT_RETURN_IF_ERROR(AtLeast("therapists", work.therapists, 1));
  IPT_RETURN_IF_ERROR(AtLeast("courses", work.courses, 1));
  IPT_RETURN_IF_ERROR(AtLeast("spare_courses", work.spare_courses, 0));
  return work;
}

absl::StatusOr<std::unique_ptr<Workload>> MakeWorkload(const Connections& connections,
                                                       const WorkloadOptions& work) {
  const std::string scheduling = absl::GetFlag(FLAGS_scheduling);
  if (scheduling.empty()) return Workload::Make(connections, work);
  IPT_ASSIGN_OR_RETURN(const auto of_scheduling, Connect(scheduling));
  return Workload::Make(*of_scheduling, work);
}

// The share of forms with a risk answer.
absl::StatusOr<double> ReadRisk() {
  const double risk = absl::GetFlag(FLAGS_risk);
  if (risk >= 0 && risk <= 1) return risk;
  return absl::InvalidArgumentError("--risk must be 0 to 1");
}

absl::StatusOr<int> RunCommand(const Connections& connections) {
  LoadOptions options;
  IPT_ASSIGN_OR_RETURN(options.mix, ParseMix(absl::GetFlag(FLAGS_mix)));
  options.in_flight = absl::GetFlag(FLAGS_in_flight);
  options.warmup = absl::GetFlag(FLAGS_warmup);
  options.duration = absl::GetFlag(FLAGS_duration);
  IPT_ASSIGN_OR_RETURN(const WorkloadOptions work, ReadWorkload());
  IPT_ASSIGN_OR_RETURN(const double risk, ReadRisk());
  IPT_RETURN_IF_ERROR(AtLeast("in_flight", options.in_flight, 1));
  if ((options.mix.contains("book-session") || options.mix.contains("record")) && !work.setup) {
    return absl::InvalidArgumentError(
        "--mix: book-session and record write for courses of this run alone; leave --nosetup out");
  }
  auto workload = std::make_unique<Workload>();
  // The empty call needs no data.
  if (options.mix.size() > 1 || !options.mix.contains("empty")) {
    IPT_ASSIGN_OR_RETURN(workload, MakeWorkload(connections, work));
  }
  if (options.mix.contains("get-guide")) {
    IPT_RETURN_IF_ERROR(workload->FindSessions(connections));
  }
  Forms forms(workload->courses(), risk, absl::Now());
  if (options.mix.contains("record")) {
    IPT_RETURN_IF_ERROR(Introduce(connections, workload->courses()));
  }
  const LoadResult result = RunLoad(connections, *workload, forms, options);
  bool ok = !result.ran_out && !result.methods.empty();
  for (const auto& [name, method] : result.methods) ok = ok && method.error_calls == 0;
  return Print(result, ok);
}

absl::StatusOr<int> AlertsCommand(const Connections& connections) {
  AlertWayOptions options;
  options.rate = absl::GetFlag(FLAGS_rate);
  options.warmup = absl::GetFlag(FLAGS_warmup);
  options.duration = absl::GetFlag(FLAGS_duration);
  if (!(options.rate > 0 && options.rate <= 1e6)) {
    return absl::InvalidArgumentError("--rate must be above 0, and at most 1000000");
  }
  IPT_ASSIGN_OR_RETURN(WorkloadOptions work, ReadWorkload());
  work.setup = true;
  IPT_ASSIGN_OR_RETURN(const double risk, ReadRisk());
  IPT_ASSIGN_OR_RETURN(const auto workload, MakeWorkload(connections, work));
  IPT_RETURN_IF_ERROR(Introduce(connections, workload->courses()));
  options.clinics = workload->clinics();
  Forms forms(workload->courses(), risk, absl::Now());
  IPT_ASSIGN_OR_RETURN(const AlertWayResult result, MeasureAlertWay(connections, forms, options));
  return Print(result, result.ok());
}

absl::StatusOr<int> DeliverCommand(const Connections& connections) {
  DeliverOptions options;
  options.clinics = absl::GetFlag(FLAGS_clinics);
  options.streams = absl::GetFlag(FLAGS_streams);
  options.credits = absl::GetFlag(FLAGS_credits);
  options.reminders = absl::GetFlag(FLAGS_reminders);
  options.warmup = absl::GetFlag(FLAGS_warmup);
  options.duration = absl::GetFlag(FLAGS_duration);
  if (options.clinics.empty()) return absl::InvalidArgumentError("--clinics: name at least one");
  IPT_RETURN_IF_ERROR(AtLeast("streams", options.streams, 1));
  IPT_RETURN_IF_ERROR(AtLeast("credits", options.credits, 1));
  IPT_RETURN_IF_ERROR(AtLeast("reminders", absl::GetFlag(FLAGS_reminders), 0));
  if (options.credits > 500) return absl::InvalidArgumentError("--credits must be at most 500");
  const DeliverResult result = Deliver(connections, options);
  return Print(result, result.ok());
}

absl::StatusOr<int> FightCommand(const Connections& connections) {
  FightOptions options;
  options.clinic = NewClinicId("fight");
  options.clients = absl::GetFlag(FLAGS_clients);
  options.slots = absl::GetFlag(FLAGS_slots);
  options.therapists = absl::GetFlag(FLAGS_therapists);
  options.duration = absl::GetFlag(FLAGS_duration);
  options.patience = {absl::GetFlag(FLAGS_patience), absl::GetFlag(FLAGS_longest_pause),
                      absl::GetFlag(FLAGS_abandon)};
  if (!(options.patience.abandon >= 0 && options.patience.abandon <= 1)) {
    return absl::InvalidArgumentError("--abandon must be 0 to 1");
  }
  IPT_RETURN_IF_ERROR(AtLeast("clients", options.clients, 1));
  IPT_RETURN_IF_ERROR(AtLeast("therapists", options.therapists, 1));
  IPT_RETURN_IF_ERROR(AtLeast("slots", options.slots, options.therapists));
  if (options.slots % options.therapists != 0) {
    return absl::InvalidArgumentError("--slots must be a multiple of --therapists");
  }
  const std::string path = absl::GetFlag(FLAGS_acknowledged);
  if (path.empty()) return absl::InvalidArgumentError("fight needs --acknowledged=FILE");
  IPT_ASSIGN_OR_RETURN(const auto log, BookingLog::Create(path));
  IPT_ASSIGN_OR_RETURN(const FightResult result, Fight(connections, options, *log));
  return Print(result, result.ok());
}

absl::StatusOr<int> VerifyCommand(const Connections& connections) {
  IPT_ASSIGN_OR_RETURN(const Acknowledged log, ReadBookingLog(absl::GetFlag(FLAGS_acknowledged)));
  RetryingCaller caller(connections, 0, Patience{});
  IPT_ASSIGN_OR_RETURN(const Verdict verdict, Verify(caller, log));
  return Print(verdict, verdict.ok(absl::GetFlag(FLAGS_must_be_full)));
}

absl::StatusOr<int> SameCommand(const Connections& connections) {
  const int clients = absl::GetFlag(FLAGS_clients);
  const int rounds = absl::GetFlag(FLAGS_rounds);
  IPT_RETURN_IF_ERROR(AtLeast("clients", clients, 1));
  IPT_RETURN_IF_ERROR(AtLeast("rounds", rounds, 1));
  if (rounds > kCourseSessions) {
    return absl::InvalidArgumentError("--rounds: a course has 16 sessions, so at most 16");
  }
  IPT_ASSIGN_OR_RETURN(const SameRequestResult result,
                       SendSameRequests(connections, NewClinicId("same"), clients, rounds));
  return Print(result, result.ok());
}

absl::StatusOr<int> Dispatch(const std::vector<std::string>& words) {
  const std::string output = absl::GetFlag(FLAGS_output);
  if (output != "table" && output != "json") {
    return absl::InvalidArgumentError("--output must be table or json");
  }
  const std::string command = words.empty() ? "run" : words[0];
  if (words.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat("what is ", words[1], "? See --help"));
  }
  if (command == "operations") {
    for (const Operation& operation : Operations()) {
      std::printf("%-14s %s\n", operation.name, operation.help);
    }
    return 0;
  }
  IPT_ASSIGN_OR_RETURN(const auto connections, Connect(absl::GetFlag(FLAGS_server)));
  if (command == "run") return RunCommand(*connections);
  if (command == "alerts") return AlertsCommand(*connections);
  if (command == "deliver") return DeliverCommand(*connections);
  if (command == "fight") return FightCommand(*connections);
  if (command == "verify") return VerifyCommand(*connections);
  if (command == "same") return SameCommand(*connections);
  if (command == "watch") {
    // Told to end early, it still tells what it saw.
    std::signal(SIGINT, [](int) { interrupted = 1; });
    return Print(
        WatchHealth(*connections, absl::GetFlag(FLAGS_service), absl::GetFlag(FLAGS_duration),
                    absl::GetFlag(FLAGS_every), [] { return interrupted != 0; }),
        true);
  }
  return absl::InvalidArgumentError(absl::StrCat("there is no command ", command, "; see --help"));
}

}  // namespace
}  // namespace ipt::load

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(ipt::load::kUsage);
  absl::FlagsUsageConfig config;
  config.version_string = [] { return absl::StrCat("ipt-load ", IPT_VERSION, "\n"); };
  config.contains_help_flags = [](absl::string_view file) {
    return absl::StrContains(file, "ipt-load");
  };
  config.contains_helpshort_flags = config.contains_help_flags;
  config.normalize_filename = [](absl::string_view file) {
    return std::string(file.substr(file.rfind('/') + 1));
  };
  absl::SetFlagsUsageConfig(config);
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  const absl::StatusOr<int> exit_status =
      ipt::load::Dispatch(std::vector<std::string>(words.begin() + 1, words.end()));
  if (exit_status.ok()) return *exit_status;
  std::cerr << "ipt-load: " << exit_status.status().message() << '\n';
  return 2;
}
