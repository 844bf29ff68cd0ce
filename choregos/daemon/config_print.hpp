// The table of settings as text: for --print-config, docs/CONFIGURATION.md and the example file. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "choregos/daemon/config.hpp"

namespace choregos::daemon {

/// TOML that choregosd would read back to the same settings, with where each value comes from, then the limits. Files of
/// secrets are named, never opened.
std::string print_config(const Config& config, std::string_view version);
/// Markdown: every setting with its flag, variable, default and meaning, and the limits.
std::string config_reference();
/// A configuration file with every setting commented out at its default.
std::string config_example();

}  // namespace choregos::daemon
