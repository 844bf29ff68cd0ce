#include "choregos/store/chronicle.hpp"

#include <functional>
#include <utility>

namespace choregos::store {
namespace {

std::uint64_t key_of(std::string_view id) { return std::hash<std::string_view>{}(id); }

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

HistoryEvent event_of(HistoryKind kind, const Change& change) {
  const Agent& agent = change.record->agent;
  HistoryEvent event;
  event.kind = kind;
  event.at = change.wall_at;
  event.revision = change.revision;
  event.id = agent.id;
  event.liveness = agent.liveness;
  event.source = change.source;
  return event;
}

}  // namespace

Chronicle::Known Chronicle::known_of(const Agent& agent, Liveness before) {
  return {agent.incarnation, agent.liveness == Liveness::unconfirmed ? before : agent.liveness, agent.identity, agent.conflict};
}

void Chronicle::know(const Agent& agent) { known_[key_of(agent.id)] = known_of(agent, Liveness::alive); }

void Chronicle::take(const Change& change, std::vector<Note>& notes) {
  const Agent& agent = change.record->agent;
  const auto add = [&](HistoryEvent event) { notes.push_back({agent.id, "", std::move(event)}); };
  if (change.kind == ChangeKind::forgotten) {
    HistoryEvent event = event_of(HistoryKind::forgotten, change);
    event.reason = agent.reason;
    known_.erase(key_of(agent.id));
    return add(std::move(event));
  }
  if (change.kind == ChangeKind::merged) {
    known_.erase(key_of(agent.id));
    HistoryEvent event = event_of(HistoryKind::merged, change);
    event.other = agent.id;
    if (!change.into.empty()) event.id = change.into;
    notes.push_back({event.id, event.id == agent.id ? "" : agent.id, event});
    return;
  }

  const auto [it, is_new] = known_.try_emplace(key_of(agent.id));
  const Known before = it->second;
  it->second = known_of(agent, is_new ? Liveness::alive : before.liveness);
  if (is_new) {
    HistoryEvent event = event_of(HistoryKind::appeared, change);
    event.reason = agent.reason;
    return add(std::move(event));
  }
  if (agent.identity != before.identity) {
    HistoryEvent event = event_of(HistoryKind::identity, change);
    event.other = to_string(before.identity);
    event.reason = "known as " + std::string(to_string(agent.identity)) + ", before as " + event.other;
    add(std::move(event));
  }
  if (before.incarnation != 0 && agent.incarnation > before.incarnation) {
    HistoryEvent event = event_of(HistoryKind::restarted, change);
    event.reason = "incarnation " + std::to_string(agent.incarnation) + " after " + std::to_string(before.incarnation);
    add(std::move(event));
  }
  if (agent.conflict != before.conflict) {
    HistoryEvent event = event_of(agent.conflict ? HistoryKind::conflict : HistoryKind::conflict_over, change);
    if (agent.conflict) event.other = joined(agent.contenders);
    add(std::move(event));
  }
  if (it->second.liveness != before.liveness) {
    HistoryEvent event = event_of(HistoryKind::liveness, change);
    event.was = before.liveness;
    event.reason = agent.reason;
    add(std::move(event));
  }
}

}  // namespace choregos::store
