// A simulated fleet: agents that beacon, answer questions and probes, hold tethers, help to ask others, crash, stall, leave and
// restart; a network that loses what they say; a registry on a host that can stop, restart and go deaf; checkers
// (checkers.hpp), of which every one holds after every event. Agents are numbered from 1. One run is decided by its options.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "choregos/base/rng.hpp"
#include "choregos/registry/journal.hpp"
#include "tests/sim/checkers.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/options.hpp"
#include "tests/sim/tally.hpp"

namespace choregos::sim {

class World {
 public:
  explicit World(Options options);
  Tally run();

  // ---- for scripts
  const Options& options() const { return options_; }
  Rng& rng() { return rng_; }
  Instant now() const { return events_.now(); }
  /// `when` after the beginning.
  void at(Duration when, std::function<void()> what) { events_.at(kBegin + when, std::move(what)); }
  Network& network() { return network_; }
  void crash(int agent);
  /// The machine is gone: nobody closes its connections.
  void power_off(int agent);
  void start(int agent);
  void leave(int agent);
  void stall(int agent, bool is);
  /// A second process with the id of `agent`, of a higher incarnation.
  void start_clone(int agent);
  void end_clone();
  void stall_host(bool is);
  void restart_host();
  void step_clock(Duration by) { wall_offset_ += by; }
  /// A sign from the host's own system.
  void note(SignKind kind, const std::string& subject = "");
  /// Whether the host's system refuses to send: questions are not put, and it says so.
  void refuse_sending(bool is) { refuses_ = is; }

  // ---- for their conclusions
  bool up(int agent) const { return agents_[index(agent)].up; }
  Liveness liveness(int agent) const;
  bool listed(int agent) const { return checkers_.replayed(agent) != nullptr; }
  const AgentRecordPtr& record(int agent) const { return checkers_.replayed(agent); }
  const GuardView& guard() { return *snapshot()->guard(); }
  SnapshotPtr snapshot() { return host_.snapshot(now(), wall()); }
  /// Every change, as it comes.
  std::function<void(const Change&)> on_change;
  /// Ends the run with this as its violation; the first one stays.
  void expect(bool holds, const std::string& otherwise) {
    if (!holds) checkers_.violate(otherwise, now());
  }
  Tally& tally() { return tally_; }
  static std::string id_of(int agent) { return Checkers::id_of(agent); }

  static constexpr Instant kBegin{1'000'000'000};

 private:
  struct SimAgent {
    int place = 0;
    std::string id;
    bool up = false;
    bool stalled = false;
    bool overdue = false;  ///< its timer ran out while it was stalled
    bool tethered = false;
    bool probed = false;
    bool tether_open = false;
    std::uint64_t incarnation = 0;
    std::uint64_t sequence = 0;
    std::uint64_t life = 0;  ///< raised at each start and end, so that old timers know they are late
    Instant ended_at = Instant::min();
    bool crashed = false;    ///< it ended without a word: the tally waits for the verdict
    Observation beacon;      ///< all of it that does not change from one to the next
  };
  static std::size_t index(int agent) { return static_cast<std::size_t>(agent - 1); }
  static Bounds bounds(const Options& options);
  SimAgent& agent(int place) { return agents_[index(place)]; }
  int any() { return static_cast<int>(rng_.below(agents_.size())) + 1; }
  WallTime wall() const { return {1'700'000'000'000 + (events_.now().ns + wall_offset_.count()) / 1'000'000}; }
  void repeat(Duration mean, const std::function<void()>& what);

  void begin_life(SimAgent& a, std::uint64_t incarnation);
  void beat(SimAgent& a, std::uint64_t life);
  void send_beacon(SimAgent& a, ObservationKind kind, bool answer);
  void open_tether(SimAgent& a);
  void break_tether(SimAgent& a, bool process_died);
  void leave_connection(SimAgent& a);
  void probe(SimAgent& a, std::uint64_t life);
  void end(SimAgent& a);
  void partition(int place);

  void put(const Ask& ask);
  void ask_directly(const Ask& ask, int place);
  void ask_by_helper(const Ask& ask, int helper, int place);

  /// A datagram at the host's socket, or a byte on one of its connections.
  void arrive(const Observation& o, bool datagram);
  void hear(Observation o);
  void apply(const Observation& o);
  void listen();
  void drain();
  bool after_event();
  void arm_tick();
  void take_changes();
  void take_measure(const Change& change);
  void hash(const Change& change);
  void read_along();

  Options options_;
  EventQueue events_;
  Rng rng_;
  Network network_;
  Host host_;
  Checkers checkers_;
  std::vector<SimAgent> agents_;
  SimAgent clone_;
  std::vector<Change> changes_;
  Duration wall_offset_{};
  bool refuses_ = false;
  // The host, while it is stopped.
  bool stopped_ = false;
  std::deque<Observation> socket_;
  std::deque<Observation> connections_;
  std::uint64_t dropped_ = 0;
  Instant armed_ = Instant::never();
  // A reader that follows the journal.
  std::optional<Journal> journal_;
  std::optional<Revision> read_at_;
  std::map<std::string, AgentRecordPtr> read_;
  Tally tally_;
};

inline Tally run_world(const Options& options) { return World(options).run(); }

}  // namespace choregos::sim
