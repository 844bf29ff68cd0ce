// The hub of watchers: each reader of a stream is a position in the history of beliefs that moves towards the newest one.
//
//   waiting    no list may be believed yet
//   listing    it is being told a whole list
//   behind     it is being told what happened since its position, as fast as it reads
//   following  it is at the newest position; each batch of changes goes out to it as it comes
//
// Readers with the same filter, fields and form are a group: what they follow is rendered once and the same bytes go to all. One that
// reads slowly leaves the group's pace when limits::watch_queue_bytes_max waits for it: then nothing more is queued for it than it has
// taken, several changes of one agent are folded into the last, and if it is further behind than a whole list is long it begins with a
// list again. One that stays behind for kBehindMax is told so and cut. Neither the writer nor any neighbour waits for it.
//
// Loop's thread only. It knows no sockets: streams are net::Stream, time and belief come from functions, so that tests drive it by hand.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "choregos/api/watch/listing.hpp"
#include "choregos/api/watch/rendering.hpp"
#include "choregos/api/watch_door.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/registry/snapshot.hpp"
#include "choregos/writer/writer.hpp"

namespace choregos::api::watch {

/// A stream is never silent for longer than this.
inline constexpr Duration kHeartbeat = 15s;
inline constexpr Duration kBehindMax = 20s;
/// Readers who begin within this time of each other are told the same list.
inline constexpr Duration kListingShared = 200ms;

class Hub final : public WatchDoor {
 public:
  struct World {
    std::function<SnapshotPtr()> snapshot;
    /// As Writer::changes_since.
    std::function<Result<std::vector<Change>>(Revision from, std::size_t count_max)> changes_since;
    /// Why no list may be believed yet; empty = it may.
    std::function<std::vector<std::string>()> not_ready;
    std::function<Instant()> now;
  };
  /// When readers are slow, and how they are served then.
  struct Pace {
    std::size_t queue_bytes_max = limits::watch_queue_bytes_max;          ///< a reader for whom more waits falls behind, …
    std::size_t queue_count_max = limits::watch_queue_bytes_max / 1024;   ///< … or for whom more pieces wait: each costs beside its bytes
    std::size_t run_count = 256;                                          ///< changes told in one turn, and in one answer to a poll
    std::uint64_t list_after = 1000;  ///< behind by more changes than this and than a list has agents: a list again
  };
  explicit Hub(World world) : Hub(std::move(world), Pace{}) {}
  Hub(World world, Pace pace);
  ~Hub() override;

  Result<void> holds(Revision since) const override;
  Result<void> has_room() const override;
  void open(WatchRequest request, std::shared_ptr<net::Stream> stream) override;
  std::function<void()> poll(WatchRequest request, Duration wait, std::function<void(Result<std::string>)> done) override;

  /// Batches in the order in which the writer published them, none left out. Several at once are told at once.
  void tell(std::span<const BatchPtr> batches);
  /// Call it about ten times a second: readers who wait for readiness, polls whose time is over, heartbeats, readers to be cut.
  void beat();
  /// Tells every reader that the stream ends, and ends it; polls are answered.
  void close_all(std::string_view reason);
  WatchStats stats() const override;

 private:
  struct Watcher;
  struct Poll;
  struct Group;
  enum class Phase : std::uint8_t { waiting, listing, behind, following };

  Group& group_of(Dress dress);
  void admit(Watcher& watcher);
  void begin_list(Watcher& watcher, wire::ResetReason reason);
  void pump(Watcher& watcher);
  bool pump_once(Watcher& watcher);
  void fall_behind(Watcher& watcher);
  void follow(Watcher& watcher);
  bool write(Watcher& watcher, std::shared_ptr<const std::string> bytes) { return write(watcher, std::move(bytes), world_.now()); }
  bool write(Watcher& watcher, std::shared_ptr<const std::string> bytes, Instant now);
  void tell_group(Group& group, Renderer& renderer, std::uint64_t first);
  void tell_mode(const GuardViewPtr& guard);
  void answer_poll(Group& group, std::list<Poll>::iterator poll, std::vector<std::string> events, std::uint64_t at, bool more);
  void settle_poll(Group& group, std::list<Poll>::iterator poll);
  void remove(std::uint64_t watcher);
  void drop_if_empty(Group& group);

  World world_;
  Pace pace_;
  Revision newest_;                     ///< of the last batch told
  std::uint64_t mode_version_ = 0;      ///< counts the guard's views
  GuardViewPtr guard_;
  std::string mode_json_;               ///< what was told of it last, ages left out
  std::map<std::string, std::unique_ptr<Group>> groups_;
  std::map<std::uint64_t, std::unique_ptr<Watcher>> watchers_;
  std::uint64_t last_watcher_ = 0;
  std::size_t waiting_ = 0;
  std::size_t polls_ = 0;
  WatchStats stats_;
  std::shared_ptr<bool> alive_;         ///< for callbacks of streams, which may outlive us
};

}  // namespace choregos::api::watch
