// A list, and the changes since, are the next list: for any order of things that happen, any filter, any pace of reading, any break.
#include <gtest/gtest.h>

#include <cstdlib>

#include "choregos/api/watch/world_for_tests.hpp"

namespace choregos::api::watch {
namespace {

std::uint64_t seed_count() {
  const char* wanted = std::getenv("CHOREGOS_WATCH_SEEDS");
  return wanted ? std::strtoull(wanted, nullptr, 10) : 1000;
}

Query some_filter(Rng& rng) {
  Query filter;
  switch (rng.below(6)) {
    case 0: filter.status = {Status::idle}; break;
    case 1: filter.liveness = {Liveness::alive}; break;
    case 2: filter.liveness = {Liveness::lost, Liveness::left}; break;
    case 3: filter.capabilities = {"go"}; break;
    default: break;
  }
  return filter;
}

Claims some_claims(Rng& rng) {
  Claims claims;
  claims.status = static_cast<Status>(rng.below(3));
  if (rng.below(2) == 0) claims.capabilities = std::vector<std::string>{rng.below(2) == 0 ? "go" : "sql"};
  return claims;
}

/// Somebody who watches with one filter for the whole story, through as many connections as it takes.
struct Somebody {
  Somebody(Query f, WatchForm form_wanted) : filter(std::move(f)), form(form_wanted), reader(form_wanted) {}
  void connect(World& world) {
    reader.reconnect();
    stream = world.open({filter, {}, form, reader.position});
  }
  Query filter;
  WatchForm form;
  Reader reader;
  std::shared_ptr<FakeStream> stream;
};

void live_through(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  // So narrow that a reader of a few changes a turn is slow.
  Hub::Pace pace;
  pace.queue_count_max = rng.below(6);
  pace.run_count = 1 + rng.below(20);
  pace.list_after = 1 + rng.below(40);
  World world(10 + rng.below(200), pace);
  std::vector<Somebody> people;
  for (std::uint64_t i = 0; i < 1 + rng.below(5); ++i) people.emplace_back(some_filter(rng), rng.below(2) == 0 ? WatchForm::sse : WatchForm::ndjson);
  const std::uint64_t agents = 1 + rng.below(12);
  for (std::uint64_t turn = 0; turn < 70; ++turn) {
    world.now = world.now + Duration{static_cast<std::int64_t>(rng.below(40'000'000))};
    const std::string id = "a" + std::to_string(rng.below(agents));
    switch (rng.below(12)) {
      case 0: world.hear(id, {}, ObservationKind::goodbye); break;
      case 1: world.advance(Duration{static_cast<std::int64_t>(rng.below(3'000'000'000))}); break;
      case 2:
        if (rng.below(10) == 0) world.advance(6min);
        break;
      default: world.hear(id, some_claims(rng)); break;
    }
    if (rng.below(3) != 0) world.publish();
    if (rng.below(2) == 0) world.tell();
    if (rng.below(10) == 0) world.hub->beat();
    for (auto& who : people) {
      if (!who.stream) {
        if (rng.below(3) == 0) who.connect(world);
        continue;
      }
      if (rng.below(3) != 0) who.reader.read(who.stream->take(rng.below(4)));
      if (rng.below(15) == 0) {
        // The connection may break anywhere, in the midst of an event, too.
        const std::string last = who.stream->take(1);
        who.reader.read(std::string_view(last).substr(0, rng.below(last.size() + 1)));
        who.stream->hang_up();
        who.stream.reset();
      } else {
        who.stream->tell();
        if (!who.stream->open()) who.stream.reset();
      }
    }
  }
  world.step();
  for (auto& who : people) {
    for (int tries = 0; tries < 2; ++tries) {
      if (!who.stream) who.connect(world);
      for (std::string bytes; !(bytes = who.stream->take()).empty();) who.reader.read(bytes);
      who.stream->tell();
      if (who.stream->open()) break;
      who.stream.reset();
    }
    ASSERT_TRUE(who.reader.faults.empty()) << who.reader.faults.front();
    ASSERT_TRUE(who.reader.whole);
    ASSERT_EQ(who.reader.held, listed(*world.snapshot, who.filter));
  }
}

TEST(WatchModel, ListAndChangesSinceAreTheNextList) {
  for (std::uint64_t seed = 1; seed <= seed_count() && !HasFatalFailure(); ++seed) live_through(seed);
}

}  // namespace
}  // namespace choregos::api::watch
