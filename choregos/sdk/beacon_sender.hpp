// Sends an agent's beacons: to the multicast groups of the LAN and to registries elsewhere; answers pings; pings others for
// registries; takes the pace and cookie that registries give in acks. Internal to the announcer; lives on the loop's thread.
//
// One beacon has one sequence number, whatever the number of places it goes to: who hears it twice drops the second.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/rng.hpp"
#include "choregos/net/http_client.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/net/udp.hpp"
#include "choregos/sdk/announcer.hpp"
#include "choregos/sdk/beacon_schedule.hpp"
#include "choregos/sdk/ping_relay.hpp"
#include "choregos/sdk/self.hpp"

namespace choregos::sdk {

class BeaconSender {
 public:
  /// `self` is read whenever something is sent and must outlive the sender.
  BeaconSender(net::Loop& loop, const Announcer::Beacon& options, const Self& self, std::uint64_t seed);

  /// Errors: invalid (an option), io (no socket at all).
  Result<void> open();
  void start();
  /// What we say changed.
  void changed();
  /// As asked for by a registry over its tether.
  void pace(Duration interval);
  void say_bye(const std::string& reason);

  /// Thread safe, both.
  std::uint64_t sent() const { return sent_; }
  std::uint64_t errors() const { return errors_; }
  Duration interval() const { return schedule_.interval(); }
  std::function<void(Duration)> on_pace;  ///< an ack changed the interval

 private:
  struct Place {
    HostPort named;                       ///< as configured
    std::optional<SocketAddress> address;
    std::uint64_t cookie = 0;
    bool looking_up = false;
    Instant looked_up_at = Instant::min();
  };

  void arm();
  void due();
  void look_up(Place& place);
  void send_everywhere(wire::BeaconType type, const std::string& payload);
  void ping();
  void transmit(const SocketAddress& to, wire::BeaconFrame frame);
  void received(std::span<const net::Datagram> batch);
  void take_ack(const wire::BeaconView& frame, const SocketAddress& from);
  bool is_for_us(const wire::BeaconView& frame, const net::Datagram& datagram) const;
  void answer_ping(const wire::BeaconView& frame, const net::Datagram& datagram);
  void take_ask(const wire::BeaconView& frame, const SocketAddress& from);
  std::uint64_t cookie_for(const SocketAddress& to) const;
  std::uint64_t& epoch_of(const SocketAddress& from);
  wire::BeaconFrame frame(wire::BeaconType type, std::string payload);
  net::UdpSocket* socket_for(const IpAddress& address) { return (address.is_v4() ? v4_ : v6_).get(); }

  net::Loop& loop_;
  Announcer::Beacon options_;
  const Self& self_;
  Rng rng_;
  BeaconSchedule schedule_;
  std::vector<Place> places_;
  std::vector<std::pair<SocketAddress, std::uint64_t>> epochs_;  ///< of registries that sent acks, oldest first, at most limits::registry_count_max
  std::uint64_t session_;
  std::uint64_t sequence_ = 0;
  std::uint64_t nonce_ = 0;       ///< of the last pings
  std::atomic<std::uint64_t> sent_ = 0;
  std::atomic<std::uint64_t> errors_ = 0;
  source::beacon::TokenBucket ping_tokens_;
  std::array<std::uint64_t, 64> answered_{};  ///< nonces of the last pings that were answered, round and round
  std::size_t answered_next_ = 0;
  PingRelay relay_;
  bool too_large_ = false;        ///< the announce does not fit a datagram; only alive is sent
  net::HttpClient names_;         ///< for its lookups alone
  std::unique_ptr<net::UdpSocket> v4_, v6_;
  net::Timer timer_;
};

}  // namespace choregos::sdk
