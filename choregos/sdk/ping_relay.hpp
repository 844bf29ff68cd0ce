// Helps registries: pings another agent on their behalf, from where this one stands, and hands back what came. So a registry
// can tell an agent that is gone from a path that is. Who may ask is decided before (BeaconSender); here only what is done.
//
// It cannot be made a weapon: what it sends is one ping of 86 bytes for an ask of 164, at most kPerSecond a second, to one host,
// to a port from 1024 on, and to loopback only for somebody who asks over loopback. What it hands back is an ack that repeats
// the ping's nonce and came from where the ping went, and is shorter than the ask.
//
// Internal to the announcer; lives on the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "choregos/base/ip.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/source/beacon/admission.hpp"
#include "choregos/wire/beacon.hpp"

namespace choregos::sdk {

/// One host, and a port that no service of the system owns.
bool may_be_pinged(const SocketAddress& address);

class PingRelay {
 public:
  static constexpr std::uint32_t kPerSecond = 20;

  /// `send` is false when our own system refused: then nothing is reported, for nothing was learnt.
  using Send = std::function<bool(const SocketAddress& to, const std::string& datagram)>;
  using Report = std::function<void(const SocketAddress& asker, const wire::ToldBody& told)>;
  PingRelay(net::Loop& loop, Send send, Report report) : loop_(loop), send_(std::move(send)), report_(std::move(report)) {}

  /// Pings, unless it may not. Whether it did.
  bool take(const wire::AskBody& ask, const SocketAddress& asker);
  /// True when the datagram answers a ping of ours; reports it.
  bool take_ack(std::string_view datagram, const wire::BeaconView& frame, const SocketAddress& from);

 private:
  struct Open {
    SocketAddress asker, target;
    net::Timer wait;
  };
  net::Loop& loop_;
  Send send_;
  Report report_;
  source::beacon::TokenBucket tokens_{kPerSecond, kPerSecond};
  std::map<std::uint64_t, Open> open_;  ///< by nonce
};

}  // namespace choregos::sdk
