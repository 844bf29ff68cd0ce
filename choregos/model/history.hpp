// What happened to one agent, kept longer than the agent itself: its changes of liveness and identity with their reasons.
// Written by the store from the changes it is handed, read by whoever asks about one agent. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/change.hpp"

namespace choregos {

enum class HistoryKind : std::uint8_t {
  appeared,       ///< listed, for the first time or again after it was forgotten
  liveness,       ///< liveness changed from `was`; restarts of the registry alone leave no trace
  restarted,      ///< a higher incarnation is heard: another process under the same id
  identity,       ///< known by another kind of name than before; `other` is the kind before
  conflict,       ///< a second living process claims the id; `other` says where
  conflict_over,  ///< that is over
  merged,         ///< the record known as `other` turned out to be this agent; its history came along
  forgotten,      ///< left the list
};
constexpr std::string_view to_string(HistoryKind kind) {
  switch (kind) {
    case HistoryKind::appeared: return "appeared";
    case HistoryKind::liveness: return "liveness";
    case HistoryKind::restarted: return "restarted";
    case HistoryKind::identity: return "identity";
    case HistoryKind::conflict: return "conflict";
    case HistoryKind::conflict_over: return "conflict_over";
    case HistoryKind::merged: return "merged";
    case HistoryKind::forgotten: return "forgotten";
  }
  return "liveness";
}

struct HistoryEvent {
  HistoryKind kind = HistoryKind::liveness;
  WallTime at;
  Revision revision;
  std::string id;                        ///< what it was known as at the time
  Liveness liveness = Liveness::alive;   ///< after the event
  std::optional<Liveness> was;           ///< for liveness
  std::string reason;                    ///< for people; "" = none was given
  std::string source;                    ///< whose observation brought it; "" when time did
  std::string other;                     ///< see HistoryKind; "" otherwise
  bool operator==(const HistoryEvent&) const = default;
};

/// An identity that left the list.
struct Forgotten {
  Agent agent;             ///< its last form
  WallTime last_seen;
  WallTime forgotten_at;
};

/// All that is kept of one id.
struct Past {
  std::vector<HistoryEvent> events;    ///< newest first, at most limits::history_of_agent_max
  std::optional<Forgotten> forgotten;  ///< unset while it is listed, and when nothing is known of it
  bool empty() const { return events.empty() && !forgotten; }
};

}  // namespace choregos
