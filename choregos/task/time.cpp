// Deadlines of tasks and agents.
#include "choregos/task/ledger_impl.hpp"

namespace choregos::task {
namespace {

constexpr std::uint8_t kAgedMax = kTaskPriorityMax - 1;  ///< age never reaches the highest priority

}  // namespace

std::uint8_t Ledger::Impl::behind(const Entry& entry) const {
  std::int64_t priority = entry.task.request->priority;
  if (priority < kAgedMax && settings_.age_step > Duration{0} && now_ > entry.since) {
    priority = std::min<std::int64_t>(kAgedMax, priority + (now_ - entry.since) / settings_.age_step);
  }
  return static_cast<std::uint8_t>(kTaskPriorityMax - priority);
}

void Ledger::Impl::arm(Entry& entry) {
  const TaskRequest& request = *entry.task.request;
  Instant at = entry.deadline;
  switch (entry.task.state) {
    case TaskState::submitted: break;
    case TaskState::queued: at = std::min(at, entry.in_lane ? entry.age_at : entry.ready); break;
    case TaskState::offered: at = std::min(at, entry.offer_until); break;
    case TaskState::accepted:
    case TaskState::running:
      if (request.run_max > Duration{0}) at = std::min(at, entry.accepted_at + request.run_max);
      if (request.progress_within > Duration{0}) at = std::min(at, entry.said_at + request.progress_within);
      break;
    default: at = entry.forget_at; break;
  }
  task_wakes_.arm(entry.task.number, entry.armed, at);
}

void Ledger::Impl::act(Entry& entry) {
  const TaskRequest& request = *entry.task.request;
  if (has_ended(entry.task.state)) {
    if (entry.forget_at <= now_) return forget(entry);
    return arm(entry);
  }
  if (entry.deadline <= now_) {
    end(entry, TaskCause::deadline, "its deadline passed while it was " + std::string(to_string(entry.task.state)));
    return;
  }
  switch (entry.task.state) {
    case TaskState::queued:
      if (!entry.in_lane && entry.ready <= now_) {
        enqueue(entry);
      } else if (entry.in_lane && entry.age_at <= now_) {
        leave_lane(entry);
        enqueue(entry);
      }
      break;
    case TaskState::offered:
      if (entry.offer_until <= now_) {
        AgentEntry& agent = agents_[entry.holder];
        const Duration rest = std::min(settings_.unanswered_rest_max, settings_.unanswered_rest * (1 << std::min(agent.unanswered, 16u)));
        ++agent.unanswered;
        agent.ignored_until = now_ + rest;
        arm(agent);
        hand_back(entry, TaskCause::unanswered, "agent " + agent.id + " did not answer the offer", false, Duration{0});
      }
      break;
    case TaskState::accepted:
    case TaskState::running:
      if (request.run_max > Duration{0} && entry.accepted_at + request.run_max <= now_) {
        overdue(entry, TaskCause::overran, "ran longer than " + format_duration(request.run_max) + " on agent " + entry.task.agent);
      } else if (request.progress_within > Duration{0} && entry.said_at + request.progress_within <= now_) {
        overdue(entry, TaskCause::stalled, "agent " + entry.task.agent + " said nothing of it for " + format_duration(request.progress_within));
      }
      break;
    default: break;
  }
  arm(entry);
}

void Ledger::Impl::arm(AgentEntry& agent) {
  Instant at = agent.adopt_at;
  const auto in_future = [&](Instant t) {
    if (t > now_) at = std::min(at, t);
  };
  in_future(agent.listening_until);
  in_future(agent.rest_until);
  in_future(agent.ignored_until);
  for (const Stopping& s : agent.stopping) at = std::min(at, s.until);
  if (!agent.disagrees && agent.disagrees_since != Instant::never()) at = std::min(at, agent.disagrees_since + settings_.disagree_after);
  agent_wakes_.arm(index_of(agent), agent.armed, at);
}

void Ledger::Impl::act(AgentEntry& agent) {
  std::vector<Stopping> over;
  for (const Stopping& s : agent.stopping) {
    if (s.until <= now_) over.push_back(s);
  }
  for (const Stopping& s : over) end_stopping(agent, s.task, s.fence);
  if (agent.adopt_at <= now_) {
    agent.adopt_at = Instant::never();
    const std::vector<TaskNumber> held = agent.held;
    for (const TaskNumber number : held) {
      Entry& entry = *find_entry(number);
      if (!agent.heard) {
        lose(entry, TaskCause::lost, "agent " + agent.id + " was not heard of since the restart");
      } else if (entry.unproven && entry.task.state != TaskState::offered) {
        lose(entry, TaskCause::abandoned, "agent " + agent.id + " started anew and does not have it");
      }
    }
  }
  if (!agent.disagrees && agent.disagrees_since != Instant::never() && agent.disagrees_since + settings_.disagree_after <= now_) {
    agent.disagrees = true;
    ++agent.disagreements;
    changed(agent);
  }
  const auto hold = holds_.find(agent.id);
  if (hold != holds_.end() && hold->second.rest_until.ms != 0 && agent.rest_until <= now_) {
    hold->second.rest_until = {};
    keep_hold(Hold(hold->second));
  }
  service_changed_ = true;
  refresh(agent);
  arm(agent);
}

void Ledger::Impl::tick(Instant now, WallTime wall_now, Output& out) {
  begin(now, wall_now, out);
  for (bool more = true; more;) {
    more = false;
    while (!task_wakes_.empty() && task_wakes_.top().first <= now_) {
      const auto [at, number] = task_wakes_.top();
      task_wakes_.pop();
      Entry* entry = find_entry(number);
      if (!entry || entry->armed != at) continue;
      entry->armed = Instant::never();
      act(*entry);
      more = true;
    }
    while (!agent_wakes_.empty() && agent_wakes_.top().first <= now_) {
      const auto [at, index] = agent_wakes_.top();
      agent_wakes_.pop();
      AgentEntry& agent = agents_[index];
      if (agent.id.empty() || agent.armed != at) continue;
      agent.armed = Instant::never();
      act(agent);
      more = true;
    }
  }
  for (auto it = provider_rests_.begin(); it != provider_rests_.end();) {
    if (it->second.until > now_) {
      ++it;
      continue;
    }
    const auto hold = provider_holds_.find(it->first);
    if (hold != provider_holds_.end()) {
      hold->second.rest_until = {};
      record(hold->second);
      provider_holds_.erase(hold);
    }
    it = provider_rests_.erase(it);
  }
  finish();
}

Instant Ledger::Impl::next_deadline() const {
  Instant at = Instant::never();
  if (!task_wakes_.empty()) at = task_wakes_.top().first;
  if (!agent_wakes_.empty()) at = std::min(at, agent_wakes_.top().first);
  for (const auto& [provider, rest] : provider_rests_) at = std::min(at, rest.until);
  return at;
}

}  // namespace choregos::task
