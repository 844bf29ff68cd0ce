// What a datagram costs, taken or not: the figures behind "a flood is dropped for less than it costs to receive".
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "choregos/source/beacon/receiver.hpp"
#include "choregos/source/beacon/sender_for_tests.hpp"

namespace choregos::source::beacon {
namespace {

const SocketAddress kFrom{IpAddress::v4(127, 0, 0, 1), 40000};
const std::string kSecret(32, 's');

ReceiverSettings settings() {
  ReceiverSettings out;
  (void)out.keys.add({1, kSecret, "signed-*"}).has_value();
  return out;
}

/// Takes the same datagrams again and again, with a receiver that knows `agents`.
void run(benchmark::State& state, const std::vector<std::string>& datagrams, Receiver& receiver) {
  Instant now{1'000'000'000'000};
  std::size_t i = 0;
  for (auto _ : state) {
    now = now + 1us;
    benchmark::DoNotOptimize(receiver.take({datagrams[i], kFrom, now, false}));
    if (++i == datagrams.size()) i = 0;
  }
  state.SetItemsProcessed(state.iterations());
}

void Junk(benchmark::State& state) {
  Receiver receiver(settings());
  run(state, {std::string(100, 'x')}, receiver);
}
BENCHMARK(Junk);

void WrongMac(benchmark::State& state) {
  Receiver receiver(settings());
  Sender forger{.id = "signed-1", .key_id = 1, .key = std::string(32, 'x')};
  run(state, {forger.alive()}, receiver);
}
BENCHMARK(WrongMac);

void Replayed(benchmark::State& state) {
  Receiver receiver(settings());
  Sender sender{.id = "signed-1", .key_id = 1, .key = kSecret};
  run(state, {sender.alive()}, receiver);
}
BENCHMARK(Replayed);

/// Every agent of a fleet in turn, each datagram new.
void Alive(benchmark::State& state, bool with_key) {
  Receiver receiver(settings());
  std::vector<Sender> fleet;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    Sender sender{.id = "signed-" + std::to_string(i), .session = 1 + static_cast<std::uint64_t>(i)};
    if (with_key) sender.key_id = 1, sender.key = kSecret;
    if (!with_key) receiver.expect(sender.id, 0, false);
    fleet.push_back(sender);
  }
  Instant now{1'000'000'000'000};
  std::vector<std::string> round;
  for (auto _ : state) {
    if (round.empty()) {
      state.PauseTiming();
      for (auto& sender : fleet) round.push_back(sender.alive(Status::idle));
      state.ResumeTiming();
    }
    now = now + 1us;
    benchmark::DoNotOptimize(receiver.take({round.back(), kFrom, now, false}));
    round.pop_back();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(Alive, unsigned_, false)->Arg(1000)->Arg(100000);
BENCHMARK_CAPTURE(Alive, signed_, true)->Arg(1000)->Arg(100000);

}  // namespace
}  // namespace choregos::source::beacon
