#include "choregos/sdk/facing_address.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace choregos::sdk {

std::optional<IpAddress> facing_address(const IpAddress& peer) {
  // Connecting a datagram socket looks up the route and chooses the source address without a packet.
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (peer.is_v4()) {
    auto* address = std::bit_cast<sockaddr_in*>(&storage);
    address->sin_family = AF_INET;
    address->sin_port = htons(9);
    address->sin_addr.s_addr = htonl(peer.v4_bits());
    size = sizeof(sockaddr_in);
  } else {
    auto* address = std::bit_cast<sockaddr_in6*>(&storage);
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(9);
    std::memcpy(&address->sin6_addr, peer.bytes.data(), peer.bytes.size());
    size = sizeof(sockaddr_in6);
  }
  const int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  std::optional<IpAddress> found;
  if (connect(fd, std::bit_cast<const sockaddr*>(&storage), size) == 0 && getsockname(fd, std::bit_cast<sockaddr*>(&storage), &(size = sizeof storage)) == 0) {
    if (storage.ss_family == AF_INET) {
      found = IpAddress::v4(ntohl(std::bit_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr));
    } else {
      found.emplace();
      std::memcpy(found->bytes.data(), &std::bit_cast<const sockaddr_in6*>(&storage)->sin6_addr, found->bytes.size());
    }
  }
  close(fd);
  return found;
}

}  // namespace choregos::sdk
