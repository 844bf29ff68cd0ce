// The command line of choregosd, driven by the table of settings. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/daemon/settings_table.hpp"

namespace choregos::daemon {

/// A setting as somebody wrote it, and where.
struct Given {
  const Row* row = nullptr;
  std::vector<std::string> words;
  std::string origin;  ///< "--http", "CHOREGOS_HTTP_LISTEN", "choregosd.toml, line 3, column 10"
};

enum class Action : std::uint8_t { run, help, version, check_config, print_config, print_reference, print_example };

struct CommandLine {
  Action action = Action::run;
  std::string config;                ///< of --config; "" = not given
  std::vector<Given> given;          ///< in the order written, one per setting: a list flag that is repeated adds up, any other one counts last
  std::vector<std::string> errors;   ///< whole sentences
};

/// `arguments` without the program's name.
CommandLine parse_command_line(std::span<const std::string_view> arguments);

/// The text for --help.
std::string help_text(std::string_view version);

/// Words separated by commas, blanks around them removed. An empty text has no words.
std::vector<std::string> split_list(std::string_view text);
/// The words of a text given for a setting by flag or environment: a list is split, anything else is one word.
std::vector<std::string> words_for(const Row& row, std::string_view text);

}  // namespace choregos::daemon
