#include "choregos/api/watch/hub.hpp"

#include <algorithm>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/wire/guard_json.hpp"
#include "choregos/wire/sse.hpp"

namespace choregos::api::watch {
namespace {

/// A reader is given more when no more than this waits for it: then the server takes a piece of any size.
constexpr std::size_t kPumpBytes = 4 * 1024;

/// Equal texts, equal dresses.
std::string key_of(const Dress& dress) {
  std::string key;
  const auto add = [&](std::string_view text) {
    key += std::to_string(text.size());
    key += ':';
    key += text;
  };
  const Query& q = dress.filter;
  add(dress.form == WatchForm::sse ? "sse" : "ndjson");
  add(std::to_string(dress.fields.bits));
  add(q.model);
  add(q.text);
  for (const auto& each : q.capabilities) add("c" + each);
  for (const auto each : q.status) add("s" + std::string(to_string(each)));
  for (const auto each : q.liveness) add("l" + std::string(to_string(each)));
  for (const auto& each : q.cluster) add("u" + each);
  for (const auto& each : q.team) add("t" + each);
  for (const auto& [name, value] : q.labels) add("n" + name), add("v" + value);
  return key;
}

/// What a reader is shown of the guard, ages left out.
bool same_view(const GuardView& a, const GuardView& b) {
  return a.mode == b.mode && a.health_score == b.health_score && a.health_reason == b.health_reason &&
         std::equal(a.domains.begin(), a.domains.end(), b.domains.begin(), b.domains.end(), [](const DomainView& x, const DomainView& y) {
           return x.kind == y.kind && x.name == y.name && x.mode == y.mode && x.members == y.members && x.silent == y.silent && x.cause == y.cause;
         });
}

}  // namespace

struct Hub::Watcher {
  std::uint64_t id = 0;
  Group* group = nullptr;
  std::shared_ptr<net::Stream> stream;
  Phase phase = Phase::waiting;
  std::optional<Revision> since;       ///< waiting: where it wants to begin
  std::uint64_t at = 0;                ///< behind: everything up to here was written
  std::uint64_t marked = 0;            ///< the position in the last event with one
  std::uint64_t mode_version = 0;      ///< of the guard's view that it was told
  bool slow = false;                   ///< it fell behind while following
  bool ahead = false;                  ///< behind, and newer than the last batch told: goes on with the next one
  std::shared_ptr<Listing> listing;
  std::uint64_t listing_mode = 0;
  std::size_t next_part = 0;
  std::size_t place = 0;               ///< following: index in the group's list
  Instant progress_at;                 ///< when it last took anything
  std::size_t queued = 0;              ///< bytes that waited for it at the last beat
  Instant written_at;
};

struct Hub::Poll {
  std::uint64_t id = 0;
  std::uint64_t at = 0;
  Instant until;
  std::function<void(Result<std::string>)> done;
};

struct Hub::Group {
  std::string key;
  Dress dress;
  std::size_t members = 0;             ///< watchers in any phase
  std::vector<Watcher*> following;
  std::list<Poll> polls;
  std::weak_ptr<Listing> listing;
  std::uint64_t listing_mode = 0;
};

Hub::Hub(World world, Pace pace) : world_(std::move(world)), pace_(pace), mode_version_(1), alive_(std::make_shared<bool>(true)) {
  if (const auto snapshot = world_.snapshot()) {
    newest_ = snapshot->revision();
    guard_ = snapshot->guard();
  }
}

Hub::~Hub() = default;

// ---- Coming and going -----------------------------------------------------------------------------------------------

Result<void> Hub::holds(Revision since) const {
  auto changes = world_.changes_since(since, 1);
  if (!changes) return changes.error();
  return {};
}

Result<void> Hub::has_room() const {
  if (watchers_.size() + polls_ < limits::watcher_count_max) return {};
  return fail(ErrorCode::exhausted, "all " + std::to_string(limits::watcher_count_max) + " places for watchers are taken; ask for the list with its ETag instead");
}

Hub::Group& Hub::group_of(Dress dress) {
  std::string key = key_of(dress);
  auto& group = groups_[key];
  if (!group) {
    group = std::make_unique<Group>();
    group->key = std::move(key);
    group->dress = std::move(dress);
  }
  return *group;
}

void Hub::drop_if_empty(Group& group) {
  if (group.members == 0 && group.polls.empty()) groups_.erase(std::string(group.key));
}

void Hub::open(WatchRequest request, std::shared_ptr<net::Stream> stream) {
  auto owned = std::make_unique<Watcher>();
  Watcher& watcher = *owned;
  watcher.id = ++last_watcher_;
  watcher.group = &group_of({std::move(request.filter), request.fields, request.form});
  ++watcher.group->members;
  watcher.stream = std::move(stream);
  watcher.since = request.since;
  watcher.progress_at = watcher.written_at = world_.now();
  watchers_.emplace(watcher.id, std::move(owned));
  ++stats_.opened;

  watcher.stream->on_close([this, alive = std::weak_ptr(alive_), id = watcher.id](net::StreamEnd) {
    if (alive.lock()) remove(id);
  });
  // Of a stream that lives, so its watcher does. Whoever follows is told of what comes, not when there is room for it.
  watcher.stream->on_drained([this, alive = std::weak_ptr(alive_), &watcher] {
    if (alive.expired() || watcher.phase == Phase::following) return;
    watcher.progress_at = world_.now();
    pump(watcher);
  });
  if (request.form == WatchForm::sse) write(watcher, std::make_shared<const std::string>(wire::sse_retry(1s)));
  if (const auto reasons = world_.not_ready(); !reasons.empty()) {
    ++waiting_;
    write(watcher, std::make_shared<const std::string>(framed(request.form, wire::WatchKind::waiting, std::nullopt, wire::waiting_json(reasons, 1s))));
    return;
  }
  admit(watcher);
}

/// Where the reader begins.
void Hub::admit(Watcher& watcher) {
  if (!watcher.since) {
    begin_list(watcher, wire::ResetReason::start);
  } else if (const auto held = holds(*watcher.since); held) {
    watcher.phase = Phase::behind;
    watcher.at = watcher.marked = watcher.since->number;
    ++stats_.resumed;
  } else {
    const bool other_life = watcher.since->epoch != newest_.epoch;
    begin_list(watcher, other_life                                  ? wire::ResetReason::restart
                        : held.error().code == ErrorCode::invalid ? wire::ResetReason::unknown
                                                                  : wire::ResetReason::gone);
  }
  pump(watcher);
}

void Hub::remove(std::uint64_t id) {
  const auto found = watchers_.find(id);
  if (found == watchers_.end()) return;
  const std::unique_ptr<Watcher> watcher = std::move(found->second);
  watchers_.erase(found);
  Group& group = *watcher->group;
  if (watcher->phase == Phase::waiting) --waiting_;
  if (watcher->phase == Phase::following) {
    Watcher* const last = group.following.back();
    group.following[watcher->place] = last;
    last->place = watcher->place;
    group.following.pop_back();
  }
  --group.members;
  drop_if_empty(group);
}

void Hub::close_all(std::string_view reason) {
  const std::string json = wire::end_json(reason);
  for (const auto& [id, watcher] : watchers_) {
    write(*watcher, std::make_shared<const std::string>(framed(watcher->group->dress.form, wire::WatchKind::end, std::nullopt, json)));
    watcher->stream->close();
  }
  std::vector<std::function<void(Result<std::string>)>> waiting;
  for (const auto& [key, group] : groups_) {
    for (auto& poll : group->polls) waiting.push_back(std::move(poll.done));
    group->polls.clear();
  }
  polls_ = 0;
  for (const auto& done : waiting) done(fail(ErrorCode::unavailable, std::string(reason)));
}

WatchStats Hub::stats() const {
  WatchStats out = stats_;
  out.watchers = watchers_.size();
  out.polls = polls_;
  return out;
}

// ---- One reader -----------------------------------------------------------------------------------------------------

bool Hub::write(Watcher& watcher, std::shared_ptr<const std::string> bytes, Instant now) {
  watcher.written_at = now;
  return watcher.stream->write(std::move(bytes));
}

void Hub::begin_list(Watcher& watcher, wire::ResetReason reason) {
  Group& group = *watcher.group;
  const Instant now = world_.now();
  auto listing = group.listing.lock();
  // One that began a moment ago will do, as long as what happened since can still be told.
  if (!listing || now - listing->taken() > kListingShared || !holds(listing->revision())) {
    listing = std::make_shared<Listing>(world_.snapshot(), group.dress, now);
    group.listing = listing;
    group.listing_mode = mode_version_;
  }
  watcher.phase = Phase::listing;
  watcher.listing = std::move(listing);
  watcher.listing_mode = group.listing_mode;
  watcher.next_part = 0;
  ++stats_.resets;
  write(watcher, std::make_shared<const std::string>(watcher.listing->opening(reason)));
}

/// As much as the reader takes at once.
void Hub::pump(Watcher& watcher) {
  while (watcher.stream->open() && watcher.stream->queued_bytes() <= kPumpBytes && pump_once(watcher)) {
  }
}

/// One step; false when there is nothing to do now.
bool Hub::pump_once(Watcher& watcher) {
  if (watcher.phase == Phase::waiting || watcher.phase == Phase::following) return false;
  if (watcher.phase == Phase::listing) {
    write(watcher, watcher.listing->part(watcher.next_part, world_.now()));
    if (++watcher.next_part < watcher.listing->part_count()) return true;
    watcher.at = watcher.marked = watcher.listing->revision().number;
    watcher.mode_version = watcher.listing_mode;
    watcher.listing.reset();
    watcher.phase = Phase::behind;
    return true;
  }
  if (watcher.at == newest_.number) {
    follow(watcher);
    return false;
  }
  watcher.ahead = watcher.at > newest_.number;
  if (watcher.ahead) return false;

  const SnapshotPtr snapshot = world_.snapshot();
  if (watcher.slow && newest_.number - watcher.at > std::max<std::uint64_t>(pace_.list_after, snapshot->size())) {
    begin_list(watcher, wire::ResetReason::behind);
    return true;
  }
  const auto changes = world_.changes_since({newest_.epoch, watcher.at}, pace_.run_count);
  if (!changes || changes->empty()) {
    begin_list(watcher, wire::ResetReason::gone);
    return true;
  }
  std::vector<Piece> pieces;
  if (watcher.slow) pieces.push_back(folded_piece(*changes, watcher.group->dress, world_.now(), stats_.folded));
  else pieces = Renderer(*changes, world_.now()).pieces(watcher.group->dress);
  for (const Piece& piece : pieces) {
    watcher.at = piece.last;
    if (!piece.bytes) continue;
    write(watcher, piece.bytes);
    watcher.marked = piece.last;
    stats_.events += piece.events;
    if (watcher.stream->queued_bytes() >= kPieceBytes) break;  // the rest is fetched again
  }
  return true;
}

void Hub::follow(Watcher& watcher) {
  Group& group = *watcher.group;
  watcher.phase = Phase::following;
  watcher.slow = false;
  watcher.place = group.following.size();
  group.following.push_back(&watcher);
  if (watcher.mode_version == mode_version_) return;
  watcher.mode_version = mode_version_;
  write(watcher, std::make_shared<const std::string>(framed(group.dress.form, wire::WatchKind::mode, std::nullopt, wire::mode_json(*guard_, world_.now()))));
}

/// Out of the group's pace; the caller has set its position.
void Hub::fall_behind(Watcher& watcher) {
  Group& group = *watcher.group;
  Watcher* const last = group.following.back();
  group.following[watcher.place] = last;
  last->place = watcher.place;
  group.following.pop_back();
  watcher.phase = Phase::behind;
  watcher.slow = true;
  watcher.progress_at = world_.now();
}

// ---- What happens ---------------------------------------------------------------------------------------------------

void Hub::tell(std::span<const BatchPtr> batches) {
  std::vector<Change> changes;
  GuardViewPtr guard = guard_;
  for (const BatchPtr& batch : batches) {
    for (const Change& change : batch->changes)
      if (newest_ < change.revision) changes.push_back(change);
    guard = batch->snapshot->guard();
  }
  if (!changes.empty()) {
    const std::uint64_t first = changes.front().revision.number;
    // Batches that we never heard of: whoever follows has to fetch what was in them.
    const bool gap = first != newest_.number + 1 || changes.front().revision.epoch != newest_.epoch;
    Renderer renderer(changes, world_.now());
    std::vector<Group*> groups;
    for (const auto& [key, group] : groups_) groups.push_back(group.get());
    for (Group* group : groups) {
      if (gap)
        while (!group->following.empty()) {
          Watcher& watcher = *group->following.back();
          watcher.at = newest_.number;
          fall_behind(watcher);
          watcher.slow = false;
        }
      else tell_group(*group, renderer, first);
    }
    newest_ = changes.back().revision;
    for (Group* group : groups) {
      const auto events = group->polls.empty() || gap ? std::vector<std::string>{} : renderer.events(group->dress.filter, group->dress.fields);
      for (auto poll = group->polls.begin(); poll != group->polls.end();) {
        const auto current = poll++;
        if (current->at >= newest_.number) continue;
        if (gap || current->at + 1 != first) settle_poll(*group, current);
        else if (!events.empty()) answer_poll(*group, current, events, newest_.number, false);
        else current->at = newest_.number;
      }
    }
    for (const auto& [id, watcher] : watchers_)
      if (watcher->phase == Phase::behind && (watcher->ahead || gap)) pump(*watcher);
    std::erase_if(groups_, [](const auto& each) { return each.second->members == 0 && each.second->polls.empty(); });
  }
  if (guard && guard_ && !same_view(*guard, *guard_)) tell_mode(guard);
  guard_ = std::move(guard);
}

/// The changes after first - 1 to all of a group who follow.
void Hub::tell_group(Group& group, Renderer& renderer, std::uint64_t first) {
  if (group.following.empty()) return;
  const Instant now = world_.now();
  std::uint64_t position = first - 1;
  for (const Piece& piece : renderer.pieces(group.dress)) {
    if (piece.bytes) {
      for (std::size_t i = 0; i < group.following.size();) {
        Watcher& watcher = *group.following[i];
        if (watcher.stream->queued_bytes() > pace_.queue_bytes_max || watcher.stream->queued_count() > pace_.queue_count_max) {
          watcher.at = position;
          fall_behind(watcher);
          continue;  // the last one stands at its place now
        }
        write(watcher, piece.bytes, now);
        watcher.marked = piece.last;
        stats_.events += piece.events;
        ++i;
      }
    }
    position = piece.last;
  }
}

void Hub::tell_mode(const GuardViewPtr& guard) {
  ++mode_version_;
  guard_ = guard;
  const std::string json = wire::mode_json(*guard, world_.now());
  std::vector<Group*> groups;
  for (const auto& [key, group] : groups_) groups.push_back(group.get());
  for (Group* group : groups) {
    const auto bytes = std::make_shared<const std::string>(framed(group->dress.form, wire::WatchKind::mode, std::nullopt, json));
    for (Watcher* watcher : group->following) {
      watcher->mode_version = mode_version_;
      write(*watcher, bytes);
    }
    while (!group->polls.empty()) {
      const auto poll = group->polls.begin();
      answer_poll(*group, poll, {}, poll->at, false);
    }
  }
}

void Hub::beat() {
  const Instant now = world_.now();
  if (waiting_ > 0 && world_.not_ready().empty()) {
    for (const auto& [id, watcher] : watchers_)
      if (watcher->phase == Phase::waiting) {
        --waiting_;
        watcher->phase = Phase::behind;
        admit(*watcher);
      }
  }
  const auto comment = std::make_shared<const std::string>(wire::sse_comment("alive"));
  for (const auto& [id, watcher] : watchers_) {
    const WatchForm form = watcher->group->dress.form;
    if (watcher->phase == Phase::listing || watcher->phase == Phase::behind) {
      const std::size_t queued = watcher->stream->queued_bytes();
      if (queued < std::exchange(watcher->queued, queued)) watcher->progress_at = now;
      if (watcher->ahead || now - watcher->progress_at <= kBehindMax) continue;
      ++stats_.cut;
      write(*watcher, std::make_shared<const std::string>(framed(
                          form, wire::WatchKind::end, std::nullopt,
                          wire::end_json("nothing was read for " + std::to_string(kBehindMax / 1s) + " s; come again, from the last position or without one"))));
      watcher->stream->close();
    } else if (now - watcher->written_at >= kHeartbeat) {
      // A reader of few changes is to hold a fresh position, or it could not resume.
      const bool mark = watcher->phase == Phase::following && (form == WatchForm::ndjson || watcher->marked != newest_.number);
      if (mark) {
        watcher->marked = newest_.number;
        write(*watcher, std::make_shared<const std::string>(framed(form, wire::WatchKind::mark, newest_, wire::mark_json(newest_))));
      } else if (form == WatchForm::sse) {
        write(*watcher, comment);
      } else {
        write(*watcher, std::make_shared<const std::string>(framed(form, wire::WatchKind::waiting, std::nullopt, wire::waiting_json(world_.not_ready(), 1s))));
      }
    }
  }
  for (const auto& [key, group] : groups_)
    for (auto poll = group->polls.begin(); poll != group->polls.end();) {
      const auto current = poll++;
      if (now >= current->until) answer_poll(*group, current, {}, current->at, false);
    }
  std::erase_if(groups_, [](const auto& each) { return each.second->members == 0 && each.second->polls.empty(); });
}

// ---- Long polls -----------------------------------------------------------------------------------------------------

std::function<void()> Hub::poll(WatchRequest request, Duration wait, std::function<void(Result<std::string>)> done) {
  const auto nothing_to_give_up = [] {};
  if (const auto reasons = world_.not_ready(); !reasons.empty()) {
    done(fail(ErrorCode::unavailable, "not ready yet: " + reasons.front()));
    return nothing_to_give_up;
  }
  if (!request.since) {
    done(fail(ErrorCode::invalid, "a long poll needs since=EPOCH.REVISION; take both from a list"));
    return nothing_to_give_up;
  }
  if (const auto held = holds(*request.since); !held) {
    done(held.error());
    return nothing_to_give_up;
  }
  Group& group = group_of({std::move(request.filter), request.fields, WatchForm::ndjson});
  const std::uint64_t id = ++last_watcher_;
  group.polls.push_back({id, request.since->number, world_.now() + wait, std::move(done)});
  ++polls_;
  const std::string key = group.key;
  settle_poll(group, std::prev(group.polls.end()));
  if (const auto still = groups_.find(key); still != groups_.end()) drop_if_empty(*still->second);
  return [this, alive = std::weak_ptr(alive_), key, id] {
    if (!alive.lock()) return;
    const auto found = groups_.find(key);
    if (found == groups_.end()) return;
    polls_ -= std::erase_if(found->second->polls, [id](const Poll& poll) { return poll.id == id; });
    drop_if_empty(*found->second);
  };
}

/// Answers if there is something to say, else the poll stands at the newest position and waits.
void Hub::settle_poll(Group& group, std::list<Poll>::iterator poll) {
  while (true) {
    const auto changes = world_.changes_since({newest_.epoch, poll->at}, pace_.run_count);
    if (!changes) {
      const auto done = std::move(poll->done);
      group.polls.erase(poll);
      --polls_;
      return done(changes.error());
    }
    if (changes->empty()) return;
    auto events = Renderer(*changes, world_.now()).events(group.dress.filter, group.dress.fields);
    const std::uint64_t last = changes->back().revision.number;
    if (!events.empty()) return answer_poll(group, poll, std::move(events), last, changes->size() == pace_.run_count);
    poll->at = last;
  }
}

void Hub::answer_poll(Group& group, std::list<Poll>::iterator poll, std::vector<std::string> events, std::uint64_t at, bool more) {
  const auto done = std::move(poll->done);
  group.polls.erase(poll);
  --polls_;
  stats_.events += events.size();
  done(wire::poll_json(events, {newest_.epoch, at}, more, *world_.snapshot()->guard(), world_.now()));
}

}  // namespace choregos::api::watch
