// What must hold after every event of a simulated run, whatever the faults. Each rule is checked at the event that could
// break it, so that checking all of them costs nearly nothing:
//
//   said by a change      revisions rise by one; kind, `was` and record fit what was said before; nobody who is heard is
//                         forgotten or lost; nobody who is down comes to life past the bound; last_seen never falls
//                         nobody in a frozen domain is lost by silence or forgotten; a draining one lets go one a second
//   due at a time         an agent that ended is not alive, and later not suspect, past a bound: due then, in a heap; a freeze
//                         holds it up, and a freeze itself ends in time
//   after being heard     an agent that was just heard is listed
//   after every event     the snapshot has the revision, the size and the counts that replaying the changes gives, and the
//                         records that just changed; one record more, in turn, so that each is looked at every N events
//   at the end            every record of it
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "choregos/model/change.hpp"
#include "choregos/registry/snapshot.hpp"

namespace choregos::sim {

/// Bounds that hold for any agent under the faults of the run.
struct Bounds {
  Duration straggler{};            ///< how late a message may arrive after its sender ended
  Duration listened_every{};       ///< silence is judged this much later
  /// Nothing raises the registry's doubt in itself: its waits are not stretched (up to five times), and only restarts were
  /// silences that an agent came back from.
  bool calm = true;
  Duration freeze_max = 10min;
  Duration forget_after = 5min;

  Duration lost_floor() const { return 10s; }  ///< an agent is never lost when its beacon was heard within this
  Duration alive_at_most(bool probed) const { return straggler + listened_every + (calm ? 1 : 5) * (probed ? 13s : 3s) + 1ms; }
  Duration suspect_at_most() const { return calm ? 40s : 200s; }  ///< after that
};

class Checkers {
 public:
  Checkers(int agents, Bounds bounds);

  // ---- what the world did, told before the registry hears of it
  void started(int agent);
  void ended(int agent, Instant now, bool probed);
  /// Its connection stays open on our side, and speaks for it until it times out after `open_for`. Call it before ended().
  void left_a_connection(int agent, Duration open_for) { agents_[index(agent)].open_for = open_for; }
  void stalled(int agent, bool is) { agents_[index(agent)].stalled = is; }
  /// A message of its present life is about to be told to the registry; `at` is when it reached the host.
  void heard(int agent, Instant at, bool beacon);
  /// The domains that would freeze it, as DomainView names them; "" = none of that kind.
  void place(int agent, std::string subnet, std::string node, std::string source);
  /// The host is stopped: nothing is expected of it. When it runs again every wait begins anew.
  void host_stopped() { stopped_ = true; }
  void host_runs(Instant now) { stopped_ = false, resumed_at_ = now; }

  // ---- what the registry said
  void take(const std::vector<Change>& changes, Instant now);
  /// The registry runs anew: a new epoch, everybody is said again.
  void restarted(Instant now);
  /// Call when the event is over; `heard` is the agent that spoke in it, 0 = nobody.
  void after_event(Revision revision, const SnapshotPtr& snapshot, Instant now);
  /// Compares everything.
  void at_end(const SnapshotPtr& snapshot, Instant now);

  bool ok() const { return violation_.empty(); }
  const std::string& violation() const { return violation_; }
  /// For rules of the caller's own.
  void violate(const std::string& what, Instant now);
  std::uint64_t lost_while_up() const { return lost_while_up_; }
  /// The record as replaying the changes gives it; null when not listed.
  const AgentRecordPtr& replayed(int agent) const { return agents_[index(agent)].record; }

  static std::string id_of(int agent) { return "agent-" + std::to_string(agent); }

 private:
  enum class Due : std::uint8_t { not_alive, not_suspect };
  enum class Cover : std::uint8_t { none, draining, frozen };
  struct Subject {
    std::string id;
    bool up = false;
    bool stalled = false;
    bool just_heard = false;
    std::uint64_t life = 0;              ///< counts ends
    Instant heard = Instant::min();
    Instant beacon_heard = Instant::min();
    Duration open_for{};           ///< a connection that it will leave behind
    Instant not_alive_from = Instant::never();
    std::string domains[3];
    bool placed = false;                 ///< heard since the registry began: it knows where the agent belongs
    std::int64_t last_seen_ms = 0;
    AgentRecordPtr record;
  };
  struct Expectation {
    Instant at;
    Duration wait;
    int agent;
    Due due;
    std::uint64_t life;
    bool operator<(const Expectation& other) const { return at != other.at ? at > other.at : agent > other.agent; }
  };
  static std::size_t index(int agent) { return static_cast<std::size_t>(agent - 1); }
  void take_one(const Change& change, Instant now);
  void check_verdict(const Change& change, Subject& subject, Instant now);
  void check_record(int agent, const Snapshot& snapshot, Instant now);
  void check_guarded(const GuardView& guard, Instant now);
  static Cover cover(const Subject& subject, const GuardView* guard);
  void count(const AgentRecordPtr& record, int by);

  Bounds bounds_;
  std::vector<Subject> agents_;
  std::unordered_map<std::string, int> by_id_;
  std::priority_queue<Expectation> due_;
  std::vector<int> touched_;                 ///< changed or heard in this event
  std::optional<Revision> last_;
  bool restarted_ = false;
  bool stopped_ = false;
  Instant resumed_at_ = Instant::min();      ///< the host began, or went on
  GuardViewPtr guard_;                       ///< as of the event before
  std::vector<int> let_go_;                  ///< lost by silence, or forgotten, in this event
  Instant drained_at_ = Instant::min();
  std::size_t listed_ = 0;
  std::array<std::int64_t, 5> by_liveness_{};
  int next_in_turn_ = 1;
  std::uint64_t lost_while_up_ = 0;
  std::string violation_;
};

}  // namespace choregos::sim
