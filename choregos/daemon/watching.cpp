#include "choregos/daemon/watching.hpp"

#include <utility>

namespace choregos::daemon {

Watching::Watching(net::Loop& loop, Writer& writer, std::function<std::vector<std::string>()> not_ready)
    : loop_(loop), writer_(writer), inbox_(std::make_shared<Inbox>()), self_(std::make_shared<Watching*>(this)) {
  // First to hear, then where the hub begins: what comes twice is left out, what came never could not be told.
  subscription_ = writer_.subscribe([&loop, inbox = inbox_, weak = std::weak_ptr(self_)](const BatchPtr& batch) {
    {
      const std::lock_guard lock(inbox->mutex);
      inbox->batches.push_back(batch);
      if (inbox->batches.size() > 1) return;  // the loop is on its way already and will take this, too
    }
    loop.post([inbox, weak] {
      const auto self = weak.lock();
      std::vector<BatchPtr> batches;
      {
        const std::lock_guard lock(inbox->mutex);
        batches.swap(inbox->batches);
      }
      if (self) (*self)->hub_->tell(batches);
    });
  });
  hub_ = std::make_unique<api::watch::Hub>(api::watch::Hub::World{
      [&writer] { return writer.snapshot(); },
      [&writer](Revision from, std::size_t count_max) { return writer.changes_since(from, count_max); },
      std::move(not_ready),
      [&loop] { return loop.now(); },
  });
  beat_ = loop_.every(100ms, [this] { hub_->beat(); });
}

Watching::~Watching() { writer_.unsubscribe(subscription_); }

}  // namespace choregos::daemon
