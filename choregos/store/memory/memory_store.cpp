#include "choregos/store/memory/memory_store.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>

#include "choregos/base/limits.hpp"
#include "choregos/store/chronicle.hpp"
#include "choregos/store/epoch.hpp"

namespace choregos::store {
namespace {

WallTime last_seen_of(const AgentRecord& record) {
  return record.vitals ? WallTime{record.vitals->last_seen_ms.load(std::memory_order_relaxed)} : WallTime{};
}

class MemoryStore final : public Store {
 public:
  MemoryStore(Revision start, std::size_t history_count_max) : history_count_max_(history_count_max), revision_(start) {}

  Result<Loaded> open() override {
    const std::lock_guard lock(mutex_);
    if (open_) return fail(ErrorCode::conflict, "the store in memory is open already");
    open_ = true;
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    revision_.epoch = next_epoch(revision_.epoch, {std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()});
    Loaded out;
    out.start = revision_;
    for (const auto& [id, agent] : agents_) out.agents.push_back(agent);
    for (const auto& [id, archived] : archive_) out.archived.push_back(archived);
    std::stable_sort(out.archived.begin(), out.archived.end(), [](const auto& a, const auto& b) { return a.forgotten_at > b.forgotten_at; });
    return out;
  }

  Result<void> persist(std::span<const Change> changes) override {
    const std::lock_guard lock(mutex_);
    if (!open_) return fail(ErrorCode::unavailable, "the store in memory is not open");
    for (const Change& change : changes) {
      take(change);
      remember(change);
    }
    health_.records += changes.size();
    ++health_.transactions;
    return {};
  }

  void touch(std::span<const std::pair<std::string, WallTime>> last_seen) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, time] : last_seen)
      if (const auto at = agents_.find(id); at != agents_.end()) at->second.last_seen = std::max(at->second.last_seen, time);
  }

  Result<void> flush() override { return {}; }

  void close() override {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }

  Result<Past> past(std::string_view id) override {
    const std::lock_guard lock(mutex_);
    if (!open_) return fail(ErrorCode::unavailable, "the store in memory is not open");
    Past out;
    if (const auto at = history_.find(id); at != history_.end())
      for (auto event = at->second.rbegin(); event != at->second.rend(); ++event) out.events.push_back(event->second);
    if (const auto at = archive_.find(id); at != archive_.end()) out.forgotten = at->second;
    return out;
  }

  StoreHealth health() const override {
    const std::lock_guard lock(mutex_);
    StoreHealth out = health_;
    out.kind = "memory";
    out.revision_reserved = revision_.number;
    return out;
  }

 private:
  void take(const Change& change) {
    revision_.number = std::max(revision_.number, change.revision.number);
    const Agent& agent = change.record->agent;
    if (change.kind == ChangeKind::forgotten || change.kind == ChangeKind::merged) {
      agents_.erase(agent.id);
      if (change.kind == ChangeKind::merged) return;
      archive_[agent.id] = ArchivedAgent{agent, last_seen_of(*change.record), change.wall_at};
      if (archive_.size() > limits::archive_count_max)
        archive_.erase(std::min_element(archive_.begin(), archive_.end(), [](const auto& a, const auto& b) { return a.second.forgotten_at < b.second.forgotten_at; }));
      return;
    }
    archive_.erase(agent.id);
    StoredAgent& stored = agents_[agent.id];
    stored.agent = agent;
    stored.last_seen = std::max(stored.last_seen, last_seen_of(*change.record));
  }

  using Events = std::deque<std::pair<std::uint64_t, HistoryEvent>>;  ///< oldest first, each with its number

  void drop_oldest(std::map<std::string, Events, std::less<>>::iterator at) {
    order_.erase(at->second.front().first);
    at->second.pop_front();
    if (at->second.empty()) history_.erase(at);
  }

  void remember(const Change& change) {
    notes_.clear();
    chronicle_.take(change, notes_);
    for (Note& note : notes_) {
      Events& events = history_[note.id];
      if (const auto old = history_.find(note.renamed_from); !note.renamed_from.empty() && old != history_.end()) {
        Events both;
        std::merge(events.begin(), events.end(), old->second.begin(), old->second.end(), std::back_inserter(both), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (const auto& [number, event] : old->second) order_[number] = note.id;
        events = std::move(both);
        history_.erase(old);
      }
      order_.emplace(++last_number_, note.id);
      events.emplace_back(last_number_, std::move(note.event));
      while (events.size() > limits::history_of_agent_max) drop_oldest(history_.find(note.id));
      while (order_.size() > history_count_max_) drop_oldest(history_.find(order_.begin()->second));
    }
  }

  const std::size_t history_count_max_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  bool open_ = false;
  Revision revision_;
  std::map<std::string, StoredAgent> agents_;
  std::map<std::string, ArchivedAgent, std::less<>> archive_;
  Chronicle chronicle_;
  std::vector<Note> notes_;
  std::map<std::string, Events, std::less<>> history_;
  std::map<std::uint64_t, std::string> order_;  ///< of every event: whose it is
  std::uint64_t last_number_ = 0;
  StoreHealth health_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(Revision start, std::size_t history_count_max) { return std::make_unique<MemoryStore>(start, history_count_max); }

}  // namespace choregos::store
