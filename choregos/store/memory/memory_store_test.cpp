#include "choregos/store/memory/memory_store.hpp"

#include <gtest/gtest.h>

#include "choregos/store/epoch.hpp"

namespace choregos::store {
namespace {

Change change_of(std::uint64_t number, ChangeKind kind, const std::string& id) {
  auto vitals = std::make_shared<Vitals>();
  vitals->last_seen_ms = 1000;
  Agent agent;
  agent.id = id;
  Change change;
  change.revision = {1, number};
  change.kind = kind;
  change.record = std::make_shared<AgentRecord>(AgentRecord{agent, number, vitals});
  change.wall_at = WallTime{static_cast<std::int64_t>(number)};
  return change;
}

TEST(MemoryStore, BeginsALifeThatNoFormerProcessHad) {
  // Each process counts from nothing, yet a position of one must mean nothing to the next.
  EXPECT_EQ(next_epoch(0, {1'795'424'400'123}), 1'795'424'400'123U);
  EXPECT_EQ(next_epoch(1'795'424'400'123, {1'795'424'400'123}), 1'795'424'400'124U);
  EXPECT_EQ(next_epoch(1'795'424'400'123, {5}), 1'795'424'400'124U) << "the clock was set back";
  EXPECT_GT(make_memory_store({0, 0})->open()->start.epoch, 1'600'000'000'000U);
}

TEST(MemoryStore, KeepsAcrossCloseAndOpen) {
  const auto store = make_memory_store({4, 10});
  EXPECT_FALSE(store->persist({}));
  const auto first = store->open();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->start.number, 10U);
  EXPECT_FALSE(store->open());
  ASSERT_TRUE(store->persist(std::vector<Change>{change_of(11, ChangeKind::appeared, "a"), change_of(12, ChangeKind::appeared, "b"),
                                                 change_of(13, ChangeKind::appeared, "c"), change_of(14, ChangeKind::forgotten, "b"),
                                                 change_of(15, ChangeKind::merged, "c")}));
  store->touch(std::vector<std::pair<std::string, WallTime>>{{"a", WallTime{2000}}, {"zz", WallTime{1}}});
  store->close();
  const auto loaded = store->open();
  ASSERT_TRUE(loaded);
  EXPECT_GT(loaded->start.epoch, first->start.epoch);
  EXPECT_EQ(loaded->start.number, 15U);
  ASSERT_EQ(loaded->agents.size(), 1U);
  EXPECT_EQ(loaded->agents[0].agent.id, "a");
  EXPECT_EQ(loaded->agents[0].last_seen.ms, 2000);
  ASSERT_EQ(loaded->archived.size(), 1U);
  EXPECT_EQ(loaded->archived[0].agent.id, "b");
  EXPECT_EQ(loaded->archived[0].forgotten_at.ms, 14);
  ASSERT_TRUE(store->persist(std::vector<Change>{change_of(16, ChangeKind::appeared, "b")}));
  store->close();
  EXPECT_EQ(store->open()->archived.size(), 0U);
}

TEST(MemoryStore, RemembersWhatHappenedBoundedForEachAgentAndInAll) {
  const auto store = make_memory_store({}, 100);
  EXPECT_FALSE(store->past("a"));
  ASSERT_TRUE(store->open());
  std::uint64_t number = 0;
  const auto flap = [&](const std::string& id, int times) {
    std::vector<Change> changes{change_of(++number, ChangeKind::appeared, id)};
    for (int i = 0; i < times; ++i) {
      Change change = change_of(++number, ChangeKind::liveness, id);
      AgentRecord record = *change.record;
      record.agent.liveness = i % 2 == 0 ? Liveness::suspect : Liveness::alive;
      record.agent.reason = std::to_string(i);
      change.record = std::make_shared<AgentRecord>(std::move(record));
      changes.push_back(std::move(change));
    }
    ASSERT_TRUE(store->persist(changes));
  };
  flap("a", 99);
  ASSERT_EQ(store->past("a")->events.size(), limits::history_of_agent_max);
  EXPECT_EQ(store->past("a")->events.front().reason, "98");
  flap("b", 59);
  EXPECT_EQ(store->past("b")->events.size(), 60U);
  EXPECT_EQ(store->past("a")->events.size(), 40U);
  EXPECT_EQ(store->past("a")->events.back().reason, "59") << "the oldest went first";
  ASSERT_TRUE(store->persist(std::vector<Change>{change_of(++number, ChangeKind::forgotten, "b")}));
  EXPECT_TRUE(store->past("b")->forgotten);
  Change merged = change_of(++number, ChangeKind::merged, "a");
  merged.into = "b";
  ASSERT_TRUE(store->persist(std::vector<Change>{merged}));
  EXPECT_TRUE(store->past("a")->empty());
  EXPECT_EQ(store->past("b")->events.size(), limits::history_of_agent_max);
  EXPECT_EQ(store->past("b")->events.front().kind, HistoryKind::merged);
}

}  // namespace
}  // namespace choregos::store
