// The network interfaces of this machine, as the kernel lists them now.
#pragma once

#include <string>
#include <vector>

#include "choregos/base/ip.hpp"

namespace choregos::net {

struct Interface {
  std::string name;
  unsigned index = 0;
  std::vector<IpAddress> addresses;
  bool up = false;  ///< up and running
  bool multicast = false;
  bool loopback = false;
  bool operator==(const Interface&) const = default;
};

/// In order of index. Empty when the kernel refuses to say.
std::vector<Interface> interfaces();

}  // namespace choregos::net
