// What a recording and a shadow cost: the writer's thread, which only copies, and their own.
#include <benchmark/benchmark.h>

#include "choregos/record/recorder.hpp"
#include "choregos/record/shadow.hpp"

namespace {

using namespace choregos;

Observation beacon(std::uint64_t i, Instant now) {
  Observation o;
  o.source = "beacon";
  o.subject = o.names.id = "agent-" + std::to_string(i % 1000);
  o.incarnation = 1'700'000'000'000;
  o.sequence = i;
  o.heard_at = now;
  o.wall_at = {1'700'000'000'000};
  o.claims.emplace().status = Status::idle;
  o.partial = true;
  o.lease.interval = 1s;
  o.from = IpAddress::v4(10, 0, 0, 7);
  return o;
}

void feed(benchmark::State& state, record::Tape* tape) {
  Registry registry({}, {1, 0});
  Instant now{1'000'000'000};
  std::uint64_t i = 0;
  std::vector<Change> changes;
  for (auto _ : state) {
    now = now + 1ms;
    changes.clear();
    const Observation o = beacon(++i, now);
    if (tape != nullptr) tape->applied(o, now, {5});
    (void)registry.apply(o, now, {5}, changes);
    if (tape != nullptr) tape->ticked(now, {5});
    registry.tick(now, {5}, changes);
    if (tape != nullptr) tape->changed(changes);
    benchmark::DoNotOptimize(registry.revision());
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_ObservationAlone(benchmark::State& state) { feed(state, nullptr); }
void BM_ObservationRecorded(benchmark::State& state) {
  record::RecorderOptions options;
  options.path = "/dev/null";
  options.bytes_max = UINT64_MAX;
  auto recorder = record::Recorder::open(options, {}, {1, 0}).value();
  feed(state, recorder.get());
  recorder->stop();
  state.counters["cut"] = recorder->cut();
  state.counters["bytes_each"] = static_cast<double>(recorder->health().counters[0].second) / static_cast<double>(state.iterations());
}
void BM_ObservationShadowed(benchmark::State& state) {
  auto shadow = record::Shadow::create({}, {"detector.evidence_needed=10"}, {1, 0}).value();
  feed(state, shadow.get());
  shadow->stop();
  state.counters["cut"] = shadow->cut();
}
void BM_WriteLine(benchmark::State& state) {
  const wire::RecordingLine line = wire::RecordedObservation{beacon(7, {1'000'000'000}), {1'000'000'000}, {5}, true};
  std::string text;
  for (auto _ : state) {
    text.clear();
    wire::append_recording_line(text, line);
    benchmark::DoNotOptimize(text.data());
  }
  state.counters["bytes"] = static_cast<double>(text.size());
}
void BM_ReadLine(benchmark::State& state) {
  std::string text;
  wire::append_recording_line(text, wire::RecordedObservation{beacon(7, {1'000'000'000}), {1'000'000'000}, {5}, true});
  text.pop_back();
  for (auto _ : state) benchmark::DoNotOptimize(wire::read_recording_line(text));
}

BENCHMARK(BM_ObservationAlone);
BENCHMARK(BM_ObservationRecorded);
BENCHMARK(BM_ObservationShadowed);
BENCHMARK(BM_WriteLine);
BENCHMARK(BM_ReadLine);

}  // namespace
