// An understudy: a registry with other settings that is given the same inputs as the one on the stage, and a comparison of what
// the two believe. Nobody acts on what it says; it answers what other settings would have done.
//
// What it cannot know: the answers to questions that it alone would have put. It hears only those that the registry on the
// stage had put, so settings that ask earlier look a little worse here than they are.
//
// Pure; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/model/change.hpp"
#include "choregos/registry/registry.hpp"
#include "choregos/wire/recording.hpp"

namespace choregos::record {

/// Other settings. The leases that agents and sources agree on can be replaced as well: "lease.suspect_after" and
/// "lease.lost_after" hold for every channel but open ones.
struct OtherSettings {
  RegistrySettings registry;
  std::optional<Duration> suspect_after;
  std::optional<Duration> lost_after;

  /// "detector.evidence_needed=5". Errors: invalid.
  Result<void> set(std::string_view assignment);
  void apply_to(Lease& lease) const;
};

/// Two registries over the same inputs: the actor's changes and the understudy's, held against each other.
class Comparison {
 public:
  struct Counts {
    std::uint64_t lost = 0;            ///< times that it declared an agent lost
    std::uint64_t false_removals = 0;  ///< of these, the same life of the agent was heard again later
  };
  /// One agent about which the two thought differently.
  struct Difference {
    WallTime at;
    std::string id;
    std::string what;  ///< for people
  };

  /// What one batch led to on either side, each in order.
  void take(std::span<const Change> actor, std::span<const Change> understudy);

  const Counts& of_actor() const { return counts_[0]; }
  const Counts& of_understudy() const { return counts_[1]; }
  /// Agents that both declared lost, by which was first; at the same moment is neither.
  std::uint64_t earlier() const { return earlier_; }
  std::uint64_t later() const { return later_; }
  Duration earlier_by() const { return earlier_by_; }  ///< sum
  Duration later_by() const { return later_by_; }      ///< sum
  /// Lost for one of them and not for the other, now.
  std::uint64_t only_actor() const { return only_[0]; }
  std::uint64_t only_understudy() const { return only_[1]; }
  /// The newest limits::shadow_difference_count_max, oldest first; and how many there were.
  const std::deque<Difference>& differences() const { return differences_; }
  std::uint64_t difference_count() const { return difference_count_; }

 private:
  struct Agent {
    std::optional<Instant> lost_at[2];
    std::uint64_t incarnation[2] = {0, 0};  ///< when it was lost
    bool gone[2] = {false, false};          ///< it has left the list since
    bool both = false;                      ///< the two agreed once since: who was first is counted
    /// Whom one of them has forgotten may still return, as long as the other lists it.
    bool is_over() const { return (!lost_at[0] && !lost_at[1]) || (gone[0] && gone[1]); }
  };
  void take_one(const Change& change, int who);
  void note_loss(Agent& agent, const Change& change, int who);
  void count_only(const Agent& agent, int by);
  void say(const Change& change, std::string what);

  std::map<std::string, Agent> agents_;  ///< those that one of them has lost and at least one still lists
  Counts counts_[2];
  std::uint64_t earlier_ = 0, later_ = 0;
  Duration earlier_by_{}, later_by_{};
  std::uint64_t only_[2] = {0, 0};
  std::deque<Difference> differences_;
  std::uint64_t difference_count_ = 0;
};

class Understudy {
 public:
  Understudy(OtherSettings settings, Revision start);

  /// Takes an input. Deadlines of its own that lie before it are met first, as a registry on the stage would have met them.
  /// Lines that are no inputs are ignored.
  void take(const wire::RecordingLine& line);
  /// What this led to since the last call.
  std::vector<Change> take_changes() { return std::exchange(changes_, {}); }
  std::size_t size() const { return registry_.size(); }

 private:
  void meet_deadlines(Instant until, WallTime wall);
  void tick(Instant at, WallTime wall);

  OtherSettings settings_;
  Registry registry_;
  Instant last_ = Instant::min();
  std::vector<Change> changes_;
};

}  // namespace choregos::record
