#include "choregos/team/planner.hpp"

#include <algorithm>
#include <bit>

#include "choregos/base/text.hpp"
#include "choregos/team/harvest.hpp"

namespace choregos::team {
namespace {

std::vector<std::uint32_t> indexes(Mask mask) {
  std::vector<std::uint32_t> out;
  for (; mask != 0; mask &= mask - 1) out.push_back(static_cast<std::uint32_t>(std::countr_zero(mask)));
  return out;
}

/// What one agent must fill to take a member's place.
std::vector<Matcher> in_place_of(const Sieve& sieve, const std::vector<Picked>& members) {
  std::vector<Matcher> out;
  out.reserve(members.size());
  for (const Picked& m : members) {
    std::vector<const Requirement*> all;
    for (const std::uint32_t i : indexes(m.answers)) all.push_back(&sieve.request().needs[i]);
    out.emplace_back(sieve.roster(), all);
  }
  return out;
}

bool is_member(const std::vector<Picked>& members, Place place) {
  return std::any_of(members.begin(), members.end(), [&](const Picked& m) { return m.place == place; });
}

Points proofs(const Sieve& sieve, Place place, Mask answers) {
  return sieve.terms(place, answers)[static_cast<std::size_t>(CostTerm::proof)];
}

class Explaining {
 public:
  Explaining(const Sieve& sieve, const Draft& draft, Plan& plan) : sieve_(sieve), draft_(draft), plan_(plan) {}

  void run() {
    const std::vector<Matcher> places = in_place_of(sieve_, draft_.members);
    std::vector<Wanted> wanted;
    for (const Matcher& m : places) wanted.push_back({&m, -1});
    const auto each = static_cast<std::uint32_t>(draft_.members.size() + 1);
    for (std::size_t i = 0; i < sieve_.requirements(); ++i) wanted.push_back({&sieve_.matcher(i), static_cast<std::int64_t>(i)});
    const auto found = harvest_cheapest(sieve_, wanted, each, false);
    for (std::size_t m = 0; m < draft_.members.size(); ++m) instead(m, found[m]);
    for (std::size_t i = 0; i < sieve_.requirements(); ++i) left_out(i, found[draft_.members.size() + i], draft_.table ? &*draft_.table : nullptr);
  }

 private:
  void instead(std::size_t m, const std::vector<Candidate>& others) {
    if (draft_.members[m].answers == 0) return;
    for (const Candidate& c : others) {
      if (is_member(draft_.members, c.place)) continue;
      plan_.members[m].instead = sieve_.roster().record(c.place)->agent.id;
      plan_.members[m].instead_cost = sieve_.cost(c.place) + proofs(sieve_, c.place, draft_.members[m].answers);
      return;
    }
  }

  void left_out(std::size_t i, const std::vector<Candidate>& others, const CoverTable* table) {
    const auto it = std::find_if(others.begin(), others.end(), [&](const Candidate& c) { return !is_member(draft_.members, c.place); });
    if (it == others.end()) return;
    LeftOut out;
    out.requirement = static_cast<std::uint32_t>(i);
    out.agent = sieve_.roster().record(it->place)->agent.id;
    out.cost = it->cost;
    if (table != nullptr) {
      const Candidate full = sieve_.candidate(it->place, sieve_.mask(it->place));
      out.team_cost_min = std::max(plan_.cost, table->best_with(full, (Mask{1} << sieve_.requirements()) - 1));
    } else if (plan_.method == PlanMethod::assignment) {
      // What it costs, less what it saves by the seats that move up; with limits on hosts its reduced cost bounds that from below.
      const Candidate full = sieve_.candidate(it->place, sieve_.mask(it->place));
      const bool swaps = !draft_.solution.swap_prices.empty();
      double host = 0;
      for (const auto& [number, price] : draft_.solution.host_prices)
        if (number == full.host) host = static_cast<double>(price);
      Points more = kImpossible;
      for (const std::uint32_t r : indexes(full.mask)) {
        const double saves = swaps ? draft_.solution.swap_prices[r] : draft_.solution.prices[r] - host;
        more = std::min(more, full.cost + full.proof(r) - static_cast<Points>(saves));
      }
      out.team_cost_min = plan_.cost + std::max<Points>(0, more);
    }
    if (out.team_cost_min) {
      const Points more = *out.team_cost_min - plan_.cost;
      out.reason = more == 0 ? "a team with it costs the same" : "the best team with it costs " + std::to_string(more) + " more, at least";
    } else {
      out.reason = "the method found nothing cheaper with it";
    }
    plan_.left_out.push_back(std::move(out));
  }

  const Sieve& sieve_;
  const Draft& draft_;
  Plan& plan_;
};

}  // namespace

std::vector<PlannedStandby> choose_standbys(const Sieve& sieve, const std::vector<Picked>& members, std::uint32_t count, const std::vector<Place>& not_these) {
  std::vector<PlannedStandby> out;
  if (count == 0 || members.empty()) return out;
  const std::vector<Matcher> places = in_place_of(sieve, members);
  std::vector<Wanted> wanted;
  for (std::size_t m = 0; m < members.size(); ++m)
    if (members[m].answers != 0) wanted.push_back({&places[m], -1});
  // Each list is long enough that those who are members or chosen already leave enough of it.
  const auto each = static_cast<std::uint32_t>(members.size() + not_these.size() + count);
  std::vector<Candidate> candidates;
  for (const auto& list : harvest_cheapest(sieve, wanted, each, false))
    for (const Candidate& c : list) {
      const bool known = is_member(members, c.place) || std::find(not_these.begin(), not_these.end(), c.place) != not_these.end() ||
                         std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& o) { return o.place == c.place; });
      if (!known) candidates.push_back(c);
    }
  for (Candidate& c : candidates) c.mask = sieve.mask(c.place);
  std::vector<char> replaceable(members.size(), 0);
  while (out.size() < count && !candidates.empty()) {
    std::size_t best = 0, best_new = 0;
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      std::size_t fresh = 0;
      for (std::size_t m = 0; m < members.size(); ++m)
        fresh += members[m].answers != 0 && replaceable[m] == 0 && (members[m].answers & ~candidates[c].mask) == 0 ? 1U : 0U;
      if (c == 0 || fresh > best_new || (fresh == best_new && candidates[c].cost < candidates[best].cost)) best = c, best_new = fresh;
    }
    PlannedStandby standby;
    standby.agent = sieve.roster().record(candidates[best].place)->agent.id;
    standby.cost = sieve.cost(candidates[best].place);
    for (std::size_t m = 0; m < members.size(); ++m)
      if (members[m].answers != 0 && (members[m].answers & ~candidates[best].mask) == 0) {
        standby.for_members.push_back(sieve.roster().record(members[m].place)->agent.id);
        replaceable[m] = 1;
      }
    std::sort(standby.for_members.begin(), standby.for_members.end(), NaturalLess{});
    out.push_back(std::move(standby));
    candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(best));
    if (std::all_of(replaceable.begin(), replaceable.end(), [](char r) { return r != 0; })) std::fill(replaceable.begin(), replaceable.end(), char{0});
  }
  return out;
}

Result<PlanOrRefusal> plan(const Fleet& fleet, const TeamRequest& request, const PlanOptions& options) {
  if (auto ok = check(request); !ok) return ok.error();
  const Sieve sieve(fleet, request);
  Draft found = draft(sieve, counts_of(request), {});
  if (!found.found) return PlanOrRefusal{refuse(fleet, sieve, found, options)};

  std::sort(found.members.begin(), found.members.end(), [&](const Picked& a, const Picked& b) {
    return natural_compare(fleet.roster.record(a.place)->agent.id, fleet.roster.record(b.place)->agent.id) < 0;
  });
  Plan out;
  out.request = request;
  out.revision = options.revision;
  out.method = found.solution.method;
  out.cost = found.solution.cost;
  out.cost_min = found.solution.cost_min;
  out.factor_max = found.solution.factor_max;
  out.steps = found.solution.steps;
  out.work_ran_out = found.solution.work_ran_out;
  out.agents_free = fleet.roster.free_count();
  out.requirement_prices = found.solution.prices;
  for (const auto& [host, price] : found.solution.host_prices) out.host_prices.emplace_back(fleet.roster.hosts().text(host), price);
  for (const Picked& m : found.members) {
    const Agent& agent = fleet.roster.record(m.place)->agent;
    out.members.push_back({agent.id, agent.node, indexes(m.answers), sieve.terms(m.place, m.answers), {}, 0});
  }
  if (options.explain) Explaining(sieve, found, out).run();
  out.standbys = choose_standbys(sieve, found.members, request.standby);
  return PlanOrRefusal{std::move(out)};
}

}  // namespace choregos::team
