// The life of a task as one table: from which state, by which cause, to which. Nothing else moves a task.
//
//   submitted ─stored→ queued ─granted→ offered ─accepted→ accepted ─started→ running ─completed→ succeeded
//                        ▲                 │                  │                  │
//                        └── refused, unanswered, lost, … ────┴──────────────────┘
#pragma once

#include <span>

#include "choregos/base/result.hpp"
#include "choregos/model/task.hpp"

namespace choregos::task {

struct Edge {
  TaskState from;
  TaskCause cause;
  TaskState to;
};
/// Every legal move; a state and a cause stand in it once at most.
std::span<const Edge> edges();

/// Where the cause leads from this state. Error: conflict; the message says what would be legal.
Result<TaskState> next_state(TaskState from, TaskCause cause);

}  // namespace choregos::task
