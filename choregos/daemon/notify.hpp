// Tells systemd (or whoever set $NOTIFY_SOCKET) how the start and the stop go: sd_notify(3), without libsystemd.
#pragma once

#include <string>
#include <string_view>

namespace choregos::daemon {

class Notify {
 public:
  /// `socket` is the value of $NOTIFY_SOCKET: a path, or "@name" for an abstract one; "" = nobody wants to know.
  explicit Notify(std::string socket) : socket_(std::move(socket)) {}
  /// One datagram, such as "READY=1\nSTATUS=9 agents". Never blocks; a failure changes nothing for us.
  void say(std::string_view text) const;

 private:
  std::string socket_;
};

}  // namespace choregos::daemon
