#include "choregos/sdk/beacon_sender.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/source/beacon/ears.hpp"

namespace choregos::sdk {
namespace {

constexpr Duration kLookUpAgain = 30s;
constexpr std::uint32_t kPingsAnswered = 32;  ///< a second; a registry that doubts us asks eight times

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

BeaconSender::BeaconSender(net::Loop& loop, const Announcer::Beacon& options, const Self& self, std::uint64_t seed)
    : loop_(loop), options_(options), self_(self), rng_(seed), schedule_(options.interval, rng_.next()), session_(rng_.next()),
      ping_tokens_(kPingsAnswered, kPingsAnswered),
      relay_(
          loop,
          [this](const SocketAddress& to, const std::string& datagram) {
            auto* socket = socket_for(to.ip);
            return socket != nullptr && socket->send(to, bytes_of(datagram), true).has_value();
          },
          [this](const SocketAddress& asker, const wire::ToldBody& told) {
            auto out = frame(wire::BeaconType::told, wire::write_told(told));
            out.cookie = cookie_for(asker);
            transmit(asker, std::move(out));
          }),
      names_(loop, {}) {}

Result<void> BeaconSender::open() {
  for (const auto& text : options_.unicast) {
    auto named = parse_host_port(text);
    if (!named) return fail(ErrorCode::invalid, "beacon target '" + text + "' should read host:port: " + named.error().message);
    Place place;
    place.named = *named;
    if (auto ip = parse_ip(named->host)) place.address = SocketAddress{*ip, named->port};
    places_.push_back(std::move(place));
  }
  if (options_.interval < 50ms) return fail(ErrorCode::invalid, "a beacon interval should be 50ms or more");
  const auto on_batch = [this](std::span<const net::Datagram> batch) { received(batch); };
  net::UdpSocket::Options v4;
  v4.interfaces = options_.interfaces;
  v4.receive_buffer_bytes = 64 << 10;
  auto v6 = v4;
  v6.bind.ip = *parse_ip("::");
  v4.bind.ip = IpAddress::v4(0);
  auto opened = net::UdpSocket::open(loop_, v4, on_batch);
  if (opened) v4_ = std::move(*opened);
  // A machine without IPv6 is an ordinary one.
  if (auto also = net::UdpSocket::open(loop_, v6, on_batch)) v6_ = std::move(*also);
  if (!v4_ && !v6_) return opened.error();
  return {};
}

void BeaconSender::start() {
  schedule_.start(loop_.now());
  due();
}

void BeaconSender::changed() {
  too_large_ = false;
  schedule_.changed(loop_.now());
  arm();
}

void BeaconSender::pace(Duration interval) {
  if (interval == schedule_.interval()) return;
  schedule_.pace(interval, loop_.now());
  arm();
}

void BeaconSender::arm() {
  timer_ = loop_.at(schedule_.next_deadline(), [this] { due(); });
}

void BeaconSender::due() {
  for (auto& place : places_) look_up(place);
  if (const auto type = schedule_.tick(loop_.now())) {
    if (*type == wire::BeaconType::announce && !too_large_) {
      const auto body = self_.registration_body();
      too_large_ = body.size() > wire::kBeaconPayloadBytesMax;
      if (!too_large_) send_everywhere(*type, body);
      ping();
    }
    if (*type == wire::BeaconType::alive || too_large_) send_everywhere(wire::BeaconType::alive, wire::write_alive(self_.alive()));
  }
  arm();
}

void BeaconSender::look_up(Place& place) {
  if (parse_ip(place.named.host) || place.looking_up) return;
  if (place.looked_up_at != Instant::min() && loop_.now() - place.looked_up_at < (place.address ? kLookUpAgain : Duration(2s))) return;
  place.looking_up = true;
  const auto index = static_cast<std::size_t>(&place - places_.data());
  names_.lookup(place.named.host, place.named.port, [this, index](Result<std::vector<SocketAddress>> found) {
    auto& looked_up = places_[index];
    looked_up.looking_up = false;
    looked_up.looked_up_at = loop_.now();
    // A name server that is away takes nothing from what we know.
    if (!found || found->empty()) return;
    if (std::find(found->begin(), found->end(), looked_up.address.value_or(SocketAddress{})) != found->end()) return;
    looked_up.address = found->front();
    looked_up.cookie = 0;
    schedule_.changed(loop_.now());
    arm();
  });
}

wire::BeaconFrame BeaconSender::frame(wire::BeaconType type, std::string payload) {
  wire::BeaconFrame out;
  out.type = type;
  if (type == wire::BeaconType::announce || type == wire::BeaconType::alive) {
    out.flags = wire::kBeaconAnswers;
    if (options_.help) out.flags |= wire::kBeaconHelps;
    if (self_.draining) out.flags |= wire::kBeaconDraining;
  }
  out.key_id = options_.key_id;
  out.session = session_;
  out.sequence = ++sequence_;
  out.payload = std::move(payload);
  return out;
}

void BeaconSender::transmit(const SocketAddress& to, wire::BeaconFrame out) {
  auto* socket = socket_for(to.ip);
  const auto datagram = wire::encode_beacon(out, options_.key);
  if (!socket || !datagram || !socket->send(to, bytes_of(*datagram), true)) ++errors_;
  else ++sent_;
}

void BeaconSender::send_everywhere(wire::BeaconType type, const std::string& payload) {
  auto out = frame(type, payload);
  if (options_.multicast) {
    if (const auto datagram = wire::encode_beacon(out, options_.key)) {
      bool any = false;
      for (const auto& [socket, group] : {std::pair{v4_.get(), source::beacon::group_v4()}, std::pair{v6_.get(), source::beacon::group_v6()}})
        if (socket && socket->send_multicast({group, options_.port}, bytes_of(*datagram))) any = true;
      ++(any ? sent_ : errors_);
    } else {
      ++errors_;
    }
  }
  for (const auto& place : places_) {
    if (!place.address) continue;
    out.cookie = place.cookie;
    transmit(*place.address, out);
  }
}

void BeaconSender::ping() {
  nonce_ = rng_.next();
  send_everywhere(wire::BeaconType::ping, wire::write_ping(nonce_));
}

std::uint64_t& BeaconSender::epoch_of(const SocketAddress& from) {
  for (auto& [address, epoch] : epochs_)
    if (address == from) return epoch;
  if (epochs_.size() == limits::registry_count_max) epochs_.erase(epochs_.begin());
  return epochs_.emplace_back(from, 0).second;
}

void BeaconSender::received(std::span<const net::Datagram> batch) {
  for (const auto& datagram : batch) {
    wire::BeaconView view;
    const std::string_view bytes(std::bit_cast<const char*>(datagram.bytes.data()), datagram.bytes.size());
    if (wire::decode_beacon(bytes, view) != wire::BeaconFault::none) continue;
    // Signed for the registry that had us ask, so it is no business of our key.
    if (relay_.take_ack(bytes, view, datagram.from)) continue;
    // With a key only those who hold it are believed and answered; a signature by another key is nobody's.
    if (view.key_id != options_.key_id) continue;
    if (options_.key_id != 0 && !wire::verify_beacon(view, options_.key)) continue;
    if (view.type == wire::BeaconType::ack) take_ack(view, datagram.from);
    else if (!is_for_us(view, datagram)) continue;
    else if (view.type == wire::BeaconType::ping) answer_ping(view, datagram);
    else if (view.type == wire::BeaconType::ask) take_ask(view, datagram.from);
  }
}

void BeaconSender::take_ack(const wire::BeaconView& view, const SocketAddress& from) {
  const auto ack = wire::read_ack(view.payload);
  // Only who heard our ping knows its nonce.
  if (!ack || nonce_ == 0 || ack->nonce != nonce_) return;
  for (auto& place : places_)
    if (place.address == from) place.cookie = ack->cookie;
  if (ack->beacon_interval_ms > 0) {
    const Duration interval = std::clamp<Duration>(std::chrono::milliseconds(ack->beacon_interval_ms), 100ms, 10min);
    if (interval != schedule_.interval()) {
      pace(interval);
      if (on_pace) on_pace(interval);
    }
  }
  // A registry that started anew knows nothing of us.
  const auto before = std::exchange(epoch_of(from), ack->epoch);
  if (before == 0 || before == ack->epoch) return;
  schedule_.changed(loop_.now());
  arm();
}

/// Only who hears our beacons knows our session, and so whoever was asked by him: strangers get nothing, not even ten of them
/// with the right address in their datagrams.
bool BeaconSender::is_for_us(const wire::BeaconView& view, const net::Datagram& datagram) const {
  return view.cookie == session_ && !datagram.multicast && may_be_pinged(datagram.from);
}

void BeaconSender::answer_ping(const wire::BeaconView& view, const net::Datagram& datagram) {
  const auto nonce = wire::read_ping(view.payload);
  if (!nonce || std::find(answered_.begin(), answered_.end(), *nonce) != answered_.end() || !ping_tokens_.take(loop_.now())) return;
  answered_[answered_next_++ % answered_.size()] = *nonce;
  wire::AckBody ack;
  ack.nonce = *nonce;
  auto out = frame(wire::BeaconType::ack, wire::write_ack(ack));  // no longer than the shortest ping that read_ping takes
  out.cookie = cookie_for(datagram.from);
  transmit(datagram.from, std::move(out));
}

void BeaconSender::take_ask(const wire::BeaconView& view, const SocketAddress& from) {
  if (!options_.help) return;
  // Only for registries that we announce to: those named, or whoever hears the group.
  const bool named = std::any_of(places_.begin(), places_.end(), [&](const Place& place) { return place.address == from; });
  if (!named && !options_.multicast) return;
  if (const auto ask = wire::read_ask(view.payload)) relay_.take(*ask, from);
}

std::uint64_t BeaconSender::cookie_for(const SocketAddress& to) const {
  const auto place = std::find_if(places_.begin(), places_.end(), [&](const Place& one) { return one.address == to; });
  return place == places_.end() ? 0 : place->cookie;
}

void BeaconSender::say_bye(const std::string& reason) {
  timer_.cancel();
  wire::ByeBody bye;
  bye.id = self_.id;
  bye.incarnation = self_.incarnation;
  bye.reason = reason;
  // Twice, as nothing follows that would make up for a loss.
  for (int i = 0; i < 2; ++i) send_everywhere(wire::BeaconType::bye, wire::write_bye(bye));
}

}  // namespace choregos::sdk
