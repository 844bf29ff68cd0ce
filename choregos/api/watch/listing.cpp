#include "choregos/api/watch/listing.hpp"

#include <algorithm>
#include <span>

namespace choregos::api::watch {

Listing::Listing(SnapshotPtr snapshot, const Dress& dress, Instant taken)
    : snapshot_(std::move(snapshot)), fields_(dress.fields), form_(dress.form), taken_(taken) {
  // A query without order and cursor cannot fail.
  if (auto page = snapshot_->run(dress.filter)) records_ = std::move(page->records);
  parts_.resize((records_.size() + kPartCount - 1) / kPartCount + 1);
}

std::string Listing::opening(wire::ResetReason reason) const {
  return framed(form_, wire::WatchKind::reset, std::nullopt, wire::reset_json(reason, revision(), total()));
}

std::shared_ptr<const std::string> Listing::part(std::size_t index, Instant now) {
  auto& part = parts_[index];
  if (part) return part;
  if (index + 1 == parts_.size()) {
    part = std::make_shared<const std::string>(
        framed(form_, wire::WatchKind::ready, revision(), wire::ready_json(revision(), total(), *snapshot_->guard(), now)));
  } else {
    const std::size_t first = index * kPartCount;
    const auto some = std::span(records_).subspan(first, std::min(kPartCount, records_.size() - first));
    part = std::make_shared<const std::string>(framed(form_, wire::WatchKind::agents, std::nullopt, wire::agents_json(some, now, fields_)));
  }
  return part;
}

}  // namespace choregos::api::watch
