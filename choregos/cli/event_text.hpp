// One change of the fleet as a line for people. Pure.
#pragma once

#include <string>

#include "choregos/cli/table.hpp"
#include "choregos/sdk/watch.hpp"

namespace choregos::cli {

/// "suspect -> lost", "appeared", "forgotten": what happened, and its colour.
Cell event_word(const WatchEvent& event);
/// "2026-11-23T10:06:54.120Z  chorus-agent-3  suspect -> lost  no answer for 10 s (beacon)"; nothing that an agent said can move the
/// terminal.
std::string event_line(const WatchEvent& event, bool color);

}  // namespace choregos::cli
