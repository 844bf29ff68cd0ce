#include "choregos/daemon/logger.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "choregos/base/limits.hpp"
#include "choregos/daemon/repeats.hpp"

namespace choregos::daemon {
namespace {

Instant now() { return {std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count()}; }
WallTime wall_now() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      pollfd wait{descriptor, POLLOUT, 0};
      ::poll(&wait, 1, 1000);
    } else if (!(written < 0 && errno == EINTR)) {
      return;  // nobody will ever read it: the descriptor is closed, or its disk is full
    }
  }
}

}  // namespace

/// Shared with the thread, which may outlive the logger when its descriptor takes nothing any more.
struct Logger::Sink {
  std::mutex mutex;
  std::condition_variable wake, idle;
  std::string waiting;       // guarded by mutex, as all below
  bool writing = false;
  bool ending = false;
  std::uint64_t dropped = 0;
  Repeats repeats;
  int descriptor = 2;        // fixed

  void push(std::string_view line) {
    const std::lock_guard lock(mutex);
    if (waiting.size() + line.size() > limits::log_queue_bytes_max) {
      ++dropped;
      return;
    }
    waiting += line;
    wake.notify_one();
  }

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [&] { return !waiting.empty() || ending; });
      if (waiting.empty()) return;
      std::string text;
      text.swap(waiting);
      writing = true;
      lock.unlock();
      write_all(descriptor, text);
      lock.lock();
      writing = false;
      if (waiting.empty()) idle.notify_all();
    }
  }
};

Logger::Logger(Options options) : level_(options.level), json_(options.json), color_(options.color), sink_(std::make_shared<Sink>()) {
  sink_->descriptor = options.descriptor;
  std::thread([sink = sink_] { sink->run(); }).detach();
}

Logger::~Logger() {
  std::vector<Repeats::Count> counts;
  {
    const std::lock_guard lock(sink_->mutex);
    counts = sink_->repeats.all();
  }
  for (const auto& [kind, count] : counts) info("repeated", {{"what", kind}, {"count", count}});
  std::unique_lock lock(sink_->mutex);
  sink_->ending = true;
  sink_->wake.notify_all();
  sink_->idle.wait_for(lock, std::chrono::milliseconds(500), [&] { return sink_->waiting.empty() && !sink_->writing; });
}

std::uint64_t Logger::dropped() const {
  const std::lock_guard lock(sink_->mutex);
  return sink_->dropped;
}

void Logger::write(LogLevel level, std::string_view event, std::span<const LogField> fields) {
  if (!on(level)) return;
  sink_->push(json_ ? json_line(wall_now(), level, event, fields) : text_line(wall_now(), level, event, fields, color_));
}

void Logger::repeatable(LogLevel level, std::string_view event, std::string_view kind, std::span<const LogField> fields) {
  if (!on(level)) return;
  report_repeats();
  std::string name(event);
  if (!kind.empty()) name.append(" ").append(kind);
  {
    const std::lock_guard lock(sink_->mutex);
    if (!sink_->repeats.first(name, now())) return;
  }
  write(level, event, fields);
}

void Logger::report_repeats() {
  std::vector<Repeats::Count> counts;
  {
    const std::lock_guard lock(sink_->mutex);
    counts = sink_->repeats.due(now());
  }
  for (const auto& [kind, count] : counts)
    if (on(LogLevel::warn)) {
      const LogField fields[] = {{"what", kind}, {"count", count}};
      write(LogLevel::warn, "repeated", fields);
    }
}

}  // namespace choregos::daemon
