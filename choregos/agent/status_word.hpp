// The status that a wrapped program shows in a file. Pure apart from reading that file.
#pragma once

#include <optional>
#include <string>

#include "choregos/model/agent.hpp"

namespace choregos::agent {

struct StatusReading {
  std::optional<Status> status;  ///< unset = nothing usable there
  std::string note;              ///< why it is unset, for people; "" when it is set
};

/// The first word of the file: online, idle or working. Anything else, no file or an empty one: unset, with a note.
StatusReading read_status_file(const std::string& path);

}  // namespace choregos::agent
