#include "tests/support/postgres_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "platform/errors/status_macros.h"

namespace ipt::testing {
namespace {

namespace fs = std::filesystem;

// Starts the server and stops it as soon as its standard input ends, which it does when the test
// process dies. A line on it says that the data is to stay.
constexpr char kGuardian[] =
    "folder=$1; shift; \"$@\" </dev/null >>\"$folder/log\" 2>&1 & server=$!; read -r keep; "
    "kill -INT $server 2>/dev/null; wait; [ -n \"$keep\" ] || rm -rf \"$folder\"";

absl::StatusOr<std::string> FindBinaries() {
  std::string best;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", error)) {
    if (fs::exists(entry.path() / "bin/postgres") && entry.path().string() > best) {
      best = entry.path().string();
    }
  }
  if (best.empty()) {
    return absl::NotFoundError("no PostgreSQL in /usr/lib/postgresql: run tools/setup");
  }
  return best + "/bin";
}

absl::StatusOr<int> FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool ok = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) close(fd);
  if (!ok) return absl::InternalError("no free port");
  return ntohs(address.sin_port);
}

// Runs a program as another user. `input` (or -1) becomes its standard input. Between fork and exec
// only calls that are safe in a copy of a threaded process.
pid_t Spawn(const std::vector<std::string>& args, uid_t uid, gid_t gid, int input,
            const std::string& output) {
  std::vector<char*> argv;
  for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  const int out = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (out >= 0) {
    dup2(out, 1);
    dup2(out, 2);
  }
  if (input >= 0) dup2(input, 0);
  if (getuid() == 0 && uid != 0 && (setgid(gid) != 0 || setuid(uid) != 0)) _exit(126);
  execv(argv[0], argv.data());
  _exit(127);
}

struct CloseConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresProcess>> PostgresProcess::Create(bool sync) {
  std::unique_ptr<PostgresProcess> server(new PostgresProcess(sync));
  IPT_ASSIGN_OR_RETURN(server->bin_, FindBinaries());
  server->uid_ = getuid();
  server->gid_ = getgid();
  if (server->uid_ == 0) {
    const passwd* user = getpwnam("postgres");
    if (user == nullptr) user = getpwnam("nobody");
    if (user == nullptr) return absl::NotFoundError("no unprivileged user to run PostgreSQL as");
    server->uid_ = user->pw_uid;
    server->gid_ = user->pw_gid;
  }
  std::string folder = (fs::temp_directory_path() / "ipt-postgres-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return absl::InternalError("mkdtemp");
  server->folder_ = folder;
  if (chown(folder.c_str(), server->uid_, server->gid_) != 0) return absl::InternalError("chown");

  // --no-sync spares initdb's own flushing only; the server syncs every commit.
  const pid_t initdb =
      testing::Spawn({server->bin_ + "/initdb", "-D", folder + "/data", "-U", "ipt", "-A", "trust",
                      "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"},
                     server->uid_, server->gid_, -1, folder + "/initdb.log");
  int status = 0;
  if (waitpid(initdb, &status, 0) != initdb || status != 0) {
    std::ifstream log(folder + "/initdb.log");
    return absl::InternalError(
        absl::StrCat("initdb: ", std::string(std::istreambuf_iterator<char>(log), {})));
  }
  for (int attempt = 0;; ++attempt) {
    IPT_ASSIGN_OR_RETURN(server->port_, FreePort());
    absl::Status started = server->Start();
    if (started.ok()) return server;
    if (attempt == 2) return started;  // not another process that took the port
  }
}

PostgresProcess::~PostgresProcess() {
  (void)Kill();
  std::error_code error;
  if (!folder_.empty()) fs::remove_all(folder_, error);
}

PostgresProcess& PostgresProcess::Shared() {
  static const std::unique_ptr<PostgresProcess> server = [] {
    auto created = Create(/*sync=*/false);
    if (!created.ok()) {
      std::fprintf(stderr, "cannot start PostgreSQL: %s\n",
                   std::string(created.status().message()).c_str());
      std::exit(1);
    }
    return *std::move(created);
  }();
  return *server;
}

absl::Status PostgresProcess::Spawn() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::InternalError("pipe");
  guardian_pipe_ = ends[1];
  guardian_ = testing::Spawn({"/bin/sh", "-c",
                              kGuardian, "guardian",
                              folder_,   bin_ + "/postgres",
                              "-D",      folder_ + "/data",
                              "-p",      absl::StrCat(port_),
                              "-h",      "127.0.0.1",
                              "-k",      folder_,
                              "-c",      "max_connections=150",
                              "-c",      "shared_buffers=32MB",
                              "-c",      absl::StrCat("fsync=", sync_ ? "on" : "off"),
                              "-c",      "log_min_messages=warning",
                              "-c",      "log_line_prefix=%m [%p] "},
                             uid_, gid_, ends[0], folder_ + "/guardian.log");
  close(ends[0]);
  return guardian_ > 0 ? absl::OkStatus() : absl::InternalError("fork");
}

absl::Status PostgresProcess::Start() {
  // After a kill the old server's children may hold its memory for a moment; the server then
  // refuses to start.
  absl::Status status;
  for (int attempt = 0; attempt < 20; ++attempt) {
    IPT_RETURN_IF_ERROR(Spawn());
    status = AwaitReady();
    if (status.ok()) return status;
    Reap();
    absl::SleepFor(absl::Milliseconds(100));
  }
  return status;
}

absl::Status PostgresProcess::AwaitReady() {
  const absl::Time limit = absl::Now() + absl::Seconds(60);
  const std::string conninfo =
      absl::StrCat("host=", folder_, " port=", port_, " user=ipt dbname=postgres");
  while (absl::Now() < limit) {
    if (PQping(conninfo.c_str()) == PQPING_OK) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(20));
    // The server is gone once its lock file is, or was never made, for a while.
    if (PostmasterPid() <= 0 && absl::Now() > limit - absl::Seconds(57)) break;
  }
  std::ifstream log(folder_ + "/log");
  return absl::UnavailableError(
      absl::StrCat("PostgreSQL: ", std::string(std::istreambuf_iterator<char>(log), {})));
}

pid_t PostgresProcess::PostmasterPid() const {
  std::ifstream file(folder_ + "/data/postmaster.pid");
  pid_t pid = -1;
  file >> pid;
  return pid > 0 && kill(pid, 0) == 0 ? pid : -1;
}

void PostgresProcess::Reap() {
  if (guardian_ <= 0) return;
  if (write(guardian_pipe_, "keep\n", 5) != 5) std::perror("guardian");
  close(guardian_pipe_);
  waitpid(guardian_, nullptr, 0);
  guardian_ = -1;
}

absl::Status PostgresProcess::Stop() {
  Reap();  // the guardian stops the server and waits for it
  return PostmasterPid() > 0 ? absl::InternalError("PostgreSQL did not stop") : absl::OkStatus();
}

absl::Status PostgresProcess::Kill() {
  const pid_t pid = PostmasterPid();
  if (guardian_ > 0 && pid > 0) kill(pid, SIGKILL);
  Reap();
  return absl::OkStatus();
}

absl::Status PostgresProcess::Restart() {
  IPT_RETURN_IF_ERROR(Stop());
  return Start();
}

absl::Status PostgresProcess::Run(absl::string_view database, absl::string_view sql) {
  const std::unique_ptr<PGconn, CloseConnection> connection(
      PQconnectdb(absl::StrCat("host=", folder_, " port=", port_, " user=ipt dbname=", database,
                               " options='-c client_min_messages=error'")
                      .c_str()));
  PGresult* result = PQexec(connection.get(), std::string(sql).c_str());
  const ExecStatusType status = PQresultStatus(result);
  PQclear(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return absl::OkStatus();
  return absl::InternalError(PQerrorMessage(connection.get()));
}

absl::Status PostgresProcess::CreateDatabase(absl::string_view name, absl::string_view from) {
  return Run("postgres",
             absl::StrCat("CREATE DATABASE ", name, from.empty() ? "" : " TEMPLATE ", from));
}

absl::Status PostgresProcess::DropDatabase(absl::string_view name) {
  return Run("postgres", absl::StrCat("DROP DATABASE ", name, " WITH (FORCE)"));
}

std::string PostgresProcess::Url(absl::string_view database) const {
  return absl::StrCat("postgresql://ipt@127.0.0.1:", port_, "/", database);
}

}  // namespace ipt::testing
