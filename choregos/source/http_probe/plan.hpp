// Everything that is probed, as one table: the union of the targets of all origins, whom to probe when, and what the
// answers mean. Pure: no socket, no clock; http_probe.hpp is its hands.
//
// At most parallel_max probes are under way. Those that answer, or did until just now, come first; strangers and those
// given up get at most three quarters of the places, so a thousand hanging addresses cannot delay a healthy one.
//
// When one that was silent answers again, the others that fell silent are asked soon, too: what silenced them may have been one
// cause, on our own side.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "choregos/base/rng.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/model/source_health.hpp"
#include "choregos/model/target.hpp"
#include "choregos/source/http_probe/balancer.hpp"
#include "choregos/source/http_probe/evidence.hpp"
#include "choregos/source/http_probe/probe.hpp"
#include "choregos/source/http_probe/track.hpp"

namespace choregos::source {

/// A probe to make now.
struct ProbeStart {
  SocketAddress address;
  std::string host;
  std::string path;
  bool configured = false;
  bool keep_alive = true;
  Duration time_max{};
};

/// One target as it stands, for doctor and tests.
struct TargetState {
  SocketAddress address;
  std::string path;
  std::vector<std::string> origins;  ///< sorted
  std::optional<SwarmTask> task;
  bool behind_balancer = false;
  bool draining = false;
  bool answering = false;            ///< the last probe was answered with 200
  std::string id;                    ///< last declared there; "" = none
  std::string note;                  ///< how the last probe ended, for people: "answers 503", "connection refused"
  WallTime last_answer;              ///< zero = never
  Duration latency{};                ///< of the last answer
  std::size_t failures = 0;          ///< in a row
};

/// What a call has to say to the outside.
struct PlanOutput {
  std::vector<Observation> observations;
  std::vector<SocketAddress> gone;    ///< no longer targets: cancel their probes, close their connections
  std::vector<SocketAddress> silent;  ///< draining and no longer answering: their origin may drop them
};

class ProbePlan {
 public:
  ProbePlan(ProbeSettings settings, std::uint64_t seed) : settings_(std::move(settings)), rng_(seed) {}

  /// The complete set of `origin`; replaces what it said before. Of an address that several origins name, an operator's
  /// word on host and path comes first, then the origin first in order; it is draining only when all say so.
  void set_targets(const std::string& origin, std::vector<Target> targets, Moment at, PlanOutput& out);

  /// The probes to start now, most urgent first. Each must be ended by one finished().
  std::vector<ProbeStart> begin(Instant now);
  void finished(const SocketAddress& address, ProbeResult result, Moment at, PlanOutput& out);
  void idle_closed(const SocketAddress& address, Instant now);
  /// Asks it as soon as its track allows; nothing happens for an address that is no target, or stands for many.
  void ask(const SocketAddress& address, Instant now);
  /// When begin() has something to do next; never while nothing waits or all places are taken.
  Instant next() const;
  bool contains(const SocketAddress& address) const { return entries_.contains(address); }

  std::vector<TargetState> targets() const;  ///< by address
  /// Name, kind, state, detail, advice, counters and gauges.
  SourceHealth health() const;

 private:
  struct Entry {
    explicit Entry(Instant now) : track(now), since(now) {}
    std::map<std::string, Target> by_origin;
    Target target;                      ///< merged
    Track track;
    std::unique_ptr<Balancer> balancer; ///< instead of the track, for a virtual IP
    Heard heard;                        ///< last answered as
    bool standing = false;              ///< the registry was told that it lives, and not that this channel is over
    Instant since;                      ///< became a target
    std::optional<std::pair<Instant, bool>> queued;  ///< due, hopeful
    bool in_flight = false;
    bool in_flight_hopeful = false;
    bool again = false;                 ///< ask again at once if the probe under way fails: it may have begun while nothing got through
    bool discard = false;               ///< the probe under way asks somebody who has gone
    WallTime last_answer;
    std::string note;
    Outcome last = Outcome::own_fault;
    bool tried = false;
  };
  using Entries = std::map<SocketAddress, Entry>;

  static Target merged(const std::map<std::string, Target>& by_origin);
  void update(Entries::iterator it, Moment at, PlanOutput& out);
  void remove(Entries::iterator it, const std::string& reason, Moment at, PlanOutput& out);
  void let_go(Entry& entry, const std::string& reason, Moment at, PlanOutput& out);
  void queue(Entry& entry);
  void unqueue(Entry& entry);
  void count(Entry& entry, const ProbeResult& result);
  void ask_the_silent(Instant now);
  std::string advice() const;

  using Queue = std::set<std::pair<Instant, SocketAddress>>;
  ProbeSettings settings_;
  Rng rng_;
  Entries entries_;
  std::map<std::string, std::set<SocketAddress>> origins_;
  Queue hopeful_, other_;
  std::size_t in_flight_ = 0, in_flight_other_ = 0;
  Instant asked_silent_at_ = Instant::min();

  struct Counters {
    std::uint64_t probes = 0, answers = 0, unwell = 0, redirects = 0, malformed = 0, resets = 0, refused = 0, unreachable = 0, timeouts = 0;
    std::uint64_t forbidden = 0, own_faults = 0, idle_closes = 0, state_changes = 0, targets_over_limit = 0;
    std::uint64_t rounds_gone = 0;  ///< of virtual IPs that are no longer targets
  } counters_;
  std::string last_error_;
  WallTime last_error_at_, last_ok_;
};

}  // namespace choregos::source
