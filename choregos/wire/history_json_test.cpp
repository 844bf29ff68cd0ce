#include "choregos/wire/history_json.hpp"

#include <gtest/gtest.h>

namespace choregos::wire {
namespace {

HistoryEvent event() {
  HistoryEvent e;
  e.at = WallTime{1'795'424'400'000};
  e.revision = {3, 1042};
  e.id = "a1";
  e.liveness = Liveness::suspect;
  e.was = Liveness::alive;
  e.reason = "no beacon for 4 s";
  e.source = "beacon";
  return e;
}

TEST(HistoryJson, ReadsBackWhatItWrote) {
  EXPECT_EQ(event_json(event()),
            R"({"at":"2026-11-23T09:00:00.000Z","kind":"liveness","id":"a1","liveness":"suspect","was":"alive","reason":"no beacon for 4 s","source":"beacon","revision":"3.1042"})");
  EXPECT_EQ(*read_event(event_json(event())), event());
  HistoryEvent merged;
  merged.kind = HistoryKind::merged;
  merged.id = "a1";
  merged.other = "10.0.0.1:80";
  EXPECT_EQ(*read_event(event_json(merged)), merged);
  for (const auto kind : {HistoryKind::appeared, HistoryKind::liveness, HistoryKind::restarted, HistoryKind::identity, HistoryKind::conflict, HistoryKind::conflict_over, HistoryKind::merged,
                          HistoryKind::forgotten})
    EXPECT_EQ(parse_history_kind(to_string(kind)), kind);
  EXPECT_FALSE(read_event(R"({"kind":"vanished"})"));
  EXPECT_FALSE(read_event(R"({"was":"vanished"})"));
  EXPECT_FALSE(read_event("[]"));
}

TEST(HistoryJson, AWholeHistorySaysWhetherTheAgentIsStillListed) {
  Past past;
  past.events = {event()};
  const auto listed = read_history(history_json("a1", true, past));
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_EQ(listed->id, "a1");
  EXPECT_TRUE(listed->listed);
  EXPECT_FALSE(listed->past.forgotten);
  EXPECT_EQ(listed->past.events, past.events);
  Forgotten gone;
  gone.agent.id = "a1";
  gone.agent.liveness = Liveness::lost;
  gone.agent.reason = "silent for 10 s";
  gone.forgotten_at = WallTime{2000};
  gone.last_seen = WallTime{1000};
  past.forgotten = gone;
  const auto forgotten = read_history(history_json("a1", false, past));
  ASSERT_TRUE(forgotten);
  EXPECT_FALSE(forgotten->listed);
  ASSERT_TRUE(forgotten->past.forgotten);
  EXPECT_EQ(forgotten->past.forgotten->forgotten_at.ms, 2000);
  EXPECT_EQ(forgotten->past.forgotten->agent.reason, "silent for 10 s");
  EXPECT_FALSE(read_history(R"({"id":"a1"})"));
  EXPECT_FALSE(read_history(R"({"id":"a1","events":[7]})"));
}

}  // namespace
}  // namespace choregos::wire
