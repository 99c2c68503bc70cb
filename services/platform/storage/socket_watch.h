// Ends connections whose server does not answer any more, though it is there: a stuck disk, a
// commit that waits for a standby. libpq waits for an answer without limit, statement_timeout is
// the stuck server's own to keep, and TCP misses nothing.
//
// Thread-safe; one background thread.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "platform/storage/time_limit.h"

namespace ipt::storage {

// A second number for a socket that a library opened and closes. Whoever holds it can be sure that
// the number means this socket and no later one.
class SocketHandle {
 public:
  explicit SocketHandle(int socket) : number_(fcntl(socket, F_DUPFD_CLOEXEC, 0)) {}
  ~SocketHandle() {
    if (number_ >= 0) close(number_);
  }
  SocketHandle(const SocketHandle&) = delete;
  SocketHandle& operator=(const SocketHandle&) = delete;

  int number() const { return number_; }

 private:
  const int number_;
};

class SocketWatch {
 public:
  class Guard {
   public:
    Guard(SocketWatch* watch, std::shared_ptr<const SocketHandle> socket)
        : watch_(watch), socket_(std::move(socket)) {}
    ~Guard() {
      std::lock_guard<std::mutex> lock(watch_->mutex_);
      watch_->limits_.erase(socket_->number());
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    SocketWatch* const watch_;
    const std::shared_ptr<const SocketHandle> socket_;
  };

  SocketWatch() : thread_([this] { Run(); }) {}
  ~SocketWatch() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;

  // Shuts `socket` down once `limit` has passed and the guard still lives, so that whoever waits
  // for it is told that the connection is lost.
  Guard Watch(std::shared_ptr<const SocketHandle> socket, SteadyTime limit) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      limits_[socket->number()] = limit;
    }
    return Guard(this, std::move(socket));
  }

  // None is waited for beyond `end`, whatever its own limit. The last call holds.
  void EndAt(SteadyTime end) {
    std::lock_guard<std::mutex> lock(mutex_);
    end_ = end;
  }

 private:
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(500), [this] { return stopping_; })) {
      const SteadyTime now = SteadyClock::now();
      for (const auto& [socket, limit] : limits_) {
        if (now >= std::min(limit, end_)) shutdown(socket, SHUT_RDWR);
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  SteadyTime end_ = kNoLimit;
  absl::flat_hash_map<int, SteadyTime> limits_;  // by the socket's number
  std::thread thread_;
};

}  // namespace ipt::storage
