// What a program that follows the fleet is told, and the handle on the following.
//
//   auto watch = client.watch({}, [](const choregos::WatchEvent& event) { … });
//
// It connects again by itself for as long as the handle lives, and goes on exactly where it was: nothing is missed, nothing told twice.
// When that cannot be (the registry restarted, or it was away too long) a `reset` and the whole list come instead.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "choregos/base/result.hpp"
#include "choregos/model/change.hpp"
#include "choregos/sdk/agent_view.hpp"

namespace choregos {

struct WatchEvent {
  enum class Kind : std::uint8_t {
    reset,   ///< what you held is void: a whole list follows, agent by agent, then `ready`
    put,     ///< `agent` is new to you or has changed
    remove,  ///< `agent` leaves the list, or no longer passes the filter; its record is the last one
    ready,   ///< what you hold is the list at `revision`
    mode,    ///< `mode` or `guard` moved
    lost,    ///< the stream ended or could not be had: what you hold ages from now; it is tried again after `retry_after`
  };
  Kind kind = Kind::ready;
  AgentView agent;                 ///< of put and remove
  bool listed = false;             ///< of put: part of a list, no change
  ChangeKind change = ChangeKind::updated;  ///< of put and remove; what it was; `updated` also when it merely left the filter
  std::optional<Liveness> was;     ///< liveness before, when it changed
  std::string reason;              ///< of remove: why, for people; of reset: start, restart, gone, behind or unknown
  bool unmatched = false;          ///< of remove: it is listed on, but no longer passes the filter
  std::string into;                ///< of remove: the id by which a merged agent is known now
  std::string source;              ///< whose observation brought the change; "" when time did
  WallTime at;                     ///< of a change: when it was believed, by the registry's clock
  std::size_t folded = 0;          ///< earlier changes of this agent that a slow reader was spared
  Revision revision;               ///< of a change; of ready: up to which everything was told
  std::size_t total = 0;           ///< of reset: agents that follow
  std::string mode = "normal";     ///< of ready and mode
  GuardViewPtr guard;              ///< of ready and mode; null when there is nothing to say
  std::string raw;                 ///< the event as it came, as JSON; of several agents of a list that came in one only the first has it; "" of lost
  Error error;                     ///< of lost
  Duration retry_after{};          ///< of lost
};
std::string_view to_string(WatchEvent::Kind kind);

class Watch {
 public:
  Watch() = default;
  /// As stop(). Must not be destroyed within its callback.
  ~Watch();
  Watch(Watch&&) noexcept = default;
  Watch& operator=(Watch&& other) noexcept;

  /// Ends it. When it returns the callback is not running and will not be called again; within the callback it returns at once.
  void stop();

  struct State;
  explicit Watch(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

}  // namespace choregos
