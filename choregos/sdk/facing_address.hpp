// Which of this machine's addresses faces another one: what the kernel's routes say. Sends nothing.
#pragma once

#include <optional>

#include "choregos/base/ip.hpp"

namespace choregos::sdk {

/// The source address that a packet to `peer` would carry; unset when there is no route.
std::optional<IpAddress> facing_address(const IpAddress& peer);

}  // namespace choregos::sdk
