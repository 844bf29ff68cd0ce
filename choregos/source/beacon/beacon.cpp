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
constexpr int kRehearsals = 4;            ///< a second
constexpr std::uint64_t kCanariesMax = 10;

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
    case Drop::version: return "an agent speaks another version of the protocol; upgrade the older side";
    case Drop::rate_limited: return "more unknown ids come than may become known in a second: a flood, or a large fleet that meets a new registry; keys lift the limit";
    case Drop::malformed: return "an agent's beacons are not as docs/PROTOCOL.md says";
    default: return {};
  }
}

}  // namespace

Beacon::Beacon(net::Loop& loop, Options options, Submit submit, SubmitSign sign)
    : loop_(loop), options_(std::move(options)), submit_(std::move(submit)), sign_(std::move(sign)), receiver_(options_.receiver) {}
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
  canary_.clear();
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
    const auto more = lost - std::exchange(kernel_drops_, lost);
    if (more > 0) {
      lost_at_ = now;
      tell(SignKind::drops, now, {}, {}, more);
    }
  }
  if (ears_ && sign_) send_canary(now);
  if (ears_ && sign_) links_.look(now, [&](bool lost, const std::string& name) { tell(lost ? SignKind::link_lost : SignKind::link_back, now, name, lost ? "no carrier" : ""); });
  for (int i = 0; i < kRehearsals && ears_; ++i) {
    const auto asking = receiver_.rehearse(now);
    if (!asking || !transmit(*asking)) break;
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
  if (!canary_.empty() && packet.bytes == canary_) return canary_came(packet.received);
  links_.heard(interface_index, packet.received);
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
  const Instant now = loop_.now();
  if (taken.heard && taken.heard->answer) ++answered_;
  if (taken.relayed) ++answered_through_;
  if (taken.unanswered) ++unanswered_;
  if (taken.heard) submit_(beacon::observe(std::move(*taken.heard), options_.name, pace_.lease(), now, wall_now));
  if (taken.relayed && running_) submit_(beacon::observe(std::move(*taken.relayed), options_.name, pace_.lease(), now, wall_now));
  if (taken.unanswered && running_) submit_(beacon::observe(std::move(*taken.unanswered), options_.name, wall_now));
}

// ---- questions and signs ------------------------------------------------------------------------------------------------

void Beacon::ask(const Ask& ask) {
  if (!ears_ || ask.source != options_.name) return;
  const Instant now = loop_.now();
  if (ask.helpers.empty()) {
    const auto asking = receiver_.ask(ask.id, ask.subject, ask.incarnation, now);
    if (!asking || !transmit(*asking)) return;
    ++asked_;
    return submit_(beacon::observe(*asking, ask.id, ask.subject, options_.name, now, loop_.wall_now()));
  }
  for (const std::string& helper : ask.helpers) {
    const auto asking = receiver_.ask_through(helper, ask.id, ask.subject, ask.incarnation, now);
    if (asking && transmit(*asking)) ++asked_through_;
  }
}

bool Beacon::transmit(const beacon::Asking& asking) {
  const auto sent = ears_->send(asking.to, asking.bytes);
  if (sent) return true;
  // A few of them in a second say as much as a thousand; to whom matters, one route may be missing.
  const Instant now = loop_.now();
  if (refused_send_at_ == Instant::min() || now - refused_send_at_ >= 1s) refused_send_at_ = now, refused_sends_ = 0;
  if (++refused_sends_ > kRefusalsTold) return false;
  tell(SignKind::send_failed, now, to_string(asking.to), sent.error().message);
  return false;
}

/// To our own unicast socket, through the kernel and our whole way of reading: what arrives there would have been heard.
void Beacon::send_canary(Instant now) {
  if (!canary_.empty()) {
    drain();  // it may lie there, if it was us who did not read
    if (!ears_) return;
  }
  const std::uint64_t received = ears_->counters().received;
  if (!canary_.empty()) {
    ++canaries_lost_;
    // Another program that took our port away takes our canaries, too, and only them if agents multicast: no deafness of ours.
    const bool others = received > received_at_canary_;
    if (++canaries_lost_in_a_row_ <= kCanariesMax || !others) tell(SignKind::canary_lost, now);
  }
  received_at_canary_ = received;
  canary_ = receiver_.canary();
  if (auto sent = ears_->send({IpAddress::v4(127, 0, 0, 1), ears_->port()}, canary_); !sent) {
    canary_.clear();
    tell(SignKind::send_failed, now, {}, sent.error().message);
  }
}

void Beacon::canary_came(Instant now) {
  canary_.clear();
  canaries_lost_in_a_row_ = 0;
  tell(SignKind::canary_heard, now);
}

void Beacon::tell(SignKind kind, Instant at, std::string subject, std::string reason, std::uint64_t count) {
  if (!sign_) return;
  Sign out;
  out.kind = kind;
  out.at = at;
  out.count = count;
  out.source = options_.name;
  out.subject = std::move(subject);
  out.reason = std::move(reason);
  sign_(std::move(out));
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
  out.counters.emplace_back("asked", asked_);
  out.counters.emplace_back("answered", answered_);
  out.counters.emplace_back("asked_through_helpers", asked_through_);
  out.counters.emplace_back("answered_through_helpers", answered_through_);
  out.counters.emplace_back("unanswered_says_helper", unanswered_);
  out.counters.emplace_back("canaries_lost", canaries_lost_);
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
