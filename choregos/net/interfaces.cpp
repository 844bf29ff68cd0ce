#include "choregos/net/interfaces.hpp"

#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "choregos/net/sockets.hpp"

namespace choregos::net {

std::vector<Interface> interfaces() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  std::map<std::string, Interface> by_name;
  for (const ifaddrs* at = list; at; at = at->ifa_next) {
    if (!at->ifa_name) continue;
    Interface& one = by_name[at->ifa_name];
    one.name = at->ifa_name;
    one.up = (at->ifa_flags & IFF_UP) != 0 && (at->ifa_flags & IFF_RUNNING) != 0;
    one.multicast = (at->ifa_flags & IFF_MULTICAST) != 0;
    one.loopback = (at->ifa_flags & IFF_LOOPBACK) != 0;
    if (!at->ifa_addr || (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6)) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, at->ifa_addr, at->ifa_addr->sa_family == AF_INET ? 16 : 28);
    one.addresses.push_back(socket_address(storage).ip);
  }
  ::freeifaddrs(list);
  std::vector<Interface> all;
  for (auto& [name, one] : by_name) {
    one.index = ::if_nametoindex(name.c_str());
    if (one.index != 0) all.push_back(std::move(one));
  }
  std::sort(all.begin(), all.end(), [](const Interface& a, const Interface& b) { return a.index < b.index; });
  return all;
}

}  // namespace choregos::net
