// One line of the log: a fixed event name, then fields in the order given. As JSON for machines, as text for people; in
// both whatever a stranger wrote stays on its line and cannot steer a terminal. Pure; any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "choregos/base/time.hpp"

namespace choregos::daemon {

enum class LogLevel : std::uint8_t { debug, info, warn, error };
std::string_view to_string(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view word);

/// A field whose text is empty is left out: what was not said takes no place.
struct LogField {
  std::string_view key;
  std::variant<std::string, std::int64_t, std::uint64_t, bool> value;

  LogField(std::string_view k, std::string_view text) : key(k), value(std::string(text)) {}
  LogField(std::string_view k, const std::string& text) : key(k), value(text) {}
  LogField(std::string_view k, const char* text) : key(k), value(std::string(text)) {}
  LogField(std::string_view k, bool truth) : key(k), value(truth) {}
  template <class Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>)
  LogField(std::string_view k, Int number) : key(k) {
    if constexpr (std::is_signed_v<Int>) value = std::int64_t{number};
    else value = std::uint64_t{number};
  }
  bool empty() const { return std::holds_alternative<std::string>(value) && std::get<std::string>(value).empty(); }
};

/// {"time":"…","level":"info","event":"agent_lost","agent_id":"a1"} and a line feed.
std::string json_line(WallTime time, LogLevel level, std::string_view event, std::span<const LogField> fields);
/// 10:06:54.120 info  agent_lost  agent_id=a1 reason="no answer" and a line feed; the time is UTC. `color` adds escape codes.
std::string text_line(WallTime time, LogLevel level, std::string_view event, std::span<const LogField> fields, bool color);

}  // namespace choregos::daemon
