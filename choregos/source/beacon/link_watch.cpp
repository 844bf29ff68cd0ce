#include "choregos/source/beacon/link_watch.hpp"

#include <unistd.h>

namespace choregos::source::beacon {

void LinkWatch::look(Instant now, const Tell& tell) {
  look(now, net::interfaces(), [](const std::string& name) { return ::access(("/sys/class/net/" + name + "/bridge").c_str(), F_OK) == 0; }, tell);
}

void LinkWatch::look(Instant now, const std::vector<net::Interface>& present, const std::function<bool(const std::string&)>& is_bridge, const Tell& tell) {
  std::map<std::string, unsigned> up;
  for (const auto& one : present)
    if (one.up && !one.loopback && !one.addresses.empty()) up.emplace(one.name, one.index);
  for (const auto& [name, index] : up_) {
    const auto last = last_.find(index);
    if (up.contains(name) || last == last_.end() || now - last->second > kHeardWithin || is_bridge(name)) continue;
    down_.emplace(name, now);
  }
  for (auto it = down_.begin(); it != down_.end();) {
    const bool back = up.contains(it->first);
    if (back) tell(false, it->first);
    else if (now - it->second <= kToldFor) tell(true, it->first);
    it = back || now - it->second > kToldFor ? down_.erase(it) : std::next(it);
  }
  up_ = std::move(up);
  // An index is not used again, so those of interfaces that are gone pile up.
  std::erase_if(last_, [&](const auto& entry) { return now - entry.second > kHeardWithin; });
}

}  // namespace choregos::source::beacon
