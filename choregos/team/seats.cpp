#include "choregos/team/seats.hpp"

#include <algorithm>
#include <cassert>
#include <deque>
#include <numeric>
#include <unordered_map>

namespace choregos::team {
namespace {

/// What an unfilled seat would cost: beyond every real cost, so prices stay finite when there is nobody left.
constexpr Points kUnfilled = 1'000'000'000'000;

class Flow {
 public:
  explicit Flow(std::size_t nodes) : out_(nodes) {}

  std::size_t add(std::uint32_t from, std::uint32_t to, std::uint32_t room, Points cost) {
    arcs_.push_back({from, to, room, cost});
    arcs_.push_back({to, from, 0, -cost});
    out_[from].push_back(static_cast<std::uint32_t>(arcs_.size() - 2));
    out_[to].push_back(static_cast<std::uint32_t>(arcs_.size() - 1));
    return arcs_.size() - 2;
  }

  /// One unit along the cheapest way; false when there is none.
  bool augment(std::uint32_t source, std::uint32_t sink) {
    distance_.assign(out_.size(), kImpossible);
    via_.assign(out_.size(), UINT32_MAX);
    waiting_.assign(out_.size(), 0);
    std::deque<std::uint32_t> queue{source};
    distance_[source] = 0;
    while (!queue.empty()) {
      const std::uint32_t node = queue.front();
      queue.pop_front();
      waiting_[node] = 0;
      for (const std::uint32_t a : out_[node]) {
        const Arc& arc = arcs_[a];
        ++steps;
        if (arc.room == 0 || distance_[node] + arc.cost >= distance_[arc.to]) continue;
        distance_[arc.to] = distance_[node] + arc.cost;
        via_[arc.to] = a;
        if (waiting_[arc.to] == 0) {
          waiting_[arc.to] = 1;
          queue.push_back(arc.to);
        }
      }
    }
    if (via_[sink] == UINT32_MAX) return false;
    for (std::uint32_t node = sink; node != source; node = arcs_[via_[node]].from) {
      --arcs_[via_[node]].room;
      ++arcs_[via_[node] ^ 1].room;
    }
    return true;
  }

  /// Cheapest way in what is left: from every node to the sink, or (`away`) from the sink to every node.
  std::vector<Points> distances(std::uint32_t sink, bool away) const {
    std::vector<Points> to(out_.size(), kImpossible);
    std::vector<char> waiting(out_.size(), 0);
    std::deque<std::uint32_t> queue{sink};
    to[sink] = 0;
    while (!queue.empty()) {
      const std::uint32_t node = queue.front();
      queue.pop_front();
      waiting[node] = 0;
      for (const std::uint32_t a : out_[node]) {
        const Arc& arc = arcs_[away ? a : a ^ 1];  // its twin leads from the neighbour to this node
        const std::uint32_t next = arcs_[a].to;
        if (arc.room == 0 || to[node] + arc.cost >= to[next]) continue;
        to[next] = to[node] + arc.cost;
        if (waiting[next] == 0) {
          waiting[next] = 1;
          queue.push_back(next);
        }
      }
    }
    return to;
  }

  std::vector<char> reachable(std::uint32_t start) const {
    std::vector<char> seen(out_.size(), 0);
    std::vector<std::uint32_t> stack{start};
    seen[start] = 1;
    while (!stack.empty()) {
      const std::uint32_t node = stack.back();
      stack.pop_back();
      for (const std::uint32_t a : out_[node])
        if (arcs_[a].room > 0 && seen[arcs_[a].to] == 0) {
          seen[arcs_[a].to] = 1;
          stack.push_back(arcs_[a].to);
        }
    }
    return seen;
  }

  std::uint32_t room(std::size_t arc) const { return arcs_[arc].room; }
  std::uint64_t steps = 0;

 private:
  struct Arc {
    std::uint32_t from, to, room;
    Points cost;
  };
  std::vector<Arc> arcs_;
  std::vector<std::vector<std::uint32_t>> out_;
  std::vector<Points> distance_;
  std::vector<std::uint32_t> via_;
  std::vector<char> waiting_;
};

}  // namespace

Solution solve_seats(const Problem& p) {
  Solution out;
  out.method = PlanMethod::assignment;
  const auto requirements = static_cast<std::uint32_t>(p.demand.size());
  const std::uint32_t seats = std::accumulate(p.demand.begin(), p.demand.end(), 0U);

  std::unordered_map<std::uint32_t, std::uint32_t> before;
  std::uint32_t members_before = 0;
  for (const HostUse& use : p.hosts_before) {
    before[use.host] += use.members;
    members_before += use.members;
  }
  // A team of n is not on one host exactly when no host has n of them.
  const bool limited = p.per_host_max != 0 || p.several_hosts;
  std::uint32_t host_max = p.per_host_max == 0 ? UINT32_MAX : p.per_host_max;
  if (p.several_hosts) host_max = std::min(host_max, seats + members_before - std::min(1U, seats + members_before));

  std::vector<std::uint32_t> hosts;  // limited ones, in order of first appearance
  std::unordered_map<std::uint32_t, std::uint32_t> host_node;
  const auto candidates = static_cast<std::uint32_t>(p.candidates.size());
  if (limited)
    for (const Candidate& c : p.candidates)
      if (host_node.emplace(c.host, requirements + candidates + static_cast<std::uint32_t>(hosts.size())).second) hosts.push_back(c.host);
  const std::uint32_t source = requirements + candidates + static_cast<std::uint32_t>(hosts.size());
  const std::uint32_t sink = source + 1;

  Flow flow(sink + 1);
  std::vector<std::size_t> seat_arcs;
  for (std::uint32_t r = 0; r < requirements; ++r) seat_arcs.push_back(flow.add(source, r, p.demand[r], 0));
  struct Edge {
    std::size_t arc;
    std::uint32_t requirement, candidate;
    Points cost;
  };
  std::vector<Edge> edges;
  for (std::uint32_t c = 0; c < candidates; ++c) {
    for (std::uint32_t r = 0; r < requirements; ++r) {
      if ((p.candidates[c].mask >> r & 1) == 0 || p.demand[r] == 0) continue;
      const Points cost = p.candidates[c].cost + p.candidates[c].proof(r);
      edges.push_back({flow.add(r, requirements + c, 1, cost), r, c, cost});
    }
    flow.add(requirements + c, limited ? host_node[p.candidates[c].host] : sink, 1, 0);
  }
  const auto room_of = [&](std::uint32_t host) {
    const auto it = before.find(host);
    return host_max - std::min(host_max, it == before.end() ? 0U : it->second);
  };
  for (const std::uint32_t host : hosts) flow.add(host_node[host], sink, room_of(host), 0);

  std::uint32_t filled = 0;
  while (filled < seats && flow.augment(source, sink)) ++filled;
  if (filled < seats) {
    for (std::uint32_t r = 0; r < requirements; ++r) {
      if (flow.room(seat_arcs[r]) == 0) continue;
      const auto seen = flow.reachable(r);
      for (std::uint32_t other = 0; other < requirements; ++other)
        if (seen[other] != 0) out.contested.push_back(other);
      // The one that is short stands first.
      std::stable_partition(out.contested.begin(), out.contested.end(), [&](std::uint32_t x) { return x == r; });
      break;
    }
    out.steps = flow.steps;
    return out;
  }

  out.found = true;
  for (const Edge& edge : edges) {
    if (flow.room(edge.arc) != 0) continue;
    out.chosen.push_back({edge.candidate, Mask{1} << edge.requirement});
    out.cost += edge.cost;
  }
  if (!limited) {
    const auto away = flow.distances(sink, true);
    for (std::uint32_t r = 0; r < requirements; ++r) out.swap_prices.push_back(-static_cast<double>(away[r]));
  }
  for (std::uint32_t r = 0; r < requirements; ++r) flow.add(r, sink, 1, kUnfilled);
  const auto price = flow.distances(sink, false);
  for (std::uint32_t r = 0; r < requirements; ++r) out.prices.push_back(p.demand[r] == 0 ? 0.0 : static_cast<double>(price[r]));
  for (const std::uint32_t host : hosts)
    if (price[host_node[host]] > 0 && price[host_node[host]] < kImpossible / 2) out.host_prices.emplace_back(host, price[host_node[host]]);
  out.cost_min = out.cost;
  out.steps = flow.steps;
  return out;
}

}  // namespace choregos::team
