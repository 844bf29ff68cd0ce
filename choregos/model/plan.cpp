#include "choregos/model/plan.hpp"

#include <numeric>

namespace choregos {

std::string_view to_string(CostTerm term) {
  static constexpr std::array<std::string_view, kCostTermCount> kWords{"member",   "load",       "price",    "latency",
                                                                       "fairness", "preference", "locality", "proof"};
  return kWords[static_cast<std::size_t>(term)];
}

Points sum(const CostTerms& terms) { return std::accumulate(terms.begin(), terms.end(), Points{0}); }

std::string_view to_string(PlanMethod method) {
  static constexpr std::array<std::string_view, 4> kWords{"subset_dp", "search", "greedy", "assignment"};
  return kWords[static_cast<std::size_t>(method)];
}

}  // namespace choregos
