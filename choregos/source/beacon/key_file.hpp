// Reads a key file: secrets lie in a file that nobody else can read, or they are none.
#pragma once

#include <string>

#include "choregos/base/result.hpp"
#include "choregos/source/beacon/keys.hpp"

namespace choregos::source::beacon {

/// Errors: not_found; forbidden (it belongs to another user, or others may read it; the message holds the command that mends
/// it); too_large (limits::key_file_bytes_max); invalid (no regular file, or its text: see KeyRing::parse); io.
Result<KeyRing> load_keys(const std::string& path);

}  // namespace choregos::source::beacon
