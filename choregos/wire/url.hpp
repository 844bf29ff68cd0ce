// URLs that we dial or print, and the query strings that we are asked with. Stricter than RFC 3986 where leniency is how
// filters are fooled: one spelling for each address, no userinfo, no odd characters. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"

namespace choregos::wire {

struct HttpUrl {
  std::string scheme;      ///< "http" or "https"
  std::string host;        ///< lower-case name or IP literal, without brackets
  std::uint16_t port = 0;  ///< 80 or 443 when not written
  std::string path = "/";  ///< begins with '/'; includes the query when there is one: the request target

  /// The address when the host is a literal.
  std::optional<IpAddress> ip() const { return parse_ip(host); }
  /// For the Host header: with brackets for IPv6, without the scheme's own port.
  std::string authority() const;
  bool operator==(const HttpUrl&) const = default;
};
std::string to_string(const HttpUrl& url);

/// http and https only. The host is a name of letters, digits, '-', '_', '.' or an IP literal as base/ip.hpp reads it (a host
/// that ends in a number but is no dotted quad, such as 0x7f.1 or 2130706433, is refused). No userinfo, no fragment, no
/// space, control or non-ASCII bytes; '%' only before two hex digits. Errors: invalid.
Result<HttpUrl> parse_http_url(std::string_view text);

/// Everything but A-Z a-z 0-9 - . _ ~ as %XX, so that it fits a path segment or a query value; characters of `also` stay.
std::string percent_encode(std::string_view text, std::string_view also = {});
/// Errors: invalid (a '%' without two hex digits, a NUL byte, a result that is not UTF-8).
Result<std::string> percent_decode(std::string_view text);

using Parameters = std::vector<std::pair<std::string, std::string>>;
/// "a=1&b=x%20y+z" in order; '+' is a space; a key without '=' has the value "". Errors: invalid (see percent_decode).
Result<Parameters> parse_parameters(std::string_view query);
std::string write_parameters(const Parameters& parameters);

/// What stands in a request line: "/api/v1/agents/a%2Fb?x=1". Segments are split before decoding, so an id may hold '/'.
struct RequestTarget {
  std::string path;                   ///< as it came, without the query
  std::vector<std::string> segments;  ///< decoded; a trailing '/' makes no empty last one
  Parameters parameters;
};
/// Errors: invalid (no leading '/', empty, '.' or '..' segments, bad escapes, a fragment).
Result<RequestTarget> parse_request_target(std::string_view target);

}  // namespace choregos::wire
