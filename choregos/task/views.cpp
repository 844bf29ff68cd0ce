// Answers to questions; nothing here changes anything.
#include "choregos/task/ledger_impl.hpp"

namespace choregos::task {

std::string_view to_string(Availability availability) {
  constexpr std::string_view kWords[] = {"available", "suspect", "lost", "draining", "resting", "quarantined"};
  return kWords[static_cast<std::size_t>(availability)];
}

Status Ledger::Impl::derived(const AgentEntry& agent) const {
  for (const TaskNumber number : agent.held) {
    if (tasks_.at(number).task.state != TaskState::offered) return Status::working;
  }
  return agent.listening_until > now_ && !agent.is_gone() ? Status::idle : Status::online;
}

Availability Ledger::Impl::availability(const AgentEntry& agent) const {
  if (agent.quarantined) return Availability::quarantined;
  if (agent.is_gone()) return Availability::lost;
  if (agent.draining) return Availability::draining;
  if (agent.rest_until > now_) return Availability::resting;
  return agent.liveness == Liveness::alive ? Availability::available : Availability::suspect;
}

AgentView Ledger::Impl::view(const AgentEntry& agent) const {
  AgentView v;
  v.id = agent.id;
  v.status = derived(agent);
  v.declared = agent.declared;
  v.disagrees = agent.disagrees;
  v.disagreements = agent.disagreements;
  v.availability = availability(agent);
  v.until = v.availability == Availability::resting ? agent.rest_until : Instant::never();
  const auto hold = holds_.find(agent.id);
  const auto provider_hold = provider_holds_.find(agent.provider);
  if (hold != holds_.end() && !hold->second.reason.empty()) v.reason = hold->second.reason;
  else if (provider_hold != provider_holds_.end()) v.reason = provider_hold->second.reason;
  v.drain_waits = agent.drain_waits;
  v.slots = agent.slots;
  v.slots_used = agent.used();
  v.tasks = agent.held;
  v.succeeded = agent.succeeded;
  v.failed = agent.failed;
  return v;
}

TaskPtr Ledger::Impl::find(TaskNumber number) const {
  const auto found = tasks_.find(number);
  return found == tasks_.end() ? nullptr : found->second.image;
}

void Ledger::Impl::for_each(const std::function<void(const TaskPtr&)>& visit) const {
  std::vector<TaskNumber> numbers;
  numbers.reserve(tasks_.size());
  for (const auto& [number, entry] : tasks_) numbers.push_back(number);
  std::sort(numbers.begin(), numbers.end());
  for (const TaskNumber number : numbers) visit(tasks_.at(number).image);
}

std::vector<TaskPtr> Ledger::Impl::dead_letters(std::size_t limit) const {
  std::vector<TaskPtr> dead;
  for (const auto& [number, entry] : tasks_) {
    if (entry.task.state == TaskState::failed || entry.task.state == TaskState::expired) dead.push_back(entry.image);
  }
  std::sort(dead.begin(), dead.end(), [](const TaskPtr& a, const TaskPtr& b) {
    return a->changed_at != b->changed_at ? a->changed_at > b->changed_at : a->number > b->number;
  });
  if (dead.size() > limit) dead.resize(limit);
  return dead;
}

std::optional<AgentView> Ledger::Impl::agent(std::string_view id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return view(agents_[found->second]);
}

std::vector<AgentView> Ledger::Impl::agents() const {
  std::vector<AgentView> all;
  for (const AgentEntry& agent : agents_) {
    if (!agent.id.empty()) all.push_back(view(agent));
  }
  std::sort(all.begin(), all.end(), [](const AgentView& a, const AgentView& b) { return natural_compare(a.id, b.id) < 0; });
  return all;
}

std::vector<LaneView> Ledger::Impl::lanes() const {
  std::vector<LaneView> all;
  for (const auto& [key, lane] : lanes_.all()) {
    if (!lane->waiting.empty()) all.push_back({lane->label, lane->waiting.size(), lane->waiting.begin()->number});
  }
  std::sort(all.begin(), all.end(), [](const LaneView& a, const LaneView& b) { return a.label != b.label ? a.label < b.label : a.first < b.first; });
  return all;
}

Counts Ledger::Impl::counts() const { return counts_; }

std::string Ledger::Impl::why_waiting(TaskNumber number) const {
  const auto found = tasks_.find(number);
  if (found == tasks_.end()) return "there is no " + task_id(number);
  const Entry& entry = found->second;
  if (entry.task.state == TaskState::submitted) return "it is not on disk yet";
  if (entry.task.state != TaskState::queued) return {};
  if (!entry.in_lane) return "it pauses" + (entry.task.note.empty() ? std::string(" until its time has come") : ": " + entry.task.note);
  // Of those who could, what keeps each; the first reason that holds.
  std::map<std::string, std::uint32_t> reasons;
  std::uint32_t able = 0;
  for (const AgentEntry& agent : agents_) {
    if (agent.id.empty()) continue;
    const Lane& lane = *entry.lane;
    if (!lane.agent.empty() ? agent.id != lane.agent
                            : !std::includes(agent.capability_ids.begin(), agent.capability_ids.end(), lane.needs.begin(), lane.needs.end())) continue;
    ++able;
    bool pool_full = false;
    for (const std::string& name : agent.pools) {
      const auto pool = pools_.find(name);
      pool_full = pool_full || (pool != pools_.end() && pool->second.full());
    }
    std::string reason;
    if (lane.agent.empty() && agent.team != lane.team) reason = agent.team.empty() ? "not in the team" : "working for another team";
    else if (availability(agent) != Availability::available) reason = to_string(availability(agent));
    else if (refusals_.holds(agent.id, lane.kind)) reason = "refusing this kind";
    else if (std::find(lane.ancestry.begin(), lane.ancestry.end(), agent.id) != lane.ancestry.end()) reason = "among those who delegated it";
    else if (!eligible(lane, agent)) reason = "without the capability or the seat";
    else if (agent.used() >= agent.slots) reason = "busy";
    else if (pool_full) reason = "sharing a back end that is full";
    else if (agent.ignored_until > now_) reason = "not answering offers";
    else if (agent.listening_until <= now_ || agent.offers_left == 0) reason = "not listening for work";
    else if (agent.place.trial && !trial_.due()) reason = trial_.stopped() ? "of a version whose trial was stopped" : "of a version under trial whose share is used";
    else reason = "about to be asked";
    ++reasons[reason];
  }
  if (able == 0) return "no known agent can do it: it needs " + entry.lane->label;
  std::string text = "of " + std::to_string(able) + (able == 1 ? " agent" : " agents") + " that could do it";
  std::string between = " ";
  for (const auto& [reason, count] : reasons) {
    text += between + std::to_string(count) + (count == 1 ? " is " : " are ") + reason;
    between = ", ";
  }
  return text;
}

}  // namespace choregos::task
