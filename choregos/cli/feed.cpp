#include "choregos/cli/feed.hpp"

#include <chrono>
#include <utility>

namespace choregos::cli {

Result<void> Feed::open(const Query& query) {
  auto watch = client_.watch(query, [this](const WatchEvent& event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    came_.notify_one();
  });
  if (!watch) return watch.error();
  watch_ = std::move(*watch);
  return {};
}

std::optional<WatchEvent> Feed::next(Duration wait) {
  std::unique_lock lock(mutex_);
  const auto some = [this] { return !events_.empty(); };
  if (wait < Duration{0}) came_.wait(lock, some);
  else if (!came_.wait_for(lock, wait, some)) return std::nullopt;
  WatchEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

bool is_final(const Error& error) {
  return error.code == ErrorCode::denied || error.code == ErrorCode::forbidden || error.code == ErrorCode::invalid || error.code == ErrorCode::unsupported;
}

}  // namespace choregos::cli
