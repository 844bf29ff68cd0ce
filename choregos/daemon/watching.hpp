// Joins the writer, which publishes on its own thread, with the hub of watchers, which lives on the loop's.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "choregos/api/watch/hub.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/writer/writer.hpp"

namespace choregos::daemon {

class Watching {
 public:
  /// `not_ready` as in Hub::World. The writer and the loop must outlive it.
  Watching(net::Loop& loop, Writer& writer, std::function<std::vector<std::string>()> not_ready);
  ~Watching();

  api::watch::Hub& hub() { return *hub_; }
  /// Tells every watcher that choregosd stops.
  void close_all(std::string_view reason) { hub_->close_all(reason); }

 private:
  /// Batches on their way from the writer's thread; they may come to a loop that no longer has a hub.
  struct Inbox {
    std::mutex mutex;
    std::vector<BatchPtr> batches;
  };

  net::Loop& loop_;
  Writer& writer_;
  std::shared_ptr<Inbox> inbox_;
  std::shared_ptr<Watching*> self_;  ///< for what was posted before we ended
  std::unique_ptr<api::watch::Hub> hub_;
  Writer::Subscription subscription_ = 0;
  net::Timer beat_;
};

}  // namespace choregos::daemon
