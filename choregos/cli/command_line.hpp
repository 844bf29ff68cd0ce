// The command tree: parses argv, resolves where to ask, runs the verb.
#pragma once

#include <string>
#include <vector>

#include "choregos/cli/context.hpp"
#include "choregos/cli/verbs.hpp"

namespace choregos::cli {

/// `arguments` without the program's name. `terminal` says whether `out` is one (colour). Returns the exit code.
int run(const std::vector<std::string>& arguments, const Environment& environment, bool terminal, Streams streams);

}  // namespace choregos::cli
