// An entry: all that the registry holds about one subject, listed or not. Private to the registry folder.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "choregos/registry/evidence.hpp"
#include "choregos/registry/liveness.hpp"
#include "choregos/registry/slot_order.hpp"

namespace choregos::registry {

struct Entry {
  std::string id;                       ///< "" = the slot is free
  bool anonymous = false;               ///< named by a Swarm task or an address only
  std::vector<Evidence> evidence;
  Death death;
  std::shared_ptr<Vitals> vitals;
  WallTime first_seen;
  Instant first_heard = Instant::never();  ///< what first_seen belongs to; min() when that was kept from before
  Instant liveness_at;                  ///< when its liveness last changed
  Instant born_at;                      ///< when this entry was made
  Instant judged_heard = Instant::min();///< when it had last shown life at the last verdict
  double judged_stretch = 1;            ///< of our waits when its liveness last changed
  bool judged_by_silence = false;       ///< that verdict came from silence
  Instant window_from = Instant::min(); ///< silence before this was excused
  Duration longest_silence{};           ///< that it came back from …
  Instant longest_at = Instant::min();  ///< … and when
  Instant ask_next = Instant::min();    ///< the next question to it
  double returns = 0;                   ///< leaky count of returns from suspicion, as of returns_at
  Instant returns_at = Instant::min();
  std::optional<Agent> before;          ///< from the store or the archive; speaks until a whole statement is heard
  bool restored = false;
  Instant restored_until = Instant::min();
  Liveness restored_as = Liveness::unconfirmed;

  // Identity. An anonymous entry whose names lead to a stronger one lends its evidence to it and is not listed.
  Slot merged_into = kNoSlot;
  bool ambiguous = false;               ///< several agents claim its address: not listed, speaks for nobody
  std::vector<Slot> absorbed;           ///< those merged into this one
  std::vector<std::string> owned_names; ///< Swarm tasks and addresses that answered as this one
  std::vector<std::string> claimed;     ///< addresses that it claims

  bool hidden() const { return merged_into != kNoSlot || ambiguous; }
};

}  // namespace choregos::registry
