// The flags of choregos-agent, each of which may come from an environment variable instead. Flags win.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "choregos/agent/identity.hpp"
#include "choregos/base/time.hpp"
#include "choregos/sdk/announcer.hpp"

namespace choregos::agent {

struct Settings {
  Announcer::Options announcer;
  std::string status_file;
  std::string status_url;
  Duration status_url_period = 2s;
  bool quiet = false;
  std::vector<std::string> command;  ///< empty = sidecar, announces until it is told to stop
};

/// The program ends here: help or version (0), or a mistake (2).
struct Exit {
  int code = 0;
  std::string text;  ///< for standard output when code is 0, else for standard error; ends with a line feed
};

/// `arguments` without the program's name. Everything after the first "--" is the command. Reads the files that flags
/// name (--token-file, --beacon-key-file). A flag that is not known is named with the nearest one.
std::variant<Settings, Exit> parse_options(const std::vector<std::string>& arguments, const Environment& environment, const std::string& host_name);

}  // namespace choregos::agent
