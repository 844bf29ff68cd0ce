// Why there is no team: the seat, the rarest capability, the nearest miss. Looks at a bounded number of agents, so that a refusal
// over a large fleet costs little more than a plan.
#include <algorithm>
#include <bit>

#include "choregos/base/text.hpp"
#include "choregos/team/harvest.hpp"
#include "choregos/team/planner.hpp"

namespace choregos::team {
namespace {

constexpr std::size_t kLooksMax = 4096;

class Refusing {
 public:
  Refusing(const Fleet& fleet, const Sieve& sieve, const Draft& draft, const PlanOptions& options)
      : fleet_(fleet), sieve_(sieve), draft_(draft), options_(options), request_(sieve.request()) {}

  Refusal run() {
    out_.revision = options_.revision;
    find_rarest();
    const bool blamed = blame();
    const Requirement& r = request_.needs[out_.requirement];
    if (!blamed) {
      const bool ran_out = draft_.solution.work_ran_out || draft_.solution.method == PlanMethod::greedy;
      out_.message = std::string(ran_out ? "no team was found that keeps" : "there are agents for everything, but no team of them keeps") + " the limits on " + limits_text() +
                     (ran_out ? "; the search is not exhaustive for this request, so relax them or ask for less" : "; relax them or ask for less");
      return std::move(out_);
    }
    find_nearest(r);
    const std::string place = "requires[" + std::to_string(out_.requirement) + "] (" + describe(r) + ")";
    if (out_.contested.size() > 1) {
      out_.message = place + " cannot be filled: " + std::to_string(out_.contested.size()) + " requirements want the same agents, " +
                     std::to_string(out_.wanted) + " seats in all, of which " + std::to_string(out_.found) + " can be filled";
    } else {
      out_.message = place + " cannot be filled: " + std::to_string(out_.found) + " of " + std::to_string(out_.wanted) + " agents are there";
    }
    if (!out_.rarest.empty())
      out_.message += "; rarest is " + out_.rarest + ", which " + std::to_string(out_.rarest_free) + " free agents have, of " + std::to_string(out_.rarest_listed) + " listed";
    if (out_.nearest) {
      out_.message += "; nearest is " + out_.nearest->agent + ", which " + out_.nearest->reason;
    } else if (const std::string meant = suggestion(r); !meant.empty()) {
      out_.message += "; did you mean '" + meant + "'?";
    }
    return std::move(out_);
  }

 private:
  std::string limits_text() const {
    std::string out;
    const auto add = [&](const char* word) { out += (out.empty() ? "" : " and ") + std::string(word); };
    if (request_.spread.per_host_max != 0 || request_.spread.several_hosts) add("hosts");
    if (request_.size_min != 0 || request_.size_max != 0) add("size");
    return out.empty() ? "numbers" : out;
  }

  void find_rarest() {
    for (const Requirement& r : request_.needs)
      for (const auto& capability : r.capabilities) {
        const Roster::Column* const column = fleet_.roster.column(capability);
        const std::uint64_t free = column == nullptr ? 0 : column->free;
        if (!out_.rarest.empty() && free >= out_.rarest_free) continue;
        out_.rarest = capability;
        out_.rarest_free = free;
        out_.rarest_listed = column == nullptr ? 0 : column->listed;
      }
  }

  /// The requirement that is shortest of agents; false when each has enough by itself and the limits are in the way.
  bool blame() {
    bool found = false;
    for (std::uint32_t i = 0; i < request_.needs.size(); ++i) {
      const std::uint32_t wanted = request_.needs[i].count;
      const std::uint32_t there = count_free(sieve_, i, wanted);
      if (there >= wanted || (found && wanted - there <= out_.wanted - out_.found)) continue;
      found = true;
      out_.requirement = i;
      out_.wanted = wanted;
      out_.found = there;
    }
    if (found || draft_.solution.contested.empty()) return found;
    // Each has enough by itself, but not all of them together. When hosts are limited they are what is short.
    out_.contested = draft_.solution.contested;
    out_.requirement = out_.contested.front();
    if (request_.spread.per_host_max != 0 || request_.spread.several_hosts) return false;
    std::vector<Place> places;
    std::vector<Wanted> wanted;
    for (const std::uint32_t i : out_.contested) {
      out_.wanted += request_.needs[i].count;
      wanted.push_back({&sieve_.matcher(i), static_cast<std::int64_t>(i)});
    }
    for (const auto& list : harvest_cheapest(sieve_, wanted, out_.wanted, false))
      for (const Candidate& c : list) places.push_back(c.place);
    std::sort(places.begin(), places.end());
    out_.found = static_cast<std::uint32_t>(std::unique(places.begin(), places.end()) - places.begin());
    std::sort(out_.contested.begin() + 1, out_.contested.end());
    return true;
  }

  std::string why_not(const Agent& agent, const Requirement& r) const {
    std::string out;
    const auto add = [&](const std::string& why) {
      if (!why.empty()) out += (out.empty() ? "" : " and ") + why;
    };
    add(lacks(r, agent));
    add(barred(request_, agent));
    add(unfit(agent));
    const std::string team = options_.team_of ? options_.team_of(agent.id) : "";
    if (!team.empty() && team != request_.id) add("is in team " + team);
    return out;
  }

  /// Fewest obstacles first: somebody who fits but is not free, then somebody who is free and lacks the least.
  void find_nearest(const Requirement& r) {
    const Matcher& matcher = sieve_.matcher(out_.requirement);
    std::size_t looks = 0;
    const auto consider = [&](Place place) {
      const Agent& agent = fleet_.roster.record(place)->agent;
      const std::string why = why_not(agent, r);
      if (why.empty()) return ++looks < kLooksMax;  // it is free and fits: taken by another seat
      const auto obstacles = static_cast<std::size_t>(std::count(why.begin(), why.end(), ','));
      const std::size_t score = obstacles * 2 + (why.find(" and ") != std::string::npos ? 3 : 0) + (fleet_.roster.free(place) ? 1 : 0);
      if (!out_.nearest || score < nearest_score_ || (score == nearest_score_ && natural_compare(agent.id, out_.nearest->agent) < 0)) {
        out_.nearest = NearMiss{agent.id, why};
        nearest_score_ = score;
      }
      return ++looks < kLooksMax;
    };
    fleet_.roster.visit_taken([&](std::uint32_t chunk) {
      return matcher.each(chunk, [&](Place place) { return !matcher.check(place) || consider(place); });
    });
    // Those that have some of it: holders of each capability, or anybody when none is asked.
    std::vector<Requirement> parts;
    for (const auto& capability : r.capabilities) parts.push_back({{capability}, 1, {}, {}});
    if (parts.empty()) parts.emplace_back();
    for (const Requirement& part : parts) {
      const Matcher some(fleet_.roster, {&part});
      const auto look = [&](std::uint32_t chunk) { return some.each(chunk, consider); };
      looks = 0;
      fleet_.roster.visit_free([&](std::uint32_t chunk, std::uint32_t) { return look(chunk); });
      looks = 0;
      fleet_.roster.visit_taken(look);
    }
  }

  std::string suggestion(const Requirement& r) const {
    const std::vector<std::string> known = fleet_.roster.capabilities();
    for (const auto& capability : r.capabilities)
      if (fleet_.roster.column(capability) == nullptr)
        if (const std::string_view near = nearest_word(capability, known); !near.empty()) return std::string(near);
    return {};
  }

  const Fleet& fleet_;
  const Sieve& sieve_;
  const Draft& draft_;
  const PlanOptions& options_;
  const TeamRequest& request_;
  Refusal out_;
  std::size_t nearest_score_ = 0;
};

}  // namespace

std::uint32_t count_free(const Sieve& sieve, std::size_t requirement, std::uint32_t most) {
  const Matcher& matcher = sieve.matcher(requirement);
  std::uint32_t count = 0;
  sieve.roster().visit_free([&](std::uint32_t chunk, std::uint32_t) {
    return matcher.each(chunk, [&](Place place) {
      if (matcher.check(place) && !sieve.barred(place)) ++count;
      return count < most;
    });
  });
  return count;
}

Refusal refuse(const Fleet& fleet, const Sieve& sieve, const Draft& draft, const PlanOptions& options) {
  return Refusing(fleet, sieve, draft, options).run();
}

}  // namespace choregos::team
