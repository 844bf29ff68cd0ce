#include "choregos/source/beacon/ears.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace choregos::source::beacon {

IpAddress group_v4() { return IpAddress::v4(239, 255, 67, 72); }
IpAddress group_v6() { return *parse_ip("ff02::4348"); }

Result<std::unique_ptr<Ears>> Ears::open(net::Loop& loop, const Options& options, OnPacket on_packet) {
  std::unique_ptr<Ears> ears(new Ears);
  const auto on_batch = [on_packet = std::move(on_packet), open = ears->open_](std::span<const net::Datagram> batch) {
    const auto still_open = open;  // whoever takes a packet may destroy us
    for (const net::Datagram& datagram : batch) {
      if (!*still_open) return;
      const std::string_view bytes(reinterpret_cast<const char*>(datagram.bytes.data()), datagram.bytes.size());
      on_packet({bytes, datagram.from, datagram.received, datagram.multicast}, datagram.interface_index);
    }
  };
  net::UdpSocket::Options v4;
  v4.bind = {options.group_only ? group_v4() : IpAddress::v4(0), options.port};
  v4.share_port = true;  // a guest may listen to the same group
  v4.interfaces = options.interfaces;
  if (options.multicast) v4.groups = {group_v4()};
  auto first = net::UdpSocket::open(loop, v4, on_batch);
  if (!first) return first.error();
  ears->v4_ = std::move(*first);
  if (options.group_only) return ears;

  net::UdpSocket::Options v6 = v4;
  v6.bind = {IpAddress{}, ears->v4_->local().port};
  v6.groups.clear();
  if (options.multicast) v6.groups = {group_v6()};
  // A machine without IPv6 is an ordinary one.
  if (auto second = net::UdpSocket::open(loop, v6, on_batch)) ears->v6_ = std::move(*second);
  return ears;
}

Ears::~Ears() { *open_ = false; }

std::uint16_t Ears::port() const { return v4_->local().port; }

Result<void> Ears::send(const SocketAddress& to, std::string_view bytes) {
  net::UdpSocket* const socket = (to.ip.is_v4() ? v4_ : v6_).get();
  if (socket == nullptr) return fail(ErrorCode::unsupported, "there is no IPv6 here to send to " + to_string(to));
  return socket->send(to, std::as_bytes(std::span(bytes)));
}

Instant Ears::drain() {
  const auto open = open_;  // whoever takes a packet may destroy us
  Instant until = v4_->drain();
  if (*open && v6_) until = std::min(until, v6_->drain());
  return until;
}

net::UdpSocket::Counters Ears::counters() const {
  net::UdpSocket::Counters sum;
  for (const auto* socket : {v4_.get(), v6_.get()}) {
    if (socket == nullptr) continue;
    const auto& one = socket->counters();
    sum.received += one.received;
    sum.received_bytes += one.received_bytes;
    sum.batches += one.batches;
    sum.dropped_by_kernel += one.dropped_by_kernel;
    sum.oversize += one.oversize;
    sum.sent += one.sent;
    sum.send_failures += one.send_failures;
    sum.receive_failures += one.receive_failures;
    sum.joined += one.joined;
    sum.join_failures += one.join_failures;
  }
  return sum;
}

}  // namespace choregos::source::beacon
