#include "choregos/net/http_message.hpp"

#include <algorithm>
#include <charconv>

#include "choregos/base/text.hpp"
#include "choregos/net/framing_gate.hpp"
#include "choregos/net/reply_head.hpp"

namespace choregos::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Appends the decoded text. `in_path` keeps %2F and %25 as they are; otherwise '+' is a space.
bool decode(std::string_view text, bool in_path, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
      if (in_path && (c == '/' || c == '%')) {
        out += c == '/' ? "%2F" : "%25";
        continue;
      }
    } else if (c == '+' && !in_path) {
      c = ' ';
    }
    out += c;
  }
  return true;
}

bool has_odd_segment(std::string_view path) {
  path.remove_prefix(1);
  while (true) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    if (segment == "." || segment == "..") return true;
    if (slash == std::string_view::npos) return false;
    if (segment.empty()) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

std::string_view find_header(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (same_name(key, name)) return value;
  return {};
}

bool has_header(const HttpHeaders& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& field) { return same_name(field.first, name); });
}

std::optional<std::string_view> HttpRequest::query_value(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

std::string_view status_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

std::string reply_bytes(const HttpReply& reply, bool close) {
  const std::string& body = reply.shared_body ? *reply.shared_body : reply.body;
  std::string out = reply_head(reply.status, reply.headers, body.size(), close, body.size());
  if (reply.status != 204 && reply.status != 304) out += body;
  return out;
}

std::string reply_head(int status, const HttpHeaders& headers, std::optional<std::size_t> body_bytes, bool close, std::size_t reserve) {
  std::string out;
  std::size_t size = 96 + reserve;
  for (const auto& [name, value] : headers) size += name.size() + value.size() + 4;
  out.reserve(size);
  char digits[24];
  const auto number = [&](std::size_t n) { return std::string_view(digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, n).ptr - digits)); };
  out += "HTTP/1.1 ";
  out += number(static_cast<std::size_t>(std::clamp(status, 100, 999)));
  out += ' ';
  out += status_phrase(status);
  out += "\r\n";
  for (const auto& [name, value] : headers) {
    // A value made from foreign text must not be able to start a header or a body of its own.
    if (!is_token(name) || !is_field_value(value)) continue;
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  if (body_bytes && status != 204 && status != 304) {
    out += "Content-Length: ";
    out += number(*body_bytes);
    out += "\r\n";
  }
  if (close) out += "Connection: close\r\n";
  out += "\r\n";
  return out;
}

Result<void> split_target(std::string_view target, std::string& path, std::vector<std::pair<std::string, std::string>>& query) {
  path.clear();
  query.clear();
  if (target == "*") {
    path = "*";
    return {};
  }
  if (target.empty() || target.front() != '/') return fail(ErrorCode::invalid, "the request target must start with '/'");
  const auto question = target.find('?');
  const auto raw = target.substr(0, question);
  path.reserve(raw.size());
  if (!decode(raw, true, path)) return fail(ErrorCode::invalid, "the path holds a bad percent escape; write % as %25");
  if (!is_utf8(path)) return fail(ErrorCode::invalid, "the path must be UTF-8 when decoded");
  if (has_odd_segment(path)) return fail(ErrorCode::invalid, "the path must have no empty, '.' or '..' segments");
  if (question == std::string_view::npos) return {};
  auto rest = target.substr(question + 1);
  while (!rest.empty()) {
    const auto ampersand = rest.find('&');
    const auto pair = rest.substr(0, ampersand);
    rest = ampersand == std::string_view::npos ? std::string_view{} : rest.substr(ampersand + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    std::string key, value;
    if (!decode(pair.substr(0, equals), false, key) || (equals != std::string_view::npos && !decode(pair.substr(equals + 1), false, value)))
      return fail(ErrorCode::invalid, "the query holds a bad percent escape; write % as %25");
    if (!is_utf8(key) || !is_utf8(value)) return fail(ErrorCode::invalid, "the query must be UTF-8 when decoded");
    query.emplace_back(std::move(key), std::move(value));
  }
  return {};
}

}  // namespace choregos::net
