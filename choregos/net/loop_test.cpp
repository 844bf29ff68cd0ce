#include "choregos/net/loop.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>
#include <vector>

#include "choregos/net/test_support.hpp"

namespace choregos::net {
namespace {

using namespace testing;

TEST(Loop, CallsTimersInOrder) {
  Loop loop;
  std::vector<int> order;
  const Instant began = loop.now();
  const Timer b = loop.after(20ms, [&] { order.push_back(2); });
  const Timer a = loop.after(5ms, [&] { order.push_back(1); });
  const Timer now = loop.after(-1s, [&] { order.push_back(0); });
  EXPECT_TRUE(b.armed());
  EXPECT_TRUE(order.empty());
  ASSERT_TRUE(wait_for(loop, [&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_GE(loop.now() - began, 20ms);
  EXPECT_FALSE(b.armed());
}

TEST(Loop, DoesNotCallATimerThatIsGone) {
  Loop loop;
  int calls = 0;
  {
    const Timer gone = loop.after(1ms, [&] { ++calls; });
    Timer replaced = loop.after(1ms, [&] { ++calls; });
    replaced = Timer();
  }
  Timer due = loop.after(0ms, [&] { ++calls; });
  Timer same_turn = loop.after(0ms, [&] { ++calls; });
  loop.post([&] { due.cancel(), same_turn.cancel(); });
  run_for(loop, 20ms);
  EXPECT_EQ(calls, 0);
}

TEST(Loop, RepeatsUntilCancelledInItsOwnCall) {
  Loop loop;
  int calls = 0;
  Timer timer = loop.every(2ms, [&] {
    if (++calls == 3) timer.cancel();
  });
  ASSERT_TRUE(wait_for(loop, [&] { return calls >= 3; }));
  run_for(loop, 20ms);
  EXPECT_EQ(calls, 3);
}

TEST(Loop, SkipsTurnsThatAStallMissed) {
  Loop loop;
  int calls = 0;
  const Timer timer = loop.every(10ms, [&] {
    if (++calls == 1) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  });
  ASSERT_TRUE(wait_for(loop, [&] { return calls >= 1; }));
  run_for(loop, 35ms);
  EXPECT_LE(calls, 5) << "missed turns were caught up";
}

TEST(Loop, TakesPostsFromOtherThreadsInTheirOrder) {
  Loop loop;
  std::vector<int> seen;
  bool on_thread = true;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i)
      loop.post([&, i] {
        seen.push_back(i);
        on_thread = on_thread && loop.on_loop_thread();
      });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  ASSERT_EQ(seen.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_TRUE(on_thread);
  EXPECT_FALSE(loop.on_loop_thread());
}

TEST(Loop, StopsFromAnotherThreadAndRunsAgain) {
  Loop loop;
  for (int i = 0; i < 3; ++i) {
    std::thread other([&] { loop.stop(); });
    loop.run();
    other.join();
  }
}

TEST(Loop, TellsSignals) {
  Loop loop;
  std::vector<int> seen;
  loop.on_signal({SIGUSR1, SIGUSR2}, [&](int number) { seen.push_back(number); });
  ::raise(SIGUSR1);
  ASSERT_TRUE(wait_for(loop, [&] { return seen.size() == 1; }));
  ::raise(SIGUSR2);
  ASSERT_TRUE(wait_for(loop, [&] { return seen.size() == 2; }));
  EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

TEST(Loop, TellsTheTime) {
  Loop loop;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  EXPECT_LT(loop.now() - Instant{now.tv_sec * 1'000'000'000LL + now.tv_nsec}, 1s);
  EXPECT_GT(loop.wall_now().ms, 1'700'000'000'000);
}

}  // namespace
}  // namespace choregos::net
