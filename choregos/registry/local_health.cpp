#include "choregos/registry/local_health.hpp"

#include <algorithm>
#include <utility>

namespace choregos::registry {

std::uint32_t LocalHealth::score(Instant now) const {
  if (score_ == 0 || now <= at_) return score_;
  // The second in which the trouble lay is not clean.
  const auto clean = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (now - at_) / 1s - 1));
  return clean >= score_ ? 0 : score_ - static_cast<std::uint32_t>(clean);
}

void LocalHealth::raise(std::size_t kind, Instant now, std::string reason) {
  if (raised_[kind] != Instant::min() && now < raised_[kind] + 1s) return;
  raised_[kind] = now;
  score_ = std::min(kScoreMax, score(now) + 1);
  at_ = std::max(at_, now);
  reason_ = std::move(reason);
}

void LocalHealth::note(const Sign& sign) {
  switch (sign.kind) {
    case SignKind::lag:
      if (sign.amount > 250ms) raise(0, sign.at, "our loop was late by " + format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(sign.amount)));
      return;
    case SignKind::drops: return raise(1, sign.at, "our sockets dropped " + std::to_string(sign.count) + " datagrams");
    case SignKind::send_failed: return raise(2, sign.at, "our own system refused to send" + (sign.reason.empty() ? "" : ": " + sign.reason));
    case SignKind::canary_lost: return raise(3, sign.at, "a datagram to ourselves did not come back");
    default: return;
  }
}

void LocalHealth::came_back_together(std::uint32_t count, Instant now) { raise(4, now, std::to_string(count) + " agents came back from silence together"); }

}  // namespace choregos::registry
