#include "choregos/net/sockets.hpp"

#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <system_error>
#include <utility>

namespace choregos::net {

FdGuard& FdGuard::operator=(FdGuard&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

FdGuard::~FdGuard() {
  if (fd_ >= 0) ::close(fd_);
}

int FdGuard::release() { return std::exchange(fd_, -1); }

RawAddress raw_address(const SocketAddress& address) {
  RawAddress raw;
  if (address.ip.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    in.sin_addr.s_addr = htonl(address.ip.v4_bits());
    std::memcpy(&raw.storage, &in, sizeof in);
    raw.size = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port);
    std::memcpy(&in.sin6_addr, address.ip.bytes.data(), 16);
    std::memcpy(&raw.storage, &in, sizeof in);
    raw.size = sizeof in;
  }
  return raw;
}

RawAddress raw_unix_address(const std::string& path) {
  RawAddress raw;
  sockaddr_un un{};
  if (path.empty() || path.size() >= sizeof un.sun_path) return raw;
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.data(), path.size());
  std::memcpy(&raw.storage, &un, sizeof un);
  raw.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return raw;
}

SocketAddress socket_address(const sockaddr_storage& storage) {
  SocketAddress address;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &storage, sizeof in);
    address.ip = IpAddress::v4(ntohl(in.sin_addr.s_addr));
    address.port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(address.ip.bytes.data(), &in.sin6_addr, 16);
    address.port = ntohs(in.sin6_port);
  }
  return address;
}

Error system_error(std::string_view what, int error) {
  return fail(ErrorCode::io, "cannot " + std::string(what) + ": " + std::generic_category().message(error));
}

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

}  // namespace choregos::net
