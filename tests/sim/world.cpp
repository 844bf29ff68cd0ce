#include "tests/sim/world.hpp"

#include <cstdlib>
#include <utility>

namespace choregos::sim {
namespace {

constexpr Duration kBeat = 1s;
constexpr Lease kBeatLease{3 * kBeat + kBeat / 20, 10 * kBeat, kBeat};
constexpr Duration kProbePeriod = 10s;
constexpr Duration kListenEvery = 100ms;
constexpr Duration kHelperPatience = 500ms;
constexpr Duration kTcpTimeout = 15min;  // fifteen retransmissions, Linux's default

int place_of(const std::string& id) { return std::atoi(id.c_str() + 6); }  // "agent-17"

}  // namespace

World::World(Options options)
    : options_(std::move(options)), rng_(options_.seed), network_(events_, rng_, options_.network, options_.agents + 1), host_(options_.registry, Revision{1, 0}, options_.bug),
      checkers_(options_.agents, bounds(options_)), agents_(static_cast<std::size_t>(options_.agents)) {
  if (options_.watch) journal_.emplace(Revision{1, 0});
}

Bounds World::bounds(const Options& o) {
  Bounds b;
  b.straggler = o.network.straggler_max + o.network.copies_within;
  b.freeze_max = o.registry.guard.freeze_max;
  b.forget_after = o.registry.forget_after;
  b.listened_every = o.signs ? kListenEvery : Duration{0};
  // Trouble of its own stretches the registry's waits up to five times, what an agent came back from its floor up to three.
  b.calm = !o.network.link.on() && !o.network.path.on() && o.agent.stall_every == Duration{} && o.agent.partition_every == Duration{} && o.host.stall_every == Duration{} && !o.script &&
           o.network.loss < 0.2;
  return b;
}

Tally World::run() {
  for (int i = 1; i <= options_.agents; ++i) {
    SimAgent& a = agent(i);
    a.place = i;
    a.id = id_of(i);
    a.tethered = rng_.chance(options_.tethered);
    a.probed = rng_.chance(options_.probed);
    const int subnet = (i - 1) / options_.agents_per_subnet, host = (i - 1) % options_.agents_per_subnet + 1;
    a.beacon.source = "beacon";
    a.beacon.subject = a.beacon.names.id = a.id;
    a.beacon.lease = kBeatLease;
    a.beacon.from = IpAddress::v4(10, 1, static_cast<std::uint8_t>(subnet), static_cast<std::uint8_t>(host));
    Claims claims;
    claims.capabilities = {"go_development"};
    if (options_.agents_per_node > 0) claims.node = "node-" + std::to_string((i - 1) / options_.agents_per_node + 1);
    a.beacon.claims = claims;
    checkers_.place(i, "subnet 10.1." + std::to_string(subnet) + ".0/24", claims.node ? "node " + *claims.node : "", a.tethered || a.probed ? "" : "source beacon");
    events_.after(rng_.jitter(options_.start_within / 2, 1.0), [this, i] { start(i); });
  }
  repeat(options_.agent.crash_every, [this] { crash(any()); });
  repeat(options_.agent.stall_every, [this] {
    const int i = any();
    if (!agent(i).up || agent(i).stalled) return;
    stall(i, true);
    events_.after(rng_.jitter(options_.agent.stall_for, 0.9), [this, i, life = agent(i).life] {
      if (agent(i).life == life) stall(i, false);
    });
  });
  repeat(options_.agent.leave_every, [this] { leave(any()); });
  repeat(options_.agent.partition_every, [this] { partition(any()); });
  repeat(options_.host.restart_every, [this] { restart_host(); });
  repeat(options_.host.stall_every, [this] {
    if (stopped_) return;
    stall_host(true);
    events_.after(rng_.jitter(options_.host.stall_for, 0.9), [this] { stall_host(false); });
  });
  repeat(options_.host.clock_step_every, [this] { step_clock(std::chrono::seconds(static_cast<std::int64_t>(rng_.below(172'800)) - 86'400)); });
  if (options_.signs) listen();
  if (options_.script) options_.script(*this);
  events_.run_until(kBegin + options_.length, [this] { return after_event(); });
  checkers_.at_end(snapshot(), now());
  for (const SimAgent& a : agents_)  // a machine-readable end: who still waits for a verdict counts as the whole rest
    if (a.crashed && checkers_.ok()) tally_.lost_after.push_back(std::chrono::duration<double>(now() - a.ended_at).count());
  tally_.violation = checkers_.violation();
  tally_.runs = 1;
  return std::move(tally_);
}

/// Calls `what` again and again, with waits spread around `mean`.
void World::repeat(Duration mean, const std::function<void()>& what) {
  if (mean == Duration{}) return;
  events_.after(rng_.jitter(mean, 0.9), [this, mean, what] {
    what();
    repeat(mean, what);
  });
}

Liveness World::liveness(int i) const {
  const AgentRecordPtr& record = checkers_.replayed(i);
  return record ? record->agent.liveness : Liveness::lost;
}

// ---- agents -------------------------------------------------------------------------------------------------------------

void World::start(int i) {
  SimAgent& a = agent(i);
  if (a.up) return;
  a.crashed = false;
  checkers_.started(i);
  begin_life(a, static_cast<std::uint64_t>(events_.now().ns / 1'000'000));
}

void World::begin_life(SimAgent& a, std::uint64_t incarnation) {
  a.up = true;
  a.stalled = a.overdue = false;
  ++a.life;
  a.incarnation = a.beacon.incarnation = incarnation;
  a.beacon.claims->status = a.incarnation % 3 == 0 ? Status::working : Status::idle;
  a.sequence = 0;
  beat(a, a.life);
  if (a.tethered) open_tether(a);
  if (a.probed) probe(a, a.life);
}

void World::beat(SimAgent& a, std::uint64_t life) {
  if (a.life != life) return;
  if (a.stalled) a.overdue = true;
  else send_beacon(a, ObservationKind::heard, false);
  if (now() >= kBegin + options_.measure_from) tally_.agent_hours += 1.0 / 3600;
  events_.after(rng_.jitter(kBeat, 0.1), [this, &a, life] { beat(a, life); });
}

/// A beacon of its own accord, an answer to a question, or a goodbye. All of them are numbered.
void World::send_beacon(SimAgent& a, ObservationKind kind, bool answer) {
  const std::uint64_t sequence = ++a.sequence;
  network_.send(a.place, 0, [this, &a, kind, answer, sequence, incarnation = a.incarnation, status = a.beacon.claims->status] {
    Observation o = a.beacon;
    o.kind = kind;
    o.sequence = sequence;
    o.incarnation = incarnation;
    o.answer = answer;
    if (kind == ObservationKind::heard) o.claims->status = status;
    else o.claims.reset();
    arrive(o, true);
  });
}

void World::open_tether(SimAgent& a) {
  if (!network_.reachable(a.place)) return;
  a.tether_open = true;
  Observation o;
  o.source = "registration";
  o.subject = o.names.id = a.id;
  o.incarnation = a.incarnation;
  o.lease = kOpenLease;
  o.from = a.beacon.from;
  events_.after(network_.delay(), [this, &a, o] {
    if (a.tether_open && a.incarnation == o.incarnation) arrive(o, false);
  });
}

/// The kernel closes the connection of a dead process; then its port refuses twice.
void World::break_tether(SimAgent& a, bool process_died) {
  if (!a.tether_open) return;
  a.tether_open = false;
  if (!network_.reachable(a.place)) return leave_connection(a);
  Observation o;
  o.kind = ObservationKind::doubt;
  o.source = "registration";
  o.subject = o.names.id = a.id;
  o.incarnation = a.incarnation;
  o.reason = "tether closed: end of file";
  const Duration way = std::min<Duration>(network_.delay(), 10ms);
  events_.after(way, [this, o] { arrive(o, false); });
  if (!process_died) return;
  events_.after(way + 205ms, [this, &a, o]() mutable {
    if (a.up || stopped_) return;  // restarted meanwhile: its port answers again
    o.kind = ObservationKind::dead;
    o.reason = "tether broke, then its port refused twice";
    arrive(o, false);
  });
}

/// Its end never heard of the end of the process: our kernel gives up when what we write stays unacknowledged.
void World::leave_connection(SimAgent& a) {
  checkers_.left_a_connection(a.place, kTcpTimeout);
  Observation o;
  o.kind = ObservationKind::doubt;
  o.source = "registration";
  o.subject = o.names.id = a.id;
  o.incarnation = a.incarnation;
  o.reason = "tether closed: timed out";
  events_.after(kTcpTimeout, [this, o] { arrive(o, false); });
}

void World::probe(SimAgent& a, std::uint64_t life) {
  if (a.life != life) return;
  if (!a.stalled && !stopped_ && network_.reachable(a.place) && !rng_.chance(options_.network.loss)) {
    Observation o;
    o.source = "http_probe";
    o.names.id = a.id;
    o.incarnation = a.incarnation;
    o.names.address = SocketAddress{*a.beacon.from, 8081};
    o.subject = to_string(*o.names.address);
    o.lease = {kProbePeriod + 3s, 2 * kProbePeriod + 3s, {}};
    o.latency = 2ms;
    o.from = a.beacon.from;
    events_.after(network_.delay(), [this, o] { arrive(o, false); });
  }
  events_.after(rng_.jitter(kProbePeriod, 0.05), [this, &a, life] { probe(a, life); });
}

void World::end(SimAgent& a) {
  a.up = false;
  ++a.life;
  a.ended_at = now();
  checkers_.ended(a.place, now(), a.probed);
  if (options_.agent.down_for > Duration{})
    events_.after(rng_.jitter(options_.agent.down_for, 0.9), [this, place = a.place, life = a.life] {
      if (agent(place).life == life) start(place);
    });
}

void World::crash(int i) {
  SimAgent& a = agent(i);
  if (!a.up) return;
  ++tally_.crashes;
  a.crashed = true;
  break_tether(a, true);
  end(a);
}

void World::power_off(int i) {
  SimAgent& a = agent(i);
  if (!a.up) return;
  ++tally_.crashes;
  a.crashed = true;
  if (std::exchange(a.tether_open, false)) leave_connection(a);
  end(a);
}

void World::leave(int i) {
  SimAgent& a = agent(i);
  if (!a.up || a.stalled) return;
  send_beacon(a, ObservationKind::goodbye, false);
  break_tether(a, false);
  end(a);
}

void World::stall(int i, bool is) {
  SimAgent& a = agent(i);
  if (!a.up || a.stalled == is) return;
  a.stalled = is;
  checkers_.stalled(i, is);
  // A process that goes on finds its timers run out.
  if (!is && std::exchange(a.overdue, false)) send_beacon(a, ObservationKind::heard, false);
}

void World::partition(int i) {
  const bool out = rng_.chance(0.7), in = rng_.chance(0.7);
  if (out) network_.cut_output(i, true);
  if (in) network_.cut_input(i, true);
  events_.after(rng_.jitter(options_.agent.partition_for, 0.9), [this, i] {
    network_.cut_output(i, false);
    network_.cut_input(i, false);
  });
}

void World::start_clone(int i) {
  clone_ = SimAgent{};
  clone_.place = options_.agents + 1;
  clone_.id = id_of(i);
  clone_.beacon = agent(i).beacon;
  begin_life(clone_, static_cast<std::uint64_t>(events_.now().ns / 1'000'000));
}

void World::end_clone() {
  clone_.up = false;
  ++clone_.life;
}

// ---- questions ----------------------------------------------------------------------------------------------------------

void World::put(const Ask& ask) {
  ++tally_.asks;
  const int place = place_of(ask.id);
  if (ask.source != "beacon" || stopped_) return;
  if (refuses_) return note(SignKind::send_failed, ask.id);
  if (ask.helpers.empty()) return ask_directly(ask, place);
  if (options_.helpers)
    for (const auto& helper : ask.helpers) ask_by_helper(ask, place_of(helper), place);
}

void World::ask_directly(const Ask& ask, int place) {
  Observation asked;
  asked.kind = ObservationKind::asked;
  asked.source = ask.source;
  asked.subject = ask.subject;
  asked.names.id = ask.id;
  asked.incarnation = ask.incarnation;
  asked.heard_at = now();
  events_.after(Duration{0}, [this, asked] {  // not from within the turn that asked
    if (stopped_) return;
    apply(asked);
  });
  network_.send(0, place, [this, place, incarnation = ask.incarnation] {
    SimAgent& a = agent(place);
    if (a.up && !a.stalled && a.incarnation == incarnation) send_beacon(a, ObservationKind::heard, true);
  });
}

/// The helper hears of it, asks, waits half a second, and tells us what came of it: four datagrams that may get lost.
void World::ask_by_helper(const Ask& ask, int helper, int place) {
  network_.send(0, helper, [this, ask, helper, place] {
    const auto speaks = [this](const SimAgent& a) { return a.up && !a.stalled; };
    if (!speaks(agent(helper))) return;
    auto answered = std::make_shared<bool>(false);
    Observation report = agent(place).beacon;
    report.claims.reset();
    report.incarnation = ask.incarnation;
    report.via = id_of(helper);
    network_.send(helper, place, [this, speaks, ask, helper, place, answered, report] {
      SimAgent& a = agent(place);
      if (!speaks(a) || a.incarnation != ask.incarnation) return;
      network_.send(place, helper, [this, speaks, helper, answered, report] {
        if (!speaks(agent(helper)) || *answered) return;
        *answered = true;
        network_.send(helper, 0, [this, report] {
          Observation o = report;
          o.answer = true;
          arrive(o, true);
        });
      });
    });
    events_.after(kHelperPatience, [this, speaks, helper, answered, report] {
      if (*answered || !speaks(agent(helper))) return;
      network_.send(helper, 0, [this, report] {
        Observation o = report;
        o.kind = ObservationKind::unanswered;
        arrive(o, true);
      });
    });
  });
}

// ---- the host -----------------------------------------------------------------------------------------------------------

void World::arrive(const Observation& o, bool datagram) {
  if (!stopped_) {
    Observation at_once = o;
    at_once.heard_at = now();
    return hear(std::move(at_once));
  }
  if (datagram && socket_.size() >= options_.host.socket_buffer) {
    ++dropped_;
    return;
  }
  auto& queue = datagram ? socket_ : connections_;
  queue.push_back(o);
  queue.back().heard_at = now();  // stamped by the kernel
}

void World::hear(Observation o) {
  o.wall_at = {wall().ms - (now() - o.heard_at).count() / 1'000'000};
  if (o.kind == ObservationKind::heard) {
    const int place = place_of(o.names.id);
    if (agent(place).up && o.incarnation == agent(place).incarnation) checkers_.heard(place, o.heard_at, o.source == "beacon");
  }
  apply(o);
}

void World::apply(const Observation& o) {
  changes_.clear();
  const auto applied = host_.apply(o, now(), wall(), changes_);
  if (!applied) checkers_.violate("refused an observation: " + applied.error().message, now());
  take_changes();
}

/// Every tenth of a second all that came is read, and the registry is told so.
void World::listen() {
  if (!stopped_) {
    Sign sign;
    sign.kind = SignKind::listened;
    sign.at = sign.until = now();
    sign.source = "net";
    changes_.clear();
    host_.note(sign, now(), wall(), changes_);
    take_changes();
  }
  events_.after(kListenEvery, [this] { listen(); });
}

void World::stall_host(bool is) {
  if (stopped_ == is) return;
  stopped_ = is;
  if (is) return checkers_.host_stopped();
  checkers_.host_runs(now());
  drain();
}

/// After SIGCONT: first everything that waits, then the count of what was dropped; the next sign says that all is read.
void World::drain() {
  for (std::deque<Observation>* queue : {&connections_, &socket_}) {
    for (; !queue->empty(); queue->pop_front()) hear(std::move(queue->front()));
  }
  if (const std::uint64_t count = std::exchange(dropped_, 0); count != 0) {
    Sign sign;
    sign.kind = SignKind::drops;
    sign.at = now();
    sign.count = count;
    sign.source = "beacon";
    changes_.clear();
    host_.note(sign, now(), wall(), changes_);
    take_changes();
  }
}

void World::note(SignKind kind, const std::string& subject) {
  Sign sign;
  sign.kind = kind;
  sign.at = now();
  sign.source = "net";
  sign.subject = subject;
  changes_.clear();
  host_.note(sign, now(), wall(), changes_);
  take_changes();
}

/// What survives is what a store would hold: the listed records. Everybody comes back unconfirmed, under a new epoch.
void World::restart_host() {
  if (stopped_) return;
  const std::size_t before = host_.size();
  changes_.clear();
  const Revision last = host_.revision();
  host_.restart(now(), wall(), changes_);
  checkers_.restarted(now());
  if (options_.watch) journal_.emplace(Revision{last.epoch + 1, last.number}), read_at_.reset();
  take_changes();
  if (host_.size() != before) checkers_.violate("a restart lost agents", now());
  for (SimAgent& a : agents_)
    if (a.up && a.tethered && !a.stalled) open_tether(a);
}

bool World::after_event() {
  ++tally_.events;
  if (!stopped_) {
    changes_.clear();
    host_.tick(now(), wall(), changes_);
    take_changes();
    if (host_.next_deadline() <= now()) checkers_.violate("a deadline is due that tick does not meet", now());
    arm_tick();
    if (options_.pings)
      for (const Ask& ask : host_.take_asks()) put(ask);
    if (options_.watch) read_along();
  }
  checkers_.after_event(host_.revision(), snapshot(), now());
  return checkers_.ok();
}

void World::arm_tick() {
  const Instant next = host_.next_deadline();
  if (next == Instant::never() || next >= armed_) return;
  armed_ = next;
  events_.at(next, [this] { armed_ = Instant::never(); });
}

void World::take_changes() {
  if (changes_.empty()) return;
  for (const Change& change : changes_) {
    ++tally_.changes;
    hash(change);
    take_measure(change);
    if (journal_) journal_->append(change);
    if (on_change) on_change(change);
  }
  checkers_.take(changes_, now());
}

void World::take_measure(const Change& change) {
  const int place = place_of(change.record->agent.id);
  if (place < 1 || place > options_.agents) return;
  SimAgent& a = agent(place);
  const bool runs = a.up && !a.stalled;
  if (change.kind == ChangeKind::forgotten && runs) ++tally_.forgotten_while_up;
  if (change.kind != ChangeKind::liveness) return;
  const Liveness is = change.record->agent.liveness;
  const bool measured = now() >= kBegin + options_.measure_from;
  if (runs && measured && is == Liveness::suspect) ++tally_.suspected_up;
  if (runs && measured && is == Liveness::lost) ++tally_.lost_while_up;
  if (!a.crashed || !measured) return;
  const double after = std::chrono::duration<double>(now() - a.ended_at).count();
  if (is == Liveness::suspect) tally_.suspect_after.push_back(after);
  if (is == Liveness::lost) {
    tally_.lost_after.push_back(after);
    a.crashed = false;
  }
}

/// A watcher: lists at some revision, follows the journal from there, and must at every step hold what a new list shows.
void World::read_along() {
  if (read_at_ && rng_.below(64) != 0) return;  // it reads when it comes to it
  const SnapshotPtr list = snapshot();
  if (!read_at_ || rng_.below(16) == 0) {
    read_.clear();
    list->for_each([&](const AgentRecordPtr& record) { read_.emplace(record->agent.id, record); });
    read_at_ = list->revision();
    return;
  }
  while (*read_at_ != list->revision()) {
    const auto changes = journal_->since(*read_at_, 1 + rng_.below(50));
    if (!changes || changes->empty()) return checkers_.violate("the journal does not go on from " + to_string(*read_at_), now());
    for (const Change& change : *changes) {
      const bool goes = change.kind == ChangeKind::forgotten || change.kind == ChangeKind::merged;
      if (goes) read_.erase(change.record->agent.id);
      else read_[change.record->agent.id] = change.record;
      read_at_ = change.revision;
    }
  }
  std::size_t same = 0;
  list->for_each([&](const AgentRecordPtr& record) {
    const auto it = read_.find(record->agent.id);
    if (it != read_.end() && it->second == record) ++same;
  });
  if (same != list->size() || same != read_.size()) checkers_.violate("a watcher's list differs from the list at " + to_string(list->revision()), now());
}

void World::hash(const Change& change) {
  const auto mix = [this](std::string_view text) {
    for (const char c : text) tally_.trace_hash = (tally_.trace_hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  };
  mix(to_string(change.revision));
  mix(to_string(change.kind));
  mix(change.record->agent.id);
  mix(to_string(change.record->agent.liveness));
  mix(change.record->agent.reason);
  mix(std::to_string(change.at.ns));
}

}  // namespace choregos::sim
