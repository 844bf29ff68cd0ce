// What an agent asks for when it introduces itself over HTTP, and the door through which the API passes it on. The API
// knows the door, the registration source stands behind it; neither knows the other.
//
// A door is called on the loop's thread; answers come on the loop's thread, once each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "choregos/base/ip.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/observation.hpp"

namespace choregos {

struct RegisterRequest {
  std::string id;
  std::uint64_t incarnation = 0;  ///< 0 = not said
  Claims claims;                  ///< the whole statement: what is unset was withdrawn
  Duration ttl{};                 ///< lease wished for; 0 = the default
  SocketAddress peer;             ///< where the request came from
  bool proven = false;            ///< authenticated as this very id
};

struct RegisterReply {
  AgentRecordPtr record;
  bool created = false;          ///< was not listed before
  Duration ttl{};                ///< the lease granted; renew in a third of it
  Duration beacon_interval{};    ///< pace for beacons and renewals, by the fleet's size
};

struct RenewRequest {
  std::string id;
  std::uint64_t incarnation = 0;
  Claims claims;                 ///< partial: only what is set changes
  SocketAddress peer;
  bool proven = false;
  std::uint64_t answer = 0;      ///< nonce of the ping that came down the tether; 0 = it answers none
};

struct LeaveRequest {
  std::string id;
  std::uint64_t incarnation = 0;
  std::string reason;
  SocketAddress peer;
  bool proven = false;
};

struct TetherRequest {
  std::string id;
  std::uint64_t incarnation = 0;
  SocketAddress peer;
  bool proven = false;
};

/// The open connection as the registration source sees it: it can push events down and end it.
class TetherChannel {
 public:
  virtual ~TetherChannel() = default;
  /// One SSE event; `data` is one line of JSON. False when the peer is gone or too slow.
  virtual bool send(std::string_view event, std::string_view data) = 0;
  virtual void close() = 0;
};
using TetherId = std::uint64_t;

class RegistrationDoor {
 public:
  virtual ~RegistrationDoor() = default;
  /// Acknowledged only when durable. Errors: invalid, conflict (another living process holds the id; the message says
  /// which), forbidden (an address the policy refuses), exhausted, unavailable.
  virtual void register_agent(RegisterRequest request, std::function<void(Result<RegisterReply>)> done) = 0;
  /// Errors: not_found (never registered here: register first), conflict (another incarnation holds the id).
  virtual void renew(RenewRequest request, std::function<void(Result<RegisterReply>)> done) = 0;
  /// Errors: not_found, conflict (another incarnation holds the id).
  virtual void leave(LeaveRequest request, std::function<void(Result<void>)> done) = 0;
  /// Errors: not_found (register first), conflict, exhausted. The caller reports the end with tether_closed, once.
  virtual Result<TetherId> open_tether(TetherRequest request, std::shared_ptr<TetherChannel> channel) = 0;
  virtual void tether_closed(TetherId tether, std::string reason) = 0;
};

}  // namespace choregos
