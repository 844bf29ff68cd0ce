// Who we are when nobody says so: the id that survives a restart of the process in the same place. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "choregos/base/result.hpp"

namespace choregos::agent {

/// Reads an environment variable; unset when it is not there or empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

/// The first that is a valid id of: CHOREGOS_TASK_NAME ("{{.Task.Name}}" of a Swarm service: service.slot.task),
/// CHOREGOS_TASK_ID ("{{.Task.ID}}"), the host name (in a container Docker's short container id). A process id plays no
/// part: a restarted agent is the same agent. Errors: invalid (none of them can be an id; the message says what to do).
Result<std::string> default_id(const Environment& environment, const std::string& host_name);

}  // namespace choregos::agent
