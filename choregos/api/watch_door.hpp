// How a request for news reaches whoever tells it: the HTTP API knows this door, the hub of watchers stands behind it, and neither
// knows the other. Loop's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/query.hpp"
#include "choregos/net/http_server.hpp"
#include "choregos/wire/agent_json.hpp"

namespace choregos::api {

/// Server-sent events, or one JSON object a line.
enum class WatchForm : std::uint8_t { sse, ndjson };

struct WatchRequest {
  Query filter;                      ///< its filters only; a stream has no order and no pages
  wire::AgentFields fields;
  WatchForm form = WatchForm::sse;
  std::optional<Revision> since;     ///< the last position that the reader has; unset = it has nothing
};

struct WatchStats {
  std::size_t watchers = 0;          ///< streams open now
  std::size_t polls = 0;             ///< long polls that wait now
  std::uint64_t opened = 0;          ///< streams since start
  std::uint64_t resumed = 0;         ///< of these, those that went on from a position
  std::uint64_t resets = 0;          ///< whole lists told
  std::uint64_t events = 0;          ///< puts and removes written, each once a reader
  std::uint64_t folded = 0;          ///< changes that slow readers were spared
  std::uint64_t cut = 0;             ///< streams ended because their reader stayed behind
};

class WatchDoor {
 public:
  virtual ~WatchDoor() = default;
  /// Whether a stream may go on from there. Errors: gone (another life of the registry, or longer ago than changes are held),
  /// invalid (never given out).
  virtual Result<void> holds(Revision since) const = 0;
  /// Errors: exhausted (limits::watcher_count_max).
  virtual Result<void> has_room() const = 0;
  /// Serves the stream until it ends. A position that is not held leads to a reset, never to a gap.
  virtual void open(WatchRequest request, std::shared_ptr<net::Stream> stream) = 0;
  /// Answers once: as soon as something after `request.since` (required, held) passes the filter or the guard moves, or after `wait`
  /// with no events. The result is a function that gives up, after which `done` is not called. Errors given to `done`: gone, unavailable.
  virtual std::function<void()> poll(WatchRequest request, Duration wait, std::function<void(Result<std::string>)> done) = 0;
  virtual WatchStats stats() const = 0;
};

}  // namespace choregos::api
