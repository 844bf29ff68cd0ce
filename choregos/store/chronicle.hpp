// What of a stream of changes is worth remembering about an agent: compares each change with what the one before left, and
// says which events it makes. Both stores use it, so that they keep the same history. One thread at a time; no I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "choregos/model/history.hpp"

namespace choregos::store {

/// One line for the history of `id`. When `renamed_from` is set, what is kept of that id goes over to `id` first.
struct Note {
  std::string id;
  std::string renamed_from;
  HistoryEvent event;
};

class Chronicle {
 public:
  /// A record that was there before the first change, so that putting it back at a start makes no event.
  void know(const Agent& agent);
  /// Appends what the change means. Changes come in the order of their revisions.
  void take(const Change& change, std::vector<Note>& notes);

 private:
  /// The last form, as far as events depend on it.
  struct Known {
    std::uint64_t incarnation = 0;
    Liveness liveness = Liveness::alive;  ///< never `unconfirmed`: what it was before
    IdentityKind identity = IdentityKind::declared;
    bool conflict = false;
  };
  static Known known_of(const Agent& agent, Liveness before);

  std::unordered_map<std::uint64_t, Known> known_;  ///< by hash of the id: half the memory, and a clash costs one event
};

}  // namespace choregos::store
