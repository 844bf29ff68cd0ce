#include "choregos/api/http/host_policy.hpp"

#include <algorithm>
#include <optional>

#include "choregos/base/text.hpp"

namespace choregos::api {
namespace {

/// The host of "host", "host:port", "[v6]" or "[v6]:port", brackets removed; nothing when it is none of these.
std::optional<std::string_view> host_part(std::string_view text) {
  std::string_view host = text, rest;
  if (!text.empty() && text.front() == '[') {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (host.empty()) return std::nullopt;
  if (!rest.empty()) {
    if (rest.front() != ':' || rest.size() < 2 || rest.size() > 6) return std::nullopt;
    if (!std::all_of(rest.begin() + 1, rest.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  }
  return host;
}

bool is_localhost(std::string_view host) { return host == "localhost" || host == "localhost."; }

}  // namespace

HostPolicy::HostPolicy(const std::vector<SocketAddress>& bound, const std::vector<std::string>& hosts) {
  for (const auto& address : bound) {
    if (address.ip.is_unspecified()) any_address_ = true;
    else addresses_.push_back(address.ip);
  }
  for (const auto& host : hosts) {
    if (const auto ip = parse_ip(host)) addresses_.push_back(*ip);
    else names_.push_back(to_lower(host));
  }
}

bool HostPolicy::host_is_ours(std::string_view host_header) const {
  const auto host = host_part(host_header);
  if (!host) return false;
  if (const auto ip = parse_ip(*host))
    return any_address_ || ip->is_loopback() || std::find(addresses_.begin(), addresses_.end(), *ip) != addresses_.end();
  const std::string name = to_lower(*host);
  return is_localhost(name) || std::find(names_.begin(), names_.end(), name) != names_.end();
}

bool HostPolicy::same_origin(std::string_view origin, std::string_view host_header) {
  const auto scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;  // "null" and anything odd
  const auto word = origin.substr(0, scheme);
  if (word != "http" && word != "https") return false;
  return to_lower(origin.substr(scheme + 3)) == to_lower(host_header);
}

std::string HostPolicy::accepted() const {
  std::string text = "localhost, 127.0.0.1";
  for (const auto& address : addresses_)
    if (!address.is_loopback()) text += ", " + to_string(address);
  if (any_address_) text += ", any literal address of this host";
  for (const auto& name : names_) text += ", " + name;
  return text;
}

}  // namespace choregos::api
