// The ledger of tasks: commands in; records, changes and notices out. Pure: owns no clock, thread, socket, random device or log. One
// owner calls it, times never fall from call to call, and the same calls give the same results on every machine.
//
// Promises (docs/TASKS.md says them in plain words):
// - A task that was acknowledged ends in exactly one end state, once, whatever agents and we ourselves do in between.
// - Each grant of a task has a higher fence than the one before, and only the newest fence is listened to.
// - Work waits here and is bound to an agent when that one has a free slot; highest priority first, then nearest deadline, then age. Who
//   has waited LedgerSettings::age_step rises by one priority, so nothing starves.
// - Neither an agent nor a pool ever holds more tasks than it has slots. A holder that was told to stop counts until it has.
//
// The owner's part:
// - Nothing leaves before it is on disk: of every answer, good or bad, and every notice, all records up to its `sequence` are stored
//   first. Then the owner says `stored`. When storing a submission fails for good, it says NotStored and answers with an error.
// - The registry's news, pools, floors, teams and trials are told again after a restart; tasks, refusals, holds and tallies come back by
//   restore().
//
// Cost: submit, offer, answer each O(log n) in the tasks that wait, times the capabilities of one agent; a pool that gets or loses its
// last free slot costs its members; one task for several capabilities looks through the free agents of the rarest.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/task.hpp"
#include "choregos/task/command.hpp"
#include "choregos/task/record.hpp"
#include "choregos/task/trial.hpp"

namespace choregos::task {

struct LedgerSettings {
  Duration offer_for = 5s;          ///< an offer without an answer is withdrawn after this …
  Duration unanswered_rest = 1s;    ///< … and the agent is left alone, doubling each time up to unanswered_rest_max
  Duration unanswered_rest_max = 60s;
  Duration stop_grace = 30s;        ///< a holder told to stop that says nothing is taken to have stopped
  Duration adopt_within = 10s;      ///< a new incarnation must present or name what its last life accepted
  Duration restart_grace = 60s;     ///< after our own restart a holder must be heard of by the registry
  Duration age_step = 10min;        ///< waiting this long is worth one priority, up to 8: a 9 is never overtaken
  Duration disagree_after = 5s;     ///< declared and derived status must differ this long to be shown
  double retry_jitter = 0.2;        ///< share by which pauses between attempts vary
  double wake_spread = 0.1;         ///< those who rested together start again over this share of the rest, 1 to 30 s
  std::uint32_t hops_max = 5;       ///< of delegation
  std::uint32_t failing_after = 3;  ///< failures in a row with a capability: placed last for it until a success
  std::uint64_t seed = 0;           ///< of the jitter
};

/// Beyond the three words of Status; what an agent's own word cannot say.
enum class Availability : std::uint8_t { available, suspect, lost, draining, resting, quarantined };
std::string_view to_string(Availability availability);

/// An agent as the ledger sees it.
struct AgentView {
  std::string id;
  Status status = Status::online;      ///< derived: working = has work in hand, idle = is free and would take some, online = neither
  Status declared = Status::online;    ///< its own word
  bool disagrees = false;              ///< and it contradicts the above for a while
  std::uint64_t disagreements = 0;     ///< how often that began
  Availability availability = Availability::available;
  Instant until;                       ///< of a rest; never() otherwise
  std::string reason;                  ///< of what is not available
  bool drain_waits = false;            ///< it is to be drained when the floors allow
  std::uint32_t slots = 0;
  std::uint32_t slots_used = 0;        ///< leases, those being stopped included
  std::vector<TaskNumber> tasks;       ///< in hand; rising
  std::uint64_t succeeded = 0;         ///< tasks truly completed
  std::uint64_t failed = 0;
};

enum class NoticeKind : std::uint8_t { offer, stop };
/// Word to an agent. May be repeated: the pair of task and fence says whether it is the same.
struct Notice {
  NoticeKind kind = NoticeKind::offer;
  std::string agent;
  TaskNumber task = 0;
  std::uint64_t fence = 0;
  TaskPtr image;               ///< of the task at the offer; for a stop as it is now, null when it is forgotten
  std::uint64_t sequence = 0;  ///< to be sent when this is stored
};

/// Everything that a call brought about, appended in order.
struct Output {
  std::vector<Record> records;
  std::vector<TaskChange> changes;
  std::vector<Notice> notices;
  std::vector<std::string> agents;  ///< whose view has changed
  void clear() { records.clear(), changes.clear(), notices.clear(), agents.clear(); }
};

struct Answer {
  TaskPtr task;                ///< after the command; null for commands that name none
  bool repeated = false;       ///< it was done before; nothing changed
  std::vector<std::string> waiting;  ///< of a staged drain: those whose turn has not come
};

struct LaneView {
  std::string label;           ///< "go + git, kind review"
  std::uint64_t waiting = 0;
  TaskNumber first = 0;        ///< the next to be offered
};

struct Counts {
  std::uint64_t by_state[kTaskStateCount] = {};
  std::uint64_t bytes = 0;     ///< of payloads and results
};

class Ledger {
 public:
  explicit Ledger(LedgerSettings settings);
  ~Ledger();
  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;

  /// Does what is asked, or says why not; `out` grows either way (a refused answer may free a slot). Errors stand at each command;
  /// those of Grip: not_found, forbidden (another's task), conflict (overtaken, ended, or not legal in this state).
  Result<Answer> apply(const Command& command, Instant now, WallTime wall_now, Output& out);
  /// Acts on every deadline up to `now`.
  void tick(Instant now, WallTime wall_now, Output& out);
  /// When tick has something to do next, or a little before; never() when nothing waits.
  Instant next_deadline() const;
  /// All records up to this one are on disk: what was submitted with them may be offered.
  void stored(std::uint64_t sequence, Instant now, WallTime wall_now, Output& out);
  /// Of the last record made; 0 = none yet.
  std::uint64_t sequence() const;

  /// Puts back what was stored, in order, into a new ledger. Held tasks stay with their holders, under the same fence. `sequence` goes on
  /// behind the last record. Error: invalid (names the record).
  Result<void> restore(const std::vector<Record>& records, Instant now, WallTime wall_now);

  /// Null when unknown or forgotten.
  TaskPtr find(TaskNumber number) const;
  /// In order of numbers; costs all tasks.
  void for_each(const std::function<void(const TaskPtr&)>& visit) const;
  /// Failed for good or expired; newest first, at most so many.
  std::vector<TaskPtr> dead_letters(std::size_t limit) const;
  std::optional<AgentView> agent(std::string_view id) const;
  std::vector<AgentView> agents() const;  ///< in natural order
  std::vector<LaneView> lanes() const;    ///< those in which something waits; by label
  Counts counts() const;
  /// How the version under trial does beside the others.
  const Trial& trial() const;
  std::uint64_t revision() const;
  std::size_t size() const;
  /// Why a task is not being worked on, for people; costs all agents. Empty when somebody holds it or it has ended.
  std::string why_waiting(TaskNumber number) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace choregos::task
