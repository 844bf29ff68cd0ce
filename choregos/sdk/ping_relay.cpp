#include "choregos/sdk/ping_relay.hpp"

#include <algorithm>
#include <utility>

#include "choregos/base/limits.hpp"

namespace choregos::sdk {
namespace {
constexpr Duration kWaitMin = 100ms, kWaitMax = 3s;
}

bool may_be_pinged(const SocketAddress& address) {
  const IpAddress& ip = address.ip;
  return address.port >= 1024 && !ip.is_multicast() && !ip.is_unspecified() && !ip.is_link_local() && ip != IpAddress::v4(255, 255, 255, 255);
}

bool PingRelay::take(const wire::AskBody& ask, const SocketAddress& asker) {
  if (!may_be_pinged(ask.target) || (ask.target.ip.is_loopback() && !asker.ip.is_loopback())) return false;
  wire::BeaconView ping;
  if (wire::decode_beacon(ask.ping, ping) != wire::BeaconFault::none || ping.type != wire::BeaconType::ping) return false;
  const auto nonce = wire::read_ping(ping.payload);
  if (!nonce || open_.size() >= limits::relayed_question_max || open_.contains(*nonce) || !tokens_.take(loop_.now())) return false;
  if (!send_(ask.target, ask.ping)) return false;
  Open& open = open_[*nonce];
  open.asker = asker;
  open.target = ask.target;
  open.wait = loop_.after(std::clamp<Duration>(std::chrono::milliseconds(ask.wait_ms), kWaitMin, kWaitMax), [this, nonce = *nonce] {
    const SocketAddress to = open_.at(nonce).asker;
    open_.erase(nonce);
    report_(to, {nonce, {}});
  });
  return true;
}

bool PingRelay::take_ack(std::string_view datagram, const wire::BeaconView& frame, const SocketAddress& from) {
  if (frame.type != wire::BeaconType::ack || datagram.size() > wire::kBeaconPingBytes) return false;
  const auto ack = wire::read_ack(frame.payload);
  const auto it = ack ? open_.find(ack->nonce) : open_.end();
  if (it == open_.end() || it->second.target != from) return false;
  const SocketAddress to = it->second.asker;
  open_.erase(it);
  report_(to, {ack->nonce, std::string(datagram)});
  return true;
}

}  // namespace choregos::sdk
