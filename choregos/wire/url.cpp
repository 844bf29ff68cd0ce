#include "choregos/wire/url.hpp"

#include <algorithm>
#include <charconv>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos::wire {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_unreserved(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_escape(std::string_view text) { return text.size() >= 3 && text[0] == '%' && hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0; }

/// Path and query as RFC 3986 allows them, with '/' and '?' in the query.
bool is_target_text(std::string_view text) {
  constexpr std::string_view kOthers = "!$&'()*+,;=:@/?";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_unreserved(text[i]) || kOthers.find(text[i]) != std::string_view::npos) continue;
    if (!is_escape(text.substr(i))) return false;
    i += 2;
  }
  return true;
}

/// A name whose last label looks like a number would be read as an IPv4 address by some resolvers (0x7f.1, 2130706433).
bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (last.empty()) return false;
  if (std::all_of(last.begin(), last.end(), is_digit)) return true;
  return last.size() >= 2 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X');
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.front() == '-' || host.find("..") != std::string_view::npos) return false;
  return std::all_of(host.begin(), host.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; });
}

std::uint16_t default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

Error bad_url(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid, "the URL '" + printable(text.substr(0, 120)) + "' " + std::string(why));
}

/// Host and port of "host[:port]" or "[v6][:port]"; a message what is wrong, or "".
std::string_view read_authority(std::string_view authority, HttpUrl& out) {
  std::string_view host = authority, port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return "has no ']' after its IPv6 address";
    host = authority.substr(1, close - 1);
    const std::string_view rest = authority.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return "has something other than a port after ']'";
    has_port = !rest.empty();
    port = rest.substr(has_port ? 1 : 0);
    const auto ip = parse_ip(host);
    if (!ip || host.find(':') == std::string_view::npos) return "has a malformed IPv6 address";
    out.host = to_string(*ip);
    // ::ffff:a.b.c.d is the IPv4 address under another name; a filter and a reader must see the same one.
    if (ip->is_v4()) return "writes an IPv4 address in IPv6 form; write it as a.b.c.d";
  } else {
    const auto colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    host = authority.substr(0, colon);
    port = has_port ? authority.substr(colon + 1) : std::string_view{};
    if (host.empty()) return "has no host";
    if (!is_host_name(host)) return "has a host with other characters than letters, digits, '-', '.' and '_'";
    if (ends_in_number(host) && !parse_ip(host)) return "has a host that is neither a name nor an IPv4 address such as 10.0.0.4";
    out.host = to_lower(host);
  }
  out.port = default_port(out.scheme);
  if (!has_port) return "";
  const bool digits = !port.empty() && port.size() <= 5 && port.front() != '0' && std::all_of(port.begin(), port.end(), is_digit);
  if (!digits || std::from_chars(port.data(), port.data() + port.size(), out.port).ec != std::errc{}) return "has no port between 1 and 65535";
  return "";
}

}  // namespace

std::string HttpUrl::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != default_port(scheme)) out += ":" + std::to_string(port);
  return out;
}

std::string to_string(const HttpUrl& url) { return url.scheme + "://" + url.authority() + url.path; }

Result<HttpUrl> parse_http_url(std::string_view text) {
  if (text.size() > limits::uri_bytes_max) return bad_url(text, "is longer than " + std::to_string(limits::uri_bytes_max) + " bytes");
  HttpUrl out;
  const auto mark = text.find("://");
  if (mark != std::string_view::npos) out.scheme = to_lower(text.substr(0, mark));
  if (out.scheme != "http" && out.scheme != "https") return bad_url(text, "does not begin with http:// or https://");
  std::string_view rest = text.substr(mark + 3);
  const auto end = rest.find_first_of("/?#");
  const std::string_view authority = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
  if (authority.find('@') != std::string_view::npos) return bad_url(text.substr(0, mark), "carries a user name or password; leave them out");
  if (const auto why = read_authority(authority, out); !why.empty()) return bad_url(text, why);
  if (rest.find('#') != std::string_view::npos) return bad_url(text, "has a fragment ('#'); leave it out");
  if (!is_target_text(rest)) return bad_url(text, "has characters in its path that must be written as %XX");
  out.path = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return out;
}

std::string percent_encode(std::string_view text, std::string_view also) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || also.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (!is_escape(text.substr(i))) return fail(ErrorCode::invalid, "'%' stands before two hex digits; write %25 for the sign itself");
      c = static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
      i += 2;
    }
    if (c == '\0') return fail(ErrorCode::invalid, "a NUL byte is not allowed here");
    out += c;
  }
  if (!is_utf8(out)) return fail(ErrorCode::invalid, "the escapes do not give valid UTF-8");
  return out;
}

Result<Parameters> parse_parameters(std::string_view query) {
  Parameters out;
  while (!query.empty()) {
    const auto end = query.find('&');
    std::string pair(query.substr(0, end));
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    std::replace(pair.begin(), pair.end(), '+', ' ');
    const auto equals = pair.find('=');
    auto key = percent_decode(std::string_view(pair).substr(0, equals));
    if (!key) return fail(ErrorCode::invalid, "query: " + key.error().message);
    auto value = percent_decode(equals == std::string::npos ? std::string_view{} : std::string_view(pair).substr(equals + 1));
    if (!value) return fail(ErrorCode::invalid, "query: " + value.error().message);
    out.emplace_back(std::move(key).value(), std::move(value).value());
  }
  return out;
}

std::string write_parameters(const Parameters& parameters) {
  std::string out;
  for (const auto& [key, value] : parameters) {
    if (!out.empty()) out += '&';
    out += percent_encode(key) + "=" + percent_encode(value, ":/,*");
  }
  return out;
}

Result<RequestTarget> parse_request_target(std::string_view target) {
  const auto bad = [](std::string_view why) { return fail(ErrorCode::invalid, "the request target " + std::string(why)); };
  if (target.size() > limits::uri_bytes_max) return fail(ErrorCode::too_large, "the request target is longer than " + std::to_string(limits::uri_bytes_max) + " bytes");
  if (!target.starts_with('/')) return bad("does not begin with '/'");
  if (!is_target_text(target)) return bad("has characters that must be written as %XX");
  RequestTarget out;
  const auto question = target.find('?');
  out.path = std::string(target.substr(0, question));
  std::string_view rest = std::string_view(out.path).substr(1);
  while (!rest.empty()) {
    const auto slash = rest.find('/');
    auto segment = percent_decode(rest.substr(0, slash));
    if (!segment) return segment.error();
    if (segment->empty() || *segment == "." || *segment == "..") return bad("has an empty, '.' or '..' segment");
    out.segments.push_back(std::move(segment).value());
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  if (question == std::string_view::npos) return out;
  auto parameters = parse_parameters(target.substr(question + 1));
  if (!parameters) return parameters.error();
  out.parameters = std::move(parameters).value();
  return out;
}

}  // namespace choregos::wire
