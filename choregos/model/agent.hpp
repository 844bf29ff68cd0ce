// The nouns of an agent: what it says of itself, what we believe of it, and the immutable record that readers get.
// Plain values; nothing here has behaviour beyond comparing and naming.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/time.hpp"

namespace choregos {

/// What the agent says it does. `online`: up, says nothing of its load; `idle`: ready for work; `working`.
enum class Status : std::uint8_t { online, idle, working };
/// What we believe. `unconfirmed` only after our own restart; `suspect` gets no new work; `lost` is shown offline;
/// `left` said goodbye or was stopped. A forgotten agent is not in any list, so it has no value here.
enum class Liveness : std::uint8_t { unconfirmed, alive, suspect, lost, left };
/// How we know who it is, strongest first. `service` is an address behind which an unknown number of replicas answers.
enum class IdentityKind : std::uint8_t { proven, declared, task, address, service };

std::string_view to_string(Status status);
std::string_view to_string(Liveness liveness);
std::string_view to_string(IdentityKind kind);
std::optional<Status> parse_status(std::string_view word);
std::optional<Liveness> parse_liveness(std::string_view word);
std::optional<IdentityKind> parse_identity_kind(std::string_view word);

/// Key and value pairs, sorted by key, keys distinct.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// A Docker Swarm task: `service.slot.task_id` (slot is the node id for a global service).
struct SwarmTask {
  std::string service;
  std::string slot;
  std::string task_id;
  auto operator<=>(const SwarmTask&) const = default;
  std::string name() const { return service + "." + slot + "." + task_id; }
};

/// One agent as the registry believes it to be. What was not said stays empty: "", {}, 0.
struct Agent {
  // The eleven fields of the original record (last_seen lives in Vitals: it moves without a revision).
  std::string id;
  std::string name;
  Status status = Status::online;
  std::vector<std::string> capabilities;  ///< sorted, distinct
  std::string model;
  std::string endpoint;                   ///< URL where it takes tasks
  std::uint64_t tasks_completed = 0;
  std::string current_team;
  std::string p2p_addr;                   ///< host:port, never dialled by us
  std::string cluster_id;

  Liveness liveness = Liveness::alive;
  std::string reason;                     ///< why liveness is what it is, for people: "no answer for 10 s on beacon"
  IdentityKind identity = IdentityKind::declared;
  std::uint64_t incarnation = 0;          ///< 0 when not said
  WallTime first_seen;
  WallTime liveness_since;
  std::optional<SwarmTask> task;
  std::string node;                       ///< host name, when said
  std::string version;                    ///< of the agent's software, when said
  std::string health_url;                 ///< where we probe it, when we do
  std::vector<std::string> aliases;       ///< weaker names that lead to this record; sorted
  std::vector<std::string> sources;       ///< those that hear it now; sorted
  Labels labels;
  bool draining = false;                  ///< being stopped by its orchestrator, still answering
  std::optional<bool> reachable;          ///< whether it answers when we ask it (probe, ping); unset = never asked
  bool conflict = false;                  ///< two living processes claim this id; the first one's record is shown
  std::vector<std::string> contenders;    ///< where the others are, when conflict; sorted

  bool operator==(const Agent&) const = default;
};

/// What moves without making a revision. Written by the registry's owner, read by anybody: relaxed atomics, because each
/// is a value of its own and none orders another. Shared by all records of one agent, so an old snapshot shows fresh ages.
struct Vitals {
  std::atomic<std::int64_t> last_seen_ms{0};   ///< wall clock of the last evidence from the agent; never backwards
  std::atomic<std::int64_t> last_heard_ns{0};  ///< the same on our monotonic clock
  std::atomic<std::uint32_t> latency_us{0};    ///< of the last probe; 0 = none
  std::atomic<std::uint32_t> running{0};       ///< tasks that it says it runs
  std::atomic<std::uint32_t> capacity{0};      ///< tasks that it says it can run; 0 = not said
};

/// Immutable, shared between snapshots until the agent changes.
struct AgentRecord {
  Agent agent;
  std::uint64_t revision = 0;  ///< of its last change
  std::shared_ptr<const Vitals> vitals;
};
using AgentRecordPtr = std::shared_ptr<const AgentRecord>;

}  // namespace choregos
