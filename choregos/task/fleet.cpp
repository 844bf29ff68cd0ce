// What the registry and the team ledger say: who is there, who has which name, who sits where.
#include "choregos/base/limits.hpp"
#include "choregos/task/ledger_impl.hpp"

namespace choregos::task {

AgentEntry* Ledger::Impl::find_agent_entry(std::string_view id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &agents_[found->second];
}

AgentEntry& Ledger::Impl::agent_entry(const std::string& id) {
  if (AgentEntry* known = find_agent_entry(id)) return *known;
  AgentIndex index = static_cast<AgentIndex>(agents_.size());
  if (free_entries_.empty()) {
    agents_.emplace_back();
  } else {
    index = free_entries_.back();
    free_entries_.pop_back();
    agents_[index] = {};
  }
  AgentEntry& agent = agents_[index];
  agent.id = id;
  agent.place.agent = index;
  by_id_.emplace(id, index);
  return agent;
}

void Ledger::Impl::set_capabilities(AgentEntry& agent, const std::vector<std::string>& names) {
  const bool same = names.size() == agent.capabilities.size() && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::any_of(agent.capabilities.begin(), agent.capabilities.end(), [&](const AgentCapability& c) { return c.name == name; });
  });
  if (same) return;
  unplace(agent);
  std::vector<AgentCapability> fresh;
  for (const std::string& name : names) {
    // Those beyond the dictionary are left out: the agent is not found by them.
    const auto id = lanes_.names().acquire(name);
    if (!id) continue;
    if (*id >= agents_with_.size()) agents_with_.resize(*id + 1);
    ++agents_with_[*id];
    fresh.push_back({*id, 0, name});
    for (const AgentCapability& old : agent.capabilities) {
      if (old.name == name) fresh.back().failures = old.failures;
    }
  }
  for (const AgentCapability& old : agent.capabilities) {
    --agents_with_[old.id];
    lanes_.names().release(old.id);
  }
  std::sort(fresh.begin(), fresh.end(), [](const AgentCapability& a, const AgentCapability& b) { return a.id < b.id; });
  agent.capabilities = std::move(fresh);
  agent.capability_ids.clear();
  for (const AgentCapability& c : agent.capabilities) agent.capability_ids.push_back(c.id);
  agent.free = false;  // so that refresh serves it anew
}

void Ledger::Impl::set_pools(AgentEntry& agent, const std::vector<std::string>& names) {
  if (names == agent.pools) return;
  const std::uint32_t used = agent.used();
  const AgentIndex index = index_of(agent);
  std::vector<std::string> touched = agent.pools;
  for (const std::string& name : agent.pools) {
    Pool& pool = pools_[name];
    pool.used -= used;
    std::erase(pool.members, index);
  }
  agent.pools = names;
  for (const std::string& name : names) {
    Pool& pool = pools_[name];
    pool.used += used;
    pool.members.insert(std::lower_bound(pool.members.begin(), pool.members.end(), index), index);
    touched.push_back(name);
  }
  for (const std::string& name : touched) {
    const auto pool = pools_.find(name);
    if (pool == pools_.end()) continue;
    if (pool->second.members.empty() && pool->second.slots == 0) pools_.erase(pool);
    else refresh_pool(pool->second);
  }
}

void Ledger::Impl::drop_everything(AgentEntry& agent) {
  const std::vector<Stopping> stopping = agent.stopping;
  for (const Stopping& s : stopping) end_stopping(agent, s.task, s.fence);
  const std::vector<TaskNumber> held = agent.held;
  for (const TaskNumber number : held) {
    lose(*find_entry(number), TaskCause::lost, "agent " + agent.id + (agent.liveness == Liveness::left ? " left" : " is lost"));
  }
}

void Ledger::Impl::erase_agent(AgentEntry& agent) {
  unplace(agent);
  set_capabilities(agent, {});
  set_pools(agent, {});
  if (agent.drain_waits) --drains_waiting_;
  by_id_.erase(by_id_.find(agent.id));
  const AgentIndex index = index_of(agent);
  out_->agents.push_back(agent.id);
  agent = {};
  free_entries_.push_back(index);
}

void Ledger::Impl::apply_holds(AgentEntry& agent) {
  const auto hold = holds_.find(agent.id);
  if (agent.drain_waits) --drains_waiting_;
  agent.draining = agent.drain_waits = agent.quarantined = false;
  if (hold != holds_.end()) {
    agent.draining = hold->second.draining;
    agent.drain_waits = hold->second.drain_waits;
    agent.quarantined = hold->second.quarantined;
    if (hold->second.rest_until.ms != 0) agent.rest_until = std::max(agent.rest_until, instant_of(hold->second.rest_until));
  }
  if (agent.drain_waits) ++drains_waiting_;
  service_changed_ = true;
}

Result<Answer> Ledger::Impl::on(const AgentNews& news) {
  if (auto ok = check_word(news.id, "id"); !ok) return ok.error();
  if (news.forgotten) {
    AgentEntry* known = find_agent_entry(news.id);
    if (!known) return Answer{};
    known->liveness = Liveness::lost;
    drop_everything(*known);
    service_changed_ = true;
    // Its count of completions stays with its name, in the records.
    if (known->succeeded + known->failed > 0) known->heard = false, refresh(*known);
    else erase_agent(*known);
    return Answer{};
  }
  AgentEntry& agent = agent_entry(news.id);
  const bool first = !agent.heard;
  const bool new_life = !first && agent.incarnation != 0 && news.incarnation > agent.incarnation;
  const bool provider_changed = first || agent.provider != news.provider;
  const Liveness was = agent.liveness;
  agent.heard = true;
  agent.liveness = news.liveness;
  agent.incarnation = std::max(agent.incarnation, news.incarnation);
  agent.declared = news.status;
  if (first || agent.version != news.version) {
    for (Refusal& lifted : refusals_.version_is(news.id, news.version)) {
      record(std::move(lifted));
      agent.free = false;  // serve it anew
    }
  }
  unplace(agent);
  agent.version = news.version;
  agent.slots = std::max(1u, news.slots);
  agent.provider = news.provider;
  set_capabilities(agent, news.capabilities);
  set_pools(agent, news.pools);
  if (first) apply_holds(agent);
  if (provider_changed) {
    const auto rest = provider_rests_.find(agent.provider);
    if (rest != provider_rests_.end() && rest->second.until > now_) {
      agent.rest_until = std::max(agent.rest_until, rest->second.until + Duration{static_cast<std::int64_t>(rng_.below(rest->second.spread.count() + 1))});
    }
  }
  if (agent.is_gone()) {
    drop_everything(agent);
  } else if (agent.liveness == Liveness::suspect && was != Liveness::suspect) {
    const std::vector<TaskNumber> held = agent.held;
    for (const TaskNumber number : held) {
      Entry& entry = *find_entry(number);
      if (entry.task.state == TaskState::offered) {
        hand_back(entry, TaskCause::suspected, "agent " + agent.id + " fell silent before it accepted", false, Duration{0});
      }
    }
  }
  if (new_life && !agent.held.empty() && !agent.is_gone()) {
    agent.adopt_at = now_ + settings_.adopt_within;
    for (const TaskNumber number : agent.held) {
      Entry& entry = *find_entry(number);
      entry.unproven = entry.task.state != TaskState::offered;
    }
  } else if (first) {
    agent.adopt_at = Instant::never();
  }
  service_changed_ = true;
  refresh(agent);
  arm(agent);
  return Answer{};
}

Result<Answer> Ledger::Impl::on(const AgentRenamed& command) {
  if (auto ok = check_word(command.into, "into"); !ok) return ok.error();
  if (command.from == command.into) return Answer{{}, true, {}};
  for (Refusal& row : refusals_.rename(command.from, command.into)) record(std::move(row));
  if (const auto old = holds_.find(command.from); old != holds_.end()) {
    Hold moved = old->second;
    Hold none;
    none.agent = command.from;
    record(none);
    holds_.erase(old);
    moved.agent = command.into;
    const Hold& there = holds_[command.into];
    moved.draining = moved.draining || there.draining;
    moved.quarantined = moved.quarantined || there.quarantined;
    moved.drain_waits = moved.drain_waits || there.drain_waits;
    moved.rest_until = std::max(moved.rest_until, there.rest_until);
    holds_[command.into] = moved;
    record(moved);
  }
  AgentEntry* from = find_agent_entry(command.from);
  if (!from) return Answer{};
  AgentEntry& into = agent_entry(command.into);
  for (auto& [id, team] : teams_) {
    for (auto& seat : team.seats) std::replace(seat.begin(), seat.end(), command.from, command.into);
  }
  into.team = into.team.empty() ? from->team : into.team;
  into.succeeded += from->succeeded;
  into.failed += from->failed;
  const bool counted = from->succeeded + from->failed > 0;
  const std::vector<TaskNumber> held = from->held;
  for (const TaskNumber number : held) {
    Entry& entry = *find_entry(number);
    from->held.erase(std::find(from->held.begin(), from->held.end(), number));
    free_slot(*from);
    entry.holder = index_of(into);
    entry.task.agent = into.id;
    into.held.insert(std::lower_bound(into.held.begin(), into.held.end(), number), number);
    take_slot(into);
    publish(entry, entry.task.state);
    touch(entry);
  }
  const std::vector<Stopping> stopping = from->stopping;
  for (const Stopping& s : stopping) {
    end_stopping(*from, s.task, s.fence);
    into.stopping.push_back(s);
    take_slot(into);
  }
  // Grants that wait in the queue may be taken up under the new name, too.
  for (auto& [number, entry] : tasks_) {
    if (entry.task.state == TaskState::queued && entry.task.agent == command.from) entry.task.agent = command.into, touch(entry), publish(entry, entry.task.state);
  }
  into.listening_until = std::max(into.listening_until, from->listening_until);
  into.offers_left = std::max(into.offers_left, from->offers_left);
  into.rest_until = std::max(into.rest_until, from->rest_until);
  if (from->adopt_at != Instant::never() && !into.heard) into.adopt_at = from->adopt_at;
  if (counted) {
    record(Tally{command.from, 0, 0});
    record(Tally{into.id, into.succeeded, into.failed});
  }
  erase_agent(*from);
  apply_holds(into);
  refresh(into);
  arm(into);
  return Answer{};
}

Result<Answer> Ledger::Impl::on(const SetTeam& command) {
  if (auto ok = check_word(command.team, "team"); !ok) return ok.error();
  Team& team = teams_[command.team];
  std::set<std::string> members, former;
  for (const auto& seat : team.seats) former.insert(seat.begin(), seat.end());
  for (const auto& seat : command.seats) members.insert(seat.begin(), seat.end());
  team.known = true;
  team.seats = command.seats;
  for (const std::string& id : former) {
    AgentEntry* agent = find_agent_entry(id);
    if (!agent || members.contains(id) || agent->team != command.team) continue;
    agent->team.clear();
    agent->free = false;
    refresh(*agent);
  }
  for (const std::string& id : members) {
    AgentEntry& agent = agent_entry(id);
    agent.team = command.team;
    agent.free = false;
    refresh(agent);
  }
  return Answer{};
}

Result<Answer> Ledger::Impl::on(const EndTeam& command) {
  const auto found = teams_.find(command.team);
  if (found == teams_.end()) return Answer{{}, true, {}};
  for (const auto& seat : found->second.seats) {
    for (const std::string& id : seat) {
      AgentEntry* agent = find_agent_entry(id);
      if (!agent || agent->team != command.team) continue;
      agent->team.clear();
      agent->free = false;
      refresh(*agent);
    }
  }
  found->second.seats.clear();
  found->second.known = false;
  const std::set<TaskNumber> tasks = found->second.tasks;
  if (tasks.empty()) teams_.erase(found);
  for (const TaskNumber number : tasks) {
    Entry& entry = *find_entry(number);
    if (next_state(entry.task.state, TaskCause::team_ended)) end(entry, TaskCause::team_ended, "team " + command.team + " ended before it was begun");
  }
  return Answer{};
}

}  // namespace choregos::task
