// An HTTP/1.1 client that dials exactly what it is told: no redirects, no proxy environment, no cookies, no compression,
// no TLS. Every dial passes the AddressPolicy, judged on the very address that is connected to.
//
// Lives on the loop's thread; callbacks are called there, never inside the call that was given them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/result.hpp"
#include "choregos/net/address_policy.hpp"
#include "choregos/net/http_message.hpp"
#include "choregos/net/loop.hpp"

namespace choregos::net {

/// Why there is no response; `none` when there is one.
enum class Failure {
  none,
  refused,      ///< the host is there, nobody listens: it sent a reset. Positive evidence of a stopped process
  unreachable,  ///< no route, host or network down, a firewall (our own, too) that refuses; as told by the network
  reset,        ///< connected, then closed or reset before the response was whole
  timeout,
  too_large,
  malformed,    ///< what came is not HTTP/1.x
  policy,       ///< the address policy refused; nothing was sent
  resolve,      ///< the name has no usable address
  other,        ///< our own fault or limit (no descriptors left, unix socket missing)
};
std::string_view to_string(Failure failure);

/// Where to connect to, one of three: an address, a unix socket, or a name.
struct HttpTarget {
  SocketAddress address;      ///< used when both others are empty
  std::string unix_path = {};
  std::string name = {};      ///< resolved by getaddrinfo (hosts file, search list), each address judged; connected in order
                              ///< until one accepts; the port is address.port
  bool configured = false;    ///< an operator named this very target: loopback is allowed
  auto operator<=>(const HttpTarget&) const = default;
};

struct HttpClientRequest {
  HttpTarget target;
  std::string method = "GET";
  std::string path = "/";  ///< raw target: path and query, already percent-encoded
  std::string host = {};   ///< Host header; "" = the target's name, or its address
  HttpHeaders headers = {};  ///< besides Host, Content-Length and Connection
  std::string body = {};
  Duration timeout = limits::probe_time_default;  ///< for everything; of a stream: until its head has come
  std::size_t response_bytes_max = limits::probe_body_bytes_max;  ///< of the body; the header block may have header_bytes_max
  bool keep_alive = false;    ///< keep (and use) one idle connection to this target
  Duration idle_timeout{0};   ///< streams only: end it when nothing came for so long; 0 = never
};

/// A request or stream under way. Copyable; forgetting it changes nothing.
class HttpCall {
 public:
  struct State;
  HttpCall() = default;
  explicit HttpCall(std::weak_ptr<State> state) : state_(std::move(state)) {}
  /// No callback of this call is called after it returns; the connection is closed.
  void cancel();
  bool active() const;

 private:
  std::weak_ptr<State> state_;
};

class HttpClient {
 public:
  struct Options {
    const AddressPolicy* policy = nullptr;  ///< must outlive the client; nullptr = everything allowed (command line, sdk)
    std::string user_agent = "choregos";    ///< "" = none sent
    std::size_t lookup_parallel_max = limits::lookup_parallel_max;  ///< worker threads for names; made when first needed
    Duration idle_keep = 55s;               ///< an idle connection unused for so long is closed (without on_idle_close)
  };

  /// Error codes: timeout; too_large; forbidden (policy); invalid (a field of the request is not fit to be sent);
  /// unavailable for everything else. Failure tells more.
  using Done = std::function<void(Result<HttpResponse>, Failure)>;

  HttpClient(Loop& loop, Options options);
  /// Cancels everything; calls nobody.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// An idle connection that turns out to be closed when it is used again is replaced by a fresh one once, if no byte of a
  /// response had come and the method is idempotent.
  HttpCall request(HttpClientRequest request, Done done);

  /// For answers without an end. `on_head` is called with an empty body; returning false ends the stream silently. `on_chunk`
  /// for each piece as it comes, unlimited in sum. `on_end` once: with Failure::none after an orderly end of the body, or
  /// why it broke or never began (then on_head was not called). Never after cancel().
  struct StreamCallbacks {
    std::function<bool(const HttpResponse&)> on_head;
    std::function<void(std::string_view)> on_chunk;
    std::function<void(Result<void>, Failure)> on_end;
  };
  HttpCall open_stream(HttpClientRequest request, StreamCallbacks callbacks);

  /// `fn` is called each time the peer ends the idle kept-alive connection to `target` (within milliseconds of kill -9, as a
  /// read is kept pending). Not when we close it ourselves. An empty function removes it.
  void on_idle_close(const HttpTarget& target, std::function<void()> fn);
  bool has_idle(const HttpTarget& target) const;
  /// Closes the idle connection, if any; on_idle_close is not called.
  void close_idle(const HttpTarget& target);

  /// Addresses of a name by getaddrinfo in a worker thread, at most 64; not judged by the policy. A numeric text gives
  /// itself, in whatever odd spelling getaddrinfo takes. Errors: not_found, unavailable, exhausted (too many waiting).
  void lookup(const std::string& name, std::uint16_t port, std::function<void(Result<std::vector<SocketAddress>>)> done);

 private:
  friend struct HttpCall::State;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace choregos::net
