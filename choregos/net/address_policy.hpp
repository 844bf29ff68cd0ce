// What choregos may dial. One policy for everything that goes out, judged on the socket address that is then connected
// to, never on text: getaddrinfo turns 0xA9FEA9FE, 2852039166 and 0251.0376.0251.0376 into 169.254.169.254.
//
// Pure logic. Owned by the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"

namespace choregos::net {

class AddressPolicy {
 public:
  /// Addresses of this range may be dialled, if they are not among the never-allowed ones.
  void allow(Cidr range);
  const std::vector<Cidr>& allowed() const { return allowed_; }

  /// A source (an origin such as "swarm_dns:tasks.chorus") vouches for this address until it is forgotten. Learning twice
  /// counts once per source.
  void learn(const IpAddress& address, const std::string& source);
  void forget(const IpAddress& address, const std::string& source);
  /// Everything that this source had vouched for.
  void forget(const std::string& source);

  /// `configured_target`: an operator wrote this very target. It needs no range, and only it may be loopback.
  /// Errors: forbidden, saying which rule refused; invalid for port 0.
  Result<void> check(const SocketAddress& address, bool configured_target) const;

  /// The rule that forbids this address whoever asks, or nothing: unspecified (0/8, ::), link-local, multicast, broadcast,
  /// reserved (240/4), site-local IPv6, and IPv6 forms that carry a forbidden or loopback IPv4 address inside: v4-mapped,
  /// v4-compatible, 6to4 (2002::/16), NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), Teredo (2001::/32), ISATAP.
  static std::optional<std::string> never(const IpAddress& address);

 private:
  std::vector<Cidr> allowed_;
  std::map<IpAddress, std::set<std::string>> learnt_;
};

}  // namespace choregos::net
