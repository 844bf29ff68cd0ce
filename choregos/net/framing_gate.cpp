#include "choregos/net/framing_gate.hpp"

#include <array>
#include <cstring>

namespace choregos::net {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) table[static_cast<std::size_t>(c)] = true;
  return table;
}
constexpr auto kToken = make_token_table();

unsigned char byte(char c) { return static_cast<unsigned char>(c); }
bool is_token_char(char c) { return kToken[byte(c)]; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same(std::string_view a, std::string_view lower_case) {
  if (a.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower_case[i]) return false;
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Calls `each` for the members of a comma list.
template <class Each>
void for_members(std::string_view list, Each each) {
  while (true) {
    const auto comma = list.find(',');
    each(trim(list.substr(0, comma)));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

constexpr Verdict bad(std::string_view reason) { return {400, reason}; }

Verdict read_version(std::string_view text, RequestHead& head) {
  const bool shape = text.size() == 8 && text.substr(0, 5) == "HTTP/" && is_digit(text[5]) && text[6] == '.' && is_digit(text[7]);
  if (!shape) return bad("the request line must end with HTTP/1.1 or HTTP/1.0");
  if (text[5] != '1' || text[7] > '1') return {505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  head.version_minor = text[7] - '0';
  return {};
}

Verdict read_target(std::string_view target, std::string_view method, const GateLimits& limits) {
  if (target.size() > limits.uri_bytes_max) return {414, "the request target is longer than is accepted here"};
  if (target.empty()) return bad("the request target is missing; use one such as /api/v1/agents");
  for (const char c : target)
    if (byte(c) <= 0x20 || byte(c) >= 0x7f || c == '#' || c == '\\')
      return bad("the request target holds a blank, control, backslash, fragment or non-ASCII byte; percent-encode it");
  if (target == "*") return method == "OPTIONS" ? Verdict{} : bad("the target * belongs to OPTIONS alone");
  if (target.front() != '/') return bad("the request target must be a path such as /api/v1/agents, not a URL or an authority");
  return {};
}

Verdict read_request_line(std::string_view line, const GateLimits& limits, RequestHead& head) {
  const auto first = line.find(' ');
  if (first == std::string_view::npos) return bad("the request line must be: method, blank, target, blank, version");
  const auto last = line.rfind(' ');
  if (last == first) return bad("the request line must be: method, blank, target, blank, version");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method)) return bad("the method must be a token such as GET");
  if (head.method == "PRI") return bad("HTTP/2 is not spoken here; use HTTP/1.1");
  if (auto v = read_version(line.substr(last + 1), head); !v.ok()) return v;
  if (auto v = read_target(head.target, head.method, limits); !v.ok()) return v;
  if (head.method == "TRACE" || head.method == "CONNECT") return {501, "this method is not implemented here"};
  return {};
}

/// What the fields say together; filled while they are read.
struct Framing {
  int length_count = 0;
  int coding_count = 0;
  int host_count = 0;
  bool close = false;
};

Verdict read_length(std::string_view value, RequestHead& head) {
  if (value.empty() || value.size() > 18) return bad("Content-Length must be a decimal number");
  std::uint64_t number = 0;
  for (const char c : value) {
    if (!is_digit(c)) return bad("Content-Length must be one decimal number, without sign, list or blanks");
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value.size() > 1 && value.front() == '0') return bad("Content-Length must not start with a zero");
  head.body_bytes = number;
  return {};
}

Verdict read_known_field(std::string_view name, std::string_view value, RequestHead& head, Framing& framing) {
  switch (name.size()) {
    case 4:
      if (same(name, "host")) {
        if (++framing.host_count > 1) return bad("Host may be given once only");
        if (!is_host(value)) return bad("Host must be a host with an optional port");
        head.host = value;
      }
      break;
    case 6:
      if (same(name, "expect")) {
        if (!same(value, "100-continue")) return {417, "the only expectation met here is 100-continue"};
        head.expects_continue = true;
      }
      break;
    case 10:
      if (same(name, "connection")) for_members(value, [&](std::string_view member) { framing.close |= same(member, "close"); });
      break;
    case 14:
      if (same(name, "content-length")) {
        if (++framing.length_count > 1) return bad("Content-Length may be given once only");
        return read_length(value, head);
      }
      break;
    case 17:
      if (same(name, "transfer-encoding")) {
        if (++framing.coding_count > 1) return bad("Transfer-Encoding may be given once only");
        if (!same(value, "chunked")) return bad("the only Transfer-Encoding accepted is chunked, alone");
      }
      break;
    default: break;
  }
  return {};
}

Verdict judge_framing(const Framing& framing, RequestHead& head) {
  if (head.version_minor == 1 && framing.host_count == 0) return bad("HTTP/1.1 needs a Host field");
  if (framing.coding_count > 0) {
    if (framing.length_count > 0) return bad("Content-Length and Transfer-Encoding exclude each other");
    if (head.version_minor == 0) return bad("Transfer-Encoding does not exist in HTTP/1.0");
    head.body = BodyKind::chunked;
  } else if (head.body_bytes > 0) {
    head.body = BodyKind::sized;
  }
  if (head.body != BodyKind::none && (head.method == "GET" || head.method == "HEAD" || head.method == "DELETE"))
    return bad("GET, HEAD and DELETE take no body");
  // Connections of HTTP/1.0 are not kept: the old keep-alive extension is ambiguous behind proxies.
  head.keep_alive = head.version_minor == 1 && !framing.close;
  if (head.body == BodyKind::none || head.version_minor == 0) head.expects_continue = false;
  return {};
}

}  // namespace

bool is_token(std::string_view text) {
  for (const char c : text)
    if (!is_token_char(c)) return false;
  return !text.empty();
}

bool is_field_value(std::string_view text) {
  for (const char c : text)
    if ((byte(c) < 0x20 && c != '\t') || byte(c) == 0x7f) return false;
  return true;
}

bool is_host(std::string_view text) {
  std::string_view port;
  bool has_port = false;
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    for (const char c : text.substr(1, close - 1))
      if (!is_digit(c) && !(lower(c) >= 'a' && lower(c) <= 'f') && c != ':' && c != '.') return false;
    const auto rest = text.substr(close + 1);
    if (!rest.empty()) {
      if (rest.front() != ':') return false;
      has_port = true;
      port = rest.substr(1);
    }
  } else {
    const auto colon = text.find(':');
    const auto name = text.substr(0, colon);
    if (name.empty()) return false;
    for (const char c : name)
      if (!is_digit(c) && !is_alpha(c) && std::string_view(".-_~!$&'()*+,;=%").find(c) == std::string_view::npos) return false;
    if (colon != std::string_view::npos) {
      has_port = true;
      port = text.substr(colon + 1);
    }
  }
  if (!has_port) return true;
  if (port.empty() || port.size() > 5) return false;
  unsigned number = 0;
  for (const char c : port) {
    if (!is_digit(c)) return false;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number <= 65535;
}

std::size_t find_head_end(std::string_view bytes, std::size_t& searched, const GateLimits& limits, Verdict& verdict) {
  verdict = {};
  if (!bytes.empty() && !is_token_char(bytes.front())) {
    verdict = bad("this is not HTTP; a request starts with a method such as GET");
    return 0;
  }
  while (searched < bytes.size()) {
    const void* found = std::memchr(bytes.data() + searched, '\n', bytes.size() - searched);
    if (!found) {
      searched = bytes.size();
      break;
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    searched = at + 1;
    if (at == 0 || bytes[at - 1] != '\r') {
      verdict = bad("every line must end with CR LF");
      return 0;
    }
    if (at >= 3 && bytes[at - 2] == '\n') {
      if (at + 1 > limits.header_bytes_max) break;
      return at + 1;
    }
  }
  if (bytes.size() > limits.header_bytes_max || searched > limits.header_bytes_max) {
    const auto line_end = bytes.find('\n');
    if (line_end == std::string_view::npos || line_end > limits.uri_bytes_max + 64)
      verdict = {414, "the request line is longer than is accepted here"};
    else
      verdict = {431, "the header block is longer than is accepted here"};
  }
  return 0;
}

Verdict read_request_head(std::string_view block, const GateLimits& limits, RequestHead& head) {
  head.fields.clear();
  head.host = {};
  head.body = BodyKind::none;
  head.body_bytes = 0;
  head.expects_continue = false;
  Framing framing;
  bool first = true;
  while (true) {
    const auto end = block.find('\n');
    if (end == std::string_view::npos || end == 0 || block[end - 1] != '\r') return bad("every line must end with CR LF");
    const auto line = block.substr(0, end - 1);
    block.remove_prefix(end + 1);
    if (first) {
      first = false;
      if (auto v = read_request_line(line, limits, head); !v.ok()) return v;
      continue;
    }
    if (line.empty()) break;
    if (is_blank(line.front())) return bad("a header field must not be folded over lines");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return bad("a header field must be: name, colon, value");
    const auto name = line.substr(0, colon);
    if (!is_token(name)) return bad("a header name must be a token directly before its colon");
    const auto value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return bad("a header value holds a control character");
    if (head.fields.size() == limits.header_count_max) return {431, "there are more header fields than are accepted here"};
    head.fields.emplace_back(name, value);
    if (auto v = read_known_field(name, value, head, framing); !v.ok()) return v;
  }
  if (!block.empty()) return bad("bytes follow the header block");
  return judge_framing(framing, head);
}

void ChunkedReader::fail(std::string_view reason) {
  state_ = State::failed;
  reason_ = reason;
}

std::size_t ChunkedReader::feed(std::string_view bytes, std::string_view& piece) {
  piece = {};
  std::size_t at = 0;
  while (at < bytes.size()) {
    const char c = bytes[at];
    switch (state_) {
      case State::size_first:
      case State::size: {
        const char l = lower(c);
        if (is_digit(c) || (l >= 'a' && l <= 'f')) {
          if (++digits_ > 8) return fail("a chunk size has at most 8 hex digits"), at;
          left_ = left_ * 16 + static_cast<std::uint64_t>(is_digit(c) ? c - '0' : l - 'a' + 10);
          state_ = State::size;
        } else if (c == '\r' && state_ == State::size) {
          state_ = State::size_lf;
        } else {
          return fail(c == ';' || is_blank(c) ? "chunk extensions are not accepted" : "a chunk starts with its size in hex digits and CR LF"), at;
        }
        ++at;
        break;
      }
      case State::size_lf:
        if (c != '\n') return fail("a chunk size ends with CR LF"), at;
        ++at;
        digits_ = 0;
        state_ = left_ == 0 ? State::end_cr : State::data;
        break;
      case State::data: {
        const std::size_t take = left_ < bytes.size() - at ? static_cast<std::size_t>(left_) : bytes.size() - at;
        piece = bytes.substr(at, take);
        left_ -= take;
        if (left_ == 0) state_ = State::data_cr;
        return at + take;
      }
      case State::data_cr:
        if (c != '\r') return fail("a chunk ends with CR LF"), at;
        ++at;
        state_ = State::data_lf;
        break;
      case State::data_lf:
        if (c != '\n') return fail("a chunk ends with CR LF"), at;
        ++at;
        state_ = State::size_first;
        break;
      case State::end_cr:
        if (c != '\r') return fail("trailers are not accepted"), at;
        ++at;
        state_ = State::end_lf;
        break;
      case State::end_lf:
        if (c != '\n') return fail("a chunked body ends with an empty line"), at;
        state_ = State::done;
        return at + 1;
      case State::done:
      case State::failed: return at;
    }
  }
  return at;
}

}  // namespace choregos::net
