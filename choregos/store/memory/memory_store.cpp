#include "choregos/store/memory/memory_store.hpp"

#include <algorithm>
#include <map>
#include <mutex>

#include "choregos/base/limits.hpp"

namespace choregos::store {
namespace {

WallTime last_seen_of(const AgentRecord& record) {
  return record.vitals ? WallTime{record.vitals->last_seen_ms.load(std::memory_order_relaxed)} : WallTime{};
}

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(Revision start) : revision_(start) {}

  Result<Loaded> open() override {
    const std::lock_guard lock(mutex_);
    if (open_) return fail(ErrorCode::conflict, "the store in memory is open already");
    open_ = true;
    ++revision_.epoch;
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
    for (const Change& change : changes) take(change);
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

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  bool open_ = false;
  Revision revision_;
  std::map<std::string, StoredAgent> agents_;
  std::map<std::string, ArchivedAgent> archive_;
  StoreHealth health_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(Revision start) { return std::make_unique<MemoryStore>(start); }

}  // namespace choregos::store
