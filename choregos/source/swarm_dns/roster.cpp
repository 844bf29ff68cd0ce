#include "choregos/source/swarm_dns/roster.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "choregos/source/swarm_dns/task_name.hpp"

namespace choregos::source {

void Roster::found(const std::vector<IpAddress>& addresses, Instant now) {
  asked_ = true;
  last_failure_.clear();
  const std::size_t count = std::min(addresses.size(), limits::dns_address_count_max);
  const std::set<IpAddress> present(addresses.begin(), addresses.begin() + static_cast<std::ptrdiff_t>(count));
  for (const IpAddress& address : present) {
    const auto [it, added] = members_.try_emplace(address);
    Member& member = it->second;
    if (!added && !member.draining()) continue;
    // One that comes back may be somebody else: its name is asked again before anything else is believed.
    member.vanished = Instant::never();
    member.since = now;
    member.ask_at = now;
    member.name_known = false;
    member.outdated = member.asking;
  }
  for (auto& [address, member] : members_)
    if (!member.draining() && !present.contains(address)) member.vanished = now;
}

void Roster::failed(std::string why) { last_failure_ = why.empty() ? "the lookup failed" : std::move(why); }

std::vector<IpAddress> Roster::to_name(Instant now, std::size_t count_max) {
  std::vector<IpAddress> out;
  for (auto& [address, member] : members_) {
    if (out.size() >= count_max) break;
    if (member.asking || member.draining() || now < member.ask_at) continue;
    member.asking = true;
    out.push_back(address);
  }
  return out;
}

void Roster::named(const IpAddress& address, std::optional<SwarmTask> task, Instant now) {
  const auto it = members_.find(address);
  if (it == members_.end()) return;
  Member& member = it->second;
  member.asking = false;
  if (std::exchange(member.outdated, false)) return;
  // Of an address that is leaving, DNS may know nothing any more, or already its next owner: keep whom we knew.
  if (member.draining()) return;
  member.name_known = true;
  member.ask_at = now + kNameAgain;
  member.task = std::move(task);
}

void Roster::name_failed(const IpAddress& address, Instant now) {
  const auto it = members_.find(address);
  if (it == members_.end()) return;
  it->second.asking = false;
  if (std::exchange(it->second.outdated, false) || it->second.draining()) return;
  it->second.name_known = true;
  it->second.ask_at = now + 5s;
}

void Roster::questions_lost() {
  for (auto& [address, member] : members_) member.asking = member.outdated = false;
}

void Roster::silent(const IpAddress& address) {
  const auto it = members_.find(address);
  if (it != members_.end() && it->second.draining()) members_.erase(it);
}

std::optional<std::vector<Target>> Roster::take_changed(Instant now) {
  if (!asked_) return std::nullopt;
  std::erase_if(members_, [&](const auto& entry) { return entry.second.draining() && now >= entry.second.vanished + kDrainingFor; });
  std::vector<Target> targets;
  for (const auto& [address, member] : members_) {
    if (!ready(member, now)) continue;
    Target target;
    target.address = {address, settings_.port};
    target.path = settings_.path;
    target.task = member.task;
    target.draining = member.draining();
    targets.push_back(std::move(target));
  }
  if (published_ == targets) return std::nullopt;
  published_ = targets;
  return targets;
}

Instant Roster::next(Instant now) const {
  Instant next = Instant::never();
  for (const auto& [address, member] : members_) {
    if (!ready(member, now)) next = std::min(next, member.since + kNamePatience);
    if (member.draining()) next = std::min(next, member.vanished + kDrainingFor);
    else if (!member.asking) next = std::min(next, member.ask_at);
  }
  return next;
}

std::size_t Roster::present() const {
  return static_cast<std::size_t>(std::count_if(members_.begin(), members_.end(), [](const auto& entry) { return !entry.second.draining(); }));
}

std::string Roster::warning() const {
  const std::string name = "tasks." + settings_.service;
  if (failing()) return name + ": " + last_failure_;
  if (!asked_) return {};
  const std::size_t count = present();
  if (settings_.expected && count != *settings_.expected) {
    const auto n = static_cast<std::ptrdiff_t>(count), want = static_cast<std::ptrdiff_t>(*settings_.expected);
    return name + ": " + std::to_string(count) + " found, " + std::to_string(want) + " expected: " +
           (n < want ? std::to_string(want - n) + " missing" : std::to_string(n - want) + " too many");
  }
  std::size_t strangers = 0;
  std::string example;
  for (const auto& [address, member] : members_)
    if (member.task && !member.draining() && !is_task_of(*member.task, settings_.service)) {
      if (strangers++ == 0) example = to_string(address) + " belongs to " + member.task->name();
    }
  // Docker is known to leave dead tasks in DNS and to give their addresses to other services.
  if (strangers > 0) return name + ": " + std::to_string(strangers) + " addresses are of other services (" + example + ")";
  return {};
}

}  // namespace choregos::source
