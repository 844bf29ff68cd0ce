#include "choregos/base/ip.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace choregos {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<std::uint32_t> parse_v4(std::string_view text) {
  std::uint32_t out = 0;
  for (int part = 0; part < 4; ++part) {
    std::size_t n = 0;
    std::uint32_t value = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9' && n < 4) value = value * 10 + static_cast<std::uint32_t>(text[n++] - '0');
    if (n == 0 || n > 3 || value > 255 || (n > 1 && text[0] == '0')) return std::nullopt;
    out = out << 8 | value;
    text.remove_prefix(n);
    if (part < 3) {
      if (text.empty() || text.front() != '.') return std::nullopt;
      text.remove_prefix(1);
    }
  }
  if (!text.empty()) return std::nullopt;
  return out;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  std::array<std::uint16_t, 8> groups{};
  int count = 0;
  int gap = -1;
  if (text.size() >= 2 && text.substr(0, 2) == "::") {
    gap = 0;
    text.remove_prefix(2);
  } else if (text.empty() || text.front() == ':') {
    return std::nullopt;
  }
  while (!text.empty()) {
    if (count == 8) return std::nullopt;
    if (const auto colon = text.find(':'); colon == std::string_view::npos && text.find('.') != std::string_view::npos) {
      const auto tail = parse_v4(text);
      if (!tail || count > 6) return std::nullopt;
      groups[static_cast<std::size_t>(count++)] = static_cast<std::uint16_t>(*tail >> 16);
      groups[static_cast<std::size_t>(count++)] = static_cast<std::uint16_t>(*tail & 0xffff);
      text = {};
      break;
    }
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    const auto n = static_cast<std::size_t>(end - text.data());
    if (error != std::errc{} || n > 4 || text.front() == '-') return std::nullopt;
    groups[static_cast<std::size_t>(count++)] = static_cast<std::uint16_t>(value);
    text.remove_prefix(n);
    if (text.empty()) break;
    if (text.front() != ':') return std::nullopt;
    text.remove_prefix(1);
    if (text.empty()) return std::nullopt;
    if (text.front() == ':') {
      if (gap >= 0) return std::nullopt;
      gap = count;
      text.remove_prefix(1);
    }
  }
  if (gap < 0 ? count != 8 : count > 7) return std::nullopt;
  IpAddress out;
  const int shift = 8 - count;
  for (int i = 0; i < count; ++i) {
    const int at = gap >= 0 && i >= gap ? i + shift : i;
    out.bytes[static_cast<std::size_t>(2 * at)] = static_cast<std::uint8_t>(groups[static_cast<std::size_t>(i)] >> 8);
    out.bytes[static_cast<std::size_t>(2 * at + 1)] = static_cast<std::uint8_t>(groups[static_cast<std::size_t>(i)] & 0xff);
  }
  return out;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress out;
  std::copy(kMapped.begin(), kMapped.end(), out.bytes.begin());
  for (std::size_t i = 0; i < 4; ++i) out.bytes[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  return out;
}

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return v4(std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d);
}

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

std::uint32_t IpAddress::v4_bits() const {
  assert(is_v4());
  return std::uint32_t{bytes[12]} << 24 | std::uint32_t{bytes[13]} << 16 | std::uint32_t{bytes[14]} << 8 | bytes[15];
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes[12] == 127;
  return std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t b) { return b == 0; }) && bytes[15] == 1;
}

bool IpAddress::is_link_local() const {
  if (is_v4()) return bytes[12] == 169 && bytes[13] == 254;
  return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool IpAddress::is_multicast() const { return is_v4() ? (bytes[12] & 0xf0) == 0xe0 : bytes[0] == 0xff; }

bool IpAddress::is_unspecified() const {
  if (is_v4()) return bytes[12] == 0;
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (const auto bits = parse_v4(text)) return IpAddress::v4(*bits);
  return parse_v6(text);
}

std::string to_string(const IpAddress& address) {
  char out[64];
  if (address.is_v4()) {
    std::snprintf(out, sizeof out, "%u.%u.%u.%u", unsigned{address.bytes[12]}, unsigned{address.bytes[13]}, unsigned{address.bytes[14]},
                  unsigned{address.bytes[15]});
    return out;
  }
  // RFC 5952: the longest run of at least two zero groups becomes "::", the first one among equals.
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = unsigned{address.bytes[2 * i]} << 8 | address.bytes[2 * i + 1];
  std::size_t best = 8, best_length = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t n = 0;
    while (i + n < 8 && groups[i + n] == 0) ++n;
    if (n > best_length) best = i, best_length = n;
  }
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      text += "::";
      i += best_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    std::snprintf(out, sizeof out, "%x", groups[i]);
    text += out;
  }
  return text;
}

std::optional<SocketAddress> parse_socket_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    const auto ip = parse_v6(host.substr(1, host.size() - 2));
    if (!ip) return std::nullopt;
    return SocketAddress{*ip, *port};
  }
  const auto bits = parse_v4(host);
  if (!bits) return std::nullopt;
  return SocketAddress{IpAddress::v4(*bits), *port};
}

std::string to_string(const SocketAddress& address) {
  const std::string ip = to_string(address.ip);
  return (address.ip.is_v4() ? ip : "[" + ip + "]") + ":" + std::to_string(address.port);
}

bool Cidr::contains(const IpAddress& address) const {
  const int whole = prefix / 8, rest = prefix % 8;
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + whole, address.bytes.begin())) return false;
  if (rest == 0) return true;
  const int mask = 0xff << (8 - rest) & 0xff;
  const auto at = static_cast<std::size_t>(whole);
  return (base.bytes[at] & mask) == (address.bytes[at] & mask);
}

Result<Cidr> parse_cidr(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::invalid, "'" + std::string(text.substr(0, 60)) + "' " + std::string(why) + "; write a range such as 10.0.0.0/8 or fd00::/8");
  };
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return bad("has no prefix length");
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip) return bad("does not begin with an IP address");
  int prefix = -1;
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  const int most = ip->is_v4() ? 32 : 128;
  if (error != std::errc{} || end != digits.data() + digits.size() || prefix < 0 || prefix > most) return bad("has a bad prefix length");
  Cidr out{*ip, ip->is_v4() ? prefix + 96 : prefix};
  for (int bit = out.prefix; bit < 128; ++bit)
    if ((ip->bytes[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8) & 1) != 0) return bad("has bits set beyond its prefix");
  return out;
}

std::string to_string(const Cidr& cidr) {
  return to_string(cidr.base) + "/" + std::to_string(cidr.base.is_v4() ? cidr.prefix - 96 : cidr.prefix);
}

Result<HostPort> parse_host_port(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::invalid, "'" + std::string(text.substr(0, 80)) + "' " + std::string(why) + "; write host:port such as 10.0.0.4:9000");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("has no port");
  const std::string_view host = text.substr(0, colon);
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return bad("has no port between 1 and 65535");
  if (host.empty() || host.size() > 253) return bad("has no host, or one that is too long");
  if (host.front() == '[') {
    if (host.back() != ']' || !parse_v6(host.substr(1, host.size() - 2))) return bad("has a malformed IPv6 address");
    return HostPort{std::string(host.substr(1, host.size() - 2)), *port};
  }
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
  if (!plain) return bad("has a host with other characters than letters, digits, '-', '.' and '_'");
  return HostPort{std::string(host), *port};
}

}  // namespace choregos
