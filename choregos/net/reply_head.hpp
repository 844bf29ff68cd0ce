// The head of a reply as bytes; shared by ready-made replies and streams. For net/ itself.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "choregos/net/http_message.hpp"

namespace choregos::net {

/// Status line, headers, Content-Length when a number is given, Connection: close when asked, empty line. `reserve` is room
/// kept for what the caller appends.
std::string reply_head(int status, const HttpHeaders& headers, std::optional<std::size_t> body_bytes, bool close, std::size_t reserve = 0);

}  // namespace choregos::net
