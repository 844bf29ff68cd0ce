#include "choregos/net/http_server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "choregos/net/http_session.hpp"

namespace choregos::net {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr Duration kAcceptPauseFirst = 50ms;
constexpr Duration kAcceptPauseMax = 1s;

bool out_of_resources(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

struct HttpServer::Impl final : HttpServerCore, std::enable_shared_from_this<HttpServer::Impl> {
  using HttpServerCore::HttpServerCore;

  struct Listener {
    Listener(asio::io_context& context, int fd, bool unix_socket) : socket(context, fd), over_unix(unix_socket) {}
    Descriptor socket;
    const bool over_unix;
    std::string path;  // of a unix socket, removed at the end
    Duration pause = kAcceptPauseFirst;
    Timer retry;
  };

  std::vector<std::shared_ptr<Listener>> listeners;
  std::unordered_map<HttpSession*, std::shared_ptr<HttpSession>> sessions;
  std::map<IpAddress, std::size_t> per_ip;  // open connections that are no streams, loopback left out
  Timer sweep;
  Timer drain_limit;
  std::function<void()> drained;

  // ---- Accepting ----

  void add_listener(int fd, bool over_unix, std::string path) {
    auto listener = std::make_shared<Listener>(context_of(loop), fd, over_unix);
    listener->path = std::move(path);
    listeners.push_back(listener);
    wait_accept(listener);
  }

  void wait_accept(const std::shared_ptr<Listener>& listener) {
    listener->socket.async_wait(Descriptor::wait_read, [weak = weak_from_this(), listener](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self && listener->socket.is_open()) self->accept_some(listener);
    });
  }

  void accept_some(const std::shared_ptr<Listener>& listener) {
    for (int i = 0; i < kAcceptsPerTurn && listener->socket.is_open(); ++i) {
      sockaddr_storage storage{};
      socklen_t size = sizeof storage;
      FdGuard fd(::accept4(listener->socket.native_handle(), reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        if (!out_of_resources(errno)) continue;  // that one connection was aborted on its way
        // Without descriptors the queue stays readable: waiting again at once would spin.
        ++stats.accept_failures;
        listener->retry = loop.after(listener->pause, [weak = weak_from_this(), weak_listener = std::weak_ptr(listener)] {
          const auto self = weak.lock();
          const auto again = weak_listener.lock();
          if (self && again) self->accept_some(again);
        });
        listener->pause = std::min(listener->pause * 2, kAcceptPauseMax);
        return;
      }
      listener->pause = kAcceptPauseFirst;
      admit(std::move(fd), listener->over_unix ? SocketAddress{} : socket_address(storage), listener->over_unix);
    }
    if (listener->socket.is_open()) wait_accept(listener);
  }

  void admit(FdGuard fd, const SocketAddress& peer, bool over_unix) {
    const bool counted = !over_unix && !peer.ip.is_loopback();
    const auto same_ip = counted ? per_ip.find(peer.ip) : per_ip.end();
    if (stats.connections - stats.streams >= options.connection_count_max || (same_ip != per_ip.end() && same_ip->second >= options.connection_per_ip_count_max)) {
      ++stats.refused_connections;
      return;
    }
    if (!over_unix) set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    // A peer whose machine lost power says nothing any more: a quarter of a minute, whether something of ours waits for its
    // acknowledgement (user time-out, RFC 5482) or a stream is idle (keep-alive, which streams switch on).
    if (!over_unix) {
      set_option(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE, 5);
      set_option(fd.get(), IPPROTO_TCP, TCP_KEEPINTVL, 3);
      set_option(fd.get(), IPPROTO_TCP, TCP_KEEPCNT, 3);
      set_option(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, 15'000);
    }
    auto session = std::make_shared<HttpSession>(shared_from_this(), fd.release(), peer, over_unix);
    sessions.emplace(session.get(), session);
    ++stats.accepted;
    ++stats.connections;
    if (counted) ++per_ip[peer.ip];
    if (!sweep) start_sweep();
    session->start();
  }

  // ---- Sessions ----

  void uncount_ip(const HttpSession& session) {
    if (session.over_unix() || session.peer().ip.is_loopback()) return;
    const auto at = per_ip.find(session.peer().ip);
    if (at != per_ip.end() && --at->second == 0) per_ip.erase(at);
  }

  void on_session_streams(HttpSession& session) override {
    ++stats.streams;
    uncount_ip(session);
  }

  void on_session_closed(HttpSession& session) override {
    if (sessions.erase(&session) == 0) return;
    --stats.connections;
    if (session.streaming()) --stats.streams;
    else uncount_ip(session);
    if (sessions.empty()) {
      sweep.cancel();
      finish_drain();
    }
  }

  /// One timer looks at all connections: cheaper than four deadlines moved at every request, and late by a quarter of the
  /// shortest of them at most.
  void start_sweep() {
    const Duration shortest = std::min({options.header_time_max, options.idle_time_max, options.body_grace, options.write_stall_max, Duration(2s)});
    sweep = loop.every(std::clamp<Duration>(shortest / 4, 5ms, 500ms), [this] {
      std::vector<std::shared_ptr<HttpSession>> all;
      all.reserve(sessions.size());
      for (const auto& [key, session] : sessions) all.push_back(session);
      const Instant now = loop.now();
      for (const auto& session : all) session->check_time(now);
    });
  }

  // ---- Ending ----

  void stop_listening() {
    for (const auto& listener : std::exchange(listeners, {})) {
      boost::system::error_code ignored;
      listener->retry.cancel();
      listener->socket.close(ignored);
      if (!listener->path.empty()) ::unlink(listener->path.c_str());
    }
  }

  void finish_drain() {
    if (!draining || !drained) return;
    drain_limit.cancel();
    loop.post(std::exchange(drained, nullptr));
  }

  std::vector<std::shared_ptr<HttpSession>> all_sessions() const {
    std::vector<std::shared_ptr<HttpSession>> all;
    for (const auto& [key, session] : sessions) all.push_back(session);
    return all;
  }
};

HttpServer::HttpServer(Loop& loop, Options options, Handler handler) : impl_(std::make_shared<Impl>(loop, options, std::move(handler))) {}

HttpServer::~HttpServer() {
  impl_->stop_listening();
  impl_->drained = nullptr;
  for (const auto& session : impl_->all_sessions()) session->abort(StreamEnd::stopped, false);
  impl_->sweep.cancel();
  impl_->drain_limit.cancel();
}

Result<SocketAddress> HttpServer::listen(SocketAddress address) {
  const std::string where = to_string(address);
  FdGuard fd(::socket(address.ip.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("open a socket for " + where, errno);
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (!address.ip.is_v4()) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  const RawAddress raw = raw_address(address);
  if (::bind(fd.get(), raw.get(), raw.size) != 0) return system_error("listen on " + where, errno);
  if (::listen(fd.get(), 1024) != 0) return system_error("listen on " + where, errno);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return system_error("listen on " + where, errno);
  impl_->add_listener(fd.release(), false, "");
  return socket_address(bound);
}

Result<void> HttpServer::listen_unix(const std::string& path) {
  const RawAddress raw = raw_unix_address(path);
  if (raw.size == 0) return fail(ErrorCode::invalid, "a unix socket path has 1 to 107 bytes, unlike '" + path + "'");
  const auto open_socket = [] { return FdGuard(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); };
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) return fail(ErrorCode::io, "cannot listen on " + path + ": it exists and is not a socket");
    const FdGuard probe = open_socket();
    if (!probe || ::connect(probe.get(), raw.get(), raw.size) == 0 || errno == EAGAIN || errno == EINPROGRESS)
      return fail(ErrorCode::io, "cannot listen on " + path + ": another process answers there");
    ::unlink(path.c_str());
  }
  FdGuard fd = open_socket();
  if (!fd) return system_error("open a unix socket", errno);
  // Before bind(): the file is made with the mode of the descriptor, so nobody else can connect even for a moment.
  ::fchmod(fd.get(), 0600);
  if (::bind(fd.get(), raw.get(), raw.size) != 0) return system_error("listen on " + path, errno);
  if (::listen(fd.get(), 256) != 0) return system_error("listen on " + path, errno);
  impl_->add_listener(fd.release(), true, path);
  return {};
}

void HttpServer::close(Duration drain, std::function<void()> done) {
  const auto self = impl_;
  self->stop_listening();
  self->draining = true;
  self->drained = std::move(done);
  if (!self->drained) self->drained = [] {};
  for (const auto& session : self->all_sessions()) session->drain();
  if (self->sessions.empty()) return self->finish_drain();
  self->drain_limit = self->loop.after(drain, [impl = self.get()] {
    for (const auto& session : impl->all_sessions()) session->abort(StreamEnd::stopped, true);
  });
}

const HttpServer::Stats& HttpServer::stats() const { return impl_->stats; }

}  // namespace choregos::net
