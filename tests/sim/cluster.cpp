#include "tests/sim/cluster.hpp"

#include <algorithm>

#include "tests/sim/checkers.hpp"

namespace choregos::sim {
namespace {

constexpr Duration kBeat = 1s;
constexpr Duration kProbePeriod = 10s;

struct SimAgent {
  int place = 0;
  std::string id;
  bool up = false;
  bool stalled = false;
  bool tethered = false;
  bool probed = false;
  bool tether_open = false;
  std::uint64_t incarnation = 0;
  std::uint64_t sequence = 0;
  std::uint64_t life = 0;                  ///< raised at each start and end, so that old timers know they are late
};

class Cluster {
 public:
  explicit Cluster(const ClusterOptions& options)
      : options_(options), rng_(options.seed), network_(events_, rng_, options.network), registry_(options.registry, Revision{1, 0}, options.bug),
        checkers_(options.agents, bounds(options)) {}

  ClusterResult run() {
    agents_.resize(static_cast<std::size_t>(options_.agents));
    for (int i = 0; i < options_.agents; ++i) {
      SimAgent& a = agents_[static_cast<std::size_t>(i)];
      a.place = i + 1;
      a.id = Checkers::id_of(a.place);
      a.tethered = rng_.chance(options_.tethered);
      a.probed = rng_.chance(options_.probed);
      events_.after(rng_.jitter(2s, 1.0), [this, i] { start(agents_[static_cast<std::size_t>(i)]); });
    }
    repeat(options_.crash_every, [this] { crash(any()); });
    repeat(options_.stall_every, [this] { stall(any()); });
    repeat(options_.leave_every, [this] { leave(any()); });
    repeat(options_.partition_every, [this] { partition(any()); });
    repeat(options_.registry_restart_every, [this] { restart_registry(); });
    events_.run_until(events_.now() + options_.length, [this] { return after_event(); });
    checkers_.at_end(registry_.snapshot(events_.now(), wall()), events_.now());
    result_.violation = checkers_.violation();
    result_.lost_while_up = checkers_.lost_while_up();
    return result_;
  }

 private:
  static Bounds bounds(const ClusterOptions& options) {
    Bounds b;
    b.straggler = options.network.straggler_max;
    return b;
  }
  SimAgent& any() { return agents_[rng_.below(agents_.size())]; }
  WallTime wall() const { return {events_.now().ns / 1'000'000}; }

  /// Calls `what` again and again, with waits from an exponential-like spread (two uniforms) around `mean`.
  void repeat(Duration mean, const std::function<void()>& what) {
    if (mean == Duration{}) return;
    events_.after(rng_.jitter(mean, 0.9), [this, mean, what] {
      what();
      repeat(mean, what);
    });
  }

  // ---- agents ---------------------------------------------------------------------------------------------------------

  void start(SimAgent& a) {
    if (a.up) return;
    a.up = true;
    a.stalled = false;
    ++a.life;
    a.incarnation = static_cast<std::uint64_t>(events_.now().ns / 1'000'000);
    a.sequence = 0;
    checkers_.started(a.place);
    beat(a, a.life);
    if (a.tethered) open_tether(a);
    if (a.probed) probe(a, a.life);
  }

  void beat(SimAgent& a, std::uint64_t life) {
    if (a.life != life) return;
    if (!a.stalled) send_beacon(a, ObservationKind::heard);
    events_.after(rng_.jitter(kBeat, 0.1), [this, &a, life] { beat(a, life); });
  }

  void send_beacon(SimAgent& a, ObservationKind kind) {
    Observation o = message(a, "beacon", a.id);
    o.kind = kind;
    o.sequence = ++a.sequence;
    Claims claims;
    claims.status = a.incarnation % 3 == 0 ? Status::working : Status::idle;
    claims.capabilities = {"go_development"};
    if (kind == ObservationKind::heard) o.claims = claims;
    network_.send(a.place, 0, [this, &a, o]() mutable {
      o.heard_at = events_.now();
      o.wall_at = wall();
      hear(a, o);
    });
  }

  Observation message(const SimAgent& a, const std::string& source, const std::string& subject) const {
    Observation o;
    o.source = source;
    o.subject = subject;
    o.names.id = a.id;
    o.incarnation = a.incarnation;
    return o;
  }

  void open_tether(SimAgent& a) {
    a.tether_open = true;
    Observation o = message(a, "registration", a.id + "/tether");
    o.lease = kOpenLease;
    events_.after(network_.delay(), [this, &a, o]() mutable {
      if (!a.tether_open || a.incarnation != o.incarnation) return;
      o.heard_at = events_.now();
      o.wall_at = wall();
      hear(a, o);
    });
  }

  /// The kernel closes the connection of a dead process; then its port refuses twice.
  void break_tether(SimAgent& a, bool process_died) {
    if (!a.tether_open) return;
    a.tether_open = false;
    Observation o = message(a, "registration", a.id + "/tether");
    o.kind = ObservationKind::doubt;
    o.reason = "tether closed: end of file";
    if (network_.cut(a.place, 0)) return;
    const Duration way = std::min<Duration>(network_.delay(), 10ms);
    events_.after(way, [this, &a, o]() mutable {
      o.heard_at = events_.now();
      apply(o);
    });
    if (!process_died) return;
    events_.after(way + 205ms, [this, &a, o]() mutable {
      if (a.up) return;  // restarted meanwhile: its port answers again
      o.kind = ObservationKind::dead;
      o.reason = "tether broke, then its port refused twice";
      o.heard_at = events_.now();
      apply(o);
    });
  }

  void probe(SimAgent& a, std::uint64_t life) {
    if (a.life != life && a.up) return;
    if (a.up && !a.stalled && !network_.cut(0, a.place) && !network_.cut(a.place, 0) && !rng_.chance(options_.network.loss)) {
      Observation o = message(a, "http_probe", "10.0.0." + std::to_string(a.place) + ":8081");
      o.names.address = SocketAddress{IpAddress::v4(10, 0, static_cast<std::uint8_t>(a.place / 250), static_cast<std::uint8_t>(a.place % 250 + 1)), 8081};
      o.lease = {kProbePeriod + 3s, 2 * kProbePeriod + 3s};
      o.latency = 2ms;
      events_.after(network_.delay(), [this, &a, o]() mutable {
        o.heard_at = events_.now();
        o.wall_at = wall();
        hear(a, o);
      });
    }
    events_.after(rng_.jitter(kProbePeriod, 0.05), [this, &a, life] { probe(a, life); });
  }

  void end(SimAgent& a) {
    a.up = false;
    ++a.life;
    checkers_.ended(a.place, events_.now(), a.probed);
    events_.after(rng_.jitter(45s, 0.9), [this, &a] { start(a); });
  }

  void crash(SimAgent& a) {
    if (!a.up) return;
    ++result_.crashes;
    break_tether(a, true);
    end(a);
  }

  void leave(SimAgent& a) {
    if (!a.up || a.stalled) return;
    send_beacon(a, ObservationKind::goodbye);
    break_tether(a, false);
    end(a);
  }

  void stall(SimAgent& a) {
    if (!a.up) return;
    a.stalled = true;
    checkers_.stalled(a.place, true);
    const std::uint64_t life = a.life;
    events_.after(rng_.jitter(8s, 0.9), [this, &a, life] {
      if (a.life != life) return;
      a.stalled = false;
      checkers_.stalled(a.place, false);
    });
  }

  void partition(SimAgent& a) {
    const bool out = rng_.chance(0.7), in = rng_.chance(0.7);
    if (out) network_.cut_one_way(a.place, 0);
    if (in) network_.cut_one_way(0, a.place);
    events_.after(rng_.jitter(20s, 0.9), [this, &a] {
      network_.heal(a.place, 0);
      network_.heal(0, a.place);
    });
  }

  // ---- the registry ---------------------------------------------------------------------------------------------------

  void hear(SimAgent& a, const Observation& o) {
    if (o.incarnation == a.incarnation && a.up) checkers_.heard(a.place, events_.now(), o.source == "beacon");
    apply(o);
  }

  void apply(const Observation& o) {
    changes_.clear();
    const auto applied = registry_.apply(o, events_.now(), wall(), changes_);
    if (!applied) checkers_.violate("refused an observation: " + applied.error().message, events_.now());
    take_changes();
  }

  /// What survives is what a store would hold: the listed records. Everybody comes back unconfirmed, under a new epoch.
  void restart_registry() {
    const std::size_t before = registry_.size();
    changes_.clear();
    registry_.restart(events_.now(), wall(), changes_);
    checkers_.restarted();
    take_changes();
    if (registry_.size() != before) checkers_.violate("a restart lost agents", events_.now());
    for (SimAgent& a : agents_)
      if (a.up && a.tethered && !a.stalled) open_tether(a);
  }

  bool after_event() {
    ++result_.events;
    changes_.clear();
    registry_.tick(events_.now(), wall(), changes_);
    take_changes();
    if (registry_.next_deadline() <= events_.now()) checkers_.violate("a deadline is due that tick does not meet", events_.now());
    arm_tick();
    checkers_.after_event(registry_.revision(), registry_.snapshot(events_.now(), wall()), events_.now());
    return checkers_.ok();
  }

  void arm_tick() {
    const Instant next = registry_.next_deadline();
    if (next == Instant::never() || next >= armed_) return;
    armed_ = next;
    events_.at(next, [this] { armed_ = Instant::never(); });
  }

  void take_changes() {
    for (const Change& change : changes_) {
      ++result_.changes;
      hash(change);
    }
    checkers_.take(changes_, events_.now());
  }

  void hash(const Change& change) {
    const auto mix = [this](std::string_view text) {
      for (const char c : text) result_.trace_hash = (result_.trace_hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    };
    mix(to_string(change.revision));
    mix(to_string(change.kind));
    mix(change.record->agent.id);
    mix(to_string(change.record->agent.liveness));
    mix(change.record->agent.reason);
    mix(std::to_string(change.at.ns));
  }

  ClusterOptions options_;
  EventQueue events_;
  Rng rng_;
  Network network_;
  Host registry_;
  Checkers checkers_;
  std::vector<SimAgent> agents_;
  std::vector<Change> changes_;
  Instant armed_ = Instant::never();
  ClusterResult result_;
};

}  // namespace

ClusterResult run_cluster(const ClusterOptions& options) { return Cluster(options).run(); }

}  // namespace choregos::sim
