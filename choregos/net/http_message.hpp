// HTTP/1.1 messages as plain values, and replies as ready-made bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"

namespace choregos::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// The first value of that name (ASCII letters of either case), or empty.
std::string_view find_header(const HttpHeaders& headers, std::string_view name);
bool has_header(const HttpHeaders& headers, std::string_view name);

/// A request that passed the framing gate: everything in it is syntactically sound.
struct HttpRequest {
  std::string method;  ///< a token, as sent: methods are case-sensitive
  std::string target;  ///< as sent: origin-form ("/a%20b?x=1"), or "*" for OPTIONS
  std::string path;    ///< decoded as split_target says: UTF-8 without controls, starts with '/', no dot segments
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order; '+' is a space; "?a" is {"a", ""}
  HttpHeaders headers;   ///< in order, names as sent, values trimmed
  std::string body;      ///< whole, chunks joined
  SocketAddress peer;    ///< unspecified (all zero) over a unix socket
  bool over_unix = false;
  bool keep_alive = true;  ///< the connection stays open after the reply
  int version_minor = 1;   ///< HTTP/1.<this>: 0 or 1

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
  bool has_header(std::string_view name) const { return net::has_header(headers, name); }
  /// The first query value of that name.
  std::optional<std::string_view> query_value(std::string_view name) const;
};

/// Content-Length and Connection are written by the server and must not be among the headers.
struct HttpReply {
  int status = 200;
  HttpHeaders headers;
  std::string body;
  std::shared_ptr<const std::string> shared_body;  ///< used instead of `body` when set
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  ///< as received, trailers dropped
  std::string body;
  int version_minor = 1;
  Duration latency{};              ///< from the call to the last byte of the body, connecting included
  bool connection_reused = false;  ///< a kept-alive connection carried it
  SocketAddress address;           ///< what was connected to

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
  bool has_header(std::string_view name) const { return net::has_header(headers, name); }
};

/// "OK", "Not Found"; "Status" for codes without a registered phrase.
std::string_view status_phrase(int status);

/// The whole reply as bytes, fit for Responder::reply_raw and for being kept and sent many times. Header names must be
/// tokens and values free of CR, LF and NUL; an offending header is left out.
std::string reply_bytes(const HttpReply& reply, bool close = false);

/// Splits a raw origin-form target into decoded path and query pairs. In the path %2F and %25 stay encoded, so that a slash
/// inside a segment is told from one between segments. Refused: bad percent escapes, controls such as %00, invalid UTF-8,
/// "." and ".." segments, empty segments ("//"; one trailing slash is fine). Errors: invalid.
Result<void> split_target(std::string_view target, std::string& path, std::vector<std::pair<std::string, std::string>>& query);

}  // namespace choregos::net
