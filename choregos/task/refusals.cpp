#include "choregos/task/refusals.hpp"

#include <algorithm>

#include "choregos/base/limits.hpp"

namespace choregos::task {

void Refusals::drop(Order::iterator which) {
  const auto agent = by_agent_.find(which->agent);
  agent->second.erase(agent->second.find(which->kind));
  if (agent->second.empty()) by_agent_.erase(agent);
  order_.erase(which);
}

std::vector<Refusal> Refusals::remember(const Refusal& refusal) {
  std::vector<Refusal> dropped;
  if (holds(refusal.agent, refusal.kind)) drop(by_agent_.find(refusal.agent)->second.find(refusal.kind)->second);
  if (order_.size() >= limits::task_refusal_count_max) {
    dropped.push_back(order_.front());
    dropped.back().lifted = true;
    drop(order_.begin());
  }
  order_.push_back(refusal);
  by_agent_[refusal.agent][refusal.kind] = std::prev(order_.end());
  return dropped;
}

std::vector<Refusal> Refusals::version_is(std::string_view agent, std::string_view version) {
  std::vector<Refusal> lifted;
  const auto found = by_agent_.find(agent);
  if (found == by_agent_.end()) return lifted;
  std::vector<Order::iterator> old;
  for (const auto& [kind, which] : found->second) {
    if (which->version != version) old.push_back(which);
  }
  std::sort(old.begin(), old.end(), [](Order::iterator a, Order::iterator b) { return a->kind < b->kind; });
  for (const auto which : old) {
    lifted.push_back(*which);
    lifted.back().lifted = true;
    drop(which);
  }
  return lifted;
}

std::vector<Refusal> Refusals::rename(std::string_view from, std::string_view into) {
  std::vector<Refusal> changed;
  const auto found = by_agent_.find(from);
  if (found == by_agent_.end()) return changed;
  std::vector<Order::iterator> moving;
  for (const auto& [kind, which] : found->second) moving.push_back(which);
  std::sort(moving.begin(), moving.end(), [](Order::iterator a, Order::iterator b) { return a->kind < b->kind; });
  for (const auto which : moving) {
    Refusal refusal = *which;
    drop(which);
    changed.push_back(refusal);
    changed.back().lifted = true;
    refusal.agent = into;
    for (Refusal& other : remember(refusal)) changed.push_back(std::move(other));
    changed.push_back(std::move(refusal));
  }
  return changed;
}

}  // namespace choregos::task
