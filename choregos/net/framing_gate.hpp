// Where one HTTP/1.x request ends and the next begins: the question on which two readers must never differ. Anything that
// could be read in two ways is refused (RFC 9112 sections 2-7, taken at their strictest).
//
// Pure functions over bytes; no allocation beyond the list of fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/limits.hpp"

namespace choregos::net {

struct GateLimits {
  std::size_t header_bytes_max = limits::header_bytes_max;  ///< request line, fields and the empty line
  std::size_t header_count_max = limits::header_count_max;
  std::size_t uri_bytes_max = limits::uri_bytes_max;
};

/// status 0 = accepted. The reason is a constant sentence that says what would be right.
struct Verdict {
  int status = 0;
  std::string_view reason;
  bool ok() const { return status == 0; }
};

enum class BodyKind { none, sized, chunked };

/// Views into the bytes that were given.
struct RequestHead {
  std::string_view method;
  std::string_view target;
  int version_minor = 1;
  std::vector<std::pair<std::string_view, std::string_view>> fields;  ///< values without surrounding blanks
  std::string_view host;
  BodyKind body = BodyKind::none;
  std::uint64_t body_bytes = 0;   ///< of `sized`
  bool keep_alive = true;         ///< version and Connection field together
  bool expects_continue = false;
};

/// Searches the end of a header block as bytes arrive. Returns its length including the empty line, or 0 when more is
/// needed; `verdict` is set when no further byte could save it (too long, a bare LF, a NUL, not HTTP at all). `searched`
/// starts at 0 and is kept by the caller between calls, so that each byte is looked at once.
std::size_t find_head_end(std::string_view bytes, std::size_t& searched, const GateLimits& limits, Verdict& verdict);

/// Judges one whole header block (ending with CRLF CRLF). On refusal `head` is unspecified.
Verdict read_request_head(std::string_view block, const GateLimits& limits, RequestHead& head);

/// Takes a chunked body apart. Strict: 1 to 8 hex digits of size, no extensions, no trailers, CRLF exactly.
class ChunkedReader {
 public:
  /// Consumes from the front of `bytes` and returns how much. `piece` is the body data found in it, a view into `bytes`; may
  /// be empty. Call again with the rest until done(), failed(), or all is consumed.
  std::size_t feed(std::string_view bytes, std::string_view& piece);
  bool done() const { return state_ == State::done; }
  bool failed() const { return state_ == State::failed; }
  std::string_view reason() const { return reason_; }  ///< when failed

 private:
  enum class State { size_first, size, size_lf, data, data_cr, data_lf, end_cr, end_lf, done, failed };
  void fail(std::string_view reason);
  State state_ = State::size_first;
  std::uint64_t left_ = 0;
  int digits_ = 0;
  std::string_view reason_;
};

bool is_token(std::string_view text);
/// Bytes that may stand in a field value: visible ASCII, blank, tab, and 0x80-0xFF.
bool is_field_value(std::string_view text);
/// host [ ":" port ]: a name of letters, digits and .-_~!$&'()*+,;=% or a bracketed IPv6 address; no userinfo, not empty.
bool is_host(std::string_view text);

}  // namespace choregos::net
