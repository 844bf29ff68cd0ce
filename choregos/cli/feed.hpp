// The watch of a verb: events that come on the client's thread, taken one by one where the verb runs.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "choregos/base/time.hpp"
#include "choregos/cli/context.hpp"
#include "choregos/sdk/client.hpp"
#include "choregos/sdk/watch.hpp"

namespace choregos::cli {

class Feed {
 public:
  explicit Feed(const Context& context) : client_(context.client()) {}
  /// Errors: those of Client::watch.
  Result<void> open(const Query& query);
  /// The next event; nothing when `wait` passed without one. Negative: wait for ever.
  std::optional<WatchEvent> next(Duration wait = Duration{-1});

 private:
  Client client_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<WatchEvent> events_;
  Watch watch_;  ///< last: its callback uses the rest
};

/// Why a watch that was lost is not worth another try: the token, or the question. Else it is tried again by itself.
bool is_final(const Error& error);

}  // namespace choregos::cli
