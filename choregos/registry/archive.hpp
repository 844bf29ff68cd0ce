// The archive: identities that were forgotten, kept a while so that one that returns is the same agent. Bounded in count
// (the oldest goes first) and in time.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"

namespace choregos::registry {

class Archive {
 public:
  void put(const Agent& agent, Instant until) {
    kept_[agent.id] = {agent, until};
    order_.emplace_back(until, agent.id);
    // An id may stand in the queue several times; only the entry whose time is the kept one counts.
    while (kept_.size() > limits::archive_count_max || order_.size() > 2 * limits::archive_count_max) drop_oldest();
  }
  std::optional<Agent> take(const std::string& id, Instant now) {
    while (!order_.empty() && order_.front().first <= now) drop_oldest();
    const auto it = kept_.find(id);
    if (it == kept_.end()) return std::nullopt;
    Agent agent = std::move(it->second.first);
    kept_.erase(it);
    return agent;
  }

 private:
  void drop_oldest() {
    const auto it = kept_.find(order_.front().second);
    if (it != kept_.end() && it->second.second == order_.front().first) kept_.erase(it);
    order_.pop_front();
  }
  std::unordered_map<std::string, std::pair<Agent, Instant>> kept_;
  std::deque<std::pair<Instant, std::string>> order_;
};

}  // namespace choregos::registry
