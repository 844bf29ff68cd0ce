// A whole list on its way to readers who begin with one: rendered a part at a time, when the first of them is ready for it, and
// shared by all who begin within a moment, so that a thousand who come back at once cost one rendering.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "choregos/api/watch/rendering.hpp"
#include "choregos/registry/snapshot.hpp"

namespace choregos::api::watch {

class Listing {
 public:
  /// Agents in one event.
  static constexpr std::size_t kPartCount = 64;

  Listing(SnapshotPtr snapshot, const Dress& dress, Instant taken);
  Revision revision() const { return snapshot_->revision(); }
  Instant taken() const { return taken_; }
  std::size_t total() const { return records_.size(); }
  /// The event that begins it; its reason is a reader's own.
  std::string opening(wire::ResetReason reason) const;
  std::size_t part_count() const { return parts_.size(); }
  /// The last part is the event that ends it and carries its position. `now` is when the ages in it are true.
  std::shared_ptr<const std::string> part(std::size_t index, Instant now);

 private:
  SnapshotPtr snapshot_;
  wire::AgentFields fields_;
  WatchForm form_;
  Instant taken_;
  std::vector<AgentRecordPtr> records_;
  std::vector<std::shared_ptr<const std::string>> parts_;
};

}  // namespace choregos::api::watch
