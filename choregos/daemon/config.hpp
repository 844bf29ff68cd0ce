// From the four places where a setting may stand to one configuration:
//
//   default  <  profile  <  file  <  CHOREGOS_* environment  <  flags
//
// Pure: files and environment come in through functions. Any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/daemon/command_line.hpp"
#include "choregos/daemon/settings.hpp"

namespace choregos::daemon {

inline constexpr std::string_view kDefaultConfigPath = "/etc/choregos/choregosd.toml";

/// What load_config may ask of the machine.
struct Machine {
  std::map<std::string, std::string, std::less<>> environment;
  bool root = false;
  /// The text of a file; nothing when there is none. Errors: io.
  std::function<Result<std::optional<std::string>>(const std::string& path)> read_file;
};

struct Config {
  Settings settings;
  std::map<std::string_view, std::string> origins;  ///< by key: "default", "profile chorus", a flag, a variable, a place in the file
  std::string file;                                 ///< the one that was read; "" = none
};

struct Loaded {
  Config config;
  std::vector<std::string> errors;  ///< whole sentences; when there are any, `config` must not be used
};

/// Reads file, environment and flags, and checks what concerns several settings at once.
Loaded load_config(const CommandLine& flags, const Machine& machine);

/// Where state lies when nobody says. systemd sets $STATE_DIRECTORY.
std::string default_state_dir(const Machine& machine);

/// The keys whose values differ, in the order of the table.
std::vector<std::string_view> changed_keys(const Settings& before, const Settings& after);

}  // namespace choregos::daemon
