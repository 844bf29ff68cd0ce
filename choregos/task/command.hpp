// What the ledger is told: by those who hand in work, by agents, by the registry, by operators. Plain values, one each.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/task.hpp"

namespace choregos::task {

// ── From those who hand in work ──────────────────────────────────────────────────────────────────────────────────────────────

/// Take this in. The same key of the same submitter gives the same task again. Errors: invalid, too_large, conflict (the key was
/// used for something else), not_found (parent, team), forbidden (the parent is not in the submitter's hands; a loop or too many
/// hops of delegation, with the chain; over the budget), exhausted (limits::task_*).
struct Submit {
  TaskRequest request;
  Blob payload;
};
/// The disk refused what submitted it: forget it. Error: conflict unless it is still submitted.
struct NotStored { TaskNumber task = 0; };
/// End it, whatever it is doing. A holder is told to stop; what it sends later is refused. Error: conflict (has ended otherwise).
struct Cancel { TaskNumber task = 0; std::string reason; };
/// Try a dead letter again, with all its attempts. Error: conflict unless failed or expired for another reason than its deadline.
struct Retry { TaskNumber task = 0; };
/// Throw an ended task away before its time. Error: conflict unless it has ended.
struct Forget { TaskNumber task = 0; };

// ── From agents. Whoever calls has made sure that the words come from `agent` ────────────────────────────────────────────────

/// The agent's grip on a task: what it was granted. A fence below the task's own is answered with conflict, always.
struct Grip {
  std::string agent;
  TaskNumber task = 0;
  std::uint64_t fence = 0;
};
/// Offers may be made to it until then: `never` while a tether is open, the end of a long poll, the present to stop. Offers and
/// stops that it may have missed are repeated. Error: not_found.
struct Listen {
  std::string agent;
  Instant until;
  std::uint32_t offers_max = 0;  ///< while it listens; 0 = as many as it has slots
};
struct Accept { Grip grip; };
/// Also brings a task back to a holder that was away, if nobody else was granted it (see adopted).
struct Start { Grip grip; };
/// Sign of life of the task itself; starts or adopts it, as Start does.
struct Progress { Grip grip; float share = 0; std::string text; };
/// Counts from any state in which this fence is the newest, as long as the holder did not end the grant itself.
struct Complete { Grip grip; Blob result; };
struct Fail {
  Grip grip;
  std::string error;
  bool retry = true;  ///< false: trying again is no use
  Blob result;
};
/// The agent does not do it. No attempt is used up.
struct Refuse {
  Grip grip;
  std::string reason;
  bool remember = true;        ///< it will not do this kind of task; false: only not now
  Duration rest_for{};         ///< it wants nothing for so long (quota, cool-down)
  bool rest_provider = false;  ///< … nor will anybody who uses the same provider
};
/// It has stopped what it was told to stop; its slot is free again. Never refused.
struct Stopped { Grip grip; };
/// All that it has in hand, said after a start or a new connection. What it should not have, it is told to stop; accepted work that it
/// does not name goes back to the queue.
struct Present { std::string agent; std::vector<std::pair<TaskNumber, std::uint64_t>> tasks; };

// ── From the registry: who is there ──────────────────────────────────────────────────────────────────────────────────────────

/// What is known of an agent; each replaces what was said before.
struct AgentNews {
  std::string id;
  Liveness liveness = Liveness::alive;
  std::uint64_t incarnation = 0;
  Status status = Status::online;         ///< as the agent says
  std::vector<std::string> capabilities;  ///< sorted, distinct
  std::string version;                    ///< of agent and card: a new one forgets what it refused
  std::uint32_t slots = 1;                ///< tasks that it can run at once
  std::vector<std::string> pools;         ///< back ends that it shares with others
  std::string provider;                   ///< whose quota it uses; "" = nobody's
  bool forgotten = false;                 ///< it is off the list
};
/// One agent has a stronger name now; work, holds and memory go along.
struct AgentRenamed { std::string from; std::string into; };

// ── From operators and configuration ─────────────────────────────────────────────────────────────────────────────────────────

/// So many tasks at once on this back end, whoever runs them. 0 = no limit.
struct SetPool { std::string pool; std::uint32_t slots = 0; };
/// Draining may not leave fewer agents in service that have the capability. 0 = no floor.
struct SetFloor { std::string capability; std::uint32_t agents = 0; };
/// No work for an agent, or for all who use a provider, for so long; 0 ends it. Starts are spread at the end.
struct Rest { std::string agent; std::string provider; Duration length{}; std::string reason; };
/// No new work; what it holds it finishes, or with `take_back` hands over at once. All of them or none, unless `staged`: then each waits
/// until its going leaves every floor intact. Errors: not_found; conflict, naming the capability.
struct Drain { std::vector<std::string> agents; bool staged = false; bool take_back = false; };
struct Undrain { std::string agent; };
/// No work until released, whatever the agent says or does. Floors do not hold it up.
struct Quarantine { std::string agent; std::string reason; bool take_back = true; };
struct Release { std::string agent; };
/// Who sits where: `seats[i]` are the members that answer for requirement i. Members work for their team alone. Team tasks of former
/// members stay with them until they end.
struct SetTeam { std::string team; std::vector<std::vector<std::string>> seats; };
/// Its waiting tasks are cancelled; those in work may end.
struct EndTeam { std::string team; };
/// Agents of this version get a share of the tasks, exact by count, until they have failed so often. share 0 ends the trial: they are
/// agents as any other; `stopped` ones get nothing until it is ended.
struct SetTrial { std::string version; std::uint32_t per_mille = 0; std::uint32_t failures_max = 3; };

using Command = std::variant<Submit, NotStored, Cancel, Retry, Forget, Listen, Accept, Start, Progress, Complete, Fail, Refuse, Stopped, Present,
                             AgentNews, AgentRenamed, SetPool, SetFloor, Rest, Drain, Undrain, Quarantine, Release, SetTeam, EndTeam, SetTrial>;

}  // namespace choregos::task
