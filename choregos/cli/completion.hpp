// Shell completion scripts, made from the very command tree that parses the command line, so that they cannot drift.
#pragma once

#include <string>
#include <string_view>

#include "choregos/base/result.hpp"

namespace CLI {
class App;
}

namespace choregos::cli {

/// `shell` is bash, zsh or fish. Errors: invalid.
Result<std::string> completion_script(const CLI::App& app, std::string_view shell);

}  // namespace choregos::cli
