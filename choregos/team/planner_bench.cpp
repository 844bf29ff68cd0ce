// What a plan costs over large fleets, with the index warm, beside the naive scan over records. Capabilities are popular like
// 1/rank; a million agents have up to four of 200, a hundred thousand have three to eight. Wanted ones are drawn by the same
// popularity or evenly, 512 requests in turn; p50, p99 and max of a plan are in the counters, in
// microseconds of processor time.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <unordered_map>

#include "choregos/base/rng.hpp"
#include "choregos/team/cover_table.hpp"
#include "choregos/team/planner.hpp"

namespace choregos::team {
namespace {

constexpr std::size_t kCapabilities = 200;

/// Draws capability numbers, either by popularity 1/rank or evenly.
class Popularity {
 public:
  Popularity() {
    double sum = 0;
    for (std::size_t i = 0; i < kCapabilities; ++i) sums_[i] = sum += 1.0 / static_cast<double>(i + 1);
  }
  std::size_t draw(Rng& rng, bool popular) const {
    if (!popular) return rng.below(kCapabilities);
    const double at = rng.unit() * sums_[kCapabilities - 1];
    return static_cast<std::size_t>(std::lower_bound(sums_, sums_ + kCapabilities, at) - sums_);
  }
  std::vector<std::string> distinct(Rng& rng, std::size_t count, bool popular) const {
    std::vector<std::string> out;
    while (out.size() < count) {
      std::string name = "capability-" + std::to_string(draw(rng, popular));
      if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(std::move(name));
    }
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  double sums_[kCapabilities];
};

struct LargeFleet {
  explicit LargeFleet(std::size_t agents) {
    Rng rng(7);
    for (std::size_t i = 0; i < agents; ++i) {
      auto record = std::make_shared<AgentRecord>();
      record->agent.id = "agent-" + std::to_string(i);
      record->agent.node = "host-" + std::to_string(i / 20);
      record->agent.model = i % 3 == 0 ? "phi3" : "llama3.1:8b";
      record->agent.status = Status::idle;
      record->agent.capabilities = popularity.distinct(rng, agents > 500'000 ? 1 + rng.below(4) : 3 + rng.below(6), true);
      auto vitals = std::make_shared<Vitals>();
      vitals->capacity = 100;
      vitals->running = static_cast<std::uint32_t>(rng.below(101));  // cost 1 + load, as in the literature's experiments
      record->vitals = std::move(vitals);
      const Assessment own = cost.assess(*record, 0);
      roster.put(record, own, true, false);
      records.push_back(std::move(record));
    }
  }
  Fleet fleet() const { return {roster, tracks, cost, Instant{1}}; }

  Popularity popularity;
  WeightedCost cost;
  Roster roster;
  TrackRecord tracks;
  std::vector<AgentRecordPtr> records;
};

const LargeFleet& fleet_of(std::size_t agents) {
  static std::unordered_map<std::size_t, std::unique_ptr<LargeFleet>> fleets;
  auto& fleet = fleets[agents];
  if (!fleet) fleet = std::make_unique<LargeFleet>(agents);
  return *fleet;
}

std::vector<TeamRequest> requests_of(const LargeFleet& fleet, std::size_t k, bool popular, TeamMode mode, std::uint32_t count = 1) {
  std::vector<TeamRequest> out;
  Rng rng(11);
  for (int n = 0; n < 512; ++n) {
    TeamRequest request;
    request.mode = mode;
    for (auto& c : fleet.popularity.distinct(rng, k, popular)) request.needs.push_back({{c}, count, {}, {}});
    out.push_back(std::move(request));
  }
  return out;
}

/// Of this thread: on a machine that does other things, too, it says what a plan costs and not how long it was kept waiting.
double cpu_us() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

void report(benchmark::State& state, std::vector<double>& us) {
  std::sort(us.begin(), us.end());
  const auto at = [&](double share) { return us[std::min(us.size() - 1, static_cast<std::size_t>(share * static_cast<double>(us.size())))]; };
  state.counters["p50_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
  state.counters["max_us"] = us.back();
}

void run(benchmark::State& state, const std::vector<TeamRequest>& requests, const LargeFleet& fleet, bool explain) {
  PlanOptions options;
  options.explain = explain;
  std::vector<double> us;
  std::size_t i = 0;
  for (auto _ : state) {
    const double start = cpu_us();
    benchmark::DoNotOptimize(plan(fleet.fleet(), requests[i++ % requests.size()], options));
    us.push_back(cpu_us() - start);
  }
  report(state, us);
}

/// agents, k, popular (1) or even (0), explained
void Cover(benchmark::State& state) {
  const LargeFleet& fleet = fleet_of(static_cast<std::size_t>(state.range(0)));
  run(state, requests_of(fleet, static_cast<std::size_t>(state.range(1)), state.range(2) != 0, TeamMode::cover), fleet, state.range(3) != 0);
}
BENCHMARK(Cover)
    ->ArgNames({"agents", "k", "popular", "explain"})
    ->Args({1'000'000, 6, 1, 1})->Args({1'000'000, 6, 0, 1})->Args({1'000'000, 6, 1, 0})->Args({1'000'000, 6, 0, 0})
    ->Args({100'000, 12, 1, 1})->Args({100'000, 12, 0, 1})->Args({100'000, 12, 1, 0})
    ->Iterations(1024)->Unit(benchmark::kMicrosecond);

/// Each capability twice: branch and bound.
void CoverWithCounts(benchmark::State& state) {
  const LargeFleet& fleet = fleet_of(static_cast<std::size_t>(state.range(0)));
  run(state, requests_of(fleet, static_cast<std::size_t>(state.range(1)), true, TeamMode::cover, 2), fleet, true);
}
BENCHMARK(CoverWithCounts)->ArgNames({"agents", "k"})->Args({1'000'000, 4})->Args({100'000, 6})->Iterations(64)->Unit(benchmark::kMicrosecond);

void Seats(benchmark::State& state) {
  const LargeFleet& fleet = fleet_of(static_cast<std::size_t>(state.range(0)));
  run(state, requests_of(fleet, static_cast<std::size_t>(state.range(1)), true, TeamMode::seats), fleet, true);
}
BENCHMARK(Seats)->ArgNames({"agents", "seats"})->Args({1'000'000, 6})->Args({100'000, 12})->Iterations(512)->Unit(benchmark::kMicrosecond);

/// More requirements than the exact methods take.
void Greedy(benchmark::State& state) {
  const LargeFleet& fleet = fleet_of(static_cast<std::size_t>(state.range(0)));
  run(state, requests_of(fleet, static_cast<std::size_t>(state.range(1)), false, TeamMode::cover), fleet, true);
}
BENCHMARK(Greedy)->ArgNames({"agents", "k"})->Args({100'000, 20})->Iterations(32)->Unit(benchmark::kMicrosecond);

/// The same plan without the roster: every record's mask, the cheapest of each, the same table.
void NaiveScan(benchmark::State& state) {
  const LargeFleet& fleet = fleet_of(static_cast<std::size_t>(state.range(0)));
  const auto k = static_cast<std::size_t>(state.range(1));
  const auto requests = requests_of(fleet, k, true, TeamMode::cover);
  std::vector<double> us;
  std::size_t i = 0;
  for (auto _ : state) {
    const TeamRequest& request = requests[i++ % requests.size()];
    const double start = cpu_us();
    CoverTable table(k);
    std::vector<Points> cheapest(std::size_t{1} << k, kImpossible);
    for (std::uint32_t a = 0; a < fleet.records.size(); ++a) {
      Candidate c;
      for (std::size_t n = 0; n < k; ++n)
        if (fills(request.needs[n], fleet.records[a]->agent)) c.mask |= Mask{1} << n;
      if (c.mask == 0) continue;
      c.cost = fleet.cost.assess(*fleet.records[a], 0).total();
      if (c.cost >= cheapest[c.mask]) continue;
      cheapest[c.mask] = c.cost;
      table.add(c, a);
    }
    table.solve();
    benchmark::DoNotOptimize(table.best((Mask{1} << k) - 1));
    us.push_back(cpu_us() - start);
  }
  report(state, us);
}
BENCHMARK(NaiveScan)->ArgNames({"agents", "k"})->Args({1'000'000, 6})->Args({100'000, 12})->Iterations(8)->Unit(benchmark::kMicrosecond);

/// Keeping the roster warm: an agent's load changes, and it moves to where it now belongs.
void Reassess(benchmark::State& state) {
  static LargeFleet fleet(100'000);
  Rng rng(3);
  for (auto _ : state) {
    const AgentRecordPtr& record = fleet.records[rng.below(fleet.records.size())];
    Assessment own = fleet.cost.assess(*record, 0);
    own.terms[1] = static_cast<std::uint32_t>(rng.below(1001));
    fleet.roster.put(record, own, true, false);
  }
}
BENCHMARK(Reassess);

}  // namespace
}  // namespace choregos::team
