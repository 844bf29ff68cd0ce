#include "choregos/wire/watch_json.hpp"

#include <gtest/gtest.h>

namespace choregos::wire {
namespace {

constexpr std::size_t kMax = 1024 * 1024;

Change some_change(ChangeKind kind = ChangeKind::liveness) {
  Agent agent;
  agent.id = "a1";
  agent.liveness = Liveness::lost;
  agent.reason = "no answer for 10 s";
  Change change;
  change.revision = {3, 1042};
  change.kind = kind;
  change.record = std::make_shared<AgentRecord>(AgentRecord{agent, 1042, nullptr});
  change.was = Liveness::suspect;
  change.source = "beacon";
  change.wall_at = {1'795'424'400'000};
  return change;
}

TEST(WatchJson, APutReadsBack) {
  const auto read = read_watch(put_json(some_change(), {}, {}), kMax);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->kind, WatchKind::put);
  EXPECT_EQ(read->change, ChangeKind::liveness);
  EXPECT_EQ(read->revision, (Revision{3, 1042}));
  EXPECT_EQ(read->was, Liveness::suspect);
  EXPECT_EQ(read->source, "beacon");
  EXPECT_EQ(read->at.ms, 1'795'424'400'000);
  EXPECT_FALSE(read->folded);
  ASSERT_EQ(read->agents.size(), 1U);
  EXPECT_EQ(read->agents[0].agent.id, "a1");
  EXPECT_EQ(read_watch(put_json(some_change(), {}, {}, 4), kMax)->folded, 4U);
  EXPECT_EQ(read_watch(put_json(some_change(), {}, {}, 0), kMax)->folded, 0U);
}

TEST(WatchJson, ARemovalSaysWhy) {
  auto change = some_change(ChangeKind::merged);
  change.into = "chorus-1";
  const auto merged = read_watch(remove_json(change, RemoveReason::merged, {}, {}), kMax);
  ASSERT_TRUE(merged);
  EXPECT_EQ(merged->removed, RemoveReason::merged);
  EXPECT_EQ(merged->into, "chorus-1");
  EXPECT_EQ(merged->reason, "known as chorus-1 now");
  const auto forgotten = read_watch(remove_json(some_change(ChangeKind::forgotten), RemoveReason::forgotten, {}, {}), kMax);
  EXPECT_EQ(forgotten->reason, "no answer for 10 s");
  EXPECT_EQ(read_watch(remove_json(some_change(), RemoveReason::unmatched, {}, {}), kMax)->removed, RemoveReason::unmatched);
}

TEST(WatchJson, TheRestReadsBackToo) {
  const auto reset = read_watch(reset_json(ResetReason::behind, {3, 7}, 12), kMax);
  EXPECT_EQ(reset->reset, ResetReason::behind);
  EXPECT_EQ(reset->total, 12U);
  GuardView guard;
  guard.mode = Mode::frozen;
  guard.domains.push_back({});
  guard.domains[0].name = "network";
  const auto ready = read_watch(ready_json({3, 7}, 12, guard, {}), kMax);
  EXPECT_EQ(ready->mode, "frozen");
  ASSERT_TRUE(ready->guard);
  EXPECT_EQ(ready->guard->domains.at(0).name, "network");
  EXPECT_EQ(read_watch(mode_json(GuardView{}, {}), kMax)->mode, "normal");
  EXPECT_EQ(read_watch(mark_json({3, 8}), kMax)->revision, (Revision{3, 8}));
  EXPECT_EQ(read_watch(end_json("stopping"), kMax)->reason, "stopping");
  EXPECT_EQ(read_watch(waiting_json({"a", "b"}, 1s), kMax)->reason, "a; b");
  const std::vector<AgentRecordPtr> records{some_change().record, some_change().record};
  EXPECT_EQ(read_watch(agents_json(records, {}, {}), kMax)->agents.size(), 2U);
}

TEST(WatchJson, WhatIsNoEventIsNamed) {
  for (const char* text : {"[]", "{}", R"({"event":"nonsense"})", R"({"event":"put","kind":"updated"})", R"({"event":"put","agent":{"id":"a"}})",
                           R"({"event":"remove","kind":"gone","agent":{"id":"a"}})", R"({"event":"agents"})", R"({"event":"agents","agents":[1]})",
                           R"({"event":"mark","revision":-1})", R"({"event":"reset","reason":"bored"})"})
    EXPECT_FALSE(read_watch(text, kMax)) << text;
  EXPECT_EQ(read_watch(R"({"event":"of a later version"})", kMax).error().code, ErrorCode::unsupported);
  EXPECT_EQ(read_watch(mark_json({3, 8}), 4).error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace choregos::wire
