// Help for the tests of net/: blocking sockets on loopback, a small peer that can be killed, and a loop that waits for a
// condition with a bound. No Asio.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "choregos/base/ip.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/net/sockets.hpp"

/// Something that the machine lacks: skipped, unless CHOREGOS_NO_SKIP=1 says that it must be there.
#define CHOREGOS_SKIP(why)                                                                        \
  do {                                                                                            \
    const char* forced = std::getenv("CHOREGOS_NO_SKIP");                                         \
    if (forced && std::string_view(forced) == "1") FAIL() << (why) << ", and CHOREGOS_NO_SKIP=1"; \
    GTEST_SKIP() << (why);                                                                        \
  } while (false)

namespace choregos::net::testing {

inline const IpAddress kLoopback = IpAddress::v4(127, 0, 0, 1);

/// Runs the loop until `done` holds; false after five seconds.
inline bool wait_for(Loop& loop, const std::function<bool()>& done) { return loop.run_until(done, 5s); }
/// Runs the loop for that long.
inline void run_for(Loop& loop, Duration time) { loop.run_until([] { return false; }, time); }

/// A blocking TCP client that is driven while the loop runs in between.
class Peer {
 public:
  explicit Peer(const SocketAddress& to) : fd_(::socket(to.ip.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const RawAddress raw = raw_address(to);
    if (::connect(fd_.get(), raw.get(), raw.size) != 0) fd_ = FdGuard();
  }
  explicit Peer(const std::string& unix_path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const RawAddress raw = raw_unix_address(unix_path);
    if (::connect(fd_.get(), raw.get(), raw.size) != 0) fd_ = FdGuard();
  }
  bool connected() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void finish_sending() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_ = FdGuard(); }
  /// Ends the connection by RST.
  void reset() {
    const linger off{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &off, sizeof off);
    close();
  }

  /// Takes what has come without waiting. False once the other side has ended.
  bool take() {
    char buffer[65536];
    while (!ended_) {
      const ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
      if (n <= 0) {
        ended_ = true;
        was_reset_ = n < 0;
        break;
      }
      received.append(buffer, static_cast<std::size_t>(n));
    }
    return false;
  }
  bool ended() {
    take();
    return ended_;
  }
  bool was_reset() const { return was_reset_; }

  std::string received;

 private:
  FdGuard fd_;
  bool ended_ = false;
  bool was_reset_ = false;
};

/// Sends, runs the loop until the text has come (or the other side has ended), and gives all that was received.
inline std::string exchange_until(Loop& loop, Peer& peer, std::string_view request, std::string_view text) {
  peer.send(request);
  wait_for(loop, [&] { return !peer.take() || peer.received.find(text) != std::string::npos; });
  return peer.received;
}
/// Sends and runs the loop until the other side has ended.
inline std::string exchange_to_end(Loop& loop, Peer& peer, std::string_view request) {
  peer.send(request);
  wait_for(loop, [&] { return peer.ended(); });
  return peer.received;
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

/// A listening socket on loopback that answers as the test says, without a thread: the test accepts and speaks by hand.
class Door {
 public:
  explicit Door(int backlog = 16) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const RawAddress raw = raw_address({kLoopback, 0});
    ::bind(fd_.get(), raw.get(), raw.size);
    ::listen(fd_.get(), backlog);
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &size);
    address = socket_address(storage);
  }
  /// -1 when nobody has come.
  int accept() { return ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC); }
  int fd() const { return fd_.get(); }
  void close() { fd_ = FdGuard(); }
  SocketAddress address;

 private:
  FdGuard fd_;
};

/// A child process running `body`; killed by SIGKILL and awaited at the end.
class Child {
 public:
  explicit Child(const std::function<void()>& body) : pid_(::fork()) {
    if (pid_ == 0) {
      body();
      ::_exit(0);
    }
  }
  ~Child() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }

 private:
  pid_t pid_;
};

}  // namespace choregos::net::testing
