// What every call has in common: its beginning and end, moves, records, notices; and the way back from records.
#include <cassert>

#include "choregos/task/ledger_impl.hpp"

namespace choregos::task {

void Ledger::Impl::begin(Instant now, WallTime wall_now, Output& out) {
  now_ = now;
  wall_ = wall_now;
  out_ = &out;
  notices_before_ = out.notices.size();
}

void Ledger::Impl::finish() {
  if (service_changed_ && drains_waiting_ > 0) advance_drains();
  service_changed_ = false;
  dispatch();
  for (const TaskNumber number : touched_) {
    Entry* entry = find_entry(number);
    if (!entry || !entry->touched) continue;
    entry->touched = false;
    record(entry->image);
    std::swap(out_->records.back().tally, entry->tally);
    if (entry->task.state == TaskState::submitted) unstored_.emplace_back(sequence_, number);
  }
  touched_.clear();
  for (std::size_t i = notices_before_; i < out_->notices.size(); ++i) {
    out_->notices[i].image = find(out_->notices[i].task);
    out_->notices[i].sequence = sequence_;
  }
  for (const AgentIndex index : changed_agents_) {
    AgentEntry& agent = agents_[index];
    if (!agent.changed) continue;
    agent.changed = false;
    // Its word and ours are compared once all is done, so that what passes within a call is no contradiction.
    const bool clash = agent.declared != Status::online && derived(agent) != Status::online && derived(agent) != agent.declared &&
                       !agent.is_gone();
    if (!clash) {
      agent.disagrees_since = Instant::never();
      agent.disagrees = false;
    } else if (agent.disagrees_since == Instant::never()) {
      agent.disagrees_since = now_;
      arm(agent);
    }
    out_->agents.push_back(agent.id);
  }
  changed_agents_.clear();
  out_ = nullptr;
}

Entry* Ledger::Impl::find_entry(TaskNumber number) {
  const auto found = tasks_.find(number);
  return found == tasks_.end() ? nullptr : &found->second;
}

void Ledger::Impl::touch(Entry& entry) {
  if (entry.touched) return;
  entry.touched = true;
  touched_.push_back(entry.task.number);
}

void Ledger::Impl::publish(Entry& entry, TaskState from) {
  entry.image = std::make_shared<const Task>(entry.task);
  out_->changes.push_back({++revision_, from, entry.image});
}

void Ledger::Impl::move(Entry& entry, TaskCause cause, const std::string& note) {
  const TaskState from = entry.task.state;
  const auto to = next_state(from, cause);
  assert(to);  // whoever calls has asked, or knows
  --counts_.by_state[static_cast<std::size_t>(from)];
  ++counts_.by_state[static_cast<std::size_t>(*to)];
  entry.task.state = *to;
  entry.task.cause = cause;
  entry.task.changed_at = wall_;
  if (!note.empty()) entry.task.note = note;
  publish(entry, from);
  // Being on disk is what the disk knows already: what is submitted there is queued.
  if (cause != TaskCause::stored) touch(entry);
}

void Ledger::Impl::notify(NoticeKind kind, const AgentEntry& agent, TaskNumber task, std::uint64_t fence) {
  out_->notices.push_back({kind, agent.id, task, fence, nullptr, 0});  // the rest at the end of the call
}

void Ledger::Impl::changed(AgentEntry& agent) {
  if (agent.changed) return;
  agent.changed = true;
  changed_agents_.push_back(index_of(agent));
}

void Ledger::Impl::keep_blob(Blob& to, const Blob& blob) {
  drop_blob(to);
  to = blob;
  if (to) counts_.bytes += to->size();
}

void Ledger::Impl::drop_blob(Blob& blob) {
  if (!blob) return;
  counts_.bytes -= blob->size();
  blob.reset();
}

void Ledger::Impl::forget(Entry& entry) {
  const TaskNumber number = entry.task.number;
  out_->changes.push_back({++revision_, entry.task.state, entry.image, true});
  --counts_.by_state[static_cast<std::size_t>(entry.task.state)];
  if (!entry.task.request->key.empty()) by_key_.erase(entry.task.request->submitter + '\x1f' + entry.task.request->key);
  drop_blob(entry.task.payload);
  drop_blob(entry.task.result);
  tasks_.erase(number);
  record(Forgotten{number});
}

// ── Back from records ────────────────────────────────────────────────────────────────────────────────────────────────────────

Result<void> Ledger::Impl::restore(const std::vector<Record>& records, Instant now, WallTime wall_now) {
  assert(tasks_.empty() && agents_.empty());
  std::map<TaskNumber, TaskPtr> images;
  std::vector<Refusal> refused;
  for (const Record& row : records) {
    if (row.sequence <= sequence_ && sequence_ != 0) {
      return fail(ErrorCode::invalid, "record " + std::to_string(row.sequence) + " comes behind record " + std::to_string(sequence_) + "; they must rise");
    }
    sequence_ = row.sequence;
    if (const auto* image = std::get_if<TaskPtr>(&row.what)) {
      const TaskPtr& task = *image;
      if (!task || !task->request || task->number == 0) return fail(ErrorCode::invalid, "record " + std::to_string(row.sequence) + " holds no task");
      images[task->number] = task;
      next_number_ = std::max(next_number_, task->number + 1);
    } else if (const auto* gone = std::get_if<Forgotten>(&row.what)) {
      images.erase(gone->task);
      next_number_ = std::max(next_number_, gone->task + 1);
    } else if (const auto* refusal = std::get_if<Refusal>(&row.what)) {
      std::erase_if(refused, [&](const Refusal& r) { return r.agent == refusal->agent && r.kind == refusal->kind; });
      if (!refusal->lifted) refused.push_back(*refusal);
    } else if (const auto* hold = std::get_if<Hold>(&row.what)) {
      if (!hold->agent.empty()) holds_[hold->agent] = *hold;
      else provider_holds_[hold->provider] = *hold;
    }
    const Tally* alone = std::get_if<Tally>(&row.what);
    if (const Tally* count = alone ? alone : row.tally ? &*row.tally : nullptr) {
      AgentEntry& agent = agent_entry(count->agent);
      agent.succeeded = count->succeeded;
      agent.failed = count->failed;
    }
  }
  Output nobody_hears;
  begin(now, wall_now, nobody_hears);
  std::erase_if(holds_, [](const auto& row) { return row.second.empty(); });
  std::erase_if(provider_holds_, [](const auto& row) { return row.second.empty(); });
  for (const auto& [provider, hold] : provider_holds_) provider_rests_[provider] = {instant_of(hold.rest_until), 1s};
  for (const auto& [id, hold] : holds_) apply_holds(agent_entry(id));
  for (const Refusal& refusal : refused) refusals_.remember(refusal);

  for (const auto& [number, image] : images) {
    Entry& entry = tasks_[number];
    entry.task = *image;
    entry.task.progress = 0;
    entry.task.progress_text.clear();
    Task& task = entry.task;
    if (task.state == TaskState::submitted) task.state = TaskState::queued, task.cause = TaskCause::stored;
    entry.image = std::make_shared<const Task>(task);
    ++counts_.by_state[static_cast<std::size_t>(task.state)];
    for (const Blob& blob : {task.payload, task.result}) counts_.bytes += blob ? blob->size() : 0;
    if (!task.request->key.empty()) by_key_[task.request->submitter + '\x1f' + task.request->key] = number;
    entry.since = instant_of(task.submitted_at) + task.request->delay;
    entry.deadline = instant_of(task.request->deadline);
    entry.ready = task.ready_at.ms == 0 ? now_ : instant_of(task.ready_at);
    entry.forget_at = instant_of(task.forget_at);
    const Entry* parent = task.request->parent ? find_entry(*task.request->parent) : nullptr;
    entry.root = parent ? parent->root : task.request->parent.value_or(number);
    if (!has_ended(task.state)) {
      auto lane = lanes_.open(*task.request, task.ancestry, [](CapId) { return 0; });
      if (!lane) return lane.error();
      entry.lane = *lane;
      if (entry.root != number) ++living_in_tree_[entry.root];
      if (!task.request->team.empty()) teams_[task.request->team].tasks.insert(number);
    }
    if (is_held(task.state)) {
      AgentEntry& agent = agent_entry(task.agent);
      entry.holder = index_of(agent);
      agent.held.push_back(number);
      agent.adopt_at = now_ + settings_.restart_grace;
      entry.offer_until = now_ + settings_.offer_for;
      entry.accepted_at = task.accepted_at.ms == 0 ? now_ : instant_of(task.accepted_at);
      entry.said_at = now_;
      arm(agent);
      arm(entry);
    } else if (task.state == TaskState::queued) {
      enqueue(entry);
    } else {
      arm(entry);
    }
  }
  finish();
  revision_ = 0;
  return {};
}

}  // namespace choregos::task
