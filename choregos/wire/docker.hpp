// What a Docker Engine answers (API 1.24 and later), read into plain values. The engine is a stranger like any other: sizes,
// depth and counts are bounded by base/limits.hpp, a member of a wrong type or a broken byte refuses the whole reply (a list read
// in part could make living tasks look gone), members that are not known are skipped, and no text is kept that could
// not be shown: free text is cut and made printable, words that are none refuse the reply.
//
// Pure; any thread. Source: docs.docker.com/engine/api/v1.41 and replies of Docker 20.10.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/expected.hpp"

namespace choregos::wire {

struct DockerVersion {
  std::string engine;   ///< "20.10.24"
  std::string api;      ///< newest that it speaks: "1.41"
  std::string api_min;  ///< oldest; "" = not said
};
Result<DockerVersion> read_docker_version(std::string_view body);
/// The API version to speak: 1.41, or the nearest to it that the engine speaks. Errors: invalid (no version at all),
/// unavailable (older than 1.24).
Result<std::string> choose_docker_api(const DockerVersion& version);
/// "message" of an error reply, printable; "" when there is none.
std::string read_docker_error(std::string_view body);

struct DockerNode {
  std::string id;
  std::string name;
  NodeState state = NodeState::unknown;
  std::string availability;
  std::string message;
};

/// Labels are those that begin with "choregos.", "com.docker.swarm." or "org.agntcy/"; the rest is of no use here.
struct DockerService {
  std::string id;
  std::string name;
  ServiceMode mode = ServiceMode::replicated;
  std::optional<std::uint64_t> replicas;  ///< unset for a global one
  Labels labels;                          ///< of the service
  Labels container_labels;                ///< of its containers
};

struct DockerAttachment {
  std::string network;
  bool ingress = false;                ///< the mesh for published ports: nobody else can reach a task there
  std::vector<IpAddress> addresses;
};

struct DockerTask {
  std::string id;
  std::string service_id;
  std::uint64_t slot = 0;        ///< 0 = of a global service
  std::string node_id;           ///< "" = not placed yet
  std::string desired_state;
  std::string state;
  WallTime since;                ///< of the state
  std::string message;
  std::string error;
  std::optional<std::int64_t> exit_code;
  std::string container_id;
  std::vector<DockerAttachment> attachments;
};

struct DockerContainer {
  std::string id;
  std::string name;              ///< without its leading '/'
  std::string state;             ///< "created", "running", "paused", "restarting", "removing", "exited", "dead"
  std::string status;            ///< for people: "Exited (137) 3 seconds ago"
  std::optional<std::int64_t> exit_code;
  Labels labels;
  std::vector<DockerAttachment> attachments;
};

/// The replies of /nodes, /services, /tasks and /containers/json, in the order in which they came.
Result<std::vector<DockerNode>> read_docker_nodes(std::string_view body);
Result<std::vector<DockerService>> read_docker_services(std::string_view body);
Result<std::vector<DockerTask>> read_docker_tasks(std::string_view body);
Result<std::vector<DockerContainer>> read_docker_containers(std::string_view body);

/// Something happened: a hint to look, as the stream is best effort and says little. Only the end of a task's container is
/// knowledge by itself: it is never started again.
struct DockerEvent {
  std::string type;         ///< "container", "service", "node"
  std::string action;       ///< "die", "update"
  std::uint64_t time_ns = 0;  ///< by the engine's clock; 0 = not said
  std::string task_id;        ///< of a container that belongs to a Swarm task; else ""
  std::optional<std::int64_t> exit_code;  ///< of a container that died
};
Result<DockerEvent> read_docker_event(std::string_view line);

/// Cuts the endless body of /events into lines.
class DockerEventLines {
 public:
  /// Calls `take` for each whole line in order, empty ones left out. Errors: too_large, after which nothing more can be read.
  Result<void> put(std::string_view piece, const std::function<void(std::string_view)>& take);

 private:
  std::string rest_;
};

}  // namespace choregos::wire
