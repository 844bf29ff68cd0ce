// Server-sent events (WHATWG HTML, section 9.2): text blocks on a response that stays open. Writer and parser.
// Pure; a parser belongs to one stream.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "choregos/base/limits.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"

namespace choregos::wire {

/// One event, with its closing blank line. `id` and `event` may be "" (left out); line breaks in them are removed, those in
/// data become further data lines, as the format wants.
std::string sse_event(std::string_view id, std::string_view event, std::string_view data);
void append_sse_event(std::string& out, std::string_view id, std::string_view event, std::string_view data);
/// A line that readers ignore: keeps idle connections open.
std::string sse_comment(std::string_view text);
/// How long a reader should wait before it connects again.
std::string sse_retry(Duration wait);

struct SseEvent {
  std::string id;     ///< the last id of the stream, also when this event carried none
  std::string event;  ///< "message" when not named
  std::string data;   ///< lines joined by '\n'
  bool operator==(const SseEvent&) const = default;
};

/// Takes the stream in pieces of any size; line ends may be LF, CR or CRLF.
class SseParser {
 public:
  explicit SseParser(std::size_t event_bytes_max = limits::watch_event_bytes_max) : event_bytes_max_(event_bytes_max) {}

  /// Calls `on_event` for each event that is complete by now; events without data are dropped, as the standard says.
  /// Errors: too_large (an event over the bound), invalid (not UTF-8); the parser then takes nothing more.
  Result<void> feed(std::string_view bytes, const std::function<void(const SseEvent&)>& on_event);
  /// For Last-Event-ID when connecting again; "" = none.
  const std::string& last_event_id() const { return last_event_id_; }
  std::optional<Duration> retry() const { return retry_; }
  /// Any byte at all came since the last call (comments count): the other side lives.
  bool take_activity();

 private:
  Result<void> line(std::string_view text, const std::function<void(const SseEvent&)>& on_event);

  std::size_t event_bytes_max_;
  std::string line_;
  std::string data_;
  std::string event_;
  std::string next_id_;
  std::string last_event_id_;
  std::optional<Duration> retry_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool at_start_ = true;
  bool failed_ = false;
  bool active_ = false;
};

}  // namespace choregos::wire
