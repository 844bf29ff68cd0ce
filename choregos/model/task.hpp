// A task: work that somebody handed in, and how far it got. Plain values and the check of their bounds; who may move a task from
// one state to another stands in task/states.hpp, who does in task/ledger.hpp. docs/TASKS.md tells the promises.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"

namespace choregos {

/// Names a task for as long as choregos lives: numbers rise and are never used twice. People see "task-17".
using TaskNumber = std::uint64_t;
std::string task_id(TaskNumber number);
std::optional<TaskNumber> parse_task_id(std::string_view id);

/// Bytes that are never changed: a payload or a result, shared by all images of one task. Null = none.
using Blob = std::shared_ptr<const std::string>;

enum class TaskState : std::uint8_t {
  submitted,  ///< taken in, not yet on disk: nobody is told of it
  queued,     ///< waits for an agent with a free slot, or for the end of a pause between attempts
  offered,    ///< one agent was asked to do it
  accepted,   ///< that agent said yes
  running,    ///< … and works
  succeeded,
  failed,     ///< for good; a dead letter until somebody retries it or it is forgotten
  cancelled,
  expired,    ///< its deadline passed first
};
inline constexpr std::size_t kTaskStateCount = 9;
std::string_view to_string(TaskState state);
std::optional<TaskState> parse_task_state(std::string_view word);
constexpr bool has_ended(TaskState s) { return s >= TaskState::succeeded; }
/// Whether some agent has it in hand.
constexpr bool is_held(TaskState s) { return s == TaskState::offered || s == TaskState::accepted || s == TaskState::running; }

/// Why a task moved from one state to the next. task/states.hpp has the table of who may follow whom.
enum class TaskCause : std::uint8_t {
  submitted,    ///< the beginning
  stored,       ///< it is on disk
  not_stored,   ///< the disk refused; as if it had never been submitted
  granted,      ///< an agent has a free slot
  accepted,
  started,
  completed,
  refused,      ///< the agent will not do this kind of task
  handed_back,  ///< the agent cannot go on now: it rests, or stops
  unanswered,   ///< no word to the offer in time
  suspected,    ///< the agent fell silent before it accepted
  lost,         ///< the agent that held it is lost or left
  abandoned,    ///< the agent lives and does not have it any more
  overran,      ///< longer than TaskRequest::run_max
  stalled,      ///< no progress within TaskRequest::progress_within
  taken_back,   ///< the agent is drained or quarantined
  adopted,      ///< its last holder was away, comes back and still has it, and nobody else does
  retrying,     ///< the agent failed; there are attempts left
  failed,       ///< the agent failed and said that trying again is no use
  gave_up,      ///< no attempts left
  cancelled,
  team_ended,
  deadline,
  retried,      ///< somebody wants a dead letter tried again
};
inline constexpr std::size_t kTaskCauseCount = 24;
std::string_view to_string(TaskCause cause);
std::optional<TaskCause> parse_task_cause(std::string_view word);

inline constexpr std::uint8_t kTaskPriorityMax = 9;

/// What is to be done, as the one who submits it says it. Fixed from then on.
struct TaskRequest {
  std::string key;                        ///< Idempotency-Key, within one submitter; "" = none
  std::string submitter;                  ///< who is behind it, as authenticated; an agent's id when it delegates
  std::string kind;                       ///< the class of the task ("review:2"): agents refuse kinds, not single tasks; "" = its capabilities
  std::vector<std::string> capabilities;  ///< all of them, of one agent; sorted, distinct; {} = anyone
  std::string agent;                      ///< only this one; "" = any
  std::string team;                       ///< only its members; "" = none
  std::optional<std::uint32_t> seat;      ///< of the team: index of a requirement; unset = any member
  std::optional<TaskNumber> parent;       ///< the task in whose name the submitter delegates; it must hold it
  std::string content_type;               ///< of the payload
  std::uint8_t priority = 4;              ///< 0 to 9, the higher goes first
  WallTime deadline;                      ///< it must have ended by then; 0 = none
  Duration delay{};                       ///< not before this long after submission
  std::uint32_t attempts_max = 3;         ///< failures told by agents before it is a dead letter
  std::uint32_t losses_max = 5;           ///< holders lost with it in hand before it is one: it may be what kills them
  Duration backoff_first = 1s;            ///< the pause after the first failure; doubles
  Duration backoff_max = 5min;
  Duration run_max{};                     ///< of one attempt, from acceptance; 0 = no limit
  Duration progress_within{};             ///< a holder must say something this often; 0 = its life is enough
  Duration keep_for = 24h;                ///< how long the result is kept after the end
  std::uint64_t budget = 0;               ///< what it and all that it delegates may cost, in units of the submitter's; 0 = no cap

  bool operator==(const TaskRequest&) const = default;
};
using TaskRequestPtr = std::shared_ptr<const TaskRequest>;

/// Bounds and words of everything in it. Errors: invalid, too_large; the message names the field.
Result<void> check(const TaskRequest& request);

/// The image of a task after some change; also its durable form: a store that keeps the newest image of each task has everything.
struct Task {
  TaskNumber number = 0;
  TaskRequestPtr request;
  Blob payload;                        ///< null once succeeded or cancelled
  std::uint64_t payload_hash = 0;      ///< tells whether a repeated submission is the same; 0 without a key
  Blob result;                         ///< of success; or what a failing agent left behind
  TaskState state = TaskState::submitted;
  TaskCause cause = TaskCause::submitted;  ///< of the last move
  std::string agent;                   ///< who holds it, or held it last
  std::uint64_t fence = 0;             ///< of the last grant; rises by one at each; 0 = never granted
  std::uint32_t attempts = 0;          ///< failures told by agents
  std::uint32_t losses = 0;            ///< holders lost
  std::uint64_t closed_fence = 0;      ///< the fence up to which the holder itself ended the grant (failed, refused, handed back)
  std::vector<std::string> ancestry;   ///< the agents that delegated, the first one first
  std::uint64_t budget_left = 0;       ///< of request->budget, after what was passed on
  std::string note;                    ///< for people: the last error, reason of a refusal, …
  float progress = 0;                  ///< 0 to 1 as told; not durable
  std::string progress_text;           ///< not durable
  WallTime submitted_at;
  WallTime changed_at;                 ///< of the last move
  WallTime ready_at;                   ///< not offered before; 0 = at once
  WallTime accepted_at;                ///< of the current attempt; 0 = not accepted
  WallTime forget_at;                  ///< set when it has ended

  bool operator==(const Task&) const = default;
};
using TaskPtr = std::shared_ptr<const Task>;

/// One step. Replaying changes over the tasks of a revision gives those of a later one.
struct TaskChange {
  std::uint64_t revision = 0;  ///< of the ledger; rises by one
  TaskState from = TaskState::submitted;  ///< equal to the task's own: no move, but progress or what is left of its budget
  TaskPtr task;                ///< after the step; task->cause says why
  bool forgotten = false;      ///< it left the ledger; `task` is its last form
};

}  // namespace choregos
