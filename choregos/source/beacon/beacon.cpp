#include "choregos/source/beacon/beacon.hpp"

#include <algorithm>
#include <utility>

#include "choregos/base/text.hpp"
#include "choregos/net/interfaces.hpp"
#include "choregos/source/beacon/evidence.hpp"

namespace choregos::source {
namespace {

using beacon::Drop;

constexpr Duration kRetry = 5s;
constexpr Duration kInterfaceRefresh = 5s;
constexpr Duration kSilence = 10s;        ///< without a datagram an interface counts as silent
constexpr Duration kRefusalShown = 60s;
constexpr Duration kLossShown = 10s;

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// Names of counters are words of letters, digits and '_'.
std::string counter_of(const std::string& interface) {
  std::string out = "heard_on_" + to_lower(interface);
  std::replace_if(out.begin(), out.end(), [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')); }, '_');
  return out;
}

/// What an operator can do about a refusal; "" when it is nobody's mistake.
std::string advice_for(Drop drop) {
  switch (drop) {
    case Drop::unsigned_refused: return "give the agents a key (beacon.key_file), or say from where unsigned beacons are believed (beacon.accept_unsigned)";
    case Drop::unknown_key:
    case Drop::wrong_mac: return "give the agent the key that stands under its number in beacon.key_file, or add its key there";
    case Drop::key_not_for_id: return "the key is bound to another agent; correct the last column of beacon.key_file or the agent's id";
    case Drop::id_has_key: return "this agent has a key in beacon.key_file and must sign with it";
    case Drop::superseded: return "two processes use this id; give each an id of its own";
    case Drop::version: return "an agent speaks another version of the protocol; upgrade the older side";
    case Drop::rate_limited: return "more unknown ids come than may become known in a second: a flood, or a large fleet that meets a new registry; keys lift the limit";
    case Drop::malformed: return "an agent's beacons are not as docs/PROTOCOL.md says";
    default: return {};
  }
}

}  // namespace

Beacon::Beacon(net::Loop& loop, Options options, Submit submit)
    : loop_(loop), options_(std::move(options)), submit_(std::move(submit)), receiver_(options_.receiver) {}
Beacon::~Beacon() { stop(); }

void Beacon::start() {
  if (running_) return;
  running_ = true;
  timer_ = loop_.every(1s, [this] { turn(); });
  open();
}

void Beacon::stop() {
  running_ = false;
  timer_.cancel();
  retry_.cancel();
  ears_.reset();
}

void Beacon::open() {
  auto ears = beacon::Ears::open(loop_, options_.ears, [this](const beacon::Packet& packet, unsigned index) { take(packet, index); });
  if (!ears) {
    open_error_ = last_error_ = ears.error().message;
    last_error_at_ = loop_.wall_now();
    retry_ = loop_.after(kRetry, [this] { open(); });
    return;
  }
  ears_ = std::move(*ears);
  open_error_.clear();
  kernel_drops_ = 0;
  opened_at_ = loop_.now();
  refreshed_at_ = Instant::min();
  turn();
}

void Beacon::turn() {
  const Instant now = loop_.now();
  receiver_.sweep(now);
  pace_.agents(receiver_.agents(), now);
  if (ears_) {
    const auto lost = ears_->counters().dropped_by_kernel;
    if (lost > kernel_drops_) lost_at_ = now;
    kernel_drops_ = lost;
  }
  if (!ears_ || (refreshed_at_ != Instant::min() && now - refreshed_at_ < kInterfaceRefresh)) return;
  refreshed_at_ = now;
  std::vector<beacon::InterfaceWatch::Line> lines;
  own_addresses_.clear();
  const auto& chosen = options_.ears.interfaces;
  for (const auto& one : net::interfaces()) {
    own_addresses_.insert(own_addresses_.end(), one.addresses.begin(), one.addresses.end());
    if (!one.up || one.addresses.empty()) continue;
    if (chosen.empty() ? one.multicast || one.loopback : std::find(chosen.begin(), chosen.end(), one.name) != chosen.end())
      lines.push_back({one.name, one.index, one.loopback, 0, {}, Instant::min()});
  }
  watch_.set(lines, now);
}

void Beacon::take(const beacon::Packet& packet, unsigned interface_index) {
  watch_.heard(interface_index, packet.received);
  auto taken = receiver_.take(packet);
  if (taken.drop != Drop::none) return note_refusal(taken.drop, packet);
  const WallTime wall_now = loop_.wall_now();
  last_ok_ = wall_now;
  if (taken.question) {
    const auto ms = static_cast<std::uint32_t>(pace_.interval().count() / 1'000'000);
    const std::string ack = receiver_.answer(*taken.question, {taken.question->nonce, ms, options_.epoch, options_.cookie});
    if (!ack.empty() && ears_->send(taken.question->from, ack)) ++acks_;
  }
  if (taken.heard) submit_(beacon::observe(std::move(*taken.heard), options_.name, pace_.lease(), loop_.now(), wall_now));
}

void Beacon::note_refusal(Drop drop, const beacon::Packet& packet) {
  if (advice_for(drop).empty()) return;
  // What an agent of this machine multicasts comes over each interface; the copy on loopback was taken.
  if (drop == Drop::unsigned_refused && packet.multicast && std::find(own_addresses_.begin(), own_addresses_.end(), packet.from.ip) != own_addresses_.end()) return;
  // A flood must cost no more than this.
  if (drop == refusal_ && packet.received - refused_at_ < 1s) return;
  refusal_ = drop;
  refused_at_ = packet.received;
  last_error_ = "dropped a beacon from " + to_string(packet.from) + ": " + std::string(to_string(drop));
  last_error_at_ = loop_.wall_now();
}

SourceHealth Beacon::health() const {
  SourceHealth out;
  out.name = options_.name;
  out.kind = "beacon";
  out.last_ok = last_ok_;
  out.last_error = last_error_;
  out.last_error_at = last_error_at_;
  const auto socket = ears_ ? ears_->counters() : net::UdpSocket::Counters{};
  out.counters = {{"datagrams", socket.received}, {"bytes", socket.received_bytes}, {"dropped_by_kernel", socket.dropped_by_kernel}};
  for (auto& counter : receiver_.counters()) out.counters.push_back(std::move(counter));
  out.counters.emplace_back("acks_sent", acks_);
  out.counters.emplace_back("send_failures", socket.send_failures);
  out.counters.emplace_back("join_failures", socket.join_failures);
  for (const auto& line : watch_.lines()) out.counters.emplace_back(counter_of(line.name), line.heard);
  out.gauges = {{"agents", receiver_.agents()},
                {"sessions", receiver_.sessions()},
                {"interval_ms", static_cast<std::uint64_t>(pace_.interval().count() / 1'000'000)},
                {"memberships", socket.joined},
                {"keys", receiver_.keys().size()}};
  judge(out);
  return out;
}

void Beacon::judge(SourceHealth& out) const {
  if (!running_) {
    out.state = SourceState::off;
    out.detail = "not listening";
    return;
  }
  const std::string port = std::to_string(options_.ears.port);
  if (!ears_) {
    out.state = SourceState::failed;
    out.detail = "cannot listen on UDP port " + port;
    out.advice = "free the port or choose another with beacon.port, and tell it to the agents: " + open_error_;
    return;
  }
  const Instant now = loop_.now();
  out.state = SourceState::ok;
  out.detail = std::to_string(receiver_.agents()) + " agents on UDP port " + std::to_string(ears_->port()) + (ears_->has_v6() ? ", IPv4 and IPv6" : ", IPv4");
  if (options_.ears.multicast && out.gauges[3].second == 0) {
    out.state = SourceState::degraded;
    out.detail += "; no interface could join the multicast groups";
    out.advice = "name interfaces that are up in beacon.interfaces, or let agents send by unicast to this port";
  } else if (lost_at_ != Instant::min() && now - lost_at_ < kLossShown) {
    out.state = SourceState::degraded;
    out.detail += "; the kernel drops datagrams because its queue is full";
    out.advice = "raise the sysctl net.core.rmem_max to 4194304 or more and restart; the other counters say what fills the queue";
  } else if (refused_at_ != Instant::min() && now - refused_at_ < kRefusalShown) {
    out.state = SourceState::degraded;
    out.detail += "; beacons are being refused";
    out.advice = advice_for(refusal_);
  } else if (receiver_.agents() == 0 && now - opened_at_ >= kSilence) {
    // A fleet that only registers or is probed sends none, and that is no fault; one that did and stopped is worth a look.
    out.state = receiver_.accepted() == 0 ? SourceState::ok : SourceState::degraded;
    const auto silent = watch_.silent(now, kSilence);
    out.detail += silent.empty() ? "; no beacon has come" : "; 0 datagrams in 10 s on " + joined(silent);
    out.advice = "overlay networks and routers carry no multicast: let agents send by unicast to this port, or use the Swarm source";
  } else if (const auto silent = watch_.silent(now, kSilence); options_.ears.multicast && !silent.empty()) {
    out.detail += "; 0 datagrams in 10 s on " + joined(silent);
  }
}

}  // namespace choregos::source
