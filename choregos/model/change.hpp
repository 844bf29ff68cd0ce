// A change: one step of what we believe, numbered. Replaying changes over a list gives the list at a later revision.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "choregos/model/agent.hpp"

namespace choregos {

/// Position in the history of beliefs. The epoch rises at each start of the registry, the revision by one at each change
/// and never falls, not even across epochs.
struct Revision {
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
  auto operator<=>(const Revision&) const = default;
};
/// "3.1042", the form of event ids and ETags.
std::string to_string(Revision revision);
std::optional<Revision> parse_revision(std::string_view text);

enum class ChangeKind : std::uint8_t {
  appeared,   ///< a record that was not in the list
  updated,    ///< fields changed, liveness did not
  liveness,   ///< liveness changed (fields may have, too)
  forgotten,  ///< left the list; `record` is its last form
  merged,     ///< left the list because a stronger name was learnt; `into` says which record has it now
};
std::string_view to_string(ChangeKind kind);

struct Change {
  Revision revision;
  ChangeKind kind = ChangeKind::appeared;
  AgentRecordPtr record;                 ///< after the change; the last form for forgotten and merged
  std::optional<Liveness> was;           ///< liveness before, when it changed
  std::string into;                      ///< for merged
  std::string source;                    ///< whose observation brought it; "" when time did
  Instant at;
  WallTime wall_at;
  AgentRecordPtr before = {};            ///< what was listed until now; null for appeared
};

}  // namespace choregos
