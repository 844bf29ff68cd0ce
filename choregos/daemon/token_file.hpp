// Reads the bearer tokens that open the API.
#pragma once

#include <string>
#include <vector>

#include "choregos/base/result.hpp"

namespace choregos::daemon {

/// One token a line; blank lines and lines that begin with '#' are left out. Errors: not_found; forbidden (others may read
/// it; the message holds the command that mends it); too_large (limits::token_file_bytes_max); invalid (no regular file, no token in it, a
/// token too short); io. No message holds a token.
Result<std::vector<std::string>> load_tokens(const std::string& path);

}  // namespace choregos::daemon
