#include "choregos/daemon/repeats.hpp"

#include "choregos/base/limits.hpp"

namespace choregos::daemon {

bool Repeats::first(std::string_view kind, Instant now) {
  const auto it = kinds_.find(kind);
  if (it == kinds_.end()) {
    if (kinds_.size() < limits::log_kind_count_max) kinds_.emplace(kind, Entry{now + kWindow});
    return true;
  }
  ++it->second.count;
  return false;
}

std::vector<Repeats::Count> Repeats::due(Instant now) {
  std::vector<Count> out;
  for (auto it = kinds_.begin(); it != kinds_.end();) {
    if (it->second.until > now) {
      ++it;
      continue;
    }
    if (it->second.count > 0) out.push_back({it->first, it->second.count});
    it = kinds_.erase(it);
  }
  return out;
}

}  // namespace choregos::daemon
