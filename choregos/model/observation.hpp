// An observation: who says what about whom, when, how sure. The only thing that a source produces and the only thing that
// makes the registry believe anything. A record cannot exist without one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"

namespace choregos {

/// What an agent says of itself. An unset field was not said.
struct Claims {
  std::optional<std::string> name;
  std::optional<Status> status;
  std::optional<std::vector<std::string>> capabilities;
  std::optional<std::string> model;
  std::optional<std::string> endpoint;
  std::optional<std::uint64_t> tasks_completed;
  std::optional<std::string> current_team;
  std::optional<std::string> p2p_addr;
  std::optional<std::string> cluster_id;
  std::optional<std::string> node;
  std::optional<std::string> version;
  std::optional<std::string> health_url;
  std::optional<Labels> labels;
  // Load: kept in Vitals, never makes a revision.
  std::optional<std::uint32_t> running;
  std::optional<std::uint32_t> capacity;

  bool operator==(const Claims&) const = default;
};

/// Sorts and removes duplicates where order means nothing (capabilities, labels by key).
void normalize(Claims& claims);
/// Every bound and character rule of base/limits.hpp and base/text.hpp; the error names the field. Call normalize first.
Result<void> check(const Claims& claims);

enum class ObservationKind : std::uint8_t {
  heard,    ///< evidence of life: a beacon, an answer, a renewal, an open tether
  doubt,    ///< this channel broke (tether closed, probe connection lost): suspect, unless another channel hears it
  refused,  ///< this channel is surely dead (connection refused, address now answers as somebody else)
  dead,     ///< positive evidence that the process ended (channel broke and then refused twice; Docker says so)
  goodbye,  ///< the agent itself said that it leaves
  asked,    ///< a question was sent on this channel (model/ask.hpp): silence to it will count
  unanswered,  ///< a helper (`via`) asked the agent in vain on our behalf
};

std::string_view to_string(ObservationKind kind);

/// How long silence on this channel may last. A tether that stays open uses Instant::never() semantics: kOpen.
struct Lease {
  Duration suspect_after = 3s;
  Duration lost_after = 10s;
  /// Between two messages on this channel, when their number is known and each may get lost by itself (beacons), or when
  /// questions on it are answered (a tether); 0 = the lease is a plain agreement on time.
  Duration interval{};
  bool open() const { return suspect_after == Duration::max(); }
  bool operator==(const Lease&) const = default;
};
inline constexpr Lease kOpenLease{Duration::max(), Duration::max(), Duration{}};

/// Names by which the subject is known, any of them unset. The strongest one set decides which record it belongs to.
struct Names {
  std::string id;                          ///< declared by the agent itself; "" = not declared
  bool proven = false;                     ///< the declaration carried a valid MAC or token of that id
  std::optional<SwarmTask> task;
  std::optional<SocketAddress> address;    ///< where it answered
  bool behind_balancer = false;            ///< the address is a virtual one: it names a service, not an agent
  bool operator==(const Names&) const = default;
};

struct Observation {
  ObservationKind kind = ObservationKind::heard;
  std::string source;            ///< instance name of the source: "beacon", "http_probe", "registration"
  std::string subject;           ///< what that source calls it: an address, an id; one channel = (source, subject)
  Names names;
  std::uint64_t incarnation = 0; ///< 0 = not said
  std::uint64_t sequence = 0;    ///< orders messages within one incarnation on one channel; 0 = none
  Instant heard_at;              ///< when the evidence arrived at this host (kernel time stamp where there is one)
  WallTime wall_at;              ///< the same for people
  std::optional<Claims> claims;  ///< what was said; unset = nothing was said, only life shown
  bool partial = false;          ///< claims change only the fields they set; otherwise they replace what this channel said before
  Lease lease;                   ///< of this channel from heard_at on
  bool draining = false;
  bool answer = false;              ///< heard: it answers a question of ours
  std::optional<IpAddress> from;    ///< the path it came by or was asked on; tells which agents fall silent together, names nobody
  std::string via;                  ///< unanswered, or heard through a helper: the helper's id; "" = directly
  std::optional<Duration> latency;  ///< of the probe that answered
  std::string reason;            ///< for doubt, refused, dead, goodbye: why, for people
};

/// The border check for anything that came from outside: ids, claims, bounds, time not in the future of `now` by over 1 s.
Result<void> check(const Observation& observation, Instant now);

}  // namespace choregos
