#include "choregos/agent/supervisor.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace choregos::agent {
namespace {

using Kind = Supervisor::Happening::Kind;

/// Waits for the end of the child, past anything else that happens.
int wait_for_end(Supervisor& supervisor) {
  for (int tries = 0; tries < 100; ++tries)
    if (auto happening = supervisor.wait(100ms); happening.kind == Kind::child_ended) return happening.exit_code;
  return -1;
}

TEST(Supervisor, PassesOnTheExitCode) {
  auto supervisor = Supervisor::create();
  ASSERT_TRUE(supervisor);
  ASSERT_TRUE(supervisor->spawn({"sh", "-c", "exit 7"}));
  EXPECT_EQ(wait_for_end(*supervisor), 7);
}

TEST(Supervisor, ReportsASignalAs128PlusItsNumber) {
  auto supervisor = Supervisor::create();
  ASSERT_TRUE(supervisor);
  ASSERT_TRUE(supervisor->spawn({"sh", "-c", "kill -KILL $$"}));
  EXPECT_EQ(wait_for_end(*supervisor), 128 + 9);
}

TEST(Supervisor, PassesSignalsOnToTheChild) {
  auto supervisor = Supervisor::create();
  ASSERT_TRUE(supervisor);
  // Exits by the trap as soon as it is ready to take signals: the first USR1 may come too early, so send until it ends.
  ASSERT_TRUE(supervisor->spawn({"sh", "-c", "trap '' HUP; trap 'exit 42' TERM; kill -HUP $PPID; while :; do sleep 0.02; done"}));
  bool ready = false;
  for (int tries = 0; tries < 100 && !ready; ++tries) ready = supervisor->wait(100ms).kind == Kind::reload;
  ASSERT_TRUE(ready);
  kill(getpid(), SIGTERM);
  EXPECT_EQ(wait_for_end(*supervisor), 42);
}

TEST(Supervisor, GivesTheChildTheSignalMaskThatWeHad) {
  sigset_t none;
  sigemptyset(&none);
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &none, nullptr), 0);
  auto supervisor = Supervisor::create();
  ASSERT_TRUE(supervisor);
  // No shell in between: some clear the mask by themselves.
  ASSERT_TRUE(supervisor->spawn({"grep", "-q", "^SigBlk:[[:space:]]*0*$", "/proc/self/status"}));
  EXPECT_EQ(wait_for_end(*supervisor), 0);
}

TEST(Supervisor, SaysThatACommandDoesNotExist) {
  auto supervisor = Supervisor::create();
  ASSERT_TRUE(supervisor);
  const auto spawned = supervisor->spawn({"/no/such/command"});
  ASSERT_FALSE(spawned);
  EXPECT_EQ(spawned.error().code, ErrorCode::not_found);
  EXPECT_NE(spawned.error().message.find("/no/such/command"), std::string::npos);
}

TEST(Supervisor, SaysThatAFileCannotBeExecuted) {
  auto supervisor = Supervisor::create();
  ASSERT_TRUE(supervisor);
  const auto spawned = supervisor->spawn({"/etc/passwd"});
  ASSERT_FALSE(spawned);
  EXPECT_EQ(spawned.error().code, ErrorCode::forbidden);
}

TEST(Supervisor, IsAskedToStopWithoutAChild) {
  auto supervisor = Supervisor::create();
  ASSERT_TRUE(supervisor);
  EXPECT_EQ(supervisor->wait(1ms).kind, Kind::nothing);
  kill(getpid(), SIGTERM);
  const auto happening = supervisor->wait(5s);
  EXPECT_EQ(happening.kind, Kind::asked_to_stop);
  EXPECT_EQ(happening.signal, SIGTERM);
}

}  // namespace
}  // namespace choregos::agent
