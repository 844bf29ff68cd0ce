#include "choregos/team/checker.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "choregos/team/matching.hpp"

namespace choregos::team {
namespace {

Error wrong(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

class Checking {
 public:
  Checking(const Plan& plan, const std::vector<Witness>& fleet, const TrackRecord& tracks, const CostFunction& cost, Instant now)
      : plan_(plan), request_(plan.request), fleet_(fleet), tracks_(tracks), cost_(cost), now_(now) {}

  Result<Verified> run() {
    if (auto ok = check(request_); !ok) return ok.error();
    if (auto ok = members(); !ok) return ok.error();
    if (auto ok = numbers(); !ok) return ok.error();
    if (auto ok = limits(); !ok) return ok.error();
    if (auto ok = standbys(); !ok) return ok.error();
    if (plan_.cost_min > plan_.cost) return wrong("the proven bound is above the cost");
    if (plan_.method == PlanMethod::assignment || plan_.method == PlanMethod::greedy) {
      if (auto ok = prices(); !ok) return ok.error();
      return Verified::all;
    }
    return bound();
  }

 private:
  const Witness* find(const std::string& id) const {
    for (const Witness& w : fleet_)
      if (w.record->agent.id == id) return &w;
    return nullptr;
  }
  bool may_join(const Witness& w) const { return w.free && unfit(w.record->agent).empty() && barred(request_, w.record->agent).empty(); }
  Points base(const Witness& w) const {
    const Wishes wishes = unmet(request_, w.record->agent);
    return w.own.total() + wishes.preference + wishes.locality;
  }
  Points proof(const Witness& w, std::size_t i) const {
    bool first = true;
    Points worst = 0;
    for (const auto& capability : request_.needs[i].capabilities) {
      const Points points = std::clamp(cost_.proof(tracks_.proof(w.record->agent.id, capability, now_)), -cost_.proof_discount_max(), proof_cost_max);
      worst = first ? points : std::max(worst, points);
      first = false;
    }
    return worst;
  }

  Result<void> members() {
    std::set<std::string> ids;
    for (const PlannedMember& m : plan_.members) {
      if (!ids.insert(m.agent).second) return wrong(m.agent + " is in the team twice");
      const Witness* const w = find(m.agent);
      if (w == nullptr) return wrong(m.agent + " is not in the fleet");
      if (!may_join(*w)) return wrong(m.agent + " may not be taken");
      std::set<std::uint32_t> answers(m.answers.begin(), m.answers.end());
      if (answers.size() != m.answers.size()) return wrong(m.agent + " answers for a requirement twice");
      for (const std::uint32_t i : answers) {
        if (i >= request_.needs.size()) return wrong(m.agent + " answers for a requirement that is not asked");
        if (!fills(request_.needs[i], w->record->agent)) return wrong(m.agent + " answers for what it does not have: " + describe(request_.needs[i]));
      }
      if (request_.mode == TeamMode::seats && m.answers.size() != 1) return wrong(m.agent + " does not sit in one seat");
    }
    return {};
  }

  Result<void> numbers() {
    Points total = 0;
    std::vector<std::uint32_t> answered(request_.needs.size());
    for (const PlannedMember& m : plan_.members) {
      const Witness& w = *find(m.agent);
      Points proofs = 0;
      for (const std::uint32_t i : m.answers) {
        ++answered[i];
        proofs += proof(w, i);
      }
      if (m.terms[static_cast<std::size_t>(CostTerm::proof)] != proofs) return wrong("the proof term of " + m.agent + " is not " + std::to_string(proofs));
      if (sum(m.terms) != base(w) + proofs) return wrong("the terms of " + m.agent + " do not add up to its cost");
      total += base(w) + proofs;
    }
    for (std::size_t i = 0; i < answered.size(); ++i)
      if (answered[i] != request_.needs[i].count)
        return wrong("requires[" + std::to_string(i) + "] has " + std::to_string(answered[i]) + " answers instead of " + std::to_string(request_.needs[i].count));
    if (total != plan_.cost) return wrong("the members cost " + std::to_string(total) + ", the plan says " + std::to_string(plan_.cost));
    return {};
  }

  Result<void> limits() {
    std::map<std::string, std::uint32_t> hosts;
    for (const PlannedMember& m : plan_.members) ++hosts[find(m.agent)->record->agent.node];
    for (const auto& [host, count] : hosts)
      if (request_.spread.per_host_max != 0 && count > request_.spread.per_host_max) return wrong("too many members on host '" + host + "'");
    if (request_.spread.several_hosts && hosts.size() < 2) return wrong("all members are on one host");
    const auto size = static_cast<std::uint32_t>(plan_.members.size());
    if (size < request_.size_min || (request_.size_max != 0 && size > request_.size_max)) return wrong("the size " + std::to_string(size) + " is not allowed");
    return {};
  }

  Result<void> standbys() {
    std::set<std::string> ids;
    for (const PlannedMember& m : plan_.members) ids.insert(m.agent);
    if (plan_.standbys.size() > request_.standby) return wrong("there are more standbys than asked for");
    for (const PlannedStandby& s : plan_.standbys) {
      if (!ids.insert(s.agent).second) return wrong("the standby " + s.agent + " is in the team already");
      const Witness* const w = find(s.agent);
      if (w == nullptr || !may_join(*w)) return wrong("the standby " + s.agent + " may not be taken");
      for (const auto& id : s.for_members) {
        const auto m = std::find_if(plan_.members.begin(), plan_.members.end(), [&](const PlannedMember& x) { return x.agent == id; });
        if (m == plan_.members.end()) return wrong("the standby " + s.agent + " is for " + id + ", who is no member");
        for (const std::uint32_t i : m->answers)
          if (!fills(request_.needs[i], w->record->agent)) return wrong("the standby " + s.agent + " cannot replace " + id);
      }
    }
    return {};
  }

  /// Weak duality over every agent of the fleet.
  Result<void> prices() {
    if (plan_.requirement_prices.size() != request_.needs.size()) return wrong("there is not a price for each requirement");
    double total = 0;
    for (std::size_t i = 0; i < request_.needs.size(); ++i) total += request_.needs[i].count * plan_.requirement_prices[i];
    std::map<std::string, Points> host_prices(plan_.host_prices.begin(), plan_.host_prices.end());
    std::uint32_t host_max = request_.spread.per_host_max == 0 ? UINT32_MAX : request_.spread.per_host_max;
    if (request_.spread.several_hosts) host_max = std::min(host_max, seat_count(request_) - 1);
    for (const auto& [host, price] : host_prices) {
      if (price < 0) return wrong("the price of host '" + host + "' is below zero");
      if (price > 0 && host_max == UINT32_MAX) return wrong("host '" + host + "' has a price, but hosts are not limited");
      total -= static_cast<double>(host_max) * static_cast<double>(price);
    }
    for (const Witness& w : fleet_) {
      if (!may_join(w)) continue;
      const auto host = host_prices.find(w.record->agent.node);
      const double host_price = host == host_prices.end() ? 0 : static_cast<double>(host->second);
      double best = 0, sum = 0;
      for (std::size_t i = 0; i < request_.needs.size(); ++i) {
        if (!fills(request_.needs[i], w.record->agent)) continue;
        const double worth = plan_.requirement_prices[i] - static_cast<double>(proof(w, i));
        best = std::max(best, worth - host_price - static_cast<double>(base(w)));
        sum += std::max(0.0, worth);
      }
      if (plan_.method == PlanMethod::assignment) total -= best;
      if (plan_.method == PlanMethod::greedy && sum > static_cast<double>(base(w)) * (1 + 1e-9) + 1e-6)
        return wrong("by the prices " + w.record->agent.id + " is worth more than it costs");
    }
    const auto proven = static_cast<Points>(std::ceil(total - 1e-6 * std::max(1.0, std::abs(total))));
    if (proven < plan_.cost_min) return wrong("the prices prove only " + std::to_string(proven) + ", the plan claims " + std::to_string(plan_.cost_min));
    return {};
  }

  /// Repeats the whole search in the plainest way, if that is feasible: agent by agent over how much of each requirement is met
  /// (and, with limits on hosts or size, over every subset of a small fleet).
  Result<Verified> bound() {
    std::vector<const Witness*> able;
    for (const Witness& w : fleet_)
      if (may_join(w) && std::any_of(request_.needs.begin(), request_.needs.end(), [&](const Requirement& r) { return fills(r, w.record->agent); })) able.push_back(&w);
    const bool limited = request_.spread.per_host_max != 0 || request_.spread.several_hosts || request_.size_min != 0 || request_.size_max != 0;
    Points optimum = 0;
    if (!limited) {
      double states = 1;
      for (const Requirement& r : request_.needs) states *= r.count + 1;
      if (states * static_cast<double>(able.size()) > 2e7) return Verified::all_but_the_bound;
      optimum = by_states(able, static_cast<std::size_t>(states));
    } else {
      if (able.size() > 16) return Verified::all_but_the_bound;
      optimum = by_subsets(able);
    }
    if (optimum < plan_.cost_min) return wrong("a team for " + std::to_string(optimum) + " exists, below the claimed bound " + std::to_string(plan_.cost_min));
    return Verified::all;
  }

  static constexpr Points kNone = INT64_MAX / 4;

  Points by_states(const std::vector<const Witness*>& able, std::size_t states) {
    const std::size_t k = request_.needs.size();
    std::vector<std::size_t> stride(k, 1);
    for (std::size_t i = 1; i < k; ++i) stride[i] = stride[i - 1] * (request_.needs[i - 1].count + 1);
    std::vector<Points> best(states, kNone);
    best[0] = 0;
    for (const Witness* w : able) {
      std::vector<std::size_t> has;
      for (std::size_t i = 0; i < k; ++i)
        if (fills(request_.needs[i], w->record->agent)) has.push_back(i);
      std::vector<Points> next = best;
      for (std::size_t u = 1; u < std::size_t{1} << has.size(); ++u) {
        Points cost = base(*w);
        std::size_t step = 0;
        for (std::size_t h = 0; h < has.size(); ++h)
          if ((u >> h & 1) != 0) cost += proof(*w, has[h]), step += stride[has[h]];
        for (std::size_t s = 0; s < states; ++s) {
          if (best[s] == kNone) continue;
          bool room = true;
          for (std::size_t h = 0; h < has.size() && room; ++h)
            if ((u >> h & 1) != 0) room = s / stride[has[h]] % (request_.needs[has[h]].count + 1) < request_.needs[has[h]].count;
          if (room) next[s + step] = std::min(next[s + step], best[s] + cost);
        }
      }
      best = std::move(next);
    }
    return best[states - 1];
  }

  Points by_subsets(const std::vector<const Witness*>& able) {
    Points best = kNone;
    for (std::size_t set = 0; set < std::size_t{1} << able.size(); ++set) {
      std::map<std::string, std::uint32_t> hosts;
      Points cost = 0;
      std::uint32_t size = 0;
      bool ok = true;
      for (std::size_t a = 0; a < able.size(); ++a) {
        if ((set >> a & 1) == 0) continue;
        ++size;
        cost += base(*able[a]);
        ok = ++hosts[able[a]->record->agent.node] <= (request_.spread.per_host_max == 0 ? UINT32_MAX : request_.spread.per_host_max) && ok;
      }
      if (!ok || size < request_.size_min || (request_.size_max != 0 && size > request_.size_max) || (request_.spread.several_hosts && hosts.size() < 2)) continue;
      for (std::size_t i = 0; i < request_.needs.size() && ok; ++i) {
        std::vector<Points> proofs;
        for (std::size_t a = 0; a < able.size(); ++a)
          if ((set >> a & 1) != 0 && fills(request_.needs[i], able[a]->record->agent)) proofs.push_back(proof(*able[a], i));
        std::sort(proofs.begin(), proofs.end());
        ok = proofs.size() >= request_.needs[i].count;
        for (std::size_t n = 0; ok && n < request_.needs[i].count; ++n) cost += proofs[n];
      }
      if (ok) best = std::min(best, cost);
    }
    return best;
  }

  const Plan& plan_;
  const TeamRequest& request_;
  const std::vector<Witness>& fleet_;
  const TrackRecord& tracks_;
  const CostFunction& cost_;
  const Instant now_;
};

}  // namespace

Result<Verified> verify(const Plan& plan, const std::vector<Witness>& fleet, const TrackRecord& tracks, const CostFunction& cost, Instant now) {
  return Checking(plan, fleet, tracks, cost, now).run();
}

}  // namespace choregos::team
