// The log of choregosd: lines to a descriptor, written by a thread of its own, so that a reader of stderr who has stopped
// reading stops nobody else. When limits::log_queue_bytes_max bytes wait, further lines are dropped and counted.
//
// Any thread may log. `info` is for what happened, `warn` for degraded but serving, `error` for a function that is lost.
// Warnings and errors that repeat (the same event and the same `kind`) are counted, not repeated.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "choregos/daemon/log_line.hpp"

namespace choregos::daemon {

class Logger {
 public:
  struct Options {
    int descriptor = 2;
    LogLevel level = LogLevel::info;
    bool json = true;
    bool color = false;
  };
  using Fields = std::initializer_list<LogField>;

  explicit Logger(Options options);
  /// Writes what waits, for at most half a second.
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  bool on(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }

  void debug(std::string_view event, Fields fields) { write(LogLevel::debug, event, {fields.begin(), fields.size()}); }
  void info(std::string_view event, Fields fields) { write(LogLevel::info, event, {fields.begin(), fields.size()}); }
  /// `kind` tells apart what is not the same trouble: "" = every line of this event is.
  void warn(std::string_view event, std::string_view kind, Fields fields) { repeatable(LogLevel::warn, event, kind, {fields.begin(), fields.size()}); }
  void error(std::string_view event, std::string_view kind, Fields fields) { repeatable(LogLevel::error, event, kind, {fields.begin(), fields.size()}); }

  /// As error, but written each time: the answer to something that an operator did.
  void answer_error(std::string_view event, Fields fields) { write(LogLevel::error, event, {fields.begin(), fields.size()}); }

  /// Writes the counts of repeats whose minute is over. Call it about once a second.
  void report_repeats();
  std::uint64_t dropped() const;

 private:
  struct Sink;
  void write(LogLevel level, std::string_view event, std::span<const LogField> fields);
  void repeatable(LogLevel level, std::string_view event, std::string_view kind, std::span<const LogField> fields);

  std::atomic<LogLevel> level_;
  const bool json_;
  const bool color_;
  std::shared_ptr<Sink> sink_;
};

}  // namespace choregos::daemon
