// A team while it is being put together: who is on which host, and whom size and spread still demand. Shared by the solvers of
// cover, so that they agree on the limits.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "choregos/team/problem.hpp"

namespace choregos::team {

class Crew {
 public:
  explicit Crew(const Problem& problem) : problem_(&problem) {
    for (const HostUse& use : problem.hosts_before) {
      hosts_[use.host] += use.members;
      before_ += use.members;
    }
  }

  bool fits(const Candidate& c) const {
    if (count_ >= problem_->size_max) return false;
    if (problem_->per_host_max == 0) return true;
    const auto it = hosts_.find(c.host);
    return it == hosts_.end() || it->second < problem_->per_host_max;
  }
  void add(const Candidate& c) {
    ++count_;
    ++hosts_[c.host];
  }
  void drop(const Candidate& c) {
    --count_;
    const auto it = hosts_.find(c.host);
    if (--it->second == 0) hosts_.erase(it);
  }
  std::uint32_t count() const { return count_; }
  bool spread_enough() const { return !problem_->several_hosts || hosts_.size() >= 2; }
  bool complete() const { return count_ >= problem_->size_min && spread_enough(); }

  /// The cheapest candidates, beyond those chosen, that size and spread still demand; `by_cost` holds all indexes, cheapest first.
  /// Taking the cheapest that fits is optimal here (hosts with limits are a partition matroid), and of several hosts the second one
  /// is paid for first. False when there are not enough.
  template <class IsChosen>
  bool complete_with(const std::vector<std::uint32_t>& by_cost, const IsChosen& is_chosen, std::vector<std::uint32_t>& extras, Points& cost) const {
    extras.clear();
    cost = 0;
    if (complete()) return true;
    Crew crew = *this;
    const auto take = [&](std::uint32_t i) {
      crew.add(problem_->candidates[i]);
      extras.push_back(i);
      cost += problem_->candidates[i].cost;
    };
    const auto taken = [&](std::uint32_t i) { return is_chosen(i) || std::find(extras.begin(), extras.end(), i) != extras.end(); };
    const auto fill = [&](bool elsewhere, std::uint32_t upto) {
      for (const std::uint32_t i : by_cost) {
        if (crew.count() >= upto) return true;
        if (taken(i) || !crew.fits(problem_->candidates[i]) || (elsewhere && crew.hosts_.contains(problem_->candidates[i].host))) continue;
        take(i);
      }
      return crew.count() >= upto;
    };
    if (crew.hosts_.empty()) {  // nobody yet: the second host depends on the first, so fill and mend
      if (!fill(false, std::max(problem_->size_min, problem_->several_hosts ? 2U : 1U))) return false;
      if (crew.spread_enough()) return true;
      const std::uint32_t last = extras.back();
      crew.drop(problem_->candidates[last]);
      cost -= problem_->candidates[last].cost;
      extras.pop_back();
      return fill(true, crew.count() + 1);
    }
    if (!spread_enough() && !fill(true, crew.count() + 1)) return false;
    return fill(false, problem_->size_min);
  }

 private:
  const Problem* problem_;
  std::unordered_map<std::uint32_t, std::uint32_t> hosts_;
  std::uint32_t count_ = 0;
  std::uint32_t before_ = 0;
};

}  // namespace choregos::team
