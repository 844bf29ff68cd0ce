// The life of a task: submission, order, fences, leases, ends.
#include "choregos/task/ledger.hpp"

#include <gmock/gmock.h>

#include "choregos/base/limits.hpp"
#include "choregos/task/world_for_tests.hpp"

namespace choregos::task {
namespace {

using ::testing::HasSubstr;

TEST(Ledger, OffersNothingThatIsNotOnDisk) {
  World w;
  w.arrive("a1");
  Output out;
  const auto answer = w.ledger.apply(Submit{World::request(), nullptr}, w.now, w.wall(), out);
  EXPECT_EQ(answer->task->state, TaskState::submitted);
  EXPECT_TRUE(out.notices.empty());
  w.ledger.stored(out.records.back().sequence, w.now, w.wall(), out);
  ASSERT_EQ(out.notices.size(), 1u);
  EXPECT_EQ(out.notices[0].sequence, w.ledger.sequence());
}

TEST(Ledger, AKeyGivesTheSameTaskAgainAlsoAfterARestart) {
  World w;
  TaskRequest r = World::request();
  r.key = "once";
  const TaskNumber first = w.submit(r);
  for (int i = 0; i < 10; ++i) {
    if (i == 5) w.restart();
    EXPECT_EQ(w.submit(r), first);
  }
  r.priority = 9;
  EXPECT_THAT(w.refused(Submit{r, nullptr}), HasSubstr("used for task-1"));
  r.submitter = "somebody else";
  EXPECT_NE(w.submit(r), first);
}

TEST(Ledger, WhatTheDiskRefusedNeverWas) {
  World w;
  Output out;
  TaskRequest r = World::request();
  r.key = "k";
  const auto answer = w.ledger.apply(Submit{r, nullptr}, w.now, w.wall(), out);
  ASSERT_TRUE(w.ledger.apply(NotStored{answer->task->number}, w.now, w.wall(), out));
  EXPECT_EQ(w.ledger.size(), 0u);
  EXPECT_EQ(w.submit(r), 2u) << "the key is free again, the number is not";
  EXPECT_THAT(w.refused(NotStored{2}), HasSubstr("cannot be not_stored"));
}

TEST(Ledger, OrdersByPriorityThenDeadlineThenAge) {
  World w;
  TaskRequest r = World::request();
  const TaskNumber oldest = w.submit(r);
  r.deadline = WallTime{w.wall().ms + 500'000};
  const TaskNumber later = w.submit(r);
  r.deadline = WallTime{w.wall().ms + 400'000};
  const TaskNumber sooner = w.submit(r);
  r.deadline = {};
  const TaskNumber youngest = w.submit(r);
  r.priority = 5;
  const TaskNumber urgent = w.submit(r);
  w.arrive("a1");
  std::vector<TaskNumber> order;
  for (int i = 0; i < 5; ++i) {
    const TaskNumber n = w.ledger.agent("a1")->tasks.at(0);
    order.push_back(n);
    w.must(Complete{w.grip(n), nullptr});
  }
  EXPECT_EQ(order, (std::vector<TaskNumber>{urgent, sooner, later, oldest, youngest}));
}

TEST(Ledger, WhoWaitsRisesButNeverAboveTheHighest) {
  World w;
  TaskRequest r = World::request();
  r.priority = 0;
  const TaskNumber patient = w.submit(r);
  w.pass(2h);
  r.priority = 7;
  const TaskNumber newer = w.submit(r);
  r.priority = 9;
  const TaskNumber highest = w.submit(r);
  w.arrive("a1");
  EXPECT_EQ(w.ledger.agent("a1")->tasks, std::vector{highest});
  w.must(Complete{w.grip(highest), nullptr});
  EXPECT_EQ(w.ledger.agent("a1")->tasks, std::vector{patient});
  w.must(Complete{w.grip(patient), nullptr});
  EXPECT_EQ(w.ledger.agent("a1")->tasks, std::vector{newer});
}

TEST(Ledger, ALostHoldersTaskMovesAndItsLateWorkIsRefused) {
  World w;
  w.arrive("a1");
  const TaskNumber n = w.submit();
  const Grip old = w.grip(n);
  w.must(Accept{old});
  w.arrive("a2");
  AgentNews gone = w.news("a1");
  gone.liveness = Liveness::lost;
  w.must(gone);
  EXPECT_EQ(w.told().back(), "a2:1#2") << "at once, with the next fence";
  EXPECT_THAT(w.refused(Complete{old, nullptr}), HasSubstr("granted again"));
  EXPECT_EQ(w.ledger.agent("a1")->succeeded, 0u);
  w.must(Complete{w.grip(n), nullptr});
  EXPECT_THAT(w.refused(Complete{old, nullptr}), HasSubstr("granted again"));
  EXPECT_EQ(w.ledger.counts().by_state[static_cast<int>(TaskState::succeeded)], 1u);
}

TEST(Ledger, LateWorkCountsWhenNobodyElseWasAsked) {
  World w;
  w.arrive("a1");
  const TaskNumber n = w.submit();
  w.must(Accept{w.grip(n)});
  AgentNews gone = w.news("a1");
  gone.liveness = Liveness::lost;
  w.must(gone);
  EXPECT_EQ(w.state(n), TaskState::queued);
  w.must(Complete{w.grip(n), nullptr});
  EXPECT_EQ(w.state(n), TaskState::succeeded);
  EXPECT_TRUE(w.say(Complete{w.grip(n), nullptr})->repeated);
  EXPECT_EQ(w.ledger.agent("a1")->succeeded, 1u);
}

TEST(Ledger, AHolderThatWasAwayGoesOnUnderItsFence) {
  World w;
  w.arrive("a1");
  const TaskNumber n = w.submit();
  w.must(Accept{w.grip(n)});
  AgentNews a1 = w.news("a1");
  a1.liveness = Liveness::lost;
  w.must(Listen{"a1", w.now, 0});
  w.must(a1);
  a1.liveness = Liveness::alive;
  w.must(a1);
  w.must(Present{"a1", {{n, 1}}});
  EXPECT_EQ(w.state(n), TaskState::running);
  EXPECT_EQ(w.ledger.find(n)->fence, 1u);
}

TEST(Ledger, ASuspectKeepsWhatItAcceptedAndLosesWhatItWasOffered) {
  World w;
  AgentNews a1 = w.news("a1");
  a1.slots = 2;
  w.arrive(a1);
  const TaskNumber accepted = w.submit(), offered = w.submit();
  w.must(Accept{w.grip(accepted)});
  a1.liveness = Liveness::suspect;
  w.must(a1);
  EXPECT_EQ(w.state(accepted), TaskState::accepted);
  EXPECT_EQ(w.state(offered), TaskState::queued);
  EXPECT_THAT(w.refused(Accept{{"a1", offered, 1}}), HasSubstr("lapsed"));
}

TEST(Ledger, AnOfferWithoutAnswerGoesToAnother) {
  World w;
  w.arrive("a1");
  w.submit();
  w.arrive("a2");
  w.pass(5s);
  EXPECT_EQ(w.told(), (Told{"a1:1#1", "a2:1#2"}));
  w.pass(5s);
  EXPECT_EQ(w.told(), (Told{"a1:1#3"})) << "and back, when the second does not answer either";
}

TEST(Ledger, OffersAreRepeatedToWhoListensAgain) {
  World w;
  w.arrive("a1");
  w.submit();
  w.must(Listen{"a1", Instant::never(), 0});
  EXPECT_EQ(w.told(), (Told{"a1:1#1", "a1:1#1"}));
}

TEST(Ledger, FailuresAreRetriedWithGrowingPausesUntilTheyAreADeadLetter) {
  World w;
  w.arrive("a1");
  const TaskNumber n = w.submit();
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 2; ++i) {
    w.must(Accept{w.grip(n)});
    w.must(Fail{w.grip(n), "no luck", true, nullptr});
    EXPECT_TRUE(w.say(Fail{w.grip(n), "no luck", true, nullptr})->repeated);
    EXPECT_EQ(w.state(n), TaskState::queued);
    const Instant before = w.now;
    while (w.state(n) == TaskState::queued) w.pass(10ms);
    pauses.push_back((w.now - before) / 1ms);
  }
  EXPECT_NEAR(static_cast<double>(pauses[0]), 1000, 210);
  EXPECT_NEAR(static_cast<double>(pauses[1]), 2000, 410);
  w.must(Fail{w.grip(n), "no luck", true, nullptr});
  EXPECT_EQ(w.state(n), TaskState::failed);
  EXPECT_TRUE(w.say(Fail{w.grip(n), "no luck", true, nullptr})->repeated) << "the answer may have been lost";
  ASSERT_EQ(w.ledger.dead_letters(10).size(), 1u);
  EXPECT_EQ(w.ledger.dead_letters(10)[0]->note, "no luck");
  w.must(Retry{n});
  w.must(Complete{w.grip(n), nullptr});
  EXPECT_EQ(w.state(n), TaskState::succeeded);
}

TEST(Ledger, ATaskThatKillsItsHoldersBecomesADeadLetter) {
  World w;
  TaskRequest r = World::request();
  r.losses_max = 2;
  const TaskNumber n = w.submit(r);
  for (const char* id : {"a1", "a2"}) {
    w.arrive(id);
    w.must(Accept{w.grip(n)});
    AgentNews gone = w.news(id);
    gone.liveness = Liveness::lost;
    w.must(gone);
  }
  EXPECT_EQ(w.state(n), TaskState::failed);
  EXPECT_EQ(w.ledger.find(n)->cause, TaskCause::gave_up);
}

TEST(Ledger, CancelStopsTheHolderAndItsSlotCountsUntilItHas) {
  World w;
  w.arrive("a1");
  const TaskNumber n = w.submit();
  const Grip grip = w.grip(n);
  w.must(Accept{grip});
  const TaskNumber next = w.submit();
  w.must(Cancel{n, "changed my mind"});
  EXPECT_EQ(w.told(NoticeKind::stop), Told{"a1:1#1"});
  EXPECT_EQ(w.state(next), TaskState::queued) << "the agent is at it still";
  EXPECT_THAT(w.refused(Complete{grip, nullptr}), HasSubstr("has ended: cancelled"));
  EXPECT_EQ(w.state(next), TaskState::offered) << "now it is not";
  EXPECT_TRUE(w.say(Cancel{n, ""})->repeated);
}

TEST(Ledger, AHolderThatDoesNotStopIsTakenToHaveStopped) {
  World w;
  w.arrive("a1");
  const TaskNumber n = w.submit();
  w.must(Accept{w.grip(n)});
  const TaskNumber next = w.submit();
  w.must(Cancel{n, ""});
  w.pass(29s);
  EXPECT_EQ(w.state(next), TaskState::queued);
  w.pass(1s);
  EXPECT_EQ(w.state(next), TaskState::offered);
}

TEST(Ledger, ExpiresWhateverItDoesAtItsDeadline) {
  World w;
  w.arrive("a1");
  TaskRequest r = World::request();
  r.deadline = WallTime{w.wall().ms + 60'000};
  const TaskNumber held = w.submit(r), waiting = w.submit(r);
  w.must(Accept{w.grip(held)});
  w.pass(59s);
  EXPECT_EQ(w.state(waiting), TaskState::queued);
  w.pass(1s);
  EXPECT_EQ(w.state(held), TaskState::expired);
  EXPECT_EQ(w.state(waiting), TaskState::expired);
  EXPECT_THAT(w.refused(Retry{held}), HasSubstr("deadline"));
}

TEST(Ledger, RunsFourHoursOnceWhileTheHolderLives) {
  World w;
  w.arrive("a1");
  const TaskNumber n = w.submit();
  w.must(Accept{w.grip(n)});
  for (int i = 0; i < 4 * 360; ++i) {
    w.pass(10s);
    w.must(Progress{w.grip(n), 0.5f, ""});
  }
  w.must(Complete{w.grip(n), nullptr});
  EXPECT_EQ(w.told(), Told{"a1:1#1"});
}

TEST(Ledger, TakesBackWhatRunsTooLongOrStandsStill) {
  World w;
  w.arrive("a1");
  TaskRequest r = World::request();
  r.run_max = 1min;
  const TaskNumber n = w.submit(r);
  w.must(Accept{w.grip(n)});
  w.pass(1min);
  EXPECT_EQ(w.ledger.find(n)->cause, TaskCause::overran);
  EXPECT_EQ(w.told(NoticeKind::stop), Told{"a1:1#1"});
  EXPECT_THAT(w.refused(Progress{{"a1", n, 1}, 0.9f, ""}), HasSubstr("not in your hands")) << "a word from before it heard of the stop";
  EXPECT_EQ(w.state(n), TaskState::queued);
  w.must(Stopped{{"a1", n, 1}});
  EXPECT_THAT(w.refused(Progress{{"a1", n, 1}, 0.9f, ""}), HasSubstr("not in your hands"));
}

TEST(Ledger, KeepsAResultForTheTimeStated) {
  World w;
  w.arrive("a1");
  TaskRequest r = World::request();
  r.keep_for = 1h;
  r.key = "k";
  const TaskNumber n = w.submit(r);
  EXPECT_THAT(w.refused(Complete{w.grip(n), std::make_shared<const std::string>(limits::task_blob_bytes_max + 1, 'x')}, ErrorCode::too_large), HasSubstr("at most 1048576"));
  w.must(Complete{w.grip(n), std::make_shared<const std::string>(limits::task_blob_bytes_max, 'x')});
  w.pass(59min);
  EXPECT_EQ(w.ledger.find(n)->result->size(), limits::task_blob_bytes_max);
  w.pass(1min);
  EXPECT_FALSE(w.ledger.find(n));
  EXPECT_EQ(w.ledger.counts().bytes, 0u);
  w.restart();
  EXPECT_EQ(w.submit(r), n + 1) << "the key is kept as long as the task, the number is never used again";
}

TEST(Ledger, AdoptsRunningWorkAfterOurRestart) {
  World w;
  for (int i = 0; i < 100; ++i) {
    w.arrive("a" + std::to_string(i));
    w.must(Accept{w.grip(w.submit())});
  }
  w.restart();
  for (int i = 0; i < 100; ++i) {
    const std::string id = "a" + std::to_string(i);
    w.arrive(id);
    w.must(Present{id, {{static_cast<TaskNumber>(i + 1), 1}}});
  }
  w.pass(10min);
  for (TaskNumber n = 1; n <= 100; ++n) w.must(Complete{w.grip(n), nullptr});
  EXPECT_EQ(w.ledger.counts().by_state[static_cast<int>(TaskState::succeeded)], 100u);
  EXPECT_EQ(w.told(), Told{}) << "nothing was handed out again";
}

TEST(Ledger, AHolderThatNobodyHearsOfAfterOurRestartIsLost) {
  World w;
  w.arrive("a1");
  const TaskNumber n = w.submit();
  w.must(Accept{w.grip(n)});
  w.restart();
  w.pass(59s);
  EXPECT_EQ(w.state(n), TaskState::accepted);
  w.pass(1s);
  EXPECT_EQ(w.state(n), TaskState::queued);
}

TEST(Ledger, ANewLifeThatDoesNotNameItsWorkHasLostIt) {
  World w;
  AgentNews a1 = w.news("a1");
  a1.slots = 2;
  w.arrive(a1);
  const TaskNumber kept = w.submit(), dropped = w.submit();
  w.must(Accept{w.grip(kept)});
  w.must(Accept{w.grip(dropped)});
  a1.incarnation = 2;
  w.must(a1);
  w.must(Listen{"a1", w.now, 0});
  w.must(Present{"a1", {{kept, 1}}});
  EXPECT_EQ(w.state(kept), TaskState::running);
  EXPECT_EQ(w.ledger.find(dropped)->cause, TaskCause::abandoned);
}

TEST(Ledger, GripsOfOthersAndOfNobodyAreRefused) {
  World w;
  w.arrive("a1");
  w.arrive("a2");
  const TaskNumber n = w.submit();
  EXPECT_THAT(w.refused(Accept{{"a2", n, 1}}, ErrorCode::forbidden), HasSubstr("not given to agent 'a2'"));
  EXPECT_THAT(w.refused(Accept{{"a1", n, 7}}, ErrorCode::invalid), HasSubstr("never granted"));
  EXPECT_THAT(w.refused(Accept{{"a1", 99, 1}}, ErrorCode::not_found), HasSubstr("task-99"));
  EXPECT_THAT(w.refused(Accept{{"a9", n, 1}}, ErrorCode::not_found), HasSubstr("a9"));
}

}  // namespace
}  // namespace choregos::task
