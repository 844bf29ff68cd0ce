// GET /api/v1/agents/{id}/tether: a reply that the agent holds open. Its end is the fastest sign of the agent's death, so
// the door hears of it at once. This file joins the server's open reply with the door's channel and keeps no belief.
//
// Loop's thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "choregos/api/http/handlers.hpp"
#include "choregos/model/registration.hpp"
#include "choregos/net/http_server.hpp"

namespace choregos::api {

/// A comment goes down every tether this often, so that proxies and the agent see that we live.
inline constexpr Duration kTetherHeartbeat = 15s;

class TetherSet {
 public:
  TetherSet();
  ~TetherSet();

  /// Refusals go to `answer`; else the reply is opened by `open` and begins with an event `hello`.
  void open(const Call& call, const Answer& answer, const OpenStream& open);
  void heartbeat();
  /// Ends all; the door hears of each.
  void close_all();
  std::size_t size() const;
  std::uint64_t opened_total() const;

 private:
  class Channel;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace choregos::api
