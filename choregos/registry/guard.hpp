// The guard against mass silence: when many agents that share a node, a subnet, a source or the network fall silent together,
// the likely cause is one and not theirs. Their domain is frozen then: nobody in it is lost by silence.
//
//   normal ──(newly silent within 10 s ≥ max(3, 15 % of the live), or a cause of our own)──► frozen
//   frozen ──(fewer silent than would freeze it)──────────────────────────────────────────► normal; the rest get a full window
//   frozen ──(all others heard for 60 s; its node is down; 10 min; an operator)────────────► draining
//   draining ──(nobody silent is left)─────────────────────────────────────────────────────► normal
//
// While any domain drains, one agent a second is let go, the one silent longest first, over all domains together: a verdict
// in bulk is always worse than a late one. The narrower domain explains the wider one: its silent agents do not count there.
// Fleets of three and less are never frozen by shares. Positive evidence (refused, goodbye, an orchestrator's word) never asks
// the guard.
//
// Pure. Slots are those of the registry.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/model/guard.hpp"
#include "choregos/registry/registry.hpp"
#include "choregos/registry/slot_order.hpp"

namespace choregos::registry {

/// What an agent is for the guard. `gone`: lost, left or not listed.
enum class Presence : std::uint8_t { gone, live, silent };

/// Where it belongs, narrowest first; "" = not known, or none.
struct Place {
  std::string node;
  std::string subnet;
  std::string source;  ///< the only source that hears it
};

class Guard {
 public:
  explicit Guard(GuardSettings settings) : settings_(settings) {}

  /// Call whenever an agent's place or presence may have moved. `gone` forgets the slot.
  void set(Slot slot, const Place& place, Presence presence, Instant now, WallTime wall_now);
  /// May this silent agent be lost now? False = it waits for its domain, and comes back from released() one day.
  bool may_lose(Slot slot);
  /// Whether a domain of that place is frozen: nobody there is forgotten.
  bool holds(const Place& place) const;
  /// The domains that hold it, for people.
  std::vector<std::string> holders(Slot slot) const;

  /// A cause of our own: the whole network is frozen for at least `held`, and for as long as such signs go on.
  void own_cause(const std::string& cause, Duration held, Instant now, WallTime wall_now);
  /// Drains the domain called so (DomainView::name), every one for "".
  void thaw(std::string_view name);
  void node_down(const std::string& node);

  /// Time passes. Slots that must be judged again are put into `released`; those of them in `renewed` get a full new window.
  void tick(Instant now, WallTime wall_now, std::vector<Slot>& released, std::vector<Slot>& renewed);
  /// never() while all is normal.
  Instant next_deadline() const { return guarded_.empty() ? Instant::never() : next_tick_; }

  Mode mode() const;
  /// Rises whenever what view() shows may differ.
  std::uint64_t version() const { return version_; }
  void view(GuardView& out) const;

 private:
  using DomainIndex = std::uint32_t;
  static constexpr DomainIndex kNone = UINT32_MAX;
  static constexpr std::size_t kKinds = 4;
  struct Domain {
    DomainKind kind = DomainKind::network;
    std::string name;
    std::uint32_t members = 0;                    ///< live and silent
    std::set<std::pair<Instant, Slot>> silent;    ///< since when
    Mode mode = Mode::normal;
    Instant since;
    WallTime wall_since;
    std::uint32_t members_at_freeze = 0;
    std::string cause;
    bool own_cause = false;
  };
  struct Member {
    Presence presence = Presence::gone;
    Instant silent_since;
    std::array<DomainIndex, kKinds> domains{kNone, kNone, kNone, kNone};
  };

  DomainIndex domain(DomainKind kind, const std::string& name);
  void leave(Slot slot, std::size_t kind);
  void join(Slot slot, std::size_t kind, DomainIndex index);
  void drop_if_empty(DomainIndex index);
  bool is_frozen(const Member& member) const;
  bool is_guarded(const Member& member, std::size_t below) const;
  void consider(DomainIndex index, Instant now, WallTime wall_now);
  void freeze(DomainIndex index, std::string cause, Instant now, WallTime wall_now);
  void drain(Domain& domain);
  void end(DomainIndex index, bool renew, std::vector<Slot>& released, std::vector<Slot>& renewed);
  bool others_heard() const;

  GuardSettings settings_;
  std::vector<Member> members_;                   ///< by slot
  std::vector<Domain> domains_;                   ///< by index
  std::vector<DomainIndex> free_;
  std::array<std::unordered_map<std::string, DomainIndex>, kKinds> names_;
  std::set<DomainIndex> guarded_;                 ///< frozen or draining
  std::set<std::pair<Instant, Slot>> waiting_;    ///< would be lost but for the guard
  Slot permitted_ = kNoSlot;
  Instant next_tick_ = Instant::never();
  Instant others_since_ = Instant::never();       ///< since when all others are heard
  Instant own_until_ = Instant::min();
  std::uint64_t freezes_ = 0;
  std::uint64_t version_ = 0;
};

}  // namespace choregos::registry
