// Who will not do what: a refused (agent, kind) pair is skipped until either changes. A kind changes by its name ("review:2"), an
// agent by its version.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "choregos/task/names.hpp"
#include "choregos/task/record.hpp"

namespace choregos::task {

class Refusals {
 public:
  bool holds(std::string_view agent, std::string_view kind) const {
    if (by_agent_.empty()) return false;
    const auto found = by_agent_.find(agent);
    return found != by_agent_.end() && found->second.contains(kind);
  }
  /// At limits::task_refusal_count_max the oldest one is forgotten: it is offered once more. Returns what was dropped, lifted.
  std::vector<Refusal> remember(const Refusal& refusal);
  /// Forgets those of other versions of the agent; returns them, lifted.
  std::vector<Refusal> version_is(std::string_view agent, std::string_view version);
  /// Moves what `from` refused to `into`; returns all that has changed.
  std::vector<Refusal> rename(std::string_view from, std::string_view into);
  std::size_t size() const { return order_.size(); }

 private:
  using Order = std::list<Refusal>;
  void drop(Order::iterator which);
  Order order_;  ///< oldest first
  ByText<ByText<Order::iterator>> by_agent_;
};

}  // namespace choregos::task
