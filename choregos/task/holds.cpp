// What keeps work from agents: pools, rests, drains with their floors, quarantine, trials.
#include "choregos/base/limits.hpp"
#include "choregos/task/ledger_impl.hpp"

namespace choregos::task {

Result<Answer> Ledger::Impl::on(const SetPool& command) {
  if (auto ok = check_word(command.pool, "pool"); !ok) return ok.error();
  Pool& pool = pools_[command.pool];
  pool.slots = command.slots;
  if (pool.members.empty() && pool.slots == 0) pools_.erase(command.pool);
  else refresh_pool(pool);
  return Answer{};
}

Result<Answer> Ledger::Impl::on(const SetFloor& command) {
  if (auto ok = check_word(command.capability, "capability"); !ok) return ok.error();
  if (command.agents == 0) floors_.erase(command.capability);
  else if (floors_.size() < limits::capability_dictionary_max || floors_.contains(command.capability)) floors_[command.capability] = command.agents;
  else return fail(ErrorCode::exhausted, "no more than " + std::to_string(limits::capability_dictionary_max) + " floors can be set");
  service_changed_ = true;
  return Answer{};
}

Result<Answer> Ledger::Impl::on(const SetTrial& command) {
  if (command.per_mille > 1000) return fail(ErrorCode::invalid, "per_mille is " + std::to_string(command.per_mille) + "; it may be 0 to 1000");
  if (command.per_mille != 0 && command.failures_max == 0) return fail(ErrorCode::invalid, "failures_max must be at least 1: so many failures stop the trial");
  trial_ = {};
  trial_.version = command.version;
  trial_.per_mille = command.per_mille;
  trial_.failures_max = command.failures_max;
  for (AgentEntry& agent : agents_) {
    if (agent.id.empty()) continue;
    agent.free = false;
    refresh(agent);
  }
  return Answer{};
}

// ── Rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

Result<Hold*> Ledger::Impl::hold_of_agent(const std::string& id) {
  if (auto ok = check_word(id, "agent"); !ok) return ok.error();
  if (!holds_.contains(id) && holds_.size() >= limits::task_hold_count_max) {
    return fail(ErrorCode::exhausted, std::to_string(holds_.size()) + " agents are held back already; release some first");
  }
  Hold& hold = holds_[id];
  hold.agent = id;
  return &hold;
}

void Ledger::Impl::keep_hold(const Hold& hold) {
  record(hold);
  if (hold.empty()) holds_.erase(hold.agent);
  if (AgentEntry* agent = find_agent_entry(hold.agent)) {
    apply_holds(*agent);
    refresh(*agent);
    arm(*agent);
  }
}

void Ledger::Impl::rest_agent(AgentEntry& agent, Duration length, const std::string& reason) {
  auto hold = hold_of_agent(agent.id);
  if (!hold) return;  // it works on; a table full of holds must not fail its answer
  agent.rest_until = now_ + length;
  Hold changed = **hold;
  changed.rest_until = length > Duration{0} ? wall_of(agent.rest_until) : WallTime{};
  if (length > Duration{0}) changed.reason = reason;
  holds_[agent.id] = changed;
  keep_hold(changed);
}

Result<void> Ledger::Impl::rest_provider(const std::string& provider, Duration length, const std::string& reason) {
  if (auto ok = check_word(provider, "provider"); !ok) return ok;
  if (!provider_holds_.contains(provider) && provider_holds_.size() >= limits::task_hold_count_max) {
    return fail(ErrorCode::exhausted, std::to_string(provider_holds_.size()) + " providers rest already");
  }
  const Instant until = now_ + length;
  const Duration spread = std::clamp<Duration>(Duration{static_cast<std::int64_t>(static_cast<double>(length.count()) * settings_.wake_spread)}, 1s, 30s);
  Hold hold;
  hold.provider = provider;
  hold.reason = reason;
  if (length > Duration{0}) hold.rest_until = wall_of(until);
  record(hold);
  if (length > Duration{0}) {
    provider_holds_[provider] = hold;
    provider_rests_[provider] = {until, spread};
  } else {
    provider_holds_.erase(provider);
    provider_rests_.erase(provider);
  }
  for (AgentEntry& agent : agents_) {
    if (agent.id.empty() || agent.provider != provider) continue;
    // Not all in one instant, or their first requests end the quota again.
    const Duration extra = length > Duration{0} ? Duration{static_cast<std::int64_t>(rng_.below(spread.count() + 1))} : Duration{0};
    agent.rest_until = length > Duration{0} ? std::max(agent.rest_until, until + extra) : now_;
    service_changed_ = true;
    refresh(agent);
    arm(agent);
  }
  return {};
}

Result<Answer> Ledger::Impl::on(const Rest& command) {
  if (command.agent.empty() == command.provider.empty()) return fail(ErrorCode::invalid, "a rest is of an agent or of a provider; give one of them");
  if (command.length < Duration{0}) return fail(ErrorCode::invalid, "a rest cannot be negative; 0 ends it");
  if (auto ok = check_text(command.reason, "reason", limits::text_bytes_max); !ok) return ok.error();
  if (!command.provider.empty()) {
    if (auto ok = rest_provider(command.provider, command.length, command.reason); !ok) return ok.error();
    return Answer{};
  }
  AgentEntry* agent = find_agent_entry(command.agent);
  if (!agent) return fail(ErrorCode::not_found, "agent '" + command.agent + "' is not known");
  rest_agent(*agent, command.length, command.reason);
  return Answer{};
}

// ── Drain ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

bool Ledger::Impl::in_service(const AgentEntry& agent) const {
  return !agent.id.empty() && agent.liveness == Liveness::alive && !agent.draining && !agent.quarantined && agent.rest_until <= now_;
}

std::string Ledger::Impl::broken_floor(const std::vector<std::string>& going) const {
  for (const auto& [capability, floor] : floors_) {
    std::uint32_t stay = 0, go = 0;
    for (const AgentEntry& agent : agents_) {
      if (!in_service(agent)) continue;
      const bool has = std::any_of(agent.capabilities.begin(), agent.capabilities.end(), [&](const AgentCapability& c) { return c.name == capability; });
      if (!has) continue;
      ++(std::find(going.begin(), going.end(), agent.id) == going.end() ? stay : go);
    }
    if (go > 0 && stay < floor) return capability + " would be left to " + std::to_string(stay) + " agents, and " + std::to_string(floor) + " are to stay";
  }
  return {};
}

void Ledger::Impl::take_back(AgentEntry& agent, bool for_drain) {
  const std::vector<TaskNumber> held = agent.held;
  for (const TaskNumber number : held) {
    Entry& entry = *find_entry(number);
    const bool at_work = entry.task.state != TaskState::offered;
    // A task that one drain has moved is left to finish by the next.
    if (for_drain && at_work && entry.moved_by_drain) continue;
    if (for_drain && at_work) entry.moved_by_drain = true;
    hand_back(entry, TaskCause::taken_back, "taken back from agent " + agent.id + (for_drain ? ", which is drained" : ", which is quarantined"), at_work, Duration{0});
  }
}

void Ledger::Impl::start_drain(AgentEntry& agent) {
  Hold& hold = holds_[agent.id];
  hold.agent = agent.id;
  hold.draining = true;
  hold.drain_waits = false;
  keep_hold(Hold(hold));
  if (hold.take_back) {
    take_back(agent, true);
  } else {
    const std::vector<TaskNumber> held = agent.held;
    for (const TaskNumber number : held) {
      Entry& entry = *find_entry(number);
      if (entry.task.state == TaskState::offered) hand_back(entry, TaskCause::taken_back, "agent " + agent.id + " is drained", false, Duration{0});
    }
  }
}

void Ledger::Impl::advance_drains() {
  std::vector<std::string> waiting;
  for (const auto& [id, hold] : holds_) {
    if (hold.drain_waits) waiting.push_back(id);
  }
  for (const std::string& id : waiting) {
    AgentEntry* agent = find_agent_entry(id);
    if (agent && broken_floor({id}).empty()) start_drain(*agent);
  }
}

Result<Answer> Ledger::Impl::on(const Drain& command) {
  if (command.agents.empty()) return fail(ErrorCode::invalid, "name at least one agent to drain");
  for (const std::string& id : command.agents) {
    if (!find_agent_entry(id)) return fail(ErrorCode::not_found, "agent '" + id + "' is not known");
  }
  if (!command.staged) {
    if (const std::string broken = broken_floor(command.agents); !broken.empty()) {
      return fail(ErrorCode::conflict, broken + "; drain fewer at once, or staged");
    }
  }
  Answer answer;
  for (const std::string& id : command.agents) {
    auto hold = hold_of_agent(id);
    if (!hold) return hold.error();
    AgentEntry& agent = *find_agent_entry(id);
    if (agent.draining) continue;
    (*hold)->take_back = command.take_back;
    if (!command.staged || broken_floor({id}).empty()) {
      start_drain(agent);
    } else {
      (*hold)->drain_waits = true;
      keep_hold(Hold(**hold));
      answer.waiting.push_back(id);
    }
  }
  return answer;
}

Result<Answer> Ledger::Impl::on(const Undrain& command) {
  const auto found = holds_.find(command.agent);
  if (found == holds_.end() || !(found->second.draining || found->second.drain_waits)) return Answer{{}, true, {}};
  found->second.draining = found->second.drain_waits = found->second.take_back = false;
  keep_hold(Hold(found->second));
  return Answer{};
}

// ── Quarantine ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

Result<Answer> Ledger::Impl::on(const Quarantine& command) {
  if (auto ok = check_text(command.reason, "reason", limits::text_bytes_max); !ok) return ok.error();
  auto hold = hold_of_agent(command.agent);  // also of one that is not there: it is to find it when it comes
  if (!hold) return hold.error();
  (*hold)->quarantined = true;
  (*hold)->reason = command.reason;
  keep_hold(Hold(**hold));
  AgentEntry* agent = find_agent_entry(command.agent);
  if (agent && command.take_back) take_back(*agent, false);
  return Answer{};
}

Result<Answer> Ledger::Impl::on(const Release& command) {
  const auto found = holds_.find(command.agent);
  if (found == holds_.end() || !found->second.quarantined) return Answer{{}, true, {}};
  found->second.quarantined = false;
  found->second.reason.clear();
  keep_hold(Hold(found->second));
  return Answer{};
}

}  // namespace choregos::task
