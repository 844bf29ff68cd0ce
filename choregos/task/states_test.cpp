#include "choregos/task/states.hpp"

#include <gtest/gtest.h>

#include <set>

namespace choregos::task {
namespace {

TEST(States, EachStateAndCauseLeadToOnePlace) {
  std::set<std::pair<TaskState, TaskCause>> seen;
  for (const Edge& e : edges()) {
    EXPECT_TRUE(seen.emplace(e.from, e.cause).second) << to_string(e.from) << " " << to_string(e.cause);
    EXPECT_EQ(*next_state(e.from, e.cause), e.to);
  }
}

TEST(States, EverythingThatHasNotEndedCanEnd) {
  for (int s = 0; s < static_cast<int>(TaskState::succeeded); ++s) {
    EXPECT_EQ(*next_state(static_cast<TaskState>(s), TaskCause::cancelled), TaskState::cancelled);
    EXPECT_EQ(*next_state(static_cast<TaskState>(s), TaskCause::deadline), TaskState::expired);
  }
}

TEST(States, OnlyAPersonWakesTheDead) {
  for (const Edge& e : edges()) {
    if (has_ended(e.from)) { EXPECT_EQ(e.cause, TaskCause::retried); }
  }
}

TEST(States, ARefusalSaysWhatWouldBeLegal) {
  const auto to = next_state(TaskState::offered, TaskCause::completed);
  ASSERT_FALSE(to);
  EXPECT_EQ(to.error().code, ErrorCode::conflict);
  EXPECT_EQ(to.error().message, "the task is offered, so it cannot be completed; it can be accepted, refused, handed_back, unanswered, suspected, lost, taken_back, cancelled, team_ended, deadline");
  EXPECT_EQ(next_state(TaskState::succeeded, TaskCause::cancelled).error().message, "the task is succeeded, so it cannot be cancelled; this is its end");
}

TEST(States, WordsAreReadBack) {
  for (std::size_t i = 0; i < kTaskStateCount; ++i) EXPECT_EQ(parse_task_state(to_string(static_cast<TaskState>(i))), static_cast<TaskState>(i));
  for (std::size_t i = 0; i < kTaskCauseCount; ++i) EXPECT_EQ(parse_task_cause(to_string(static_cast<TaskCause>(i))), static_cast<TaskCause>(i));
  EXPECT_EQ(parse_task_id(task_id(17)), 17u);
  for (const char* wrong : {"task-", "task-01", "task-x", "17", "task-1x", "task-99999999999999999999"}) EXPECT_FALSE(parse_task_id(wrong)) << wrong;
}

}  // namespace
}  // namespace choregos::task
