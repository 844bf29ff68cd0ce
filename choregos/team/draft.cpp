#include "choregos/team/draft.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "choregos/base/limits.hpp"
#include "choregos/team/cover_greedy.hpp"
#include "choregos/team/cover_search.hpp"
#include "choregos/team/crew.hpp"
#include "choregos/team/harvest.hpp"
#include "choregos/team/seats.hpp"

namespace choregos::team {
namespace {

/// What keeping a member is worth, and keeping it in its seat: more than anything else can cost.
constexpr Points kStays = 1'000'000'000;
constexpr std::int32_t kSameSeat = 100'000'000;

Mask bit(std::size_t i) { return Mask{1} << i; }

/// Limits on size, hosts and work, as far as those who stay have not used them up.
void set_limits(Problem& p, const TeamRequest& request, const Sieve& sieve, const std::vector<Picked>& stay) {
  const auto staying = static_cast<std::uint32_t>(stay.size());
  p.per_host_max = request.spread.per_host_max;
  p.several_hosts = request.spread.several_hosts;
  p.size_min = request.size_min > staying ? request.size_min - staying : 0;
  p.size_max = request.size_max == 0 ? UINT32_MAX : request.size_max > staying ? request.size_max - staying : 0;
  p.steps_max = limits::team_search_steps_max;
  for (const Picked& s : stay) p.hosts_before.push_back({sieve.roster().host(s.place), 1});
}

std::vector<Candidate> reserved(const Sieve& sieve, const Given& given, Mask wanted) {
  std::vector<Candidate> out;
  for (const Place place : given.reserve) {
    const Mask mask = sieve.mask(place, wanted);
    if (mask == 0) continue;
    out.push_back(sieve.candidate(place, mask));
    if (!given.reserve_costs) out.back().cost = 0;
  }
  return out;
}

bool keeps_limits(const Problem& p, const Solution& s) {
  Crew crew(p);
  for (const Chosen& c : s.chosen) {
    if (!crew.fits(p.candidates[c.candidate])) return false;
    crew.add(p.candidates[c.candidate]);
  }
  return crew.complete();
}

class Drafting {
 public:
  Drafting(const Sieve& sieve, std::vector<std::uint32_t> counts, const Given& given) : sieve_(sieve), request_(sieve.request()), given_(given) {
    problem_.demand = std::move(counts);
  }

  Draft seats() {
    const std::uint32_t total = std::accumulate(problem_.demand.begin(), problem_.demand.end(), 0U);
    set_limits(problem_, request_, sieve_, {});
    std::vector<Candidate> all = reserved(sieve_, given_, problem_.wanted());
    for (const Picked& s : given_.stay) {
      Candidate c = sieve_.candidate(s.place, sieve_.mask(s.place, problem_.wanted()));
      c.cost -= kStays;
      for (std::uint32_t i = 0; i < problem_.demand.size(); ++i)
        if ((s.answers >> i & 1) != 0) {
          const std::int32_t before = c.proof(i);
          std::erase_if(c.proofs, [&](const auto& p) { return p.first == i; });
          c.proofs.emplace_back(i, before - kSameSeat);
        }
      all.push_back(std::move(c));
    }
    if (!given_.only_these) {
      std::vector<Wanted> wanted;
      for (std::size_t i = 0; i < problem_.demand.size(); ++i)
        if (problem_.demand[i] > 0) wanted.push_back({&sieve_.matcher(i), static_cast<std::int64_t>(i)});
      std::vector<Place> places;
      // One more than there are seats, so that the prices know what the next one would cost.
      for (const auto& list : harvest_cheapest(sieve_, wanted, total + 1, problem_.per_host_max != 0 || problem_.several_hosts))
        for (const Candidate& c : list) places.push_back(c.place);
      std::sort(places.begin(), places.end());
      places.erase(std::unique(places.begin(), places.end()), places.end());
      for (const Place place : places) all.push_back(sieve_.candidate(place, sieve_.mask(place, problem_.wanted())));
    }
    problem_.candidates = std::move(all);
    return finish(solve_seats(problem_), {});
  }

  Draft cover() {
    // First without those who have failed at something, then with them: proofs are a cost, not a ban.
    for (const bool with_failing : {false, true}) {
      Problem fresh;
      fresh.demand = problem_.demand;
      std::vector<Picked> stay = given_.stay;
      for (std::size_t i = 0; i < fresh.demand.size(); ++i) fresh.demand[i] -= std::min(fresh.demand[i], answering(stay, i));
      take_more(stay, fresh.demand, with_failing);
      set_limits(fresh, request_, sieve_, stay);
      Solution solution = solve(fresh);
      const bool found = solution.found;
      Problem tried = std::move(fresh);
      if (found || with_failing || given_.stay.empty()) {
        problem_ = std::move(tried);
        return finish(std::move(solution), stay);
      }
    }
    return {};
  }

 private:
  static std::uint32_t answering(const std::vector<Picked>& picked, std::size_t i) {
    return static_cast<std::uint32_t>(std::count_if(picked.begin(), picked.end(), [&](const Picked& p) { return (p.answers >> i & 1) != 0; }));
  }

  /// Those who stay answer for what they can: they are paid for.
  void take_more(std::vector<Picked>& stay, std::vector<std::uint32_t>& demand, bool with_failing) {
    for (std::size_t i = 0; i < demand.size(); ++i) {
      while (demand[i] > 0) {
        Picked* best = nullptr;
        Points least = 0;
        for (Picked& s : stay) {
          if ((s.answers & bit(i)) != 0 || !sieve_.matcher(i).fills(s.place)) continue;
          const Points proof = sieve_.roster().recorded(s.place) ? sieve_.proof(sieve_.roster().record(s.place)->agent, static_cast<std::uint32_t>(i)) : 0;
          if ((!with_failing && proof > 1000) || (best != nullptr && proof >= least)) continue;
          best = &s;
          least = proof;
        }
        if (best == nullptr) break;
        best->answers |= bit(i);
        --demand[i];
      }
    }
  }

  Solution solve(Problem& p) {
    const Mask wanted = p.wanted();
    Solution nothing;
    nothing.found = true;
    if (wanted == 0 && keeps_limits(p, nothing)) return nothing;
    const std::vector<Candidate> reserve = reserved(sieve_, given_, all_needs());
    const std::uint32_t most = p.demand.empty() ? 0 : *std::max_element(p.demand.begin(), p.demand.end());
    const bool exact = p.demand.size() <= kExactRequirements;

    if (exact && most == 1) {
      p.candidates = reserve;
      CoverTable table(p.demand.size());
      if (given_.only_these) {
        for (std::uint32_t c = 0; c < p.candidates.size(); ++c) table.add(p.candidates[c], c);
        table.solve();
      } else {
        harvest_table(sieve_, wanted, p.candidates, table);
      }
      Solution s;
      s.steps = p.candidates.size();
      if (table.best(wanted) < kImpossible / 2) {
        s.found = true;
        s.cost = s.cost_min = table.best(wanted);
        s.chosen = table.team(wanted);
        if (keeps_limits(p, s)) {
          table_ = std::move(table);
          return s;
        }
      } else {
        return s;
      }
    }
    const bool hosts_matter = p.per_host_max != 0 || p.several_hosts;
    p.candidates.clear();
    if (!given_.only_these) {
      if (exact) {
        // Also agents that answer for nothing open may be needed for size or a second host.
        harvest_search(sieve_, all_needs(), team_max(p), hosts_matter, p.candidates);
      } else {
        harvest_masks(sieve_, all_needs(), most * (hosts_matter ? 8 : 1), p.candidates);
      }
    }
    p.candidates.insert(p.candidates.begin(), reserve.begin(), reserve.end());
    return exact ? search_cover(p) : solve_greedily(p);
  }

  Mask all_needs() const { return problem_.demand.size() == 64 ? ~Mask{0} : bit(problem_.demand.size()) - 1; }
  static std::uint32_t team_max(const Problem& p) {
    const std::uint32_t needed = std::accumulate(p.demand.begin(), p.demand.end(), 0U) + (p.several_hosts ? 2U : 0U);
    return std::max(1U, std::min(p.size_max, std::max(needed, p.size_min)));
  }

  Draft finish(Solution solution, const std::vector<Picked>& stay) {
    Draft out;
    out.found = solution.found;
    out.demand = problem_.demand;
    out.candidates = std::move(problem_.candidates);
    out.members = stay;
    for (const Chosen& c : solution.chosen) out.members.push_back({out.candidates[c.candidate].place, c.answers});
    out.solution = std::move(solution);
    out.table = std::move(table_);
    return out;
  }

  const Sieve& sieve_;
  const TeamRequest& request_;
  const Given& given_;
  Problem problem_;
  std::optional<CoverTable> table_;
};

}  // namespace

std::vector<std::uint32_t> counts_of(const TeamRequest& request) {
  std::vector<std::uint32_t> out;
  for (const Requirement& r : request.needs) out.push_back(r.count);
  return out;
}

Draft draft(const Sieve& sieve, const std::vector<std::uint32_t>& counts, const Given& given) {
  Drafting drafting(sieve, counts, given);
  return sieve.request().mode == TeamMode::seats ? drafting.seats() : drafting.cover();
}

}  // namespace choregos::team
