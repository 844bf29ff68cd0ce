// Who may be given work: slots, pools, rests, drains, quarantine, refusals, delegation, teams, trials, and what agents say of themselves.
#include <gmock/gmock.h>

#include <map>

#include "choregos/task/ledger.hpp"
#include "choregos/task/world_for_tests.hpp"

namespace choregos::task {
namespace {

using ::testing::HasSubstr;

TEST(Fleet, NinePeopleAtOneServerOfTwoAreTwo) {
  World w;
  w.must(SetPool{"gpu", 2});
  for (int i = 0; i < 9; ++i) {
    AgentNews n = w.news("a" + std::to_string(i));
    n.pools = {"gpu"};
    w.arrive(n);
  }
  for (int i = 0; i < 20; ++i) w.submit();
  for (int i = 0; i < 20; ++i) {
    Told told = w.told();
    std::uint32_t used = 0;
    std::string holder;
    for (const AgentView& v : w.ledger.agents()) {
      used += v.slots_used;
      if (v.slots_used > 0) holder = v.id;
    }
    EXPECT_EQ(used, i == 19 ? 1u : 2u);
    w.must(Complete{w.grip(w.ledger.agent(holder)->tasks[0]), nullptr});
  }
  EXPECT_EQ(w.ledger.counts().by_state[static_cast<int>(TaskState::succeeded)], 20u);
}

TEST(Fleet, ABackEndGivesItsSlotToTheMostUrgentTaskOfAnyMember) {
  World w;
  w.must(SetPool{"gpu", 1});
  for (const char* id : {"a1", "a2"}) {
    AgentNews n = w.news(id);
    n.pools = {"gpu"};
    if (n.id == "a2") n.capabilities = {"sql"};
    w.arrive(n);
  }
  const TaskNumber first = w.submit();
  TaskRequest r = World::request();
  const TaskNumber low = w.submit(r);
  r.capabilities = {"sql"};
  r.priority = 9;
  const TaskNumber high = w.submit(r);
  w.must(Complete{w.grip(first), nullptr});
  EXPECT_EQ(w.state(high), TaskState::offered);
  EXPECT_EQ(w.state(low), TaskState::queued);
  EXPECT_THAT(w.ledger.why_waiting(low), HasSubstr("sharing a back end that is full"));
}

TEST(Fleet, WhoUsesATiredProviderRestsAndStartsAgainSpreadOut) {
  World w;
  for (int i = 0; i < 6; ++i) {
    AgentNews n = w.news("a" + std::to_string(i));
    n.provider = i < 5 ? "key-1" : "key-2";
    w.arrive(n);
  }
  const TaskNumber n = w.submit();
  const Grip grip = w.grip(n);
  ASSERT_EQ(grip.agent, "a0");
  w.told();
  w.must(Refuse{grip, "quota", false, 60s, true});
  EXPECT_EQ(w.told(), Told{"a5:1#2"}) << "to the one with another key, and no attempt is used up";
  EXPECT_EQ(w.ledger.find(n)->attempts, 0u);
  for (int i = 0; i < 10; ++i) w.submit();
  EXPECT_EQ(w.ledger.agent("a3")->availability, Availability::resting);
  EXPECT_EQ(w.ledger.agent("a3")->reason, "quota");
  w.restart();
  for (int i = 0; i < 6; ++i) {
    AgentNews news = w.news("a" + std::to_string(i));
    news.provider = i < 5 ? "key-1" : "key-2";
    w.arrive(news);
  }
  w.pass(59s);
  for (const std::string& offer : w.told()) EXPECT_THAT(offer, ::testing::StartsWith("a5"));
  std::map<std::int64_t, int> starts;
  for (int tick = 0; tick < 800; ++tick) {
    w.pass(10ms);
    for (const std::string& offer : w.told()) {
      if (!offer.starts_with("a5")) ++starts[tick];
    }
  }
  EXPECT_GE(starts.size(), 4u) << "not all in one instant";
}

TEST(Fleet, ADrainThatWouldBreakAFloorIsRefusedOrStaged) {
  World w;
  w.must(SetFloor{"go", 4});
  for (int i = 0; i < 6; ++i) w.arrive("a" + std::to_string(i));
  for (int i = 0; i < 6; ++i) w.must(Accept{w.grip(w.submit())});
  const std::vector<std::string> all = {"a0", "a1", "a2", "a3", "a4", "a5"};
  EXPECT_THAT(w.refused(Drain{all, false, true}), HasSubstr("go would be left to 0 agents, and 4 are to stay"));
  std::map<TaskNumber, int> moves;
  const auto in_service = [&] {
    int count = 0;
    for (const AgentView& v : w.ledger.agents()) count += v.availability == Availability::available;
    return count;
  };
  auto answer = w.say(Drain{all, true, true});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->waiting, (std::vector<std::string>{"a2", "a3", "a4", "a5"}));
  for (const std::string& id : all) {
    EXPECT_GE(in_service(), 4);
    const auto view = w.ledger.agent(id);
    ASSERT_EQ(view->availability, Availability::draining) << id;
    for (const TaskNumber n : view->tasks) w.must(Complete{w.grip(n), nullptr});
    for (TaskNumber n = 1; n <= 6; ++n) w.must(Stopped{{id, n, w.ledger.find(n)->fence - 1}});
    w.must(Undrain{id});
    EXPECT_GE(in_service(), 4);
    for (TaskNumber n = 1; n <= 6; ++n) {
      if (w.state(n) == TaskState::offered) w.must(Accept{w.grip(n)});
    }
  }
  for (const Record& r : w.disk) {
    const auto* image = std::get_if<TaskPtr>(&r.what);
    if (image && (*image)->cause == TaskCause::taken_back) ++moves[(*image)->number];
  }
  for (const auto& [task, count] : moves) EXPECT_LE(count, 1) << task_id(task);
}

TEST(Fleet, NoBeatUndoesAQuarantineNorDoesARestart) {
  World w;
  w.arrive("a1");
  const TaskNumber n = w.submit();
  w.must(Accept{w.grip(n)});
  w.must(Quarantine{"a1", "acts strangely", true});
  EXPECT_EQ(w.ledger.find(n)->cause, TaskCause::taken_back);
  AgentNews again = w.news("a1");
  again.incarnation = 2;
  w.arrive(again);
  w.restart();
  w.arrive(again);
  EXPECT_EQ(w.state(n), TaskState::queued);
  EXPECT_EQ(w.ledger.agent("a1")->availability, Availability::quarantined);
  EXPECT_THAT(w.ledger.why_waiting(n), HasSubstr("1 is quarantined"));
  w.must(Release{"a1"});
  EXPECT_EQ(w.state(n), TaskState::offered);
}

TEST(Fleet, WhatWasRefusedIsNotOfferedAgainUntilEitherChanges) {
  World w;
  w.arrive("a1");
  TaskRequest r = World::request();
  r.kind = "review:1";
  w.must(Refuse{w.grip(w.submit(r)), "I do not review", true, {}, false});
  w.told();
  for (int i = 0; i < 10; ++i) w.submit(r);
  EXPECT_EQ(w.told(), Told{});
  r.kind = "review:2";
  const TaskNumber other = w.submit(r);
  EXPECT_EQ(w.told(), Told{"a1:12#1"});
  w.must(Complete{w.grip(other), nullptr});
  EXPECT_EQ(w.told(), Told{});
  w.restart();
  w.arrive("a1");
  EXPECT_EQ(w.told(), Told{}) << "also after a restart";
  AgentNews n = w.news("a1");
  n.version = "2";
  w.must(n);
  EXPECT_EQ(w.told(), Told{"a1:1#2"});
}

TEST(Fleet, DelegationDoesNotGoRound) {
  World w;
  for (const char* id : {"a", "b", "c"}) w.arrive(id);
  TaskRequest r = World::request();
  const auto delegate = [&](const std::string& from, const std::string& to, TaskNumber parent) {
    TaskRequest d = World::request();
    d.submitter = from;
    d.agent = to;
    d.parent = parent;
    return d;
  };
  r.agent = "a";
  const TaskNumber at_a = w.submit(r);
  EXPECT_THAT(w.refused(Submit{delegate("a", "b", at_a), nullptr}, ErrorCode::forbidden), HasSubstr("only the agent that works on"));
  w.must(Accept{w.grip(at_a)});
  const TaskNumber at_b = w.submit(delegate("a", "b", at_a));
  w.must(Accept{w.grip(at_b)});
  EXPECT_THAT(w.refused(Submit{delegate("b", "a", at_b), nullptr}, ErrorCode::forbidden), HasSubstr("a > b > a"));
  const TaskNumber at_c = w.submit(delegate("b", "c", at_b));
  w.must(Accept{w.grip(at_c)});
  EXPECT_THAT(w.refused(Submit{delegate("c", "a", at_c), nullptr}, ErrorCode::forbidden), HasSubstr("a > b > c > a"));
  // To anybody: not to those who are in the chain.
  const TaskNumber open = w.submit(delegate("c", "", at_c));
  EXPECT_EQ(w.state(open), TaskState::queued);
  EXPECT_THAT(w.ledger.why_waiting(open), HasSubstr("3 are among those who delegated it"));
}

TEST(Fleet, TheSixthHopIsRefusedAndBudgetsArePassedOn) {
  World w;
  for (int i = 0; i < 7; ++i) w.arrive("a" + std::to_string(i));
  TaskRequest r = World::request();
  r.agent = "a0";
  r.budget = 10;
  TaskNumber task = w.submit(r);
  for (int hop = 1; hop <= 5; ++hop) {
    w.must(Accept{w.grip(task)});
    r.submitter = "a" + std::to_string(hop - 1);
    r.agent = "a" + std::to_string(hop);
    r.parent = task;
    r.budget = 11;
    EXPECT_THAT(w.refused(Submit{r, nullptr}, ErrorCode::forbidden), HasSubstr("budget"));
    r.budget = 10;
    task = w.submit(r);
  }
  w.must(Accept{w.grip(task)});
  r.submitter = "a5";
  r.agent = "a6";
  r.parent = task;
  EXPECT_THAT(w.refused(Submit{r, nullptr}, ErrorCode::forbidden), HasSubstr("handed on 6 times"));
}

TEST(Fleet, StatusIsDerivedAndAContradictionIsShown) {
  World w;
  AgentNews n = w.news("a1");
  n.status = Status::working;
  w.arrive(n);
  EXPECT_EQ(w.ledger.agent("a1")->status, Status::idle);
  EXPECT_FALSE(w.ledger.agent("a1")->disagrees) << "not before it lasts";
  w.pass(6s);
  EXPECT_TRUE(w.ledger.agent("a1")->disagrees);
  n.status = Status::idle;
  w.must(n);
  EXPECT_FALSE(w.ledger.agent("a1")->disagrees);
  w.must(Accept{w.grip(w.submit())});
  EXPECT_EQ(w.ledger.agent("a1")->status, Status::working);
  w.pass(6s);
  EXPECT_TRUE(w.ledger.agent("a1")->disagrees);
  EXPECT_EQ(w.ledger.agent("a1")->disagreements, 2u);
}

TEST(Fleet, TeamTasksGoToTheSeatAndMembersWorkForTheirTeamAlone) {
  World w;
  for (const char* id : {"a1", "a2", "a3"}) w.arrive(id);
  TaskRequest r = World::request();
  r.team = "alpha";
  r.seat = 1;
  EXPECT_THAT(w.refused(Submit{r, nullptr}, ErrorCode::not_found), HasSubstr("no team 'alpha'"));
  w.must(SetTeam{"alpha", {{"a1"}, {"a2"}}});
  const TaskNumber seated = w.submit(r);
  EXPECT_EQ(w.ledger.find(seated)->agent, "a2");
  r.seat = {};
  EXPECT_EQ(w.ledger.find(w.submit(r))->agent, "a1");
  EXPECT_EQ(w.ledger.find(w.submit())->agent, "a3");
  const TaskNumber waiting = w.submit(r);
  w.must(Accept{w.grip(seated)});
  w.must(EndTeam{"alpha"});
  EXPECT_EQ(w.state(waiting), TaskState::cancelled);
  EXPECT_EQ(w.state(seated), TaskState::accepted) << "what is in work may end";
  w.must(Complete{w.grip(seated), nullptr});
}

TEST(Fleet, WhoFailsACapabilityIsAskedLastForItAloneUntilItSucceeds) {
  World w;
  AgentNews bad = w.news("bad");
  bad.capabilities = {"go", "sql"};
  w.arrive(bad);
  TaskRequest r = World::request();
  r.attempts_max = 1;
  for (int i = 0; i < 3; ++i) w.must(Fail{w.grip(w.submit(r)), "broken", true, nullptr});
  AgentNews good = bad;
  good.id = "good";
  w.arrive(good);
  const auto doer = [&](const TaskRequest& request) {
    const TaskNumber n = w.submit(request);
    const Grip grip = w.grip(n);
    w.must(Complete{grip, nullptr});
    return grip.agent;
  };
  EXPECT_EQ(doer(r), "good");
  EXPECT_EQ(doer(r), "good") << "though the other has been idle for longer";
  TaskRequest sql = r;
  sql.capabilities = {"sql"};
  EXPECT_EQ(doer(sql), "bad") << "it failed at something else";
  const TaskNumber held = w.submit(r);
  EXPECT_EQ(doer(r), "bad") << "last is not never";
  w.must(Complete{w.grip(held), nullptr});
  EXPECT_EQ(doer(r), "good") << "idle for longer";
  EXPECT_EQ(doer(r), "bad") << "a success restores it";
}

TEST(Fleet, EqualAgentsGetEqualShares) {
  World w;
  for (int i = 0; i < 64; ++i) w.arrive("a" + std::to_string(i));
  for (int i = 0; i < 10'000; ++i) w.must(Complete{w.grip(w.submit()), nullptr});
  for (const AgentView& v : w.ledger.agents()) EXPECT_NEAR(static_cast<double>(v.succeeded), 10'000.0 / 64, 0.2 * 10'000 / 64);
}

TEST(Fleet, ATrialGetsItsShareAndIsStopped) {
  World w;
  w.must(SetTrial{"2", 100, 3});
  for (int i = 0; i < 4; ++i) {
    AgentNews n = w.news("a" + std::to_string(i));
    if (i == 0) n.version = "2";
    w.arrive(n);
  }
  TaskRequest r = World::request();
  r.attempts_max = 1;
  for (int i = 1; i <= 100; ++i) {
    const TaskNumber n = w.submit(r);
    const Trial& t = w.ledger.trial();
    EXPECT_LE(t.tried.given * 10, t.tried.given + t.others.given);
    if (w.ledger.find(n)->agent == "a0") w.must(Fail{w.grip(n), "broken", true, nullptr});
    else w.must(Complete{w.grip(n), nullptr});
  }
  EXPECT_TRUE(w.ledger.trial().stopped());
  EXPECT_EQ(w.ledger.trial().tried.given, 3u);
  EXPECT_EQ(w.ledger.trial().others.succeeded, 97u);
  w.must(SetTrial{"", 0, 0});
  for (int i = 0; i < 4; ++i) w.submit();
  EXPECT_FALSE(w.ledger.agent("a0")->tasks.empty()) << "the trial is over";
}

TEST(Fleet, WorkAndMemoryFollowANewName) {
  World w;
  w.arrive("10.0.0.1:80");
  const TaskNumber n = w.submit();
  w.must(Accept{w.grip(n)});
  w.must(AgentRenamed{"10.0.0.1:80", "a1"});
  w.arrive("a1");
  EXPECT_FALSE(w.ledger.agent("10.0.0.1:80"));
  w.must(Complete{{"a1", n, 1}, nullptr});
  EXPECT_EQ(w.ledger.agent("a1")->succeeded, 1u);
}

TEST(Fleet, ForgottenCapabilitiesLeaveNothingBehind) {
  World w;
  for (int i = 0; i < 20'000; ++i) {
    AgentNews n = w.news("a1");
    n.capabilities = {"capability-" + std::to_string(i)};
    w.must(n);
  }
  TaskRequest r = World::request();
  r.capabilities = {"capability-19999"};
  w.must(Listen{"a1", Instant::never(), 0});
  EXPECT_EQ(w.state(w.submit(r)), TaskState::offered) << "the dictionary is not full of what nobody has";
}

}  // namespace
}  // namespace choregos::task
