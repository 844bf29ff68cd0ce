// What the ledger costs with a million tasks waiting: taking one in, offering one, and a whole life (offer, accept, complete).
#include <benchmark/benchmark.h>

#include <algorithm>

#include "choregos/base/rng.hpp"
#include "choregos/task/ledger.hpp"

namespace choregos::task {
namespace {

constexpr int kCapabilities = 200;

struct Backlog {
  explicit Backlog(std::int64_t tasks) : ledger({}) {
    for (std::int64_t i = 0; i < tasks; ++i) submit();
    settle();
  }
  std::string capability() { return "capability-" + std::to_string(rng.below(kCapabilities)); }
  void submit() {
    TaskRequest request;
    request.capabilities = {capability()};
    request.priority = static_cast<std::uint8_t>(rng.below(10));
    now = now + Duration{1000};
    (void)ledger.apply(Submit{std::move(request), payload}, now, wall, out);
  }
  void settle() {
    ledger.stored(ledger.sequence(), now, wall, out);
    out.clear();
  }
  void agents(int count) {
    for (int i = 0; i < count; ++i) {
      AgentNews news;
      news.id = "agent-" + std::to_string(i);
      for (int c = 0; c < 5; ++c) news.capabilities.push_back(capability());
      std::sort(news.capabilities.begin(), news.capabilities.end());
      news.capabilities.erase(std::unique(news.capabilities.begin(), news.capabilities.end()), news.capabilities.end());
      (void)ledger.apply(news, now, wall, out);
      (void)ledger.apply(Listen{news.id, Instant::never(), 0}, now, wall, out);
    }
  }
  Rng rng{1};
  Instant now{1'000'000'000};
  WallTime wall{1'700'000'000'000};
  Blob payload = std::make_shared<const std::string>("{}");
  Output out;
  Ledger ledger;
};

void SubmitOne(benchmark::State& state) {
  Backlog b(state.range(0));
  for (auto _ : state) {
    b.submit();
    b.settle();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(SubmitOne)->Arg(1000)->Arg(1'000'000)->Iterations(100'000);

/// An agent completes what it has and is offered the next: the steady state of a busy fleet.
void CompleteAndOffer(benchmark::State& state) {
  Backlog b(state.range(0));
  b.agents(1000);
  std::vector<Notice> offers = b.out.notices;
  b.out.clear();
  std::size_t next = 0;
  const Blob result = std::make_shared<const std::string>("{}");
  for (auto _ : state) {
    if (next == offers.size()) {
      state.SkipWithError("no agent has anything left to do");
      break;
    }
    const Grip grip{offers[next].agent, offers[next].task, offers[next].fence};
    ++next;
    b.now = b.now + Duration{1000};
    (void)b.ledger.apply(Accept{grip}, b.now, b.wall, b.out);
    (void)b.ledger.apply(Complete{grip, result}, b.now, b.wall, b.out);
    for (Notice& n : b.out.notices) offers.push_back(std::move(n));
    b.out.clear();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(CompleteAndOffer)->Arg(200'000)->Arg(1'000'000)->Iterations(100'000);

/// Free agents wait, a task comes in: submitted, stored, offered.
void OfferAtOnce(benchmark::State& state) {
  Backlog b(0);
  b.agents(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    b.submit();
    b.ledger.stored(b.ledger.sequence(), b.now, b.wall, b.out);
    for (const Notice& n : b.out.notices) {
      const Grip grip{n.agent, n.task, n.fence};
      Output rest;
      (void)b.ledger.apply(Complete{grip, nullptr}, b.now, b.wall, rest);
    }
    b.out.clear();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(OfferAtOnce)->Arg(100)->Arg(100'000)->Iterations(100'000);

}  // namespace
}  // namespace choregos::task
