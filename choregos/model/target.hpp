// A target: an address worth probing, not yet an agent. Swarm DNS, a file, a registration and later Docker yield targets;
// only an answer makes an agent.
#pragma once

#include <optional>
#include <string>

#include "choregos/base/ip.hpp"
#include "choregos/model/agent.hpp"

namespace choregos {

struct Target {
  SocketAddress address;            ///< connected to exactly; also its identity within one origin
  std::string host;                 ///< Host header; "" = the address
  std::string path = "/health";
  std::optional<SwarmTask> task;    ///< from PTR or Docker, when known
  bool behind_balancer = false;     ///< a virtual IP: sampled with fresh connections, never a name of one agent
  bool configured = false;          ///< an operator wrote this very address, so loopback is allowed
  bool draining = false;            ///< its name vanished from DNS; probed until it stops answering
  std::string expected_id;          ///< when the target came from an agent that declared itself; "" = unknown
  bool operator==(const Target&) const = default;
};

}  // namespace choregos
