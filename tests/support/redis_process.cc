#include "tests/support/redis_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "platform/errors/status_macros.h"

namespace ipt::testing {
namespace {

namespace fs = std::filesystem;

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

std::string Text(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return absl::StrCat(reply.integer);
    case REDIS_REPLY_ARRAY: {
      std::string all;
      for (size_t i = 0; i < reply.elements; ++i) {
        absl::StrAppend(&all, i == 0 ? "" : " ", Text(*reply.element[i]));
      }
      return all;
    }
    default:
      return reply.str == nullptr ? "" : std::string(reply.str, reply.len);
  }
}

absl::StatusOr<std::string> NewFolder() {
  std::string folder = (fs::temp_directory_path() / "ipt-redis-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return absl::InternalError("mkdtemp");
  return folder;
}

}  // namespace

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

absl::StatusOr<std::unique_ptr<RedisProcess>> RedisProcess::Create(
    std::vector<std::string> settings, bool tcp) {
  std::unique_ptr<RedisProcess> server(new RedisProcess);
  IPT_ASSIGN_OR_RETURN(server->folder_, NewFolder());
  if (tcp) {
    IPT_ASSIGN_OR_RETURN(server->port_, FreePort());
  }
  for (size_t i = 0; i + 1 < settings.size(); ++i) {
    if (settings[i] == "--requirepass") server->password_ = settings[i + 1];
  }
  server->args_ = {"/usr/bin/redis-server", "--port", absl::StrCat(server->port_), "--bind",
                   "127.0.0.1", "--unixsocket", server->folder_ + "/socket", "--dir",
                   server->folder_, "--save", "", "--maxmemory-policy", "noeviction",
                   // Tests share two cores with servers: no pauses for a replica that comes.
                   "--repl-diskless-sync-delay", "0"};
  server->args_.insert(server->args_.end(), settings.begin(), settings.end());
  IPT_RETURN_IF_ERROR(server->Start());
  return server;
}

absl::StatusOr<std::unique_ptr<RedisProcess>> RedisProcess::CreateSentinel(int master_port) {
  std::unique_ptr<RedisProcess> server(new RedisProcess);
  IPT_ASSIGN_OR_RETURN(server->folder_, NewFolder());
  IPT_ASSIGN_OR_RETURN(server->port_, FreePort());
  const std::string config = server->folder_ + "/sentinel.conf";
  std::ofstream(config) << "port " << server->port_ << "\nbind 127.0.0.1\nunixsocket "
                        << server->folder_ << "/socket\ndir " << server->folder_
                        << "\nsentinel monitor mymaster 127.0.0.1 " << master_port
                        << " 1\nsentinel down-after-milliseconds mymaster 2000\n"
                           "sentinel failover-timeout mymaster 3000\n";
  server->args_ = {"/usr/bin/redis-sentinel", config};
  IPT_RETURN_IF_ERROR(server->Start());
  return server;
}

RedisProcess::~RedisProcess() {
  Kill();
  std::error_code error;
  if (!folder_.empty()) fs::remove_all(folder_, error);
}

std::string RedisProcess::Url() const {
  return port_ != 0 ? absl::StrCat("redis://127.0.0.1:", port_)
                    : absl::StrCat("unix://", folder_, "/socket");
}

absl::Status RedisProcess::Spawn() {
  std::vector<char*> argv;
  for (const std::string& arg : args_) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  const std::string log = folder_ + "/log";
  // A socket that a killed server left behind would be connected to by nobody.
  unlink((folder_ + "/socket").c_str());
  pid_ = fork();
  if (pid_ < 0) return absl::InternalError("fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (out >= 0) {
      dup2(out, 1);
      dup2(out, 2);
    }
    execv(argv[0], argv.data());
    _exit(127);
  }
  return absl::OkStatus();
}

absl::Status RedisProcess::Start() {
  IPT_RETURN_IF_ERROR(Spawn());
  const absl::Time limit = absl::Now() + absl::Seconds(30);
  while (absl::Now() < limit) {
    const absl::StatusOr<std::string> pong = Run({"PING"});
    if (pong.ok()) return absl::OkStatus();
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      break;
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
  std::ifstream log(folder_ + "/log");
  return absl::UnavailableError(absl::StrCat(
      args_[0], " (run tools/setup?): ", std::string(std::istreambuf_iterator<char>(log), {})));
}

void RedisProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisProcess::Freeze() {
  kill(pid_, SIGSTOP);
  // Until it stands: a signal is on its way for a moment.
  siginfo_t info = {};
  waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WNOWAIT);
}

void RedisProcess::Thaw() { kill(pid_, SIGCONT); }

absl::StatusOr<std::string> RedisProcess::Run(const std::vector<std::string>& command) {
  const timeval limit = {10, 0};
  const std::unique_ptr<redisContext, FreeContext> context(
      redisConnectUnixWithTimeout((folder_ + "/socket").c_str(), limit));
  if (context == nullptr || context->err != 0) return absl::UnavailableError("no connection");
  redisSetTimeout(context.get(), limit);
  std::vector<const char*> argv;
  std::vector<size_t> sizes;
  for (const std::string& word : command) {
    argv.push_back(word.data());
    sizes.push_back(word.size());
  }
  if (!password_.empty()) {
    freeReplyObject(redisCommand(context.get(), "AUTH %s", password_.c_str()));
  }
  const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(
      redisCommandArgv(context.get(), static_cast<int>(argv.size()), argv.data(), sizes.data())));
  if (reply == nullptr) return absl::UnavailableError(context->errstr);
  if (reply->type == REDIS_REPLY_ERROR) return absl::InternalError(Text(*reply));
  return Text(*reply);
}

}  // namespace ipt::testing
