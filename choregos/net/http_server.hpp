// An HTTP/1.1 server: keep-alive, pipelining in order, open-ended replies (Stream), limits on everything a stranger can
// choose. Requests pass the framing gate (framing_gate.hpp); whatever it refuses is answered 400 and the connection ends.
//
// Lives on the loop's thread; handler and callbacks are called there. Errors that the server itself finds (400, 408, 413,
// 414, 431, 500, 501, 505) are RFC 9457 problem documents with Connection: close. It does no TLS, no compression, no
// Upgrade (an Upgrade header is ignored, RFC 9110 section 7.8), and no authentication, Host or Origin check: those belong
// to the api.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "choregos/base/ip.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/result.hpp"
#include "choregos/net/http_message.hpp"
#include "choregos/net/loop.hpp"

namespace choregos::net {

enum class StreamEnd {
  peer_closed,  ///< orderly end by the peer (FIN); also what kill -9 of the peer gives
  peer_reset,   ///< RST or another socket error
  stalled,      ///< the peer took no byte for write_stall_max
  overflow,     ///< more than stream_queue_bytes_max waited
  closed,       ///< Stream::close()
  stopped,      ///< HttpServer::close()
};
std::string_view to_string(StreamEnd end);

/// An open-ended reply body: server-sent events, NDJSON, a tether. To an HTTP/1.1 peer it is chunked, to an HTTP/1.0 one it
/// ends with the connection. Whatever the peer sends meanwhile is discarded; its end is noticed at once, as a read is kept
/// pending. The connection is not used again.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Sends a piece, or queues it; shared, so one buffer can go to a thousand streams, framed once for all who are given it one after the
  /// other. The first piece of a turn of the loop is sent at once, further ones are gathered until its end. False when the stream has ended (or ends by this
  /// very call because the queue is over its limit). An empty piece is ignored and answers open().
  virtual bool write(std::shared_ptr<const std::string> piece) = 0;
  bool write(std::string piece) { return write(std::make_shared<const std::string>(std::move(piece))); }
  /// Sends what is queued, ends the body, then the connection. on_close hears `closed`.
  virtual void close() = 0;
  /// `fn` is called exactly once when the stream ends, never inside write() or on_close() themselves; at once (posted)
  /// when it has ended already. Not called if the server is destroyed before. Replaces an earlier function.
  virtual void on_close(std::function<void(StreamEnd)> fn) = 0;
  /// `fn` is called after each turn of the loop in which something was written and nothing waits any more, and each time the queue has
  /// run empty: the time to write more of something long. Never inside write(), nor once the stream has ended.
  virtual void on_drained(std::function<void()> fn) = 0;
  virtual bool open() const = 0;
  virtual std::size_t queued_bytes() const = 0;  ///< not yet taken by the kernel
  virtual std::size_t queued_count() const = 0;
  virtual SocketAddress peer() const = 0;
};

/// The one answer to one request. Copyable; the first of reply, reply_raw and stream counts, later ones are ignored. May be
/// kept and answered later, on the loop's thread. When the last copy goes unanswered the server answers 500.
class Responder {
 public:
  struct State;
  Responder() = default;
  explicit Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}

  void reply(HttpReply reply);
  /// The bytes of a whole reply as reply_bytes() makes them: status line, headers with Content-Length, body. For HEAD the
  /// body is left out here. When the connection must close after it, it closes with or without a Connection header.
  void reply_raw(std::shared_ptr<const std::string> bytes);
  /// Content-Type belongs to `headers`; Transfer-Encoding and Connection are written here. Null when the peer has gone,
  /// when something was answered already, or for HEAD (whose reply is complete then).
  std::shared_ptr<Stream> stream(int status, HttpHeaders headers);

  bool answered() const;
  /// False when nobody waits for the answer any more.
  bool wanted() const;
  /// `fn` is called once if the peer goes away before the answer: the time to give up a long poll.
  void on_gone(std::function<void()> fn);

 private:
  std::shared_ptr<State> state_;
};

class HttpServer {
 public:
  struct Options {
    std::size_t header_bytes_max = limits::header_bytes_max;
    std::size_t header_count_max = limits::header_count_max;
    std::size_t uri_bytes_max = limits::uri_bytes_max;
    std::size_t body_bytes_max = limits::body_bytes_max;
    std::size_t connection_count_max = limits::connection_count_max;  ///< over it new connections are closed at once
    std::size_t connection_per_ip_count_max = limits::connection_per_ip_count_max;  ///< loopback and streams excepted
    std::size_t pipeline_count_max = limits::pipeline_count_max;  ///< requests of one connection waiting for answers; then reading pauses
    std::size_t stream_queue_bytes_max = 4 * limits::watch_queue_bytes_max;  ///< one piece may be larger if it is alone
    Duration header_time_max = limits::header_time_max;
    Duration idle_time_max = limits::idle_time_max;
    Duration body_grace = limits::body_grace;
    std::size_t body_rate_min = limits::body_rate_min;
    Duration write_stall_max = limits::write_stall_max;
  };

  struct Stats {
    std::uint64_t accepted = 0;
    std::uint64_t refused_connections = 0;  ///< over a cap
    std::uint64_t accept_failures = 0;      ///< EMFILE and the like
    std::uint64_t requests = 0;             ///< handed to the handler
    std::uint64_t bad_requests = 0;         ///< answered by the server itself with 4xx/5xx
    std::uint64_t timeouts = 0;             ///< header, body, idle or write time was over
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::size_t connections = 0;  ///< open now
    std::size_t streams = 0;      ///< open now
  };

  using Handler = std::function<void(HttpRequest&&, Responder)>;

  HttpServer(Loop& loop, Options options, Handler handler);
  /// Drops every connection; calls nobody.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// May be called for several addresses. Port 0 lets the kernel choose; the result is the address as bound. An IPv6
  /// address serves IPv6 only. Errors: `io`, naming the address and the cause (in use, not allowed, not ours).
  Result<SocketAddress> listen(SocketAddress address);
  /// A socket file with mode 0600; a stale one (nobody answers on it) is replaced, anything else there is an error.
  Result<void> listen_unix(const std::string& path);

  /// Stops listening, ends streams (on_close: stopped), closes idle connections; lets answers under way finish within
  /// `drain`. `done` is called when the last connection has ended.
  void close(Duration drain, std::function<void()> done = {});

  const Stats& stats() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace choregos::net
