#include "choregos/net/http_client.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "choregos/net/asio.hpp"
#include "choregos/net/framing_gate.hpp"
#include "choregos/net/name_lookup.hpp"
#include "choregos/net/response_reader.hpp"
#include "choregos/net/sockets.hpp"
#include "choregos/net/write_queue.hpp"

namespace choregos::net {
namespace {

namespace http = boost::beast::http;

struct Problem {
  Failure failure = Failure::other;
  Error error;
};

Problem problem_of_errno(int error, const std::string& what) {
  const std::string text = what + ": " + std::generic_category().message(error);
  switch (error) {
    case ECONNREFUSED: return {Failure::refused, {ErrorCode::unavailable, text}};
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN: return {Failure::unreachable, {ErrorCode::unavailable, text}};
    case ECONNRESET:
    case EPIPE: return {Failure::reset, {ErrorCode::unavailable, text}};
    case ETIMEDOUT: return {Failure::timeout, {ErrorCode::timeout, text}};
    default: return {Failure::other, {ErrorCode::unavailable, text}};
  }
}

void keep_icmp(int fd, int family, bool on) {
  if (family == AF_INET) set_option(fd, IPPROTO_IP, IP_RECVERR, on ? 1 : 0);
  if (family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, on ? 1 : 0);
}

/// Who refused. A host where nobody listens sends a reset. An ICMP message comes from a firewall, perhaps our own (which is what
/// `iptables -j REJECT` and `nft reject` do unless told otherwise), and proves nothing about the process.
Problem problem_of_refusal(int fd, const std::string& what) {
  alignas(cmsghdr) char control[256];
  char data[64];
  iovec piece{data, sizeof data};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
    for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(c))) {
      const bool told = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) || (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
      if (told) return {Failure::unreachable, {ErrorCode::unavailable, what + ": a firewall refused the connection"}};
    }
  }
  return problem_of_errno(ECONNREFUSED, what);
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

std::string default_host(const HttpTarget& target) {
  if (!target.unix_path.empty()) return "localhost";
  if (target.name.empty()) return to_string(target.address);
  return target.name + (target.address.port == 80 ? "" : ":" + std::to_string(target.address.port));
}

std::string target_text(const HttpTarget& target) { return target.unix_path.empty() ? default_host(target) : "unix:" + target.unix_path; }

bool is_written_here(const std::string& name) {
  const HttpHeaders ours{{"Host", ""}, {"Content-Length", ""}, {"Connection", ""}, {"Transfer-Encoding", ""}};
  return has_header(ours, name);
}

/// The bytes of a request; an Error when a part of it would break out of its place.
Result<std::string> request_bytes(const HttpClientRequest& request, const std::string& user_agent) {
  if (!is_token(request.method)) return fail(ErrorCode::invalid, "the method must be a token such as GET");
  const bool path_ok = !request.path.empty() && request.path.front() == '/' &&
                       std::all_of(request.path.begin(), request.path.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!path_ok) return fail(ErrorCode::invalid, "the path must start with '/' and be percent-encoded");
  const std::string host = request.host.empty() ? default_host(request.target) : request.host;
  if (!is_host(host)) return fail(ErrorCode::invalid, "the Host must be a host with an optional port");
  std::string out = request.method + " " + request.path + " HTTP/1.1\r\nHost: " + host + "\r\n";
  if (!user_agent.empty() && !has_header(request.headers, "User-Agent")) out += "User-Agent: " + user_agent + "\r\n";
  for (const auto& [name, value] : request.headers) {
    const bool ours = is_written_here(name);
    if (ours || !is_token(name) || !is_field_value(value)) return fail(ErrorCode::invalid, "the header '" + name + "' is not fit to be sent");
    out += name + ": " + value + "\r\n";
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH")
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  if (!request.keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  out += request.body;
  return out;
}

}  // namespace

std::string_view to_string(Failure failure) {
  switch (failure) {
    case Failure::none: return "none";
    case Failure::refused: return "refused";
    case Failure::unreachable: return "unreachable";
    case Failure::reset: return "reset";
    case Failure::timeout: return "timeout";
    case Failure::too_large: return "too_large";
    case Failure::malformed: return "malformed";
    case Failure::policy: return "policy";
    case Failure::resolve: return "resolve";
    case Failure::other: return "other";
  }
  return "other";
}

struct HttpClient::Impl : std::enable_shared_from_this<HttpClient::Impl> {
  Impl(Loop& l, Options o) : loop(l), options(std::move(o)), names(l, options.lookup_parallel_max) {}

  struct Idle {
    std::shared_ptr<Descriptor> socket;
    SocketAddress address;
    Timer expiry;
  };

  Loop& loop;
  const Options options;
  NameLookup names;
  std::string scratch = std::string(64 * 1024, '\0');
  std::unordered_map<HttpCall::State*, std::shared_ptr<HttpCall::State>> calls;
  std::map<HttpTarget, Idle> idle;
  std::map<HttpTarget, std::function<void()>> idle_observers;

  HttpCall start(HttpClientRequest request, Done done, StreamCallbacks callbacks, bool stream);
  void keep(const HttpTarget& target, std::shared_ptr<Descriptor> socket, const SocketAddress& address);
  /// Null when there is none.
  std::shared_ptr<Descriptor> take_idle(const HttpTarget& target, SocketAddress& address);
  void on_idle_event(const HttpTarget& target, const Descriptor* socket);
};

struct HttpCall::State : std::enable_shared_from_this<HttpCall::State> {
  State(std::shared_ptr<HttpClient::Impl> c, HttpClientRequest r) : client(c), loop(c->loop), request(std::move(r)), began(loop.now()) {}

  std::weak_ptr<HttpClient::Impl> client;
  Loop& loop;
  const HttpClientRequest request;
  const Instant began;
  HttpClient::Done done;
  HttpClient::StreamCallbacks callbacks;
  bool stream = false;

  std::shared_ptr<const std::string> bytes;    // of the request
  std::vector<SocketAddress> candidates;       // still to be tried, last first
  SocketAddress address;
  std::shared_ptr<Descriptor> socket;
  bool reused = false;
  bool over = false;
  WriteQueue out;
  std::string in;
  std::unique_ptr<ResponseReader> reader;
  bool any_input = false;
  bool head_told = false;
  Timer timer;
  Instant last_input;

  // ---- Connecting ----

  void begin() {
    if (over) return;
    const auto self = client.lock();
    if (!self) return;
    auto made = request_bytes(request, self->options.user_agent);
    if (!made) return end(made.error(), Failure::other);
    bytes = std::make_shared<const std::string>(*std::move(made));
    timer = loop.after(request.timeout, [this] { end(fail(ErrorCode::timeout, "no response from " + target_text(request.target) + " within " + format_duration(request.timeout)), Failure::timeout); });
    last_input = loop.now();
    if (request.keep_alive && !stream) {
      auto idle = self->take_idle(request.target, address);
      // What was allowed when it was dialled may be forgotten by now.
      const bool by_address = request.target.unix_path.empty() && self->options.policy;
      if (idle && by_address && !self->options.policy->check(address, request.target.configured)) idle.reset();
      if (idle) {
        reused = true;
        socket = std::move(idle);
        return send();
      }
    }
    connect_first();
  }

  void connect_first() {
    const auto self = client.lock();
    if (!self || over) return;
    reused = false;
    if (!request.target.unix_path.empty()) return connect_unix();
    if (request.target.name.empty()) {
      candidates = {request.target.address};
      return connect_next();
    }
    self->names.lookup(request.target.name, request.target.address.port, [weak = weak_from_this()](Result<std::vector<SocketAddress>> found) {
      const auto call = weak.lock();
      if (!call || call->over) return;
      if (!found) return call->end(fail(ErrorCode::unavailable, found.error().message), Failure::resolve);
      call->candidates.assign(found->rbegin(), found->rend());
      call->connect_next();
    });
  }

  void connect_next(Problem last = {Failure::resolve, {ErrorCode::unavailable, "the name has no address"}}) {
    const auto self = client.lock();
    if (!self || over) return;
    while (!candidates.empty()) {
      address = candidates.back();
      candidates.pop_back();
      if (self->options.policy) {
        if (auto allowed = self->options.policy->check(address, request.target.configured); !allowed) {
          // A host that accepted or refused us says more than an address that was never dialled.
          if (last.failure == Failure::resolve || last.failure == Failure::policy) last = {Failure::policy, {ErrorCode::forbidden, allowed.error().message}};
          continue;
        }
      }
      const int error = dial(raw_address(address), address.ip.is_v4() ? AF_INET : AF_INET6);
      if (error == 0) return send();
      if (error == EINPROGRESS) return wait_connected();
      last = problem_of_errno(error, "cannot connect to " + to_string(address));
    }
    end(std::move(last.error), last.failure);
  }

  void connect_unix() {
    const RawAddress raw = raw_unix_address(request.target.unix_path);
    if (raw.size == 0) return end(fail(ErrorCode::invalid, "a unix socket path has 1 to 107 bytes"), Failure::other);
    const int error = dial(raw, AF_UNIX);
    if (error == 0) return send();
    auto problem = problem_of_errno(error, "cannot connect to unix:" + request.target.unix_path);
    end(std::move(problem.error), problem.failure);
  }

  /// 0, EINPROGRESS or why not.
  int dial(const RawAddress& raw, int family) {
    FdGuard fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return errno;
    if (family != AF_UNIX) set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    keep_icmp(fd.get(), family, true);  // while connecting: later the kernel would end a connection for a passing message
    const int error = ::connect(fd.get(), raw.get(), raw.size) == 0 ? 0 : errno;
    if (error != 0 && error != EINPROGRESS) return error;
    if (error == 0) keep_icmp(fd.get(), family, false);
    socket = std::make_shared<Descriptor>(context_of(loop), fd.release());
    return error;
  }

  void wait_connected() {
    socket->async_wait(Descriptor::wait_write, [self = shared_from_this(), s = socket](const boost::system::error_code& failed) {
      if (failed || self->over || s != self->socket) return;
      int error = 0;
      socklen_t size = sizeof error;
      if (::getsockopt(s->native_handle(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
      if (error == 0 && self->connected_to_itself()) error = ECONNREFUSED;
      if (error == 0) {
        keep_icmp(s->native_handle(), self->address.ip.is_v4() ? AF_INET : AF_INET6, false);
        return self->send();
      }
      const std::string what = "cannot connect to " + to_string(self->address);
      Problem problem = error == ECONNREFUSED ? problem_of_refusal(s->native_handle(), what) : problem_of_errno(error, what);
      self->drop_socket();
      self->connect_next(std::move(problem));
    });
  }

  /// TCP lets a socket meet itself when nobody listens on a port that the kernel then picks for our own end.
  bool connected_to_itself() const {
    if (!address.ip.is_loopback()) return false;
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    return ::getsockname(socket->native_handle(), reinterpret_cast<sockaddr*>(&storage), &size) == 0 && socket_address(storage) == address;
  }

  // ---- Sending and receiving ----

  void send() {
    if (stream) {
      set_option(socket->native_handle(), SOL_SOCKET, SO_KEEPALIVE, 1);
      if (request.target.unix_path.empty()) {
        set_option(socket->native_handle(), IPPROTO_TCP, TCP_KEEPIDLE, 15);
        set_option(socket->native_handle(), IPPROTO_TCP, TCP_KEEPINTVL, 5);
        set_option(socket->native_handle(), IPPROTO_TCP, TCP_KEEPCNT, 3);
      }
    }
    out.clear();
    out.push(bytes);
    in.clear();
    any_input = false;
    new_reader();
    flush();
    if (!over && socket) wait_read();
  }

  void new_reader() {
    reader = std::make_unique<ResponseReader>(request.method == "HEAD", limits::header_bytes_max, stream ? 0 : request.response_bytes_max);
    if (stream)
      reader->on_body = [this](std::string_view piece) {
        if (reader->response().status >= 200 && tell_head() && !over && callbacks.on_chunk) callbacks.on_chunk(piece);
      };
  }

  void flush() {
    const auto sent = out.send(socket->native_handle(), SIZE_MAX);
    if (sent.outcome == WriteQueue::Outcome::failed) {
      // The peer may have answered before it closed: what it said is still to be read.
      out.clear();
      return;
    }
    if (sent.outcome != WriteQueue::Outcome::blocked) return;
    socket->async_wait(Descriptor::wait_write, [self = shared_from_this(), s = socket](const boost::system::error_code& failed) {
      if (!failed && !self->over && s == self->socket) self->flush();
    });
  }

  void wait_read() {
    socket->async_wait(Descriptor::wait_read, [self = shared_from_this(), s = socket](const boost::system::error_code& failed) {
      if (!failed && !self->over && s == self->socket) self->on_readable();
    });
  }

  void on_readable() {
    const auto self = client.lock();
    if (!self) return;
    const ssize_t n = ::recv(socket->native_handle(), self->scratch.data(), self->scratch.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return wait_read();
    if (n < 0) return on_broken(problem_of_errno(errno, "the connection to " + target_text(request.target) + " broke"));
    if (n == 0) return on_end_of_input();
    any_input = true;
    last_input = loop.now();
    in.append(self->scratch.data(), static_cast<std::size_t>(n));
    parse();
    if (!over && socket) wait_read();
  }

  void parse() {
    while (!over && !in.empty()) {
      boost::system::error_code error;
      const std::size_t used = reader->put(boost::asio::const_buffer(in.data(), in.size()), error);
      in.erase(0, used);
      if (over) return;
      if (error && error != http::error::need_more) {
        const bool large = reader->too_large() || error == http::error::header_limit || error == http::error::body_limit || error == http::error::buffer_overflow;
        if (large) return end(fail(ErrorCode::too_large, "the response of " + target_text(request.target) + " is larger than was allowed"), Failure::too_large);
        return end(fail(ErrorCode::unavailable, target_text(request.target) + " did not answer with HTTP/1.x: " + error.message()), Failure::malformed);
      }
      if (reader->announces_too_much())
        return end(fail(ErrorCode::too_large, "the response of " + target_text(request.target) + " is larger than was allowed"), Failure::too_large);
      if (in.size() > 2 * limits::header_bytes_max && !reader->is_header_done())
        return end(fail(ErrorCode::too_large, "the header block of " + target_text(request.target) + " does not end"), Failure::too_large);
      if (reader->is_header_done() && reader->response().status >= 200 && stream && !tell_head()) return;
      if (reader->is_done()) {
        const int status = reader->response().status;
        if (status == 101) return end(fail(ErrorCode::unavailable, target_text(request.target) + " switched protocols unasked"), Failure::malformed);
        if (status >= 200) return finish();
        new_reader();  // an interim response: the real one follows
        continue;
      }
      if (used == 0) return;
    }
  }

  void on_end_of_input() {
    // A body without a length ends with its connection.
    if (reader->is_header_done() && reader->need_eof() && reader->response().status >= 200) {
      boost::system::error_code error;
      reader->put_eof(error);
      if (!error && reader->is_done()) return finish();
    }
    on_broken({Failure::reset, {ErrorCode::unavailable, target_text(request.target) + " closed the connection before its answer was whole"}});
  }

  void on_broken(Problem problem) {
    if (reused && !any_input && is_idempotent(request.method)) {
      drop_socket();
      return connect_first();
    }
    end(std::move(problem.error), problem.failure);
  }

  // ---- Ending ----

  /// False when the stream is over by it.
  bool tell_head() {
    if (head_told) return true;
    head_told = true;
    timer.cancel();
    auto& response = reader->response();
    stamp(response);
    if (request.idle_timeout.count() > 0) watch_idle(request.idle_timeout);
    if (!callbacks.on_head || callbacks.on_head(response)) return !over;
    cancel();
    return false;
  }

  void watch_idle(Duration wait) {
    timer = loop.after(wait, [this] {
      const Duration silent = loop.now() - last_input;
      if (silent < request.idle_timeout) return watch_idle(request.idle_timeout - silent);
      end(fail(ErrorCode::timeout, "nothing came from " + target_text(request.target) + " for " + format_duration(request.idle_timeout)), Failure::timeout);
    });
  }

  void stamp(HttpResponse& response) const {
    response.latency = loop.now() - began;
    response.connection_reused = reused;
    response.address = address;
  }

  void finish() {
    const auto self = client.lock();
    if (stream) return end_stream_well();
    const bool keep = request.keep_alive && self && reader->keep_alive() && in.empty() && out.empty();
    HttpResponse response = std::move(reader->response());
    stamp(response);
    if (keep) self->keep(request.target, std::exchange(socket, nullptr), address);
    const auto fn = retire();
    if (fn.done) fn.done(std::move(response), Failure::none);
  }

  void end_stream_well() {
    const auto fn = retire();
    if (fn.callbacks.on_end) fn.callbacks.on_end({}, Failure::none);
  }

  void end(Error error, Failure failure) {
    if (over) return;
    const auto fn = retire();
    if (fn.done) fn.done(std::move(error), failure);
    if (fn.callbacks.on_end) fn.callbacks.on_end(std::move(error), failure);
  }

  void cancel() {
    if (over) return;
    // Possibly inside one of these very functions: they are destroyed later.
    auto fn = std::make_shared<Functions>(retire());
    loop.post([fn] {});
  }

  void drop_socket() {
    if (!socket) return;
    boost::system::error_code ignored;
    socket->close(ignored);
    socket.reset();
  }

  struct Functions {
    std::shared_ptr<State> self;  // lives as long as its functions run
    HttpClient::Done done;
    HttpClient::StreamCallbacks callbacks;
  };

  Functions retire() {
    over = true;
    timer.cancel();
    drop_socket();
    Functions fn{shared_from_this(), std::move(done), std::move(callbacks)};
    if (const auto self = client.lock()) self->calls.erase(this);
    return fn;
  }
};

void HttpCall::cancel() {
  if (const auto state = state_.lock()) state->cancel();
}

bool HttpCall::active() const {
  const auto state = state_.lock();
  return state && !state->over;
}

HttpCall HttpClient::Impl::start(HttpClientRequest request, Done done, StreamCallbacks callbacks, bool stream) {
  if (stream) request.keep_alive = false;
  auto call = std::make_shared<HttpCall::State>(shared_from_this(), std::move(request));
  call->done = std::move(done);
  call->callbacks = std::move(callbacks);
  call->stream = stream;
  calls.emplace(call.get(), call);
  loop.post([call] { call->begin(); });
  return HttpCall(call);
}

void HttpClient::Impl::keep(const HttpTarget& target, std::shared_ptr<Descriptor> socket, const SocketAddress& address) {
  if (idle.count(target) > 0) {
    boost::system::error_code ignored;
    socket->close(ignored);
    return;
  }
  Idle& kept = idle[target];
  kept.socket = socket;
  kept.address = address;
  kept.expiry = loop.after(options.idle_keep, [this, target] {
    const auto at = idle.find(target);
    if (at == idle.end()) return;
    const auto old = at->second.socket;
    idle.erase(at);
    boost::system::error_code ignored;
    old->close(ignored);
  });
  socket->async_wait(Descriptor::wait_read, [weak = weak_from_this(), target, socket](const boost::system::error_code& failed) {
    const auto self = weak.lock();
    if (!failed && self) self->on_idle_event(target, socket.get());
  });
}

void HttpClient::Impl::on_idle_event(const HttpTarget& target, const Descriptor* socket) {
  const auto at = idle.find(target);
  if (at == idle.end() || at->second.socket.get() != socket) return;
  // Nothing may come on an idle connection: end, reset and unasked bytes all end it.
  const auto old = at->second.socket;
  idle.erase(at);
  boost::system::error_code ignored;
  old->close(ignored);
  const auto observer = idle_observers.find(target);
  if (observer == idle_observers.end()) return;
  const auto fn = observer->second;
  fn();
}

std::shared_ptr<Descriptor> HttpClient::Impl::take_idle(const HttpTarget& target, SocketAddress& address) {
  const auto at = idle.find(target);
  if (at == idle.end()) return nullptr;
  auto socket = std::move(at->second.socket);
  address = at->second.address;
  idle.erase(at);
  boost::system::error_code ignored;
  socket->cancel(ignored);
  return socket;
}

HttpClient::HttpClient(Loop& loop, Options options) : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

HttpClient::~HttpClient() {
  const auto calls = std::exchange(impl_->calls, {});
  for (const auto& [key, call] : calls) call->cancel();
  for (auto& [target, kept] : impl_->idle) {
    boost::system::error_code ignored;
    kept.socket->close(ignored);
  }
  impl_->idle.clear();
  impl_->idle_observers.clear();
}

HttpCall HttpClient::request(HttpClientRequest request, Done done) { return impl_->start(std::move(request), std::move(done), {}, false); }

HttpCall HttpClient::open_stream(HttpClientRequest request, StreamCallbacks callbacks) { return impl_->start(std::move(request), {}, std::move(callbacks), true); }

void HttpClient::on_idle_close(const HttpTarget& target, std::function<void()> fn) {
  if (fn) impl_->idle_observers[target] = std::move(fn);
  else impl_->idle_observers.erase(target);
}

bool HttpClient::has_idle(const HttpTarget& target) const { return impl_->idle.count(target) > 0; }

void HttpClient::close_idle(const HttpTarget& target) {
  SocketAddress address;
  if (const auto socket = impl_->take_idle(target, address)) {
    boost::system::error_code ignored;
    socket->close(ignored);
  }
}

void HttpClient::lookup(const std::string& name, std::uint16_t port, std::function<void(Result<std::vector<SocketAddress>>)> done) {
  impl_->names.lookup(name, port, std::move(done));
}

}  // namespace choregos::net
