// What an orchestrator says should be there: services with the tasks it wants and has, and the nodes they stand on. Held against
// what is found (DNS, probes, registrations), it names each missing and each phantom agent. Plain values, immutable once made.
//
// It is the orchestrator's word and nothing else: no task in it is an agent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"

namespace choregos {

/// Docker's word for a node. `down` is about the node: its agents may well live and be unreachable for the managers alone.
enum class NodeState : std::uint8_t { unknown, ready, down, disconnected };
constexpr std::string_view to_string(NodeState state) {
  switch (state) {
    case NodeState::unknown: return "unknown";
    case NodeState::ready: return "ready";
    case NodeState::down: return "down";
    case NodeState::disconnected: return "disconnected";
  }
  return "unknown";
}

struct ExpectedNode {
  std::string id;
  std::string name;          ///< host name, as in Agent::node of the agents that stand on it
  NodeState state = NodeState::unknown;
  std::string availability;  ///< "active", "pause", "drain"; "" = not said
  std::string message;       ///< why the state is what it is; "" = not said
  bool operator==(const ExpectedNode&) const = default;
};

struct ExpectedTask {
  SwarmTask task;                    ///< service, slot and task id; of a plain container: its name, "" and its id
  std::string node;                  ///< host name; "" = not known, or not placed yet
  std::string state;                 ///< Docker's word: "running", "failed", "shutdown" …; of a container: "running", "exited" …
  std::string desired_state;         ///< "running", "shutdown", "remove" …; "" for a container
  bool wanted = false;               ///< the orchestrator wants it to run
  bool running = false;              ///< and says that it does
  bool ended = false;                ///< its process has ended for good
  std::optional<std::int64_t> exit_code;
  std::string message;               ///< the orchestrator's, for people: "task: non-zero exit (137)"
  std::vector<SocketAddress> targets;  ///< where it is probed; empty without an address
  WallTime since;                    ///< of the state, by the orchestrator's clock; zero = not said
  bool operator==(const ExpectedTask&) const = default;
};

enum class ServiceMode : std::uint8_t { replicated, global, containers };
constexpr std::string_view to_string(ServiceMode mode) {
  switch (mode) {
    case ServiceMode::replicated: return "replicated";
    case ServiceMode::global: return "global";
    case ServiceMode::containers: return "containers";
  }
  return "replicated";
}

struct ServiceExpectation {
  std::string id;                         ///< "" for containers that belong to no service
  std::string name;
  ServiceMode mode = ServiceMode::replicated;
  std::optional<std::uint64_t> desired;   ///< how many tasks should run; for a global service as many as are wanted now; unset = nobody says
  std::vector<ExpectedTask> tasks;        ///< in natural order of slot, then the wanted one first; also those ended that Docker still lists
  bool operator==(const ServiceExpectation&) const = default;
};

/// One complete look. A look that failed makes no report: the last one stays and grows old.
struct ExpectationReport {
  std::string source;                        ///< instance name: "docker_engine"
  Instant asked_at;                          ///< when the look began: the report is at least this fresh
  WallTime wall_at;
  bool whole_swarm = false;                  ///< false = the engine is no manager and knows the containers of its own host only
  std::vector<ServiceExpectation> services;  ///< by name
  std::vector<ExpectedNode> nodes;           ///< by name; empty without a manager

  Duration age(Instant now) const { return now - asked_at; }
};
using ExpectationReportPtr = std::shared_ptr<const ExpectationReport>;

/// Takes reports, on the thread of the source. Each replaces the former one of its source.
class ExpectationSink {
 public:
  virtual ~ExpectationSink() = default;
  virtual void report(ExpectationReportPtr report) = 0;
};

}  // namespace choregos
