#include "tests/sim/rows.hpp"

#include <cstdio>
#include <array>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>

#include "tests/sim/replay_row.hpp"
#include "tests/sim/world.hpp"

namespace choregos::sim {
namespace {

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

std::string figure(const char* what, double is, double most) {
  if (is <= most) return "";
  char text[160];
  std::snprintf(text, sizeof text, "%s is %.6g, at most %.6g is promised", what, is, most);
  return text;
}

template <class... Strings>
std::string first_of(const Strings&... all) {
  std::string out;
  ((out = out.empty() ? std::string(all) : out), ...);
  return out;
}

std::string nothing_more(const Tally&) { return ""; }
double per_hour(std::uint64_t count, const Tally& t) { return t.agent_hours == 0 ? 0 : static_cast<double>(count) / t.agent_hours; }

Options fleet(std::uint64_t seed, int agents, Duration length) {
  Options o;
  o.seed = seed;
  o.agents = agents;
  o.length = length;
  o.network.straggler = 0.01;
  o.network.straggler_max = 300ms;
  o.start_within = 1s;
  o.agent.down_for = Duration{};  // the dead stay dead
  return o;
}

/// Agents crash one after another, at moments of their own, so far apart that no guard takes them for one event.
void scatter_deaths(World& w, int first, int count, Duration from, Duration apart) {
  for (int i = 0; i < count; ++i) w.at(from + i * apart + w.rng().jitter(apart / 2, 0.9), [&w, agent = first + i] { w.crash(agent); });
}

int count_of(World& w, Liveness liveness) { return static_cast<int>(w.snapshot()->counts().by_liveness[static_cast<std::size_t>(liveness)]); }

// ---- loss ---------------------------------------------------------------------------------------------------------------

Tally lossy(std::uint64_t seed, Scale scale, double loss) {
  const bool full = scale == Scale::full;
  Options o = fleet(seed, full ? 200 : 25, full ? 10min : 2min);
  o.network.loss = loss;
  o.measure_from = 20s;
  o.script = [full](World& w) { scatter_deaths(w, 1, full ? 20 : 2, 30s, full ? 25s : 30s); };
  return run_world(o);
}
Tally run_L03(std::uint64_t seed, Scale scale) { return lossy(seed, scale, 0.3); }
std::string judge_L03(const Tally& t) {
  return first_of(figure("false lost", static_cast<double>(t.lost_while_up), 0), figure("forgotten while up", static_cast<double>(t.forgotten_while_up), 0),
                  figure("suspects per agent-hour", per_hour(t.suspected_up, t), 0.5), figure("p99 from death to lost, s", quantile(t.lost_after, 0.99), 10.5));
}
Tally run_L04(std::uint64_t seed, Scale scale) { return lossy(seed, scale, 0.5); }
std::string judge_L04(const Tally& t) {
  return first_of(figure("false lost per agent-hour", per_hour(t.lost_while_up, t), 1e-3), figure("forgotten while up", static_cast<double>(t.forgotten_while_up), 0),
                  figure("p99 from death to lost, s", quantile(t.lost_after, 0.99), 16.5));
}

Tally run_L05(std::uint64_t seed, Scale scale) {
  const bool full = scale == Scale::full;
  Options o = fleet(seed, full ? 20 : 6, full ? 24h : 70min);
  o.network.link = {2s, 5min};
  o.network.straggler = 0;
  o.measure_from = full ? 1h : 30min;  // the floor is learnt from the last hour
  // Heals with the first beacon that arrives: the checkers demand alive, or a promise of it, after every beacon.
  return run_world(o);
}
std::string judge_L05(const Tally& t) {
  return first_of(figure("forgotten while up", static_cast<double>(t.forgotten_while_up), 0), figure("false lost per agent-hour", per_hour(t.lost_while_up, t), 0.03));
}

// ---- our own ears -------------------------------------------------------------------------------------------------------

enum class Ears : std::uint8_t { link_down, refused, black_hole, deaf };

void lose_ears(World& w, Ears how, bool is) {
  w.network().cut_input(0, is);
  w.network().cut_output(0, is && how != Ears::deaf);
  if (how == Ears::link_down) w.note(is ? SignKind::link_lost : SignKind::link_back, "eth0");
  if (how == Ears::refused) w.refuse_sending(is);
}

/// Once when everybody who lives must be listed as alive again.
void expect_all_back(World& w, Duration at) {
  w.at(at, [&w] {
    for (int i = 1; i <= w.options().agents; ++i)
      w.expect(!w.up(i) || w.liveness(i) == Liveness::alive, World::id_of(i) + " is not back alive in time after the network healed");
  });
}

Tally without_ears(std::uint64_t seed, Scale scale, Ears how) {
  const bool full = scale == Scale::full;
  const Duration length = std::array<Duration, 3>{30s, 2min, 9min}[seed / 4 % (full ? 3 : 2)];
  Options o = fleet(seed, full ? 200 : 25, 40s + length + 40s);
  o.script = [how, length, full](World& w) {
    const Duration cut = 30s, heal = cut + length;
    w.at(cut, [&w, how] { lose_ears(w, how, true); });
    w.at(heal, [&w, how] { lose_ears(w, how, false); });
    w.at(cut + 3500ms, [&w] { w.expect(w.guard().mode == Mode::frozen, "not frozen 3.5 s after our ears were lost"); });
    const int dying = full ? 5 : 2;
    for (int i = 1; i <= dying; ++i) w.at(cut + length / 2 + i * 1s, [&w, i] { w.crash(i); });
    w.on_change = [&w, heal](const Change& c) {
      const bool early = c.at < World::kBegin + heal;
      w.expect(!(early && (c.kind == ChangeKind::forgotten || c.record->agent.liveness == Liveness::lost)), c.record->agent.id + " is judged though we are deaf");
    };
    expect_all_back(w, heal + 3s);
    w.at(heal + 13s, [&w, dying] {
      for (int i = 1; i <= dying; ++i) w.expect(w.liveness(i) == Liveness::lost, World::id_of(i) + " died while we were deaf and is not lost 13 s after");
    });
    w.at(heal + 20s, [&w] { w.expect(w.guard().mode == Mode::normal, "still guarded 20 s after the network healed"); });
  };
  Tally t = run_world(o);
  t.lost_after.clear();
  return t;
}
Tally run_L08(std::uint64_t seed, Scale scale) {
  return without_ears(seed, scale, std::array{Ears::link_down, Ears::black_hole, Ears::deaf}[seed % 3]);
}
Tally run_L08_refused(std::uint64_t seed, Scale scale) { return without_ears(seed, scale, Ears::refused); }
std::string judge_none_lost(const Tally& t) {
  return first_of(figure("false lost", static_cast<double>(t.lost_while_up), 0), figure("forgotten while up", static_cast<double>(t.forgotten_while_up), 0));
}

Tally run_L09(std::uint64_t seed, Scale scale) {
  Options o = fleet(seed, scale == Scale::full ? 200 : 12, 16min + 10s);
  o.script = [](World& w) {
    w.at(30s, [&w] { lose_ears(w, Ears::black_hole, true); });
    w.at(15min + 30s, [&w] { lose_ears(w, Ears::black_hole, false); });
    auto first_seen = std::make_shared<std::map<int, WallTime>>();
    w.at(29s, [&w, first_seen] {
      for (int i = 1; i <= w.options().agents; ++i) (*first_seen)[i] = w.record(i)->agent.first_seen;
    });
    // The checkers demand that a draining domain lets one go a second.
    w.at(10min + 20s, [&w] { w.expect(w.guard().mode == Mode::frozen, "not frozen for ten minutes"); });
    w.at(15min, [&w] {
      w.expect(count_of(w, Liveness::lost) + (w.options().agents - static_cast<int>(w.snapshot()->size())) >= std::min(w.options().agents, 240), "the freeze does not drain");
    });
    expect_all_back(w, 15min + 33s);
    w.at(15min + 34s, [&w, first_seen] {
      for (const auto& [i, at] : *first_seen) w.expect(w.listed(i) && w.record(i)->agent.first_seen == at, World::id_of(i) + " is not the record it was");
    });
  };
  return run_world(o);
}

Tally run_L10(std::uint64_t seed, Scale scale) {
  const bool full = scale == Scale::full;
  Options o = fleet(seed, full ? 200 : 30, 2min);
  o.agents_per_subnet = full ? 60 : 10;
  o.script = [](World& w) {
    const int cut = w.options().agents_per_subnet;  // the first subnet
    w.at(40s, [&w, cut] {
      for (int i = 1; i <= cut; ++i) w.network().move_to_island(i, 1);
    });
    w.at(50s, [&w] { w.crash(w.options().agents); });
    w.at(43500ms, [&w] {
      const GuardView& guard = w.guard();
      w.expect(guard.domains.size() == 1 && guard.domains[0].name == "subnet 10.1.0.0/24" && guard.mode == Mode::frozen, "not the subnet, and it alone, is frozen after 3.5 s");
    });
    w.on_change = [&w, cut](const Change& c) {
      const int i = std::atoi(c.record->agent.id.c_str() + 6);
      if (c.kind != ChangeKind::liveness || c.at < World::kBegin + 40s) return;
      w.expect(i <= cut || i == w.options().agents, World::id_of(i) + ", far from the cut, is suspected");
      w.expect(c.record->agent.liveness != Liveness::lost || i == w.options().agents, World::id_of(i) + " is lost though its subnet is frozen");
    };
    w.at(61s, [&w] { w.expect(w.liveness(w.options().agents) == Liveness::lost, "a death elsewhere is not seen in 10.5 s"); });
    w.at(90s, [&w, cut] {
      for (int i = 1; i <= cut; ++i) w.network().move_to_island(i, 0);
    });
    expect_all_back(w, 93s);
  };
  return run_world(o);
}
std::string judge_L10(const Tally& t) { return first_of(judge_none_lost(t), figure("p99 from death to lost, s", quantile(t.lost_after, 0.99), 10.5)); }

Tally run_L13(std::uint64_t seed, Scale scale) {
  const bool full = scale == Scale::full;
  const int gone = full ? 20 : 10, all = full ? 50 : 25;
  Options o = fleet(seed, all, 130s);
  o.agents_per_node = gone;
  o.script = [gone](World& w) {
    w.at(20s, [&w, gone] {
      for (int i = 1; i <= gone; ++i) w.power_off(i);
    });
    w.at(23500ms, [&w] { w.expect(w.guard().mode == Mode::frozen, "not frozen 3.5 s after a node lost power"); });
    w.on_change = [&w, gone](const Change& c) {
      const int i = std::atoi(c.record->agent.id.c_str() + 6);
      if (c.kind != ChangeKind::liveness || c.at < World::kBegin + 20s) return;
      w.expect(i <= gone, World::id_of(i) + " of another node is touched");
      if (c.record->agent.liveness != Liveness::lost) return;
      const double after = seconds(c.at - (World::kBegin + 20s));
      w.expect(after >= 60 && after <= 90, World::id_of(i) + " is lost after " + std::to_string(after) + " s, not between 60 and 90");
    };
    w.at(111s, [&w, gone] {
      for (int i = 1; i <= gone; ++i) w.expect(w.liveness(i) == Liveness::lost, World::id_of(i) + " lost power 90 s ago and is not lost");
    });
  };
  return run_world(o);
}

// ---- clocks, stalls, restarts -------------------------------------------------------------------------------------------

Tally run_L15(std::uint64_t seed, Scale scale) {
  const bool full = scale == Scale::full;
  const auto run = [&](bool steps) {
    Options o = fleet(seed, full ? 200 : 15, full ? 10min : 1min);
    o.agent.crash_every = 20s;
    o.agent.down_for = 15s;
    o.script = [steps](World& w) {
      auto said = std::make_shared<std::uint64_t>(14695981039346656037U);
      w.on_change = [&w, said](const Change& c) {
        // Everything but the wall clock's words.
        for (const std::string& text : {to_string(c.revision), c.record->agent.id, std::string(to_string(c.record->agent.liveness)), c.record->agent.reason, std::to_string(c.at.ns)})
          for (const char letter : text) *said = (*said ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
        w.tally().trace_hash = *said;
      };
      if (!steps) return;
      const std::array<Duration, 3> by{1h, -2h, std::chrono::hours(87'600)};
      for (std::size_t i = 0; i < by.size(); ++i) w.at((10 + 15 * static_cast<int>(i)) * 1s, [&w, d = by[i]] { w.step_clock(d); });
    };
    World world(o);
    return world.run();
  };
  Tally steady = run(false), stepped = run(true);
  if (stepped.violation.empty() && (steady.trace_hash != stepped.trace_hash || steady.changes != stepped.changes)) stepped.violation = "steps of the wall clock changed what is believed";
  if (stepped.violation.empty()) stepped.violation = steady.violation;
  return stepped;
}

Tally run_L17(std::uint64_t seed, Scale scale) {
  Options o = fleet(seed, scale == Scale::full ? 200 : 15, 70s);
  o.script = [](World& w) {
    const Duration stop = 30s + w.rng().jitter(500ms, 1.0);
    auto before = std::make_shared<AgentRecordPtr>();
    w.at(stop, [&w, before] {
      *before = w.record(1);
      w.stall(1, true);
    });
    w.at(stop + 20s, [&w] { w.stall(1, false); });
    // 3.1 s after its last beacon, which may come 0.3 s late, and a sign of listening each 0.1 s.
    w.at(stop + 3550ms, [&w] { w.expect(w.liveness(1) == Liveness::suspect, "a stopped agent is not suspect after 3.55 s"); });
    w.at(stop + 10500ms, [&w] { w.expect(w.liveness(1) == Liveness::lost, "a stopped agent is not lost after 10.5 s"); });
    w.at(stop + 21200ms, [&w, before] {
      w.expect(w.liveness(1) == Liveness::alive, "it goes on and is not alive 1.2 s later");
      w.expect(w.record(1)->vitals == (*before)->vitals && w.record(1)->agent.first_seen == (*before)->agent.first_seen, "it goes on as another record");
    });
  };
  return run_world(o);
}

Tally run_L18(std::uint64_t seed, Scale scale) {
  const bool full = scale == Scale::full;
  Options o = fleet(seed, full ? 200 : 10, full ? 11min : 3min);
  o.script = [](World& w) {
    for (Duration t = 20s; t < w.options().length - 20s; t += 10s) {
      w.at(t, [&w] { w.stall(1, true); });
      w.at(t + 5s, [&w] { w.stall(1, false); });
    }
    auto times = std::make_shared<std::deque<Instant>>();
    w.on_change = [&w, times](const Change& c) {
      if (c.record->agent.id != "agent-1" || c.at < World::kBegin + 20s) return;
      w.expect(c.record->agent.liveness != Liveness::lost, "an agent that flaps is lost");
      while (!times->empty() && times->front() + 10s < c.at) times->pop_front();
      times->push_back(c.at);
      w.expect(times->size() <= 10, "more than one event a second of an agent that flaps");
    };
  };
  return run_world(o);
}

Tally run_L19(std::uint64_t seed, Scale scale) {
  const int agents = scale == Scale::full ? 1000 : 60;
  Options o = fleet(seed, agents, 60s);
  o.tethered = 0.3;
  o.script = [agents](World& w) {
    const Duration restart = 20s + w.rng().jitter(500ms, 1.0);
    w.at(restart, [&w] { w.restart_host(); });
    // Dead by then, and unknown to the new process: it must still find out.
    w.at(restart - 100ms, [&w] { w.power_off(1); });
    for (Duration t = restart; t < 55s; t += 500ms)
      w.at(t + 1ms, [&w, agents] { w.expect(static_cast<int>(w.snapshot()->size()) == agents, "a read shows fewer agents than before the restart"); });
    w.at(restart + 3s, [&w] {
      for (int i = 1; i <= w.options().agents; ++i) w.expect(!w.up(i) || w.liveness(i) == Liveness::alive, World::id_of(i) + " is not confirmed 3 s after a restart");
    });
    w.on_change = [&w](const Change& c) { w.expect(c.record->agent.liveness != Liveness::lost || c.record->agent.id == "agent-1", c.record->agent.id + " is lost by our restart"); };
  };
  Tally t = run_world(o);
  t.lost_after.clear();
  return t;
}

Tally run_L14(std::uint64_t seed, Scale scale) {
  const bool full = scale == Scale::full;
  Options o = fleet(seed, full ? 200 : 25, full ? 3min : 100s);
  o.host.socket_buffer = seed % 2 == 0 ? 400 : 20;  // overflows
  const Duration stop = std::array<Duration, 3>{5s, 30s, full ? 120s : 45s}[seed % 3];
  o.script = [stop](World& w) {
    w.at(20s, [&w] { w.stall_host(true); });
    w.at(20s + stop, [&w] { w.stall_host(false); });
    w.on_change = [&w](const Change& c) { w.expect(c.kind != ChangeKind::liveness || c.record->agent.liveness == Liveness::alive, c.record->agent.id + " is judged because we were stopped"); };
  };
  return run_world(o);
}

// ---- identities and messages --------------------------------------------------------------------------------------------

Tally run_L20(std::uint64_t seed, Scale scale) {
  Options o = fleet(seed, scale == Scale::full ? 50 : 10, 90s);
  o.network.loss = 0.005;  // three beacons lost in a row would end the conflict for a moment, rightly
  o.script = [](World& w) {
    const Duration begins = 20s + w.rng().jitter(500ms, 1.0);
    auto first = std::make_shared<std::uint64_t>(0);
    auto switches = std::make_shared<int>(0);
    auto holder = std::make_shared<std::uint64_t>(0);
    w.at(begins, [&w, first, holder] {
      *first = *holder = w.record(1)->agent.incarnation;
      w.start_clone(1);
    });
    w.on_change = [&w, begins, switches, holder](const Change& c) {
      if (c.record->agent.id != "agent-1" || c.at < World::kBegin + begins) return;
      w.expect(c.record->agent.liveness == Liveness::alive, "an agent with a clone is no longer alive");
      if (c.record->agent.incarnation != *holder) ++*switches, *holder = c.record->agent.incarnation;
      // It is taken for a restart until the first one speaks on; then the first stays.
      w.expect(*switches <= 2 || c.at > World::kBegin + 50s, "the record flips back and forth between two processes");
    };
    w.at(begins + 6s, [&w, first] {
      const Agent& agent = w.record(1)->agent;
      w.expect(agent.conflict && !agent.contenders.empty(), "two living processes with one id are not shown as a conflict");
      w.expect(agent.incarnation == *first, "not the first of two processes holds the id");
    });
    // The newer one ends: the conflict is over, the first undisturbed.
    w.at(50s, [&w] { w.end_clone(); });
    w.at(70s, [&w, first] {
      const Agent& agent = w.record(1)->agent;
      w.expect(!agent.conflict && agent.incarnation == *first && agent.liveness == Liveness::alive, "the conflict outlives the clone");
    });
  };
  return run_world(o);
}

/// What a reader sees at the end, without times.
std::string shown(World& w) {
  std::string out;
  w.snapshot()->for_each([&](const AgentRecordPtr& r) {
    const Agent& a = r->agent;
    out += a.id + ' ' + std::string(to_string(a.liveness)) + ' ' + std::string(to_string(a.status)) + ' ' + std::to_string(a.incarnation) + ' ' + (a.conflict ? "conflict" : "") + ' ' + std::to_string(a.sources.size()) + '\n';
  });
  return out;
}

Tally run_N10(std::uint64_t seed, Scale scale) {
  const bool full = scale == Scale::full;
  std::string clean;
  const auto run = [&](int copies, std::string& out) {
    Options o = fleet(seed, full ? 200 : 10, full ? 10min : 40s);
    o.network.copies = copies;
    o.network.copies_within = copies > 1 ? 1s : Duration{};
    o.network.straggler = 0;
    o.script = [&out](World& w) {
      // Lives that end and begin again while copies of the older one are under way.
      w.at(10s, [&w] { w.crash(1); });
      w.at(12s, [&w] { w.start(1); });
      w.at(15s, [&w] { w.leave(2); });
      w.at(16s, [&w] { w.crash(3); });
      w.at(w.options().length - 1ms, [&w, &out] { out = shown(w); });
    };
    return run_world(o);
  };
  Tally once = run(1, clean);
  std::string often;
  Tally copied = run(10, often);
  if (copied.violation.empty()) copied.violation = once.violation;
  if (copied.violation.empty() && clean != often) copied.violation = "ten copies of each datagram lead to another list:\n" + often + "instead of\n" + clean;
  return copied;
}

Tally run_W06(std::uint64_t seed, Scale scale) {
  const bool full = scale == Scale::full;
  Options o = fleet(seed, full ? 100 : 12, full ? 10min : 2min);
  o.watch = true;
  o.network.loss = 0.2;
  o.tethered = o.probed = 0.3;
  o.agent.crash_every = 10s;
  o.agent.down_for = 20s;
  o.agent.leave_every = 15s;
  o.agent.stall_every = 20s;
  o.agent.partition_every = 20s;
  o.host.restart_every = 50s;
  o.registry.forget_after = 10s;
  return run_world(o);
}

/// The machine of a tethered agent loses power: its connection stays open on our side. It must not speak for the dead, nor
/// for a new life of the same agent.
Tally run_T01(std::uint64_t seed, Scale) {
  Options o = fleet(seed, 10, 12min);
  o.tethered = 1;
  o.script = [](World& w) {
    w.at(30s, [&w] { w.power_off(1); });  // comes back on another connection
    w.at(1min, [&w] { w.start(1); });
    w.at(90s, [&w] { w.power_off(2); });  // never comes back
    w.on_change = [&w](const Change& c) {
      if (c.record->agent.id == "agent-1" && c.at > World::kBegin + 61s)
        w.expect(!c.record->agent.conflict, "a connection left open by a life that ended contends with the next one");
      if (c.record->agent.id == "agent-2" && c.at > World::kBegin + 100s)
        w.expect(c.record->agent.liveness != Liveness::alive, "a connection that nobody holds any more brings a dead agent back to life");
    };
  };
  Tally t = run_world(o);
  t.lost_after.clear();
  return t;
}

constexpr Row kRows[]{
    {"L03", "30 % loss each way", "nobody alive is lost; suspects at most 0.5 per agent-hour; a death is seen in 10.5 s (p99)", run_L03, judge_L03},
    {"L04", "50 % loss each way", "at most one in 1000 agent-hours is lost falsely; a death is seen in 16.5 s (p99)", run_L04, judge_L04},
    {"L05", "each agent's link dark for 2 s each 5 min", "at most 0.03 falsely lost per agent-hour once the floor is learnt", run_L05, judge_L05},
    {"L08", "our own network gone for 30 s to 9 min, in three ways", "frozen within 3.5 s, nobody lost, all back 3 s after, the dead lost 13 s after", run_L08, judge_none_lost},
    {"L08_refused", "our own system refuses to send, and nothing arrives", "as L08", run_L08_refused, judge_none_lost},
    {"L09", "a black hole of 15 min", "after 10 min one a second is let go; all are back as they were 3 s after", run_L09, nothing_more},
    {"L10", "a subnet falls silent", "it alone is frozen; a death elsewhere is seen in 10.5 s", run_L10, judge_L10},
    {"L13", "a node loses power", "frozen, then its agents lost between 60 and 90 s; others untouched", run_L13, judge_none_lost},
    {"L14", "we are stopped, with and without overflow", "nobody is suspected", run_L14, judge_none_lost},
    {"L15", "the wall clock jumps", "nothing that is believed changes", run_L15, nothing_more},
    {"L17", "an agent is stopped for 20 s", "suspect at 3 s, lost at 10 s, alive within 1.2 s, the same record", run_L17, nothing_more},
    {"L18", "an agent flaps, 5 s on and 5 s off", "at most one event a second, never lost", run_L18, judge_none_lost},
    {"L19", "we restart", "nobody missing at any read, all confirmed in 3 s", run_L19, judge_none_lost},
    {"L20", "two processes with one id", "shown as a conflict, the first stays, no flip-flop", run_L20, judge_none_lost},
    {"N03", "a dead agent's beacons replayed", "it never lives; the living are not disturbed", run_N03, nothing_more},
    {"N10", "ten copies of each datagram within 1 s", "the same list as without", run_N10, nothing_more},
    {"W06", "a watcher lists and follows under every fault", "it always holds what a list shows", run_W06, nothing_more},
    {"T01", "power is lost under a tether", "the connection left open speaks for nobody", run_T01, nothing_more},
};

}  // namespace

std::span<const Row> rows() { return kRows; }

const Row* find_row(const std::string& id) {
  for (const Row& row : kRows)
    if (id == row.id) return &row;
  return nullptr;
}

}  // namespace choregos::sim
