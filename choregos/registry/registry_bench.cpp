// What the registry costs: taking in, renewing, publishing, asking, at a thousand and a hundred thousand agents.
#include <benchmark/benchmark.h>

#include "choregos/base/rng.hpp"
#include "choregos/registry/registry.hpp"

namespace choregos {
namespace {

Observation beacon(int i, Instant now) {
  Observation o;
  o.source = "beacon";
  o.subject = o.names.id = "agent-" + std::to_string(i);
  o.incarnation = 1;
  o.heard_at = now;
  o.wall_at = WallTime{1};
  return o;
}

struct Fleet {
  explicit Fleet(int count) : registry({}, Revision{1, 0}) {
    Rng rng(1);
    for (int i = 0; i < count; ++i) {
      Observation o = beacon(i, now);
      Claims c;
      c.capabilities = {"capability-" + std::to_string(rng.below(200)), "capability-" + std::to_string(rng.below(20))};
      c.model = "llama3.1:8b";
      c.endpoint = "http://10.0.0.1:8080";
      normalize(c);
      o.claims = c;
      (void)registry.apply(o, now, WallTime{1}, changes);
    }
    changes.clear();
  }
  Instant now{1'000'000'000};
  std::vector<Change> changes;
  Registry registry;
};

void Appear(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Fleet(static_cast<int>(state.range(0))).registry.size());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Appear)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void Renew(benchmark::State& state) {
  Fleet fleet(static_cast<int>(state.range(0)));
  std::vector<Observation> beats;
  for (int i = 0; i < state.range(0); ++i) beats.push_back(beacon(i, fleet.now));
  std::size_t i = 0;
  for (auto _ : state) {
    Observation& o = beats[i++ % beats.size()];
    o.heard_at = fleet.now = fleet.now + Duration{100};
    benchmark::DoNotOptimize(fleet.registry.apply(o, fleet.now, WallTime{1}, fleet.changes));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Renew)->Arg(1000)->Arg(100'000);

void Publish(benchmark::State& state) {
  Fleet fleet(static_cast<int>(state.range(0)));
  int i = 0;
  SnapshotPtr kept;
  for (auto _ : state) {
    state.PauseTiming();
    Observation o = beacon(i++ * 7919 % static_cast<int>(state.range(0)), fleet.now = fleet.now + Duration{1000});
    Claims c;
    c.model = "m" + std::to_string(i);
    o.claims = c;
    (void)fleet.registry.apply(o, fleet.now, WallTime{1}, fleet.changes);
    fleet.changes.clear();
    state.ResumeTiming();
    kept = fleet.registry.snapshot(fleet.now, WallTime{1});
  }
}
BENCHMARK(Publish)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

void Ask(benchmark::State& state) {
  Fleet fleet(100'000);
  const SnapshotPtr snapshot = fleet.registry.snapshot(fleet.now, WallTime{1});
  Query query;
  query.capabilities = {"capability-7", "capability-150"};
  query.limit = 20;
  for (auto _ : state) benchmark::DoNotOptimize(snapshot->run(query));
}
BENCHMARK(Ask)->Unit(benchmark::kMicrosecond);

void Find(benchmark::State& state) {
  Fleet fleet(100'000);
  const SnapshotPtr snapshot = fleet.registry.snapshot(fleet.now, WallTime{1});
  int i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(snapshot->find("agent-" + std::to_string(i++ * 7919 % 100'000)));
}
BENCHMARK(Find);

}  // namespace
}  // namespace choregos
