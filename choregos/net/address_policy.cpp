#include "choregos/net/address_policy.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace choregos::net {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

IpAddress v4_at(const Bytes& b, std::size_t at) { return IpAddress::v4(b[at], b[at + 1], b[at + 2], b[at + 3]); }

bool starts_with(const Bytes& bytes, std::initializer_list<int> prefix) {
  std::size_t i = 0;
  return std::all_of(prefix.begin(), prefix.end(), [&](int value) { return bytes[i++] == value; });
}

/// Services of clouds that hand out credentials to whoever asks from inside, beyond 169.254.169.254.
bool is_metadata_service(const IpAddress& a) {
  static const std::array<IpAddress, 4> known{
      IpAddress::v4(100, 100, 100, 200),  // Alibaba Cloud
      IpAddress::v4(168, 63, 129, 16),    // Azure
      IpAddress::v4(192, 0, 0, 192),      // Oracle Cloud
      IpAddress{{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}},  // AWS
  };
  return std::find(known.begin(), known.end(), a) != known.end();
}

std::optional<std::string> never_plain(const IpAddress& a) {
  if (a.is_unspecified()) return "it is the unspecified network (0.0.0.0/8 or ::)";
  if (a.is_link_local()) return "it is link-local, where metadata services live";
  if (a.is_multicast()) return "it is a multicast group";
  if (a.is_v4() && a.v4_bits() >= 0xf0000000U) return "it is reserved or broadcast (240.0.0.0/4)";
  if (!a.is_v4() && a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0xc0) return "it is site-local, which is abolished";
  if (is_metadata_service(a)) return "it is a metadata service of a cloud";
  return std::nullopt;
}

/// The IPv4 addresses that an IPv6 address may turn into on its way.
std::vector<std::pair<IpAddress, std::string_view>> embedded(const IpAddress& a) {
  std::vector<std::pair<IpAddress, std::string_view>> found;
  if (a.is_v4()) return found;
  const Bytes& b = a.bytes;
  if (starts_with(b, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) found.emplace_back(v4_at(b, 12), "IPv4-compatible");
  if (starts_with(b, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0})) found.emplace_back(v4_at(b, 12), "IPv4-translated");
  if (starts_with(b, {0x20, 0x02})) found.emplace_back(v4_at(b, 2), "6to4");
  if (starts_with(b, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) found.emplace_back(v4_at(b, 12), "NAT64");
  if (starts_with(b, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01})) {
    // RFC 6052 allows prefixes of /48, /56, /64 and /96 inside; byte 8 stays zero. Any of them may be in use, and a reading
    // that starts with a zero is padding, unless all are.
    const IpAddress readings[] = {IpAddress::v4(b[6], b[7], b[9], b[10]), IpAddress::v4(b[7], b[9], b[10], b[11]), v4_at(b, 9), v4_at(b, 12)};
    for (const IpAddress& reading : readings)
      if (!reading.is_unspecified()) found.emplace_back(reading, "NAT64");
    if (found.empty()) found.emplace_back(readings[3], "NAT64");
  }
  if (starts_with(b, {0x20, 0x01, 0, 0})) {
    found.emplace_back(v4_at(b, 4), "Teredo");
    found.emplace_back(IpAddress::v4(static_cast<std::uint8_t>(~b[12]), static_cast<std::uint8_t>(~b[13]), static_cast<std::uint8_t>(~b[14]), static_cast<std::uint8_t>(~b[15])),
                       "Teredo");
  }
  if ((b[8] & 0xfd) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe) found.emplace_back(v4_at(b, 12), "ISATAP");
  return found;
}

}  // namespace

void AddressPolicy::allow(Cidr range) { allowed_.push_back(range); }

void AddressPolicy::learn(const IpAddress& address, const std::string& source) { learnt_[address].insert(source); }

void AddressPolicy::forget(const IpAddress& address, const std::string& source) {
  const auto at = learnt_.find(address);
  if (at == learnt_.end()) return;
  at->second.erase(source);
  if (at->second.empty()) learnt_.erase(at);
}

void AddressPolicy::forget(const std::string& source) {
  for (auto at = learnt_.begin(); at != learnt_.end();) {
    at->second.erase(source);
    at = at->second.empty() ? learnt_.erase(at) : std::next(at);
  }
}

std::optional<std::string> AddressPolicy::never(const IpAddress& address) {
  const bool plain_loopback = address.is_loopback();
  if (plain_loopback) return std::nullopt;
  if (auto reason = never_plain(address)) return reason;
  for (const auto& [inner, form] : embedded(address)) {
    if (inner.is_loopback()) return "it is the " + std::string(form) + " form of loopback address " + to_string(inner);
    if (auto reason = never_plain(inner)) return "it is the " + std::string(form) + " form of " + to_string(inner) + ", and " + *reason;
  }
  return std::nullopt;
}

Result<void> AddressPolicy::check(const SocketAddress& address, bool configured_target) const {
  if (address.port == 0) return fail(ErrorCode::invalid, "port 0 of " + to_string(address.ip) + " cannot be connected to");
  if (const auto reason = never(address.ip)) return fail(ErrorCode::forbidden, to_string(address) + " is never dialled: " + *reason);
  if (configured_target) return {};
  if (address.ip.is_loopback()) return fail(ErrorCode::forbidden, to_string(address) + " is loopback, which only a configured target may be");
  if (learnt_.count(address.ip) > 0) return {};
  for (const Cidr& range : allowed_)
    if (range.contains(address.ip)) return {};
  return fail(ErrorCode::forbidden, to_string(address) + " is neither configured, nor in an allowed range, nor vouched for by a source");
}

}  // namespace choregos::net
