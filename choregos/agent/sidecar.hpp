// The sidecar: supervisor, announcer and status put together. One call is the program's life.
#pragma once

#include "choregos/agent/options.hpp"

namespace choregos::agent {

/// Runs until the command ends or we are told to stop; says goodbye; returns the exit code. Call it on the main thread,
/// once, before any other thread exists. Events go to standard error, one line each, unless settings.quiet.
int run(const Settings& settings);

}  // namespace choregos::agent
