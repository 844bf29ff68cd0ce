// A small world for the tests of this folder: a real registry and journal with a clock in hand, streams whose readers take as much as
// they are told to, and a reader that believes what it reads and nothing else.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "choregos/api/watch/hub.hpp"
#include "choregos/base/rng.hpp"
#include "choregos/registry/journal.hpp"
#include "choregos/registry/registry.hpp"
#include "choregos/wire/sse.hpp"

namespace choregos::api::watch {

/// What the server's stream does, without a socket: nothing is called back inside write().
class FakeStream final : public net::Stream {
 public:
  using Stream::write;
  bool write(std::shared_ptr<const std::string> piece) override {
    if (!open_) return false;
    if (queued_ > limits::header_bytes_max && queued_ + piece->size() > overflow_at) {
      end(net::StreamEnd::overflow);
      return false;
    }
    queued_ += piece->size();
    queue_.push_back(std::move(piece));
    return true;
  }
  void close() override {
    closing_ = true;
    open_ = false;
    end_ = net::StreamEnd::closed;
  }
  void on_close(std::function<void(net::StreamEnd)> fn) override { closed_ = std::move(fn); }
  void on_drained(std::function<void()> fn) override { drained_ = std::move(fn); }
  bool open() const override { return open_; }
  std::size_t queued_bytes() const override { return queued_; }
  std::size_t queued_count() const override { return queue_.size(); }
  SocketAddress peer() const override { return {}; }

  /// The reader's side: takes up to so many pieces. What the loop would do afterwards is done at once.
  std::string take(std::size_t pieces = 1000000) {
    std::string out;
    while (pieces-- > 0 && !queue_.empty()) {
      out += *queue_.front();
      queued_ -= queue_.front()->size();
      queue_.pop_front();
    }
    if (!out.empty() && queue_.empty() && open_ && drained_) drained_();
    return out;
  }
  /// The reader goes away.
  void hang_up() {
    if (open_) end(net::StreamEnd::peer_closed);
    tell();
  }
  /// What the loop calls after the turn in which the stream ended.
  void tell() {
    if (end_ && closed_) std::exchange(closed_, nullptr)(*end_);
  }
  std::size_t overflow_at = 1024 * 1024;
  std::size_t peak = 0;

 private:
  void end(net::StreamEnd why) {
    open_ = false;
    end_ = why;
  }
  bool open_ = true;
  bool closing_ = false;
  std::optional<net::StreamEnd> end_;
  std::size_t queued_ = 0;
  std::deque<std::shared_ptr<const std::string>> queue_;
  std::function<void(net::StreamEnd)> closed_;
  std::function<void()> drained_;
};

/// A registry, its journal and a hub. Batches reach the hub when told to.
class World {
 public:
  explicit World(std::size_t journal_max = limits::journal_count_max, Hub::Pace pace = {})
      : registry(RegistrySettings{}, Revision{3, 1000}), journal(Revision{3, 1000}, journal_max), snapshot(registry.snapshot(now, wall())) {
    hub = make_hub(pace);
  }
  std::unique_ptr<Hub> make_hub(Hub::Pace pace = {}) {
    return std::make_unique<Hub>(
        Hub::World{[this] { return snapshot; }, [this](Revision from, std::size_t count_max) { return journal.since(from, count_max); },
                   [this] { return not_ready; }, [this] { return now; }},
        pace);
  }
  WallTime wall() const { return {1'795'424'400'000 + now.ns / 1'000'000}; }

  void hear(const std::string& id, Claims claims = {}, ObservationKind kind = ObservationKind::heard) {
    Observation o;
    o.kind = kind;
    o.source = "beacon";
    o.subject = id;
    o.names.id = id;
    o.incarnation = 1;
    o.heard_at = now;
    o.wall_at = wall();
    normalize(claims);
    o.claims = std::move(claims);
    (void)registry.apply(o, now, wall(), changes);
  }
  void advance(Duration d) {
    const Instant end = now + d;
    while (registry.next_deadline() <= end) {
      now = std::max(now, registry.next_deadline());
      registry.tick(now, wall(), changes);
    }
    now = end;
  }
  /// What the writer does at the end of a batch; the hub hears of it with the next tell().
  void publish() {
    SnapshotPtr next = registry.snapshot(now, wall());
    if (next == snapshot && changes.empty()) return;
    for (const Change& change : changes) journal.append(change);
    snapshot = next;
    batches.push_back(std::make_shared<const Batch>(Batch{next, std::exchange(changes, {})}));
  }
  void tell() { hub->tell(std::exchange(batches, {})); }
  void step() { publish(), tell(); }

  std::shared_ptr<FakeStream> open(WatchRequest request = {}) {
    auto stream = std::make_shared<FakeStream>();
    hub->open(std::move(request), stream);
    return stream;
  }

  Instant now{1'000'000'000'000};
  Registry registry;
  Journal journal;
  std::vector<Change> changes;
  SnapshotPtr snapshot;
  std::vector<BatchPtr> batches;
  std::vector<std::string> not_ready;
  std::unique_ptr<Hub> hub;
};

/// Reads a stream as docs/WATCH.md tells readers to.
class Reader {
 public:
  explicit Reader(WatchForm form = WatchForm::sse) : form_(form), sse_(limits::watch_event_bytes_max) {}

  void read(std::string_view bytes) {
    if (form_ == WatchForm::sse) {
      const auto fed = sse_.feed(bytes, [this](const wire::SseEvent& event) {
        take(event.data);
        if (!event.id.empty()) position = parse_revision(event.id);
      });
      EXPECT_TRUE(fed);
      return;
    }
    rest_ += bytes;
    for (std::size_t end; (end = rest_.find('\n')) != std::string::npos; rest_.erase(0, end + 1)) take(rest_.substr(0, end));
  }
  /// A new connection: what was half read is gone.
  void reconnect() {
    rest_.clear();
    sse_ = wire::SseParser(limits::watch_event_bytes_max);
  }

  std::map<std::string, std::uint64_t> held;  ///< id -> revision of its record
  std::optional<Revision> position;
  std::vector<wire::WatchMessage> seen;
  bool keep = false;      ///< fill `seen`
  bool whole = false;     ///< the last list was told to its end
  std::size_t resets = 0;
  std::vector<std::string> faults;

 private:
  void take(const std::string& json) {
    auto message = wire::read_watch(json, limits::watch_event_bytes_max);
    if (!message) {
      faults.push_back(message.error().message + ": " + json);
      return;
    }
    const wire::WatchMessage& m = *message;
    switch (m.kind) {
      case wire::WatchKind::reset:
        held.clear();
        whole = false;
        position.reset();
        ++resets;
        break;
      case wire::WatchKind::agents:
        for (const auto& agent : m.agents) held[agent.agent.id] = agent.revision;
        break;
      case wire::WatchKind::ready:
        whole = true;
        if (held.size() != m.total) faults.push_back("a list of " + std::to_string(m.total) + " brought " + std::to_string(held.size()));
        break;
      case wire::WatchKind::put: held[m.agents[0].agent.id] = m.agents[0].revision; break;
      case wire::WatchKind::remove: held.erase(m.agents[0].agent.id); break;
      default: break;
    }
    const bool changes = m.kind == wire::WatchKind::put || m.kind == wire::WatchKind::remove;
    if (changes && !whole) faults.push_back("a change before the list was whole");
    if (changes && last_ && !m.folded && !(*last_ < m.revision)) faults.push_back("revision " + to_string(m.revision) + " after " + to_string(*last_));
    if (m.kind == wire::WatchKind::ready || (changes && !m.folded)) last_ = m.revision;
    if (form_ == WatchForm::ndjson && (m.kind == wire::WatchKind::ready || m.kind == wire::WatchKind::mark || (changes && !m.folded))) position = m.revision;
    if (keep) seen.push_back(std::move(*message));
  }
  WatchForm form_;
  wire::SseParser sse_;
  std::string rest_;
  std::optional<Revision> last_;
};

/// What a list with that filter holds, as a reader would hold it.
inline std::map<std::string, std::uint64_t> listed(const Snapshot& snapshot, const Query& filter) {
  std::map<std::string, std::uint64_t> out;
  const auto page = snapshot.run(filter);
  for (const auto& record : page->records) out[record->agent.id] = record->revision;
  return out;
}

}  // namespace choregos::api::watch
