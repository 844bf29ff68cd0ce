// Reads the TOML file. Every key that is not in the table of settings and every value of a wrong type is an error with its
// line and column, all of them at once. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "choregos/daemon/command_line.hpp"

namespace choregos::daemon {

struct ConfigFile {
  std::vector<Given> given;
  std::vector<std::string> errors;  ///< "choregosd.toml: line 3, column 1: 'http.listn' is not known; did you mean 'http.listen'?"
};

/// `name` is the file's, for messages. Values of unknown keys are never repeated: they may be secrets.
ConfigFile read_config_file(std::string_view text, const std::string& name);

}  // namespace choregos::daemon
