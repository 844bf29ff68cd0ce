#include "choregos/wire/sse.hpp"

#include <charconv>
#include <cstdint>

#include "choregos/base/text.hpp"

namespace choregos::wire {
namespace {

/// One line; what would end it is left out. Readers ignore an id with a NUL, so ids are written without.
void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value)
    if (c != '\n' && c != '\r' && (c != '\0' || name != "id")) out += c;
  out += '\n';
}

/// The first line of `text`; takes it and its line end (LF, CR, CRLF) off the front. False once there is none left.
bool next_line(std::string_view& text, std::string_view& line, bool& more) {
  if (!more) return false;
  const auto end = text.find_first_of("\r\n");
  line = text.substr(0, end);
  if (end == std::string_view::npos) {
    more = false;
    return true;
  }
  const bool crlf = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
  text.remove_prefix(end + (crlf ? 2 : 1));
  return true;
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

void append_sse_event(std::string& out, std::string_view id, std::string_view event, std::string_view data) {
  if (!id.empty()) append_field(out, "id", id);
  if (!event.empty()) append_field(out, "event", event);
  bool more = true;
  for (std::string_view line; next_line(data, line, more);) append_field(out, "data", line);
  out += '\n';
}

std::string sse_event(std::string_view id, std::string_view event, std::string_view data) {
  std::string out;
  out.reserve(id.size() + event.size() + data.size() + 32);
  append_sse_event(out, id, event, data);
  return out;
}

std::string sse_comment(std::string_view text) {
  std::string out;
  append_field(out, "", text);
  return out + '\n';
}

std::string sse_retry(Duration wait) {
  const auto ms = wait.count() / 1'000'000;
  return "retry: " + std::to_string(ms < 0 ? 0 : ms) + "\n\n";
}

Result<void> SseParser::feed(std::string_view bytes, const std::function<void(const SseEvent&)>& on_event) {
  if (failed_) return fail(ErrorCode::invalid, "the event stream failed before; open a new one");
  if (!bytes.empty()) active_ = true;
  while (!bytes.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const auto end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + part.size() + data_.size() + event_.size() > event_bytes_max_) {
      failed_ = true;
      return fail(ErrorCode::too_large, "an event of the stream has more than " + std::to_string(event_bytes_max_) + " bytes");
    }
    line_ += part;
    if (end == std::string_view::npos) return {};
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (auto ok = line(line_, on_event); !ok) {
      failed_ = true;
      return ok;
    }
    line_.clear();
  }
  return {};
}

Result<void> SseParser::line(std::string_view text, const std::function<void(const SseEvent&)>& on_event) {
  if (at_start_ && text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
  at_start_ = false;
  if (!is_utf8(text)) return fail(ErrorCode::invalid, "the event stream is not valid UTF-8");
  if (text.empty()) {
    last_event_id_ = next_id_;
    if (has_data_) {
      SseEvent event{last_event_id_, event_.empty() ? "message" : event_, data_};
      data_.clear();
      event_.clear();
      has_data_ = false;
      on_event(event);
    }
    event_.clear();
    return {};
  }
  const auto colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (name == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "event") {
    event_ = std::string(value);
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) next_id_ = std::string(value);
  } else if (name == "retry") {
    std::int64_t ms = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
    constexpr std::int64_t kMost = 86'400'000;  // a day: a server that says more means a mistake
    if (error == std::errc{} && end == value.data() + value.size() && ms >= 0) retry_ = std::chrono::milliseconds{ms < kMost ? ms : kMost};
  }
  return {};
}

bool SseParser::take_activity() {
  const bool was = active_;
  active_ = false;
  return was;
}

}  // namespace choregos::wire
