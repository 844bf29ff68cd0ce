// Descriptors, socket addresses and errno, for net/ itself.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"

namespace choregos::net {

/// Closes a descriptor at the end of a scope unless it was released.
class FdGuard {
 public:
  FdGuard() = default;
  explicit FdGuard(int fd) : fd_(fd) {}
  FdGuard(FdGuard&& other) noexcept : fd_(other.release()) {}
  FdGuard& operator=(FdGuard&& other) noexcept;
  ~FdGuard();
  int get() const { return fd_; }
  int release();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct RawAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// A v4 address becomes AF_INET, anything else AF_INET6.
RawAddress raw_address(const SocketAddress& address);
/// Of a unix socket; size 0 when the path is too long or empty.
RawAddress raw_unix_address(const std::string& path);
/// All zero for other families.
SocketAddress socket_address(const sockaddr_storage& storage);

/// "cannot <what>: <words of errno>", code io.
Error system_error(std::string_view what, int error);
void set_option(int fd, int level, int name, int value);

}  // namespace choregos::net
