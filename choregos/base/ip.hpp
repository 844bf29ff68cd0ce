// Internet addresses as plain values, parsed strictly: dotted quads without leading zeros, RFC 4291 text for IPv6, no
// short, octal, hex or decimal spellings (getaddrinfo accepts those, which is how address filters are fooled).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "choregos/base/result.hpp"

namespace choregos {

/// IPv4 is held in its v4-mapped form (::ffff:a.b.c.d); is_v4() tells the two apart.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const IpAddress&) const = default;

  static IpAddress v4(std::uint32_t host_order);
  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  bool is_v4() const;
  std::uint32_t v4_bits() const;  ///< host order; asserts is_v4()
  bool is_loopback() const;       ///< 127/8 or ::1
  bool is_link_local() const;     ///< 169.254/16 or fe80::/10
  bool is_multicast() const;      ///< 224/4 or ff00::/8
  bool is_unspecified() const;    ///< 0/8 or ::
};

std::optional<IpAddress> parse_ip(std::string_view text);
/// Dotted quad, or RFC 5952 text.
std::string to_string(const IpAddress& address);

/// An address and a port: "10.0.0.4:8081", "[fd00::1]:8081".
struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;
  auto operator<=>(const SocketAddress&) const = default;
};
std::optional<SocketAddress> parse_socket_address(std::string_view text);
std::string to_string(const SocketAddress& address);

/// A range such as 10.0.0.0/8 or fd00::/8; bits beyond the prefix must be zero.
struct Cidr {
  IpAddress base;
  int prefix = 0;  ///< of 128: an IPv4 /8 is held as /104
  bool contains(const IpAddress& address) const;
  auto operator<=>(const Cidr&) const = default;
};
Result<Cidr> parse_cidr(std::string_view text);
std::string to_string(const Cidr& cidr);

/// host:port where the host may be a name. The host is letters, digits, '-', '.', '_' or a bracketed IPv6 address.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace choregos
