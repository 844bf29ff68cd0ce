// The queues. A lane holds waiting tasks that any agent may take all of or none of: same capabilities, kind, agent, team, seat and
// ancestry. Lanes stand in buckets by the one property that an agent finds them under, ordered by their first task; so an agent with a
// free slot looks at the first lanes of a few buckets, however much waits.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/model/task.hpp"
#include "choregos/task/names.hpp"

namespace choregos::task {

/// Who goes first: the smaller one. Numbers rise with age and are distinct, so the order is total.
struct Rank {
  std::uint8_t behind = 0;  ///< kTaskPriorityMax - priority, as aged
  Instant deadline = Instant::never();
  TaskNumber number = 0;
  auto operator<=>(const Rank&) const = default;
};

struct Lane;
struct Bucket {
  std::map<Rank, Lane*> heads;  ///< lanes in which something waits, by their first task
  std::uint64_t lanes = 0;      ///< that stand here, waiting or not
};

struct Lane {
  std::string key;
  std::string label;                  ///< for people
  std::vector<CapId> needs;           ///< sorted
  std::string kind;                   ///< never empty but for "anyone, no kind"
  std::string agent;
  std::string team;
  std::optional<std::uint32_t> seat;
  std::vector<std::string> ancestry;
  std::set<Rank> waiting;
  Bucket* bucket = nullptr;
  std::uint64_t users = 0;            ///< tasks that may yet wait here
  bool dirty = false;                 ///< to be served in this call
};

class Lanes {
 public:
  /// The lane for such a task, with one more user. `rarest` says how many agents have a capability, to choose the bucket.
  /// Error: exhausted (too many distinct capabilities).
  template <class CountOf>
  Result<Lane*> open(const TaskRequest& request, const std::vector<std::string>& ancestry, CountOf&& agents_with);
  /// One user less; a lane without users is no more.
  void close(Lane* lane);
  void insert(Lane& lane, Rank rank);
  void erase(Lane& lane, Rank rank);

  Names& names() { return names_; }
  const Names& names() const { return names_; }
  Bucket* of_capability(CapId id) { return id < by_capability_.size() ? by_capability_[id].get() : nullptr; }
  Bucket& of_anyone() { return anyone_; }
  Bucket* of_agent(std::string_view id) { return find(by_agent_, id); }
  Bucket* of_team(std::string_view id) { return find(by_team_, id); }
  const ByText<std::unique_ptr<Lane>>& all() const { return lanes_; }

 private:
  static std::string key_of(const TaskRequest& request, const std::vector<std::string>& ancestry);
  static Bucket* find(ByText<std::unique_ptr<Bucket>>& buckets, std::string_view id) {
    const auto found = buckets.find(id);
    return found == buckets.end() ? nullptr : found->second.get();
  }
  static Bucket* find_or_make(ByText<std::unique_ptr<Bucket>>& buckets, const std::string& id) {
    auto& bucket = buckets[id];
    if (!bucket) bucket = std::make_unique<Bucket>();
    return bucket.get();
  }
  Result<Lane*> make(std::string key, const TaskRequest& request, const std::vector<std::string>& ancestry);
  Bucket* bucket_of(CapId id);

  Names names_;
  ByText<std::unique_ptr<Lane>> lanes_;
  std::vector<std::unique_ptr<Bucket>> by_capability_;
  Bucket anyone_;
  ByText<std::unique_ptr<Bucket>> by_agent_, by_team_;
};

template <class CountOf>
Result<Lane*> Lanes::open(const TaskRequest& request, const std::vector<std::string>& ancestry, CountOf&& agents_with) {
  std::string key = key_of(request, ancestry);
  const auto found = lanes_.find(key);
  if (found != lanes_.end()) {
    ++found->second->users;
    return found->second.get();
  }
  auto made = make(std::move(key), request, ancestry);
  if (!made) return made;
  Lane* lane = *made;
  if (!lane->bucket) {
    CapId rarest = lane->needs.front();
    for (const CapId id : lane->needs) {
      if (agents_with(id) < agents_with(rarest)) rarest = id;
    }
    lane->bucket = bucket_of(rarest);
    ++lane->bucket->lanes;
  }
  ++lane->users;
  return lane;
}

}  // namespace choregos::task
