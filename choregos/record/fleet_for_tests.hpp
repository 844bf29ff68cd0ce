// A fleet of agents that come and go, drawn from a seed, in virtual time: all kinds of observations and signs, in batches as the
// writer makes them, into a registry and its taps. For the tests of this folder.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "choregos/base/rng.hpp"
#include "choregos/registry/registry.hpp"
#include "choregos/writer/tap.hpp"

namespace choregos::record {

class FleetForTests {
 public:
  FleetForTests(std::uint64_t seed, RegistrySettings settings, std::vector<Tap*> taps) : rng_(seed), registry_(settings, {3, 1000}), taps_(std::move(taps)) {}

  /// As a store would hand them over, before anything else.
  void restore(int count) {
    std::vector<Change> changes;
    for (int i = 0; i < count; ++i) {
      Agent agent;
      agent.id = id(i);
      agent.name = "known of old";
      agent.liveness = i % 5 == 0 ? Liveness::lost : Liveness::alive;
      agent.incarnation = 1;
      agent.first_seen = {1'600'000'000'000};
      agent.labels = {{"zone", "b"}, {"disk", ""}};
      agent.aliases = {"alias-" + std::to_string(i)};
      agent.task = SwarmTask{"chorus", std::to_string(i), "t" + std::to_string(i)};
      agent.reachable = i % 2 == 0;
      for (Tap* tap : taps_) tap->restored(agent, {wall().ms - 5000}, now_, wall());
      registry_.restore(agent, {wall().ms - 5000}, now_, wall(), changes);
    }
    Agent gone;
    gone.id = "gone-1";
    gone.first_seen = {1'500'000'000'000};
    for (Tap* tap : taps_) tap->remembered(gone, now_ + 1h);
    registry_.remember(gone, now_ + 1h);
    for (Tap* tap : taps_) tap->changed(changes);
    keep(changes);
  }

  /// Chaos of `agents` agents for that long.
  void chaos(int agents, Duration length) {
    for (const Instant end = now_ + length; now_ < end;) {
      pass(Duration{static_cast<std::int64_t>(rng_.below(200'000'000))});
      std::vector<Change> changes;
      for (auto count = rng_.below(6); count > 0; --count) observe(any_observation(agents), changes);
      if (rng_.chance(0.5)) note(any_sign(), changes);
      tick(changes);
    }
  }

  /// `agents` agents that beacon each second, of whose beacons that share is lost; nobody dies.
  void beacons(int agents, Duration length, double loss) {
    for (const Instant end = now_ + length; now_ < end;) {
      for (int i = 0; i < agents; ++i) {
        if (rng_.chance(loss)) continue;
        std::vector<Change> changes;
        Observation o = heard(i);
        o.sequence = ++sequence_;
        observe(o, changes);
        tick(changes);
      }
      for (int i = 0; i < 10; ++i) {
        pass(100ms);
        std::vector<Change> changes;
        Sign sign;
        sign.at = sign.until = now_;
        sign.source = "net";
        note(sign, changes);
        tick(changes);
      }
    }
  }

  const std::vector<Change>& changes() const { return changes_; }
  Registry& registry() { return registry_; }
  std::uint64_t inputs() const { return inputs_; }
  static std::string id(int i) { return "agent-" + std::to_string(i); }

 private:
  WallTime wall() const { return {1'700'000'000'000 + now_.ns / 1'000'000}; }
  void keep(const std::vector<Change>& changes) { changes_.insert(changes_.end(), changes.begin(), changes.end()); }

  /// As the writer does: it wakes at each deadline on the way.
  void pass(Duration duration) {
    const Instant end = now_ + duration;
    while (registry_.next_deadline() > now_ && registry_.next_deadline() < end) {
      now_ = registry_.next_deadline();
      std::vector<Change> changes;
      tick(changes);
    }
    now_ = end;
  }
  void observe(const Observation& o, std::vector<Change>& changes) {
    ++inputs_;
    for (Tap* tap : taps_) tap->applied(o, now_, wall());
    (void)registry_.apply(o, now_, wall(), changes);
  }
  void note(const Sign& sign, std::vector<Change>& changes) {
    ++inputs_;
    for (Tap* tap : taps_) tap->noted(sign, now_, wall());
    registry_.note(sign, now_, wall(), changes);
  }
  void tick(std::vector<Change>& changes) {
    for (Tap* tap : taps_) tap->ticked(now_, wall());
    registry_.tick(now_, wall(), changes);
    for (Tap* tap : taps_) tap->changed(changes);
    keep(changes);
    (void)registry_.take_asks();
  }

  Observation heard(int i) {
    Observation o;
    o.source = "beacon";
    o.subject = id(i);
    o.names.id = id(i);
    o.incarnation = 1;
    o.heard_at = now_;
    o.wall_at = wall();
    o.lease.interval = 1s;
    o.from = IpAddress::v4(10, 0, static_cast<std::uint8_t>(i % 3), static_cast<std::uint8_t>(i));
    return o;
  }

  Observation any_observation(int agents) {
    const int i = static_cast<int>(rng_.below(static_cast<std::uint64_t>(agents)));
    Observation o = heard(i);
    o.incarnation = 1 + rng_.below(3);
    o.sequence = rng_.chance(0.7) ? ++sequence_ : 0;
    o.heard_at = now_ - Duration{static_cast<std::int64_t>(rng_.below(1'000'000'000))};
    if (rng_.chance(0.3)) o.source = "http_probe", o.subject = "10.0.0.7:" + std::to_string(8000 + i), o.lease.interval = {}, o.latency = Duration{static_cast<std::int64_t>(rng_.below(90'000'000))};
    if (rng_.chance(0.2)) o.source = "registration", o.lease = kOpenLease;
    if (rng_.chance(0.1)) o.names.id.clear();
    if (rng_.chance(0.2)) o.names.address = SocketAddress{IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(rng_.below(4))), 8081};
    if (rng_.chance(0.1)) o.names.task = SwarmTask{"chorus", std::to_string(i), "t" + std::to_string(rng_.below(3))};
    if (rng_.chance(0.4)) {
      Claims& claims = o.claims.emplace();
      claims.status = static_cast<Status>(rng_.below(3));
      if (rng_.chance(0.2)) claims.name = "näme \xe2\x80\xa8 \"" + std::to_string(rng_.below(3));
      if (rng_.chance(0.1)) claims.name = "no \xff text";
      if (rng_.chance(0.3)) claims.capabilities = {"go", "rust"};
      if (rng_.chance(0.3)) claims.labels = Labels{{"k", std::to_string(rng_.below(3))}};
      if (rng_.chance(0.3)) claims.running = static_cast<std::uint32_t>(rng_.below(9));
      o.partial = rng_.chance(0.5);
    }
    const auto kind = rng_.below(20);
    if (kind < 6) o.kind = static_cast<ObservationKind>(1 + kind), o.reason = "so it is";
    if (o.kind == ObservationKind::unanswered) o.via = id(0);
    return o;
  }

  Sign any_sign() {
    Sign sign;
    sign.kind = rng_.chance(0.8) ? SignKind::listened : static_cast<SignKind>(rng_.below(12));
    sign.at = sign.until = now_;
    sign.amount = Duration{static_cast<std::int64_t>(rng_.below(600'000'000))};
    sign.count = rng_.below(5);
    sign.source = "net";
    sign.subject = sign.kind == SignKind::node_down ? "n1" : "";
    return sign;
  }

  Rng rng_;
  Registry registry_;
  std::vector<Tap*> taps_;
  Instant now_{5'000'000'000};
  std::uint64_t sequence_ = 0;
  std::uint64_t inputs_ = 0;
  std::vector<Change> changes_;
};

}  // namespace choregos::record
