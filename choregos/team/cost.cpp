#include "choregos/team/cost.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace choregos::team {
namespace {

std::uint32_t points(double value) {
  if (!(value > 0)) return 0;  // not a number, too
  return static_cast<std::uint32_t>(std::min(std::round(value), static_cast<double>(own_term_max)));
}

/// Share of its capacity that is in use.
double load_of(const AgentRecord& record) {
  if (record.vitals) {
    const double capacity = record.vitals->capacity.load(std::memory_order_relaxed);
    const double running = record.vitals->running.load(std::memory_order_relaxed);
    if (capacity > 0) return std::min(1.0, running / capacity);
  }
  switch (record.agent.status) {
    case Status::idle: return 0;
    case Status::online: return 0.5;  // it does not say: between the two
    case Status::working: return 1;
  }
  return 0.5;
}

double price_of(const Agent& agent) {
  for (const auto& [key, value] : agent.labels)
    if (key == "price") {
      double price = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), price, std::chars_format::fixed);
      return error == std::errc{} && end == value.data() + value.size() ? price : 0;
    }
  return 0;
}

}  // namespace

Assessment WeightedCost::assess(const AgentRecord& record, double served) const {
  const double latency_ms = record.vitals ? record.vitals->latency_us.load(std::memory_order_relaxed) / 1000.0 : 0;
  Assessment out;
  out.terms[static_cast<std::size_t>(CostTerm::member)] = std::clamp(weights_.member, 1U, own_term_max);
  out.terms[static_cast<std::size_t>(CostTerm::load)] = points(weights_.load * load_of(record));
  out.terms[static_cast<std::size_t>(CostTerm::price)] = points(weights_.price * price_of(record.agent));
  out.terms[static_cast<std::size_t>(CostTerm::latency)] = points(weights_.latency * std::log2(1 + latency_ms));
  out.terms[static_cast<std::size_t>(CostTerm::fairness)] =
      std::min(weights_.fairness_max, points(weights_.fairness * std::log2(1 + std::max(0.0, served))));
  return out;
}

std::int32_t WeightedCost::proof(const Proof& proof) const {
  const double s = proof.succeeded, f = proof.failed;
  if (standing(proof) == Standing::failing) return weights_.failing;
  double value = weights_.proven * (s / (s + 1)) + weights_.doubt * (f / (f + s + 1));
  if (standing(proof) == Standing::probed) value += weights_.probed;
  return static_cast<std::int32_t>(std::lround(std::clamp<double>(value, -proof_discount_max(), proof_cost_max)));
}

std::int32_t WeightedCost::proof_discount_max() const { return std::max(0, -weights_.proven) + std::max(0, -weights_.probed); }

}  // namespace choregos::team
