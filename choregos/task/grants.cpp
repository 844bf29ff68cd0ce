// Binding work to agents, late: when a task waits and an agent has a free slot. After every call no free agent could take the first task
// of any lane.
#include <cassert>
#include <queue>

#include "choregos/task/ledger_impl.hpp"

namespace choregos::task {

// ── The queue ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

void Ledger::Impl::enqueue(Entry& entry) {
  if (entry.ready <= now_) {
    entry.rank = {behind(entry), entry.deadline, entry.task.number};
    // The next rise, if there is one to come.
    const bool rises = entry.rank.behind > 1 && settings_.age_step > Duration{0};
    const Duration age = std::max(Duration{0}, now_ - entry.since);
    entry.age_at = rises ? entry.since + (age / settings_.age_step + 1) * settings_.age_step : Instant::never();
    entry.in_lane = true;
    lanes_.insert(*entry.lane, entry.rank);
    if (!entry.lane->dirty) {
      entry.lane->dirty = true;
      dirty_lanes_.push_back(entry.lane);
    }
  }
  arm(entry);
}

void Ledger::Impl::leave_lane(Entry& entry) {
  if (!entry.in_lane) return;
  entry.in_lane = false;
  lanes_.erase(*entry.lane, entry.rank);
}

Duration Ledger::Impl::pause_after(const Entry& entry, std::uint32_t failures) {
  if (failures == 0) return Duration{0};
  const TaskRequest& request = *entry.task.request;
  Duration pause = request.backoff_first;
  for (std::uint32_t i = 1; i < failures && pause < request.backoff_max; ++i) pause *= 2;
  return rng_.jitter(std::min(pause, request.backoff_max), settings_.retry_jitter);
}

// ── Slots ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

void Ledger::Impl::take_slot(AgentEntry& agent) {
  for (const std::string& name : agent.pools) {
    Pool& pool = pools_[name];
    ++pool.used;
    if (pool.full()) refresh_pool(pool);
  }
}

void Ledger::Impl::free_slot(AgentEntry& agent) {
  for (const std::string& name : agent.pools) {
    Pool& pool = pools_[name];
    const bool was_full = pool.full();
    --pool.used;
    if (was_full && !pool.full()) refresh_pool(pool);
  }
}

void Ledger::Impl::refresh_pool(const Pool& pool) {
  for (const AgentIndex member : pool.members) refresh(agents_[member]);
}

// ── Free agents ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

bool Ledger::Impl::is_free(const AgentEntry& agent) const {
  if (agent.liveness != Liveness::alive || agent.draining || agent.quarantined) return false;
  if (agent.rest_until > now_ || agent.ignored_until > now_ || agent.listening_until <= now_ || agent.offers_left == 0) return false;
  if (agent.used() >= agent.slots) return false;
  for (const std::string& name : agent.pools) {
    const auto pool = pools_.find(name);
    if (pool != pools_.end() && pool->second.full()) return false;
  }
  return true;
}

std::set<Place>& Ledger::Impl::free_with(CapId id) {
  if (id >= free_with_.size()) free_with_.resize(id + 1);
  return free_with_[id];
}

Place Ledger::Impl::place_for(const AgentEntry& agent, const AgentCapability& capability) const {
  Place place = agent.place;
  place.failing = capability.failures >= settings_.failing_after;
  return place;
}

void Ledger::Impl::place(AgentEntry& agent) {
  free_.insert(agent.place);
  for (const AgentCapability& c : agent.capabilities) free_with(c.id).insert(place_for(agent, c));
  agent.placed = true;
}

void Ledger::Impl::unplace(AgentEntry& agent) {
  if (!agent.placed) return;
  free_.erase(agent.place);
  for (const AgentCapability& c : agent.capabilities) free_with(c.id).erase(place_for(agent, c));
  agent.placed = false;
}

void Ledger::Impl::refresh(AgentEntry& agent) {
  const bool was_free = agent.free;
  agent.free = is_free(agent);
  Place wanted = agent.place;
  wanted.trial = trial_.is_tried(agent.version);
  // Steps of 0.7 in the logarithm: factors of two. Finer ones would only follow the noise.
  wanted.slowness = static_cast<std::int8_t>(std::clamp(agent.slowness / 0.7, -8.0, 8.0) + (agent.slowness < 0 ? -0.5 : 0.5));
  wanted.load = static_cast<std::uint16_t>(agent.used() * 1000ull / std::max(1u, agent.slots) > 60'000 ? 60'000
                                                                                                         : agent.used() * 1000ull / std::max(1u, agent.slots));
  wanted.given = agent.given;
  const bool should_stand = agent.free && agent.team.empty();
  if (agent.placed && (!should_stand || wanted != agent.place)) unplace(agent);
  agent.place = wanted;
  if (should_stand && !agent.placed) place(agent);
  if (agent.free && !was_free && !agent.dirty) {
    agent.dirty = true;
    dirty_agents_.push_back(index_of(agent));
  }
  changed(agent);
}

// ── Who gets what ────────────────────────────────────────────────────────────────────────────────────────────────────────────

bool Ledger::Impl::eligible(const Lane& lane, const AgentEntry& agent) const {
  if (!lane.agent.empty() && lane.agent != agent.id) return false;
  if (lane.agent.empty() && lane.team != agent.team) return false;
  if (lane.seat) {
    const auto team = teams_.find(lane.team);
    if (team == teams_.end() || *lane.seat >= team->second.seats.size()) return false;
    const auto& seated = team->second.seats[*lane.seat];
    if (std::find(seated.begin(), seated.end(), agent.id) == seated.end()) return false;
  }
  if (!std::includes(agent.capability_ids.begin(), agent.capability_ids.end(), lane.needs.begin(), lane.needs.end())) return false;
  if (std::find(lane.ancestry.begin(), lane.ancestry.end(), agent.id) != lane.ancestry.end()) return false;
  return !refusals_.holds(agent.id, lane.kind);
}

Lane* Ledger::Impl::best_lane(const AgentEntry& agent) {
  if (agent.place.trial && !trial_.due()) return nullptr;
  Lane* best = nullptr;
  Rank first;
  const auto look = [&](Bucket* bucket) {
    if (!bucket) return;
    for (const auto& [rank, lane] : bucket->heads) {
      if (best && rank > first) return;
      if (!eligible(*lane, agent)) continue;
      best = lane;
      first = rank;
      return;
    }
  };
  look(lanes_.of_agent(agent.id));
  if (!agent.team.empty()) {
    look(lanes_.of_team(agent.team));
    return best;
  }
  look(&lanes_.of_anyone());
  for (const CapId id : agent.capability_ids) look(lanes_.of_capability(id));
  return best;
}

AgentEntry* Ledger::Impl::first_free(const std::set<Place>& places, const Lane& lane, bool trial_only) {
  Place from;
  from.trial = trial_only;
  from.slowness = std::numeric_limits<std::int8_t>::min();
  from.agent = 0;
  for (auto it = trial_only ? places.lower_bound(from) : places.begin(); it != places.end(); ++it) {
    if (it->trial && !trial_only) break;
    AgentEntry& agent = agents_[it->agent];
    if (eligible(lane, agent)) return &agent;
  }
  return nullptr;
}

AgentEntry* Ledger::Impl::best_agent(const Lane& lane) {
  AgentEntry* best = nullptr;
  const auto consider = [&](const std::string& id) {
    AgentEntry* agent = find_agent_entry(id);
    if (!agent || !agent->free || !eligible(lane, *agent)) return;
    if (agent->place.trial && !trial_.due()) return;
    if (!best || agent->place < best->place) best = agent;
  };
  if (!lane.agent.empty()) {
    consider(lane.agent);
    return best;
  }
  if (!lane.team.empty()) {
    const auto team = teams_.find(lane.team);
    if (team == teams_.end()) return nullptr;
    for (std::size_t seat = 0; seat < team->second.seats.size(); ++seat) {
      if (lane.seat && *lane.seat != seat) continue;
      for (const std::string& id : team->second.seats[seat]) consider(id);
    }
    return best;
  }
  const std::set<Place>* places = &free_;
  for (const CapId id : lane.needs) {
    if (free_with(id).size() < places->size() || places == &free_) places = &free_with(id);
  }
  if (trial_.due()) best = first_free(*places, lane, true);
  return best ? best : first_free(*places, lane, false);
}

void Ledger::Impl::grant(Entry& entry, AgentEntry& agent) {
  leave_lane(entry);
  Task& task = entry.task;
  ++task.fence;
  task.agent = agent.id;
  task.accepted_at = {};
  task.ready_at = {};
  task.progress = 0;
  task.progress_text.clear();
  entry.holder = index_of(agent);
  entry.unproven = false;
  entry.offer_until = now_ + settings_.offer_for;
  agent.held.insert(std::lower_bound(agent.held.begin(), agent.held.end(), task.number), task.number);
  agent.given = ++given_count_;
  if (agent.offers_left != std::numeric_limits<std::uint32_t>::max()) --agent.offers_left;
  if (trial_.on()) {
    const bool was_due = trial_.due();
    ++(trial_.is_tried(agent.version) ? trial_.tried : trial_.others).given;
    if (!was_due && trial_.due()) {
      for (AgentEntry& other : agents_) {
        if (!other.free || !other.place.trial || other.dirty) continue;
        other.dirty = true;
        dirty_agents_.push_back(index_of(other));
      }
    }
  }
  move(entry, TaskCause::granted);
  take_slot(agent);
  refresh(agent);
  arm(entry);
  notify(NoticeKind::offer, agent, task.number, task.fence);
}

void Ledger::Impl::serve_agents() {
  struct Wish {
    Rank rank;
    Place place;
    Lane* lane;
    bool operator<(const Wish& other) const { return rank != other.rank ? rank > other.rank : place > other.place; }
  };
  std::priority_queue<Wish> wishes;
  const auto wish = [&](const AgentEntry& agent) {
    if (!agent.free) return;
    if (Lane* lane = best_lane(agent)) wishes.push({*lane->waiting.begin(), agent.place, lane});
  };
  for (const AgentIndex index : dirty_agents_) {
    agents_[index].dirty = false;
    wish(agents_[index]);
  }
  dirty_agents_.clear();
  while (!wishes.empty()) {
    const Wish next = wishes.top();
    wishes.pop();
    AgentEntry& agent = agents_[next.place.agent];
    if (!agent.free) continue;
    Lane* lane = best_lane(agent);
    if (lane && *lane->waiting.begin() == next.rank) grant(*find_entry(next.rank.number), agent);
    wish(agent);  // for its next slot, or because somebody else was quicker
  }
}

void Ledger::Impl::serve_lanes() {
  using Head = std::pair<Rank, Lane*>;
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  const auto push = [&](Lane* lane) {
    if (!lane->waiting.empty()) heads.emplace(*lane->waiting.begin(), lane);
  };
  for (Lane* lane : dirty_lanes_) {
    lane->dirty = false;
    push(lane);
  }
  dirty_lanes_.clear();
  while (!heads.empty()) {
    Lane* lane = heads.top().second;
    heads.pop();
    if (lane->waiting.empty()) continue;
    AgentEntry* agent = best_agent(*lane);
    if (!agent) continue;
    grant(*find_entry(lane->waiting.begin()->number), *agent);
    push(lane);
  }
}

void Ledger::Impl::dispatch() {
  // Agents first: each takes the best of all lanes, so a new task does not overtake an old one.
  while (!dirty_agents_.empty() || !dirty_lanes_.empty()) {
    serve_agents();
    if (dirty_agents_.empty()) serve_lanes();
  }
}

// ── Back from agents ─────────────────────────────────────────────────────────────────────────────────────────────────────────

void Ledger::Impl::release(Entry& entry, bool stop) {
  if (entry.holder == kNoAgent) return;
  AgentEntry& agent = agents_[entry.holder];
  agent.held.erase(std::lower_bound(agent.held.begin(), agent.held.end(), entry.task.number));
  entry.holder = kNoAgent;
  entry.unproven = false;
  if (stop) {
    agent.stopping.push_back({entry.task.number, entry.task.fence, now_ + settings_.stop_grace});
    arm(agent);
    notify(NoticeKind::stop, agent, entry.task.number, entry.task.fence);
  } else {
    free_slot(agent);
  }
  refresh(agent);
}

void Ledger::Impl::hand_back(Entry& entry, TaskCause cause, const std::string& note, bool stop, Duration pause) {
  release(entry, stop);
  entry.ready = now_ + pause;
  entry.task.ready_at = pause > Duration{0} ? wall_of(entry.ready) : WallTime{};
  move(entry, cause, note);
  enqueue(entry);
}

void Ledger::Impl::lose(Entry& entry, TaskCause cause, const std::string& note) {
  if (entry.task.state == TaskState::offered) return hand_back(entry, TaskCause::lost, note, false, Duration{0});
  ++entry.task.losses;
  if (entry.task.losses >= entry.task.request->losses_max) {
    release(entry, false);
    end(entry, TaskCause::gave_up, note + "; that was holder " + std::to_string(entry.task.losses) + " to be lost with it in hand");
    return;
  }
  hand_back(entry, cause, note, false, pause_after(entry, entry.task.losses - 1));
}

void Ledger::Impl::overdue(Entry& entry, TaskCause cause, const std::string& note) {
  ++entry.task.attempts;
  if (entry.task.attempts >= entry.task.request->attempts_max) {
    end(entry, TaskCause::gave_up, note + "; that was attempt " + std::to_string(entry.task.attempts));
    return;
  }
  hand_back(entry, cause, note, true, pause_after(entry, entry.task.attempts));
}

void Ledger::Impl::end(Entry& entry, TaskCause cause, const std::string& note) {
  Task& task = entry.task;
  leave_lane(entry);
  // Who accepted it may be at it still; who was only asked learns of it by the answer to its acceptance.
  const bool at_work = task.state == TaskState::accepted || task.state == TaskState::running;
  // A holder that is lost, or says itself that it is done, is not told to stop.
  const bool stop = at_work && (cause == TaskCause::cancelled || cause == TaskCause::deadline ||
                                (cause == TaskCause::gave_up && entry.holder != kNoAgent && !agents_[entry.holder].is_gone()));
  release(entry, stop);
  if (cause == TaskCause::completed || cause == TaskCause::cancelled || cause == TaskCause::not_stored || cause == TaskCause::team_ended) {
    drop_blob(task.payload);
  }
  task.ready_at = {};
  entry.forget_at = now_ + task.request->keep_for;
  task.forget_at = wall_of(entry.forget_at);
  move(entry, cause, note);
  Lane* lane = entry.lane;
  entry.lane = nullptr;
  if (lane->users == 1 && lane->dirty) std::erase(dirty_lanes_, lane);
  lanes_.close(lane);
  if (!task.request->team.empty()) {
    const auto team = teams_.find(task.request->team);
    if (team != teams_.end()) {
      team->second.tasks.erase(task.number);
      if (team->second.tasks.empty() && !team->second.known) teams_.erase(team);
    }
  }
  if (entry.root != task.number) {
    const auto tree = living_in_tree_.find(entry.root);
    if (tree != living_in_tree_.end() && --tree->second == 0) living_in_tree_.erase(tree);
  }
  arm(entry);
}

}  // namespace choregos::task
