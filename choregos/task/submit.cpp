// Work comes in, and is called off.
#include "choregos/base/limits.hpp"
#include "choregos/task/ledger_impl.hpp"

namespace choregos::task {
namespace {

/// FNV-1a: only tells an honest repetition from a mistake.
std::uint64_t hash(const Blob& blob) {
  std::uint64_t h = 14695981039346656037ull;
  if (blob) {
    for (const char c : *blob) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  }
  return h;
}

std::string chain(const std::vector<std::string>& ancestry, const std::string& next) {
  std::string text;
  for (const std::string& agent : ancestry) text += agent + " > ";
  return text + next;
}

}  // namespace

Result<Ledger::Impl::Lineage> Ledger::Impl::lineage(const TaskRequest& request) {
  Lineage line;
  if (!request.parent) return line;
  line.parent = find_entry(*request.parent);
  if (!line.parent) return fail(ErrorCode::not_found, "parent " + task_id(*request.parent) + " is not known; a task is delegated while its parent is worked on");
  const Task& parent = line.parent->task;
  const bool in_hand = parent.state == TaskState::accepted || parent.state == TaskState::running;
  if (!in_hand || parent.agent != request.submitter) {
    return fail(ErrorCode::forbidden, "only the agent that works on " + task_id(parent.number) + " may delegate in its name, and that is " +
                                          (in_hand ? parent.agent : std::string("nobody")));
  }
  line.root = line.parent->root;
  line.ancestry = parent.ancestry;
  line.ancestry.push_back(parent.agent);
  if (line.ancestry.size() > settings_.hops_max) {
    return fail(ErrorCode::forbidden, "handed on " + std::to_string(line.ancestry.size()) + " times, at most " + std::to_string(settings_.hops_max) +
                                          " are allowed: " + chain(parent.ancestry, parent.agent));
  }
  if (!request.agent.empty() && std::find(line.ancestry.begin(), line.ancestry.end(), request.agent) != line.ancestry.end()) {
    return fail(ErrorCode::forbidden, "this would go round in a circle: " + chain(line.ancestry, request.agent));
  }
  const auto tree = living_in_tree_.find(line.root);
  if (tree != living_in_tree_.end() && tree->second >= limits::task_tree_count_max) {
    return fail(ErrorCode::exhausted, task_id(line.root) + " has " + std::to_string(tree->second) + " living descendants; some must end first");
  }
  if (parent.request->budget > 0 && (request.budget == 0 || request.budget > parent.budget_left)) {
    return fail(ErrorCode::forbidden, "of the budget of " + task_id(parent.number) + " " + std::to_string(parent.budget_left) +
                                          " is left; give 1 to that much of it to what is delegated");
  }
  return line;
}

Result<Answer> Ledger::Impl::on(const Submit& command) {
  const TaskRequest& request = command.request;
  if (auto ok = check(request); !ok) return ok.error();
  if (command.payload && command.payload->size() > limits::task_blob_bytes_max) {
    return fail(ErrorCode::too_large, "the payload has " + std::to_string(command.payload->size()) + " bytes; at most " +
                                          std::to_string(limits::task_blob_bytes_max) + " are taken");
  }
  const std::string key = request.key.empty() ? std::string() : request.submitter + '\x1f' + request.key;
  const std::uint64_t payload_hash = key.empty() ? 0 : hash(command.payload);
  if (!key.empty()) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      const Entry& known = tasks_.at(found->second);
      if (*known.task.request == request && known.task.payload_hash == payload_hash) return Answer{known.image, true, {}};
      return fail(ErrorCode::conflict, "the key '" + request.key + "' was used for " + task_id(known.task.number) + ", which is not the same; use a new key");
    }
  }
  if (tasks_.size() >= limits::task_count_max) {
    return fail(ErrorCode::exhausted, std::to_string(tasks_.size()) + " tasks are kept, no more fit; try again when some have ended and been forgotten");
  }
  if (command.payload && counts_.bytes + command.payload->size() > limits::task_bytes_max) {
    return fail(ErrorCode::exhausted, "payloads and results fill all " + std::to_string(limits::task_bytes_max) + " bytes; try again when some are forgotten");
  }
  if (request.deadline.ms != 0 && request.deadline <= wall_) {
    return fail(ErrorCode::invalid, "the deadline " + to_rfc3339(request.deadline) + " has passed");
  }
  if (!request.team.empty()) {
    const auto team = teams_.find(request.team);
    if (team == teams_.end() || !team->second.known) return fail(ErrorCode::not_found, "there is no team '" + request.team + "'");
    if (request.seat && *request.seat >= team->second.seats.size()) {
      return fail(ErrorCode::invalid, "team '" + request.team + "' has seats 0 to " + std::to_string(team->second.seats.size() - 1));
    }
  }
  auto line = lineage(request);
  if (!line) return line.error();
  auto lane = lanes_.open(request, line->ancestry, [&](CapId id) { return id < agents_with_.size() ? agents_with_[id] : 0; });
  if (!lane) return lane.error();

  const TaskNumber number = next_number_++;
  Entry& entry = tasks_[number];
  Task& task = entry.task;
  task.number = number;
  task.request = std::make_shared<const TaskRequest>(request);
  keep_blob(task.payload, command.payload);
  task.payload_hash = payload_hash;
  task.ancestry = std::move(line->ancestry);
  task.budget_left = request.budget;
  task.submitted_at = task.changed_at = wall_;
  entry.lane = *lane;
  entry.root = line->parent ? line->root : number;
  entry.since = entry.ready = now_ + request.delay;
  if (request.delay > Duration{0}) task.ready_at = wall_of(entry.ready);
  entry.deadline = instant_of(request.deadline);
  if (!key.empty()) by_key_[key] = number;
  if (!request.team.empty()) teams_[request.team].tasks.insert(number);
  ++counts_.by_state[static_cast<std::size_t>(TaskState::submitted)];
  publish(entry, TaskState::submitted);
  touch(entry);
  arm(entry);
  if (line->parent) {
    ++living_in_tree_[entry.root];
    if (request.budget > 0 && line->parent->task.request->budget > 0) {
      line->parent->task.budget_left -= request.budget;
      publish(*line->parent, line->parent->task.state);
      touch(*line->parent);
    }
  }
  return Answer{entry.image, false, {}};
}

void Ledger::Impl::stored(std::uint64_t sequence, Instant now, WallTime wall_now, Output& out) {
  begin(now, wall_now, out);
  while (!unstored_.empty() && unstored_.front().first <= sequence) {
    Entry* entry = find_entry(unstored_.front().second);
    unstored_.pop_front();
    if (!entry || entry->task.state != TaskState::submitted) continue;
    move(*entry, TaskCause::stored);
    enqueue(*entry);
  }
  finish();
}

Result<Answer> Ledger::Impl::on(const NotStored& command) {
  Entry* entry = find_entry(command.task);
  if (!entry) return fail(ErrorCode::not_found, "there is no " + task_id(command.task));
  if (auto to = next_state(entry->task.state, TaskCause::not_stored); !to) return to.error();
  end(*entry, TaskCause::not_stored, "it could not be stored");
  Answer answer{entry->image, false, {}};
  forget(*entry);
  return answer;
}

Result<Answer> Ledger::Impl::on(const Cancel& command) {
  Entry* entry = find_entry(command.task);
  if (!entry) return fail(ErrorCode::not_found, "there is no " + task_id(command.task));
  if (entry->task.state == TaskState::cancelled) return Answer{entry->image, true, {}};
  if (auto to = next_state(entry->task.state, TaskCause::cancelled); !to) return to.error();
  if (auto ok = check_text(command.reason, "reason", limits::text_bytes_max); !ok) return ok.error();
  end(*entry, TaskCause::cancelled, command.reason.empty() ? "cancelled" : command.reason);
  return Answer{entry->image, false, {}};
}

Result<Answer> Ledger::Impl::on(const Retry& command) {
  Entry* entry = find_entry(command.task);
  if (!entry) return fail(ErrorCode::not_found, "there is no " + task_id(command.task));
  Task& task = entry->task;
  if (auto to = next_state(task.state, TaskCause::retried); !to) return to.error();
  if (entry->deadline <= now_) {
    return fail(ErrorCode::conflict, "the deadline of " + task_id(task.number) + " has passed; submit it anew with a later one");
  }
  if (!task.request->team.empty() && (!teams_.contains(task.request->team) || !teams_[task.request->team].known)) {
    return fail(ErrorCode::conflict, "team '" + task.request->team + "' is no more; submit the task anew");
  }
  auto lane = lanes_.open(*task.request, task.ancestry, [](CapId) { return 0; });
  if (!lane) return lane.error();
  entry->lane = *lane;
  if (!task.request->team.empty()) teams_[task.request->team].tasks.insert(task.number);
  if (entry->root != task.number) ++living_in_tree_[entry->root];
  task.attempts = task.losses = 0;
  task.closed_fence = task.fence;  // whoever had it before has it no more
  task.forget_at = {};
  drop_blob(task.result);
  entry->forget_at = Instant::never();
  entry->since = entry->ready = now_;
  move(*entry, TaskCause::retried);
  enqueue(*entry);
  return Answer{entry->image, false, {}};
}

Result<Answer> Ledger::Impl::on(const Forget& command) {
  Entry* entry = find_entry(command.task);
  if (!entry) return fail(ErrorCode::not_found, "there is no " + task_id(command.task));
  if (!has_ended(entry->task.state)) return fail(ErrorCode::conflict, task_id(command.task) + " has not ended; cancel it first");
  Answer answer{entry->image, false, {}};
  forget(*entry);
  return answer;
}

}  // namespace choregos::task
