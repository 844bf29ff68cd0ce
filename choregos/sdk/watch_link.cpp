#include "choregos/sdk/watch_link.hpp"

#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/sdk/views.hpp"
#include "choregos/wire/problem.hpp"

namespace choregos {

std::string_view to_string(WatchEvent::Kind kind) {
  switch (kind) {
    case WatchEvent::Kind::reset: return "reset";
    case WatchEvent::Kind::put: return "put";
    case WatchEvent::Kind::remove: return "remove";
    case WatchEvent::Kind::ready: return "ready";
    case WatchEvent::Kind::mode: return "mode";
    case WatchEvent::Kind::lost: return "lost";
  }
  return "lost";
}

namespace sdk {
namespace {
constexpr int kNoStream = 1;  ///< no status of HTTP: an answer of another kind
}

WatchLink::WatchLink(net::Loop& loop, net::HttpClient& client, net::HttpClientRequest request, OnEvent on_event, std::uint64_t seed)
    : loop_(loop), client_(client), request_(std::move(request)), on_event_(std::move(on_event)), rng_(seed) {}

void WatchLink::stop() {
  stopped_ = true;
  retry_.cancel();
  call_.cancel();
  on_event_ = nullptr;
}

void WatchLink::connect() {
  parser_ = wire::SseParser(limits::watch_event_bytes_max);
  ready_told_ = false;
  status_ = 0;
  refusal_.clear();
  auto request = request_;
  request.headers.emplace_back("Accept", "text/event-stream");
  if (!position_.empty()) request.headers.emplace_back("Last-Event-ID", position_);
  request.idle_timeout = kSilenceMax;
  const auto self = weak_from_this();
  net::HttpClient::StreamCallbacks callbacks;
  callbacks.on_head = [self](const net::HttpResponse& head) {
    const auto alive = self.lock();
    return alive && alive->on_head(head);
  };
  callbacks.on_chunk = [self](std::string_view bytes) {
    if (const auto alive = self.lock()) alive->on_bytes(bytes);
  };
  callbacks.on_end = [self](const Result<void>& end, net::Failure) {
    if (const auto alive = self.lock()) alive->on_end(end);
  };
  call_ = client_.open_stream(std::move(request), std::move(callbacks));
}

bool WatchLink::on_head(const net::HttpResponse& head) {
  status_ = head.status;
  // Anything else is read to its end for what it says.
  if (status_ == 200 && head.header("Content-Type").substr(0, 17) != "text/event-stream") status_ = kNoStream;
  return true;
}

void WatchLink::on_bytes(std::string_view bytes) {
  if (status_ != 200) {
    if (refusal_.size() < limits::body_bytes_max) refusal_ += bytes.substr(0, limits::body_bytes_max - refusal_.size());
    return;
  }
  // The callback may stop us, and then we are kept by nobody else.
  const auto self = shared_from_this();
  std::optional<Error> wrong;
  const auto fed = parser_.feed(bytes, [&](const wire::SseEvent& event) {
    if (!stopped_ && call_.active()) take(event);
  });
  if (!fed && !stopped_) break_off(fed.error());
}

void WatchLink::on_end(const Result<void>& end) {
  if (stopped_) return;
  const auto self = shared_from_this();
  if (status_ >= 400) break_off(wire::read_problem(status_, refusal_));
  else if (status_ != 200 && end) break_off({ErrorCode::unsupported, "what answered is no event stream; is it a choregosd?"});
  else if (end) break_off({ErrorCode::unavailable, "the registry ended the stream"});
  else break_off(status_ == 0 ? end.error() : Error{end.error().code, "the stream broke: " + end.error().message});
}

/// Nothing that comes now can be believed: say so, and try again.
void WatchLink::break_off(Error error) {
  call_.cancel();
  WatchEvent event;
  event.kind = WatchEvent::Kind::lost;
  event.error = std::move(error);
  event.retry_after = backoff_.next(rng_);
  const Duration wait = event.retry_after;
  if (on_event_) on_event_(event);
  if (stopped_) return;
  retry_ = loop_.after(wait, [self = weak_from_this()] {
    if (const auto alive = self.lock()) alive->connect();
  });
}

void WatchLink::take(const wire::SseEvent& event) {
  auto read = wire::read_watch(event.data, limits::watch_event_bytes_max);
  if (!read) {
    // An event that a newer registry knows and we do not is no harm.
    if (read.error().code != ErrorCode::unsupported) break_off(read.error());
    return;
  }
  wire::WatchMessage& message = *read;
  if (message.kind == wire::WatchKind::reset) position_.clear();
  else if (!event.id.empty()) position_ = event.id;

  WatchEvent told;
  switch (message.kind) {
    case wire::WatchKind::waiting:
    case wire::WatchKind::mark: return;
    case wire::WatchKind::agents: return tell_agents(message, event.data);
    case wire::WatchKind::put:
    case wire::WatchKind::remove: return tell_change(message, event.data);
    case wire::WatchKind::end: return break_off({ErrorCode::unavailable, "the registry ended the stream: " + message.reason});
    case wire::WatchKind::reset:
      told.kind = WatchEvent::Kind::reset;
      told.reason = to_string(message.reset);
      told.total = message.total;
      told.revision = message.revision;
      break;
    case wire::WatchKind::ready:
    case wire::WatchKind::mode:
      // After a resumption the guard's view is what tells that we are up to date again.
      told.kind = message.kind == wire::WatchKind::ready || !ready_told_ ? WatchEvent::Kind::ready : WatchEvent::Kind::mode;
      ready_told_ = true;
      backoff_.reset();
      told.mode = message.mode;
      told.guard = message.guard;
      told.revision = message.kind == wire::WatchKind::ready ? message.revision : parse_revision(position_).value_or(Revision{});
      break;
  }
  told.raw = event.data;
  on_event_(told);
}

void WatchLink::tell_agents(wire::WatchMessage& message, std::string raw) {
  for (auto& document : message.agents) {
    if (stopped_) return;
    WatchEvent told;
    told.kind = WatchEvent::Kind::put;
    told.listed = true;
    told.change = ChangeKind::appeared;
    told.agent = view_of(std::move(document));
    told.raw = std::exchange(raw, {});
    on_event_(told);
  }
}

void WatchLink::tell_change(wire::WatchMessage& message, const std::string& raw) {
  WatchEvent told;
  const bool put = message.kind == wire::WatchKind::put;
  told.kind = put ? WatchEvent::Kind::put : WatchEvent::Kind::remove;
  told.change = put                                                   ? message.change
                : message.removed == wire::RemoveReason::forgotten ? ChangeKind::forgotten
                : message.removed == wire::RemoveReason::merged    ? ChangeKind::merged
                                                                   : ChangeKind::updated;
  told.unmatched = !put && message.removed == wire::RemoveReason::unmatched;
  told.agent = view_of(std::move(message.agents.at(0)));
  told.was = message.was;
  told.reason = std::move(message.reason);
  told.into = std::move(message.into);
  told.source = std::move(message.source);
  told.at = message.at;
  told.folded = message.folded.value_or(0);
  told.revision = message.revision;
  told.raw = raw;
  on_event_(told);
}

}  // namespace sdk
}  // namespace choregos
