// What agents say of the work that they were given. The fence decides whether it counts.
#include <cmath>

#include "choregos/base/limits.hpp"
#include "choregos/task/ledger_impl.hpp"

namespace choregos::task {

Result<Ledger::Impl::Held> Ledger::Impl::grip(const Grip& grip) {
  Entry* entry = find_entry(grip.task);
  AgentEntry* agent = find_agent_entry(grip.agent);
  if (!entry) {
    if (agent) end_stopping(*agent, grip.task, grip.fence);
    return fail(ErrorCode::not_found, "there is no " + task_id(grip.task) + "; drop the work");
  }
  if (!agent) return fail(ErrorCode::not_found, "agent '" + grip.agent + "' is not known; register it first");
  const Task& task = entry->task;
  if (grip.fence > task.fence) {
    return fail(ErrorCode::invalid, "fence " + std::to_string(grip.fence) + " of " + task_id(task.number) + " was never granted; the newest is " + std::to_string(task.fence));
  }
  if (grip.fence < task.fence) {
    end_stopping(*agent, grip.task, grip.fence);
    return fail(ErrorCode::conflict, task_id(task.number) + " was granted again since, fence " + std::to_string(task.fence) + " is above " + std::to_string(grip.fence) + "; drop the work");
  }
  if (task.agent != grip.agent || task.fence == 0) return fail(ErrorCode::forbidden, task_id(task.number) + " was not given to agent '" + grip.agent + "'");
  return Held{entry, agent};
}

bool Ledger::Impl::end_stopping(AgentEntry& agent, TaskNumber task, std::uint64_t fence) {
  const auto found = std::find_if(agent.stopping.begin(), agent.stopping.end(), [&](const Stopping& s) { return s.task == task && s.fence == fence; });
  if (found == agent.stopping.end()) return false;
  agent.stopping.erase(found);
  free_slot(agent);
  refresh(agent);
  return true;
}

void Ledger::Impl::accept(Entry& entry, AgentEntry& agent) {
  agent.unanswered = 0;
  entry.accepted_at = entry.said_at = now_;
  entry.unproven = false;
  entry.holder_life = agent.incarnation;
  entry.task.accepted_at = wall_;
  move(entry, TaskCause::accepted);
  arm(entry);
  changed(agent);
}

Result<void> Ledger::Impl::hold_on(Entry& entry, AgentEntry& agent, bool presented) {
  Task& task = entry.task;
  const bool same_life = presented || entry.holder_life == 0 || entry.holder_life == agent.incarnation;
  if (same_life) entry.unproven = false;
  if (task.state == TaskState::offered) accept(entry, agent);
  if (task.state == TaskState::queued) {
    // It was away, nobody else was asked since, and it still has it: then it goes on under the same fence. Not if it was told to stop
    // or said that it has not got it: a word from before that may come late.
    const bool was_away = task.cause == TaskCause::lost && same_life;
    if (!was_away || task.closed_fence >= task.fence || task.accepted_at.ms == 0) {
      end_stopping(agent, task.number, task.fence);
      return fail(ErrorCode::conflict, task_id(task.number) + " is not in your hands any more (" + std::string(to_string(task.cause)) + "); drop the work");
    }
    if (agent.is_gone() || agent.quarantined || agent.draining) {
      end_stopping(agent, task.number, task.fence);
      return fail(ErrorCode::conflict, "agent '" + agent.id + "' gets no work now, so it cannot take up " + task_id(task.number) + " again; drop the work");
    }
    const bool was_stopping = end_stopping(agent, task.number, task.fence);
    bool room = was_stopping || agent.used() < agent.slots;
    for (const std::string& pool : agent.pools) room = room && !pools_[pool].full();
    if (!room) return fail(ErrorCode::conflict, "agent '" + agent.id + "' has other work by now and no slot for " + task_id(task.number) + "; drop the work");
    leave_lane(entry);
    entry.holder = index_of(agent);
    agent.held.insert(std::lower_bound(agent.held.begin(), agent.held.end(), task.number), task.number);
    task.ready_at = {};
    entry.said_at = now_;
    entry.holder_life = agent.incarnation;
    move(entry, TaskCause::adopted);
    take_slot(agent);
    refresh(agent);
    arm(entry);
  }
  if (task.state == TaskState::accepted) move(entry, TaskCause::started);
  if (task.state != TaskState::running) {
    end_stopping(agent, task.number, task.fence);
    return fail(ErrorCode::conflict, task_id(task.number) + " has ended: " + std::string(to_string(task.state)) + "; drop the work");
  }
  return {};
}

void Ledger::Impl::repeat_notices(AgentEntry& agent) {
  for (const TaskNumber number : agent.held) {
    const Entry& entry = *find_entry(number);
    if (entry.task.state == TaskState::offered) notify(NoticeKind::offer, agent, number, entry.task.fence);
  }
  for (const Stopping& s : agent.stopping) notify(NoticeKind::stop, agent, s.task, s.fence);
}

Result<Answer> Ledger::Impl::on(const Listen& command) {
  AgentEntry* agent = find_agent_entry(command.agent);
  if (!agent) return fail(ErrorCode::not_found, "agent '" + command.agent + "' is not known; register it first");
  agent->listening_until = command.until;
  agent->offers_left = command.offers_max == 0 ? std::numeric_limits<std::uint32_t>::max() : command.offers_max;
  if (command.until > now_) repeat_notices(*agent);
  refresh(*agent);
  arm(*agent);
  return Answer{};
}

Result<Answer> Ledger::Impl::on(const Accept& command) {
  auto held = grip(command.grip);
  if (!held) return held.error();
  Entry& entry = *held->entry;
  if (entry.task.state == TaskState::accepted || entry.task.state == TaskState::running) return Answer{entry.image, true, {}};
  if (auto to = next_state(entry.task.state, TaskCause::accepted); !to) {
    end_stopping(*held->agent, command.grip.task, command.grip.fence);
    return fail(ErrorCode::conflict, "the offer of " + task_id(entry.task.number) + " has lapsed: " + to.error().message);
  }
  accept(entry, *held->agent);
  return Answer{entry.image, false, {}};
}

Result<Answer> Ledger::Impl::on(const Start& command) {
  auto held = grip(command.grip);
  if (!held) return held.error();
  const bool repeated = held->entry->task.state == TaskState::running;
  if (auto ok = hold_on(*held->entry, *held->agent); !ok) return ok.error();
  return Answer{held->entry->image, repeated, {}};
}

Result<Answer> Ledger::Impl::on(const Progress& command) {
  if (!(command.share >= 0 && command.share <= 1)) return fail(ErrorCode::invalid, "progress must be 0 to 1");
  if (auto ok = check_text(command.text, "text", limits::text_bytes_max); !ok) return ok.error();
  auto held = grip(command.grip);
  if (!held) return held.error();
  Entry& entry = *held->entry;
  if (auto ok = hold_on(entry, *held->agent); !ok) return ok.error();
  entry.said_at = now_;
  if (entry.task.progress != command.share || entry.task.progress_text != command.text) {
    entry.task.progress = command.share;
    entry.task.progress_text = command.text;
    publish(entry, entry.task.state);
  }
  arm(entry);
  return Answer{entry.image, false, {}};
}

void Ledger::Impl::learn(AgentEntry& agent, Entry& entry, bool success) {
  const Lane& lane = *entry.lane;
  const Duration took = now_ - entry.accepted_at;
  unplace(agent);  // what it stands by is about to change
  for (AgentCapability& c : agent.capabilities) {
    if (!std::binary_search(lane.needs.begin(), lane.needs.end(), c.id)) continue;
    c.failures = success ? 0 : c.failures + 1;
  }
  ++(success ? agent.succeeded : agent.failed);
  if (success && took > Duration{0}) {
    // How long it takes beside others, by kind: a sliding mean over some thirty tasks.
    constexpr double kWeight = 1.0 / 32;
    if (kind_paces_.size() >= limits::capability_dictionary_max && !kind_paces_.contains(lane.kind)) kind_paces_.clear();
    KindPace& usual = kind_paces_[lane.kind];
    const double ln = std::log(static_cast<double>(took.count()));
    ++usual.count;
    usual.mean_ln += (ln - usual.mean_ln) * std::max(kWeight / 8, 1.0 / static_cast<double>(usual.count));
    agent.slowness += (ln - usual.mean_ln - agent.slowness) * kWeight;
  }
  if (trial_.on()) {
    Trial::Side& side = trial_.is_tried(agent.version) ? trial_.tried : trial_.others;
    ++(success ? side.succeeded : side.failed);
    if (success) side.busy += took;
  }
  entry.tally = Tally{agent.id, agent.succeeded, agent.failed};
  refresh(agent);
}

Result<Answer> Ledger::Impl::on(const Complete& command) {
  if (command.result && command.result->size() > limits::task_blob_bytes_max) {
    return fail(ErrorCode::too_large, "the result has " + std::to_string(command.result->size()) + " bytes; at most " +
                                          std::to_string(limits::task_blob_bytes_max) + " are taken: store it elsewhere and send its address");
  }
  auto held = grip(command.grip);
  if (!held) return held.error();
  Entry& entry = *held->entry;
  AgentEntry& agent = *held->agent;
  Task& task = entry.task;
  if (task.state == TaskState::succeeded) return Answer{entry.image, true, {}};
  if (task.state == TaskState::queued && task.closed_fence < task.fence) {
    // Late, but nobody was asked since: the newest fence's work counts, and needs no slot any more.
    end_stopping(agent, task.number, task.fence);
    leave_lane(entry);
    if (task.accepted_at.ms == 0) entry.accepted_at = now_;
    move(entry, TaskCause::adopted);
  } else if (auto ok = hold_on(entry, agent); !ok) {
    return ok.error();
  }
  release(entry, false);
  learn(agent, entry, true);
  task.progress = 1;
  keep_blob(task.result, command.result);
  end(entry, TaskCause::completed, {});
  return Answer{entry.image, false, {}};
}

Result<Answer> Ledger::Impl::on(const Fail& command) {
  if (command.result && command.result->size() > limits::task_blob_bytes_max) {
    return fail(ErrorCode::too_large, "what was left behind has " + std::to_string(command.result->size()) + " bytes; at most " +
                                          std::to_string(limits::task_blob_bytes_max) + " are taken");
  }
  if (auto ok = check_text(command.error, "error", limits::text_bytes_max); !ok) return ok.error();
  auto held = grip(command.grip);
  if (!held) return held.error();
  Entry& entry = *held->entry;
  AgentEntry& agent = *held->agent;
  Task& task = entry.task;
  if (task.closed_fence >= task.fence) return Answer{entry.image, true, {}};
  if (task.state == TaskState::queued) {
    // Taken from it already, and counted as that.
    end_stopping(agent, task.number, task.fence);
    task.closed_fence = task.fence;
    touch(entry);
    publish(entry, task.state);
    return Answer{entry.image, true, {}};
  }
  if (auto ok = hold_on(entry, agent); !ok) return ok.error();
  task.closed_fence = task.fence;
  ++task.attempts;
  const std::string note = command.error.empty() ? "agent " + agent.id + " failed" : command.error;
  if (command.result) keep_blob(task.result, command.result);
  release(entry, false);
  learn(agent, entry, false);
  if (!command.retry) end(entry, TaskCause::failed, note);
  else if (task.attempts >= task.request->attempts_max) end(entry, TaskCause::gave_up, note);
  else hand_back(entry, TaskCause::retrying, note, false, pause_after(entry, task.attempts));
  return Answer{entry.image, false, {}};
}

Result<Answer> Ledger::Impl::on(const Refuse& command) {
  if (auto ok = check_text(command.reason, "reason", limits::text_bytes_max); !ok) return ok.error();
  auto held = grip(command.grip);
  if (!held) return held.error();
  Entry& entry = *held->entry;
  AgentEntry& agent = *held->agent;
  Task& task = entry.task;
  const bool repeated = task.closed_fence >= task.fence;
  if (!repeated && !is_held(task.state) && task.state != TaskState::queued) {
    end_stopping(agent, task.number, task.fence);
    return fail(ErrorCode::conflict, task_id(task.number) + " has ended: " + std::string(to_string(task.state)));
  }
  if (repeated) return Answer{entry.image, true, {}};
  if (command.remember) {
    const Refusal refusal{agent.id, entry.lane->kind, agent.version, false};
    for (Refusal& dropped : refusals_.remember(refusal)) record(std::move(dropped));
    record(refusal);
  }
  if (command.rest_for > Duration{0} && command.rest_provider && !agent.provider.empty()) {
    if (auto ok = rest_provider(agent.provider, command.rest_for, command.reason); !ok) return ok.error();
  } else if (command.rest_for > Duration{0} || !command.remember) {
    // Who cannot do it now is not asked again in the same breath.
    rest_agent(agent, std::max<Duration>(command.rest_for, 1s), command.reason.empty() ? "handed back a task" : command.reason);
  }
  task.closed_fence = task.fence;
  if (task.state == TaskState::queued) {
    end_stopping(agent, task.number, task.fence);
    touch(entry);
    publish(entry, task.state);
    return Answer{entry.image, false, {}};
  }
  const std::string note = "agent " + agent.id + (command.remember ? " does not do this: " : " handed it back: ") + (command.reason.empty() ? "no reason given" : command.reason);
  hand_back(entry, command.remember ? TaskCause::refused : TaskCause::handed_back, note, false, Duration{0});
  return Answer{entry.image, false, {}};
}

Result<Answer> Ledger::Impl::on(const Stopped& command) {
  Entry* entry = find_entry(command.grip.task);
  AgentEntry* agent = find_agent_entry(command.grip.agent);
  Answer answer{entry ? entry->image : nullptr, true, {}};
  if (!agent) return answer;
  if (end_stopping(*agent, command.grip.task, command.grip.fence)) answer.repeated = false;
  if (entry && entry->holder == index_of(*agent) && entry->task.fence == command.grip.fence) {
    entry->task.closed_fence = entry->task.fence;
    hand_back(*entry, TaskCause::handed_back, "agent " + agent->id + " stopped", false, Duration{0});
    answer = {entry->image, false, {}};
  } else if (entry && entry->task.state == TaskState::queued && entry->task.agent == agent->id && entry->task.fence == command.grip.fence &&
             entry->task.closed_fence < entry->task.fence) {
    entry->task.closed_fence = entry->task.fence;
    touch(*entry);
    publish(*entry, entry->task.state);
    answer.task = entry->image;
  }
  return answer;
}

Result<Answer> Ledger::Impl::on(const Present& command) {
  AgentEntry* agent = find_agent_entry(command.agent);
  if (!agent) return fail(ErrorCode::not_found, "agent '" + command.agent + "' is not known; register it first");
  if (command.tasks.size() > limits::list_limit_max) return fail(ErrorCode::too_large, "no agent holds so many tasks");
  std::vector<TaskNumber> named;
  for (const auto& [number, fence] : command.tasks) {
    auto held = grip({command.agent, number, fence});
    if (held && hold_on(*held->entry, *held->agent, true)) {
      held->entry->said_at = now_;
      arm(*held->entry);
      named.push_back(number);
    } else {
      notify(NoticeKind::stop, *agent, number, fence);
    }
  }
  const std::vector<TaskNumber> held = agent->held;
  for (const TaskNumber number : held) {
    Entry& entry = *find_entry(number);
    if (entry.task.state == TaskState::offered || std::find(named.begin(), named.end(), number) != named.end()) continue;
    lose(entry, TaskCause::abandoned, "agent " + agent->id + " does not have it any more");
  }
  // What it was told to stop and does not name, it has stopped.
  const std::vector<Stopping> stopping = agent->stopping;
  for (const Stopping& s : stopping) {
    if (std::find(command.tasks.begin(), command.tasks.end(), std::pair{s.task, s.fence}) == command.tasks.end()) end_stopping(*agent, s.task, s.fence);
  }
  return Answer{};
}

}  // namespace choregos::task
