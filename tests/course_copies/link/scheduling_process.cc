#include "tests/course_copies/link/scheduling_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "course_copies/link/course_proto.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "ipt/scheduling/v1/clinic_service.pb.h"
#include "ipt/scheduling/v1/course_service.pb.h"
#include "ipt/scheduling/v1/session_service.pb.h"
#include "ipt/scheduling/v1/therapist_service.pb.h"
#include "platform/errors/status_macros.h"
#include "platform/ids/ids.h"

namespace ipt::testing {
namespace {

namespace fs = std::filesystem;
namespace pb = ::ipt::scheduling::v1;
using google::protobuf::Message;

void Check(bool ok, const std::string& what) {
  if (ok) return;
  ADD_FAILURE() << what;
  std::abort();
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  Check(bound, "no free port");
  return ntohs(address.sin_port);
}

// "seconds: 1800000000", at a full hour of a coming day.
std::string Instant(absl::Time now, int days, int hour) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const absl::CivilDay day = absl::ToCivilDay(now, utc) + days;
  return absl::StrCat("seconds: ",
                      absl::ToUnixSeconds(absl::FromCivil(
                          absl::CivilHour(day.year(), day.month(), day.day(), hour), utc)));
}

std::string Date(absl::Time now, int days) {
  const absl::CivilDay day = absl::ToCivilDay(now, absl::UTCTimeZone()) + days;
  return absl::StrCat("year: ", day.year(), " month: ", day.month(), " day: ", day.day());
}

}  // namespace

SchedulingProcess::SchedulingProcess() {
  std::string name = absl::StrCat(::testing::TempDir(), "/scheduling_XXXXXX");
  folder_ = mkdtemp(name.data());
  fs::create_directory(folder_ + "/data");
  address_ = absl::StrCat("127.0.0.1:", FreePort());
  Run({"migrate"});
  Start();
}

SchedulingProcess::~SchedulingProcess() {
  Kill();
  fs::remove_all(folder_);
}

pid_t SchedulingProcess::Spawn(const std::vector<std::string>& words) const {
  std::vector<std::string> all = {IPT_SCHEDULING_BINARY};
  all.insert(all.end(), words.begin(), words.end());
  all.insert(all.end(), {absl::StrCat("--database=sqlite://", folder_, "/data/scheduling.db"),
                         "--listen=" + address_, "--admin_listen=", "--log_level=error",
                         "--event_heartbeat=100ms"});
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t pid = fork();
  Check(pid >= 0, "no process");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(argv[0], argv.data());
    _exit(127);
  }
  return pid;
}

void SchedulingProcess::Run(const std::vector<std::string>& words) {
  int status = 0;
  const pid_t pid = Spawn(words);
  Check(waitpid(pid, &status, 0) == pid && status == 0, "ipt-scheduling " + words[0]);
}

void SchedulingProcess::Start() { pid_ = Spawn({"serve"}); }

void SchedulingProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void SchedulingProcess::Stop() {
  int status = 0;
  kill(pid_, SIGTERM);
  Check(waitpid(pid_, &status, 0) == pid_ && status == 0, "ipt-scheduling did not stop well");
  pid_ = -1;
}

void SchedulingProcess::Backup() {
  fs::copy(folder_ + "/data", folder_ + "/backup", fs::copy_options::recursive);
}

void SchedulingProcess::Restore() {
  fs::remove_all(folder_ + "/data");
  fs::copy(folder_ + "/backup", folder_ + "/data", fs::copy_options::recursive);
  Run({"restored"});
}

SchedulingClient::SchedulingClient(const std::string& address) {
  // Call finds methods by name: the linker has to keep the files that hold them.
  google::protobuf::LinkMessageReflection<pb::CreateClinicRequest>();
  google::protobuf::LinkMessageReflection<pb::CreateTherapistRequest>();
  google::protobuf::LinkMessageReflection<pb::CreateCourseRequest>();
  google::protobuf::LinkMessageReflection<pb::BookSessionRequest>();
  peer::Settings settings;
  settings.target.server = address;
  auto link = peer::OpenNetworkLink(settings, clock_);
  Check(link.ok(), "no link");
  peer::PeerOptions options;
  options.name = "scheduling";
  options.call_time = absl::Seconds(20);
  options.attempts = 1000;
  options.longest_pause = absl::Seconds(2);
  options.breaker.failures = 1'000'000;
  peer_ = std::make_unique<peer::Peer>(options, *std::move(link), clock_, metrics_);
}

absl::StatusOr<std::unique_ptr<Message>> SchedulingClient::Call(absl::string_view method,
                                                                const std::string& text) {
  const std::string name = absl::StrCat("ipt.scheduling.v1.", method);
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  Check(descriptor != nullptr, name);
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  std::unique_ptr<Message> request(factory->GetPrototype(descriptor->input_type())->New());
  std::unique_ptr<Message> response(factory->GetPrototype(descriptor->output_type())->New());
  Check(google::protobuf::TextFormat::ParseFromString(text, request.get()), text);
  if (const auto* id = request->GetDescriptor()->FindFieldByName("request_id"); id != nullptr) {
    request->GetReflection()->SetString(request.get(), id, RandomIdSource().NewUuid());
  }
  IPT_RETURN_IF_ERROR(
      peer_->Call(name, *request, *response, {.deadline = clock_.Now() + absl::Seconds(100)}));
  return response;
}

absl::Status SchedulingClient::MakeClinic(const std::string& clinic) {
  const std::string parent = absl::StrCat("clinics/", clinic);
  IPT_RETURN_IF_ERROR(Call("ClinicService.CreateClinic",
                           absl::StrCat("clinic_id: '", clinic, "' clinic { display_name: 'x' ",
                                        "time_zone: 'Europe/London' }"))
                          .status());
  std::string hours;
  for (int day = 1; day <= 7; ++day) {
    absl::StrAppend(&hours, "working_hours { day: ", day,
                    " start { hours: 5 } end { hours: 22 } } ");
  }
  for (const std::string therapist : {"ana", "ben"}) {
    IPT_RETURN_IF_ERROR(
        Call(
            "TherapistService.CreateTherapist",
            absl::StrCat("parent: '", parent, "' therapist_id: '", therapist,
                         "' therapist { display_name: 'x' time_zone: 'Europe/London' ", hours, "}"))
            .status());
  }
  for (int i = 1; i <= 4; ++i) {
    IPT_RETURN_IF_ERROR(
        Call("CourseService.CreateCourse",
             absl::StrCat("parent: '", parent, "' course_id: 'c", i, "' course { patient { ",
                          "system: 'urn:test' value: 'p", i, "' } therapist: '", parent,
                          "/therapists/ana' indication: ", i, " }"))
            .status());
  }
  return Call("CourseService.ImportCourse",
              absl::StrCat(
                  "parent: '", parent, "' course_id: 'c5' course { patient { ",
                  "system: 'urn:test' value: 'p5' } therapist: '", parent,
                  "/therapists/ben' } past_sessions { start_time { ", Instant(clock_.Now(), -14, 9),
                  " } outcome: ATTENDANCE_OUTCOME_ATTENDED }", " past_sessions { start_time { ",
                  Instant(clock_.Now(), -7, 9), " } outcome: ATTENDANCE_OUTCOME_NO_SHOW }"))
      .status();
}

absl::Status SchedulingClient::Act(const std::string& clinic, std::mt19937& random) {
  const absl::Time now = clock_.Now();
  const auto upto = [&](int n) { return static_cast<int>(random() % n); };
  const std::string parent = absl::StrCat("clinics/", clinic);
  const std::string course = absl::StrCat(parent, "/courses/c", 1 + upto(5));
  const std::string session = sessions_.empty() ? "" : sessions_[random() % sessions_.size()];
  absl::StatusOr<std::unique_ptr<Message>> done;
  const int act = upto(session.empty() ? 6 : 14);
  if (act < 6) {
    const bool past = upto(3) == 0;
    done = Call("SessionService.BookSession",
                absl::StrCat("parent: '", course, "' start_time { ",
                             Instant(now, past ? -1 - upto(20) : 1 + upto(90), 7 + upto(12)), " }",
                             past ? " retrospective: true" : ""));
    if (done.ok()) sessions_.push_back(static_cast<const pb::Session&>(**done).name());
  } else if (act < 8) {
    done = Call("SessionService.RescheduleSession",
                absl::StrCat("name: '", session, "' scope: ", 1 + upto(2), " start_time { ",
                             Instant(now, 1 + upto(90), 7 + upto(12)), " }"));
  } else if (act == 8) {
    done = Call("SessionService.CancelSession",
                absl::StrCat("name: '", session, "' cancelled_by: CANCELLED_BY_PATIENT"));
  } else if (act < 11) {
    done = Call(
        "SessionService.RecordAttendance",
        absl::StrCat("name: '", session, "' outcome: ", 1 + upto(3), " correction_reason: 'x'"));
  } else if (act == 11) {
    done = Call("CourseService.PauseCourse",
                absl::StrCat("name: '", course, "' cancel_sessions: true pause { first_day { ",
                             Date(now, upto(40)), " } last_day { ", Date(now, 41 + upto(5)),
                             " } reason: ", 1 + upto(2), " }"));
  } else if (act == 12) {
    const int verb = upto(3);
    done =
        verb == 0 ? Call("CourseService.DiscontinueCourse",
                         absl::StrCat("name: '", course, "' reason: ", 1 + upto(5)))
        : verb == 1
            ? Call("CourseService.ReopenCourse", absl::StrCat("name: '", course, "' reason: 'x'"))
            : Call("CourseService.TransferCourse",
                   absl::StrCat("name: '", course, "' therapist: '", parent, "/therapists/",
                                upto(2) == 0 ? "ana" : "ben", "' on_conflict: 2 reason: 'x'"));
  } else {
    const int patient = 1 + upto(5);
    const bool there = upto(2) == 0;
    done =
        Call("CourseService.ChangePatientIdentifier",
             absl::StrCat("parent: '", parent, "' from { system: 'urn:", there ? "test" : "new",
                          "' value: 'p", patient, "' } to { system: 'urn:", there ? "new" : "test",
                          "' value: 'p", patient, "' }"));
  }
  switch (done.status().code()) {
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
      return absl::OkStatus();
    default:
      return done.status();
  }
}

absl::StatusOr<std::vector<courses::CopiedCourse>> SchedulingClient::Courses(
    const std::string& clinic) {
  std::vector<courses::CopiedCourse> courses;
  const std::string parent = absl::StrCat("parent: 'clinics/", clinic);
  IPT_ASSIGN_OR_RETURN(const auto listed, Call("CourseService.ListCourses",
                                               absl::StrCat(parent, "' page_size: 1000")));
  for (const auto& course : static_cast<const pb::ListCoursesResponse&>(*listed).courses()) {
    IPT_ASSIGN_OR_RETURN(courses::CopiedCourse copy, courses::CopyOf(course, clinic));
    courses.push_back(std::move(copy));
  }
  IPT_ASSIGN_OR_RETURN(
      const auto sessions,
      Call("SessionService.ListSessions", absl::StrCat(parent, "/courses/-' page_size: 1000")));
  const auto& page = static_cast<const pb::ListSessionsResponse&>(*sessions);
  Check(page.next_page_token().empty(), "more sessions than a page holds");
  for (const auto& session : page.sessions()) {
    IPT_ASSIGN_OR_RETURN(courses::SessionOfCourse copy, courses::CopyOf(session, clinic));
    for (courses::CopiedCourse& course : courses) {
      if (course.course_id == copy.course_id) course.sessions.push_back(copy.session);
    }
  }
  for (courses::CopiedCourse& course : courses) {
    std::sort(course.sessions.begin(), course.sessions.end(), [](const auto& a, const auto& b) {
      return std::tie(a.start, a.session_id) < std::tie(b.start, b.session_id);
    });
  }
  return courses;
}

}  // namespace ipt::testing
