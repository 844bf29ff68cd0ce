// The sockets that beacons arrive at: one for IPv4, one for IPv6 where the machine has it, on the same port, joined to the
// groups. Thin; knows nothing of what a datagram says. Also for programs that only listen, such as `choregos peers`.
//
// Lives on the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/net/udp.hpp"
#include "choregos/source/beacon/receiver.hpp"

namespace choregos::source::beacon {

inline constexpr std::uint16_t kPort = 4471;
/// 239.255.67.72 and ff02::4348.
IpAddress group_v4();
IpAddress group_v6();

class Ears {
 public:
  struct Options {
    std::uint16_t port = kPort;            ///< 0 lets the kernel choose, the same for both families
    bool multicast = true;                 ///< join the groups
    std::vector<std::string> interfaces;   ///< to join on; empty = all that are up and can, loopback included
    /// Hear the IPv4 group alone. For a guest on a machine where a registry may run: the kernel gives a unicast datagram to
    /// one socket only, the one bound last, so a guest bound to every address would take the registry's away.
    bool group_only = false;
  };
  using OnPacket = std::function<void(const Packet&, unsigned interface_index)>;

  /// `on_packet` may destroy the Ears. Errors: io, when not even IPv4 can be had.
  static Result<std::unique_ptr<Ears>> open(net::Loop& loop, const Options& options, OnPacket on_packet);
  ~Ears();
  Ears(const Ears&) = delete;
  Ears& operator=(const Ears&) = delete;

  std::uint16_t port() const;
  bool has_v6() const { return v6_ != nullptr; }
  /// Errors: io, when our own kernel refused; unsupported, without a socket of that family.
  Result<void> send(const SocketAddress& to, std::string_view bytes);
  /// Hands over what waits. Until when everything that came has been handed over; see UdpSocket::drain.
  Instant drain();
  /// Of both sockets together.
  net::UdpSocket::Counters counters() const;

 private:
  Ears() = default;

  std::unique_ptr<net::UdpSocket> v4_, v6_;
  std::shared_ptr<bool> open_ = std::make_shared<bool>(true);
};

}  // namespace choregos::source::beacon
