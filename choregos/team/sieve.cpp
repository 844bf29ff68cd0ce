#include "choregos/team/sieve.hpp"

#include <algorithm>
#include <bit>

namespace choregos::team {

Sieve::Sieve(const Fleet& fleet, const TeamRequest& request)
    : fleet_(fleet), request_(request), wishful_(!request.prefer.empty()), discount_max_(fleet.tracks.size() == 0 ? 0 : fleet.cost.proof_discount_max()) {
  matchers_.reserve(request.needs.size());
  for (const Requirement& r : request.needs) matchers_.emplace_back(fleet.roster, std::vector<const Requirement*>{&r});
  for (const auto& id : request.exclude)
    if (const Place place = fleet.roster.find(id); place != kNoPlace) excluded_.push_back(place);
  std::sort(excluded_.begin(), excluded_.end());
}

bool Sieve::barred(Place place) const {
  if (!excluded_.empty() && std::binary_search(excluded_.begin(), excluded_.end(), place)) return true;
  if (request_.clusters.empty()) return false;
  return !team::barred(request_, fleet_.roster.record(place)->agent).empty();
}

Mask Sieve::mask(Place place, Mask among) const {
  Mask out = 0;
  for (std::size_t i = 0; i < matchers_.size(); ++i)
    if ((among >> i & 1) != 0 && matchers_[i].fills(place)) out |= Mask{1} << i;
  return out;
}

std::int32_t Sieve::proof(const Agent& agent, std::uint32_t requirement) const {
  std::int32_t worst = 0;
  bool first = true;
  for (const auto& capability : request_.needs[requirement].capabilities) {
    const Proof known = fleet_.tracks.proof(agent.id, capability, fleet_.now);
    const std::int32_t points = std::clamp(fleet_.cost.proof(known), -fleet_.cost.proof_discount_max(), proof_cost_max);
    worst = first ? points : std::max(worst, points);
    first = false;
  }
  return worst;
}

Points Sieve::wishes(Place place) const {
  const Wishes unmet = team::unmet(request_, fleet_.roster.record(place)->agent);
  return unmet.preference + unmet.locality;
}

Candidate Sieve::candidate(Place place, Mask mask) const {
  Candidate out;
  out.mask = mask;
  out.cost = cost(place);
  out.host = fleet_.roster.host(place);
  out.place = place;
  if (fleet_.roster.recorded(place)) {
    const Agent& agent = fleet_.roster.record(place)->agent;
    for (Mask rest = mask; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::uint32_t>(std::countr_zero(rest));
      if (const std::int32_t points = proof(agent, i); points != 0) out.proofs.emplace_back(i, points);
    }
  }
  return out;
}

CostTerms Sieve::terms(Place place, Mask answers) const {
  CostTerms out{};
  const Assessment& own = fleet_.roster.own(place);
  for (std::size_t t = 0; t < kOwnTermCount; ++t) out[t] = own.terms[t];
  const AgentRecordPtr& record = fleet_.roster.record(place);
  const Wishes wishes = team::unmet(request_, record->agent);
  out[static_cast<std::size_t>(CostTerm::preference)] = wishes.preference;
  out[static_cast<std::size_t>(CostTerm::locality)] = wishes.locality;
  if (fleet_.roster.recorded(place))
    for (Mask rest = answers; rest != 0; rest &= rest - 1)
      out[static_cast<std::size_t>(CostTerm::proof)] += proof(record->agent, static_cast<std::uint32_t>(std::countr_zero(rest)));
  return out;
}

}  // namespace choregos::team
