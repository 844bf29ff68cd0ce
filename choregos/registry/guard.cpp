#include "choregos/registry/guard.hpp"

#include <algorithm>
#include <cmath>

namespace choregos::registry {
namespace {

constexpr Duration kStep = 1s;           ///< of what is looked at while anything is guarded

std::string shown(DomainKind kind, const std::string& name) {
  return kind == DomainKind::network ? "network" : std::string(to_string(kind)) + " " + name;
}

}  // namespace

// ---- membership -------------------------------------------------------------------------------------------------------

Guard::DomainIndex Guard::domain(DomainKind kind, const std::string& name) {
  auto& names = names_[static_cast<std::size_t>(kind)];
  if (const auto it = names.find(name); it != names.end()) return it->second;
  DomainIndex index;
  if (free_.empty()) {
    index = static_cast<DomainIndex>(domains_.size());
    domains_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  domains_[index].kind = kind;
  domains_[index].name = name;
  names.emplace(name, index);
  return index;
}

void Guard::drop_if_empty(DomainIndex index) {
  Domain& d = domains_[index];
  if (d.members != 0 || d.mode != Mode::normal) return;
  names_[static_cast<std::size_t>(d.kind)].erase(d.name);
  d = Domain{};
  free_.push_back(index);
}

void Guard::leave(Slot slot, std::size_t kind) {
  Member& member = members_[slot];
  const DomainIndex index = std::exchange(member.domains[kind], kNone);
  if (index == kNone) return;
  Domain& d = domains_[index];
  --d.members;
  if (member.presence == Presence::silent) d.silent.erase({member.silent_since, slot});
  drop_if_empty(index);
}

void Guard::join(Slot slot, std::size_t kind, DomainIndex index) {
  Member& member = members_[slot];
  member.domains[kind] = index;
  Domain& d = domains_[index];
  ++d.members;
  if (member.presence == Presence::silent) d.silent.insert({member.silent_since, slot});
}

void Guard::set(Slot slot, const Place& place, Presence presence, Instant now, WallTime wall_now) {
  if (!settings_.enabled) return;
  if (slot >= members_.size()) {
    if (presence == Presence::gone) return;
    members_.resize(slot + 1);
  }
  Member& member = members_[slot];
  if (presence == Presence::gone) {
    if (member.presence == Presence::gone) return;
    waiting_.erase({member.silent_since, slot});
    for (std::size_t kind = 0; kind < kKinds; ++kind) leave(slot, kind);
    member = Member{};
    return;
  }
  static const std::string kNetwork;
  const std::array<const std::string*, kKinds> wanted{&place.node, &place.subnet, &place.source, &kNetwork};
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    const bool none = kind + 1 != kKinds && wanted[kind]->empty();
    const DomainIndex held = member.domains[kind];
    if (held != kNone && !none && domains_[held].name == *wanted[kind]) continue;
    leave(slot, kind);
    if (!none) join(slot, kind, domain(static_cast<DomainKind>(kind), *wanted[kind]));
  }
  if (member.presence == presence) return;
  if (presence == Presence::live) {
    waiting_.erase({member.silent_since, slot});
    for (const DomainIndex index : member.domains)
      if (index != kNone) domains_[index].silent.erase({member.silent_since, slot});
    member.presence = presence;
    return;
  }
  member.presence = presence;
  member.silent_since = now;
  for (const DomainIndex index : member.domains)
    if (index != kNone) domains_[index].silent.insert({now, slot});
  for (std::size_t kind = 0; kind < kKinds; ++kind)
    if (member.domains[kind] != kNone && !is_guarded(member, kind)) consider(member.domains[kind], now, wall_now);
}

// ---- freezing ---------------------------------------------------------------------------------------------------------

bool Guard::is_frozen(const Member& member) const {
  return std::any_of(member.domains.begin(), member.domains.end(), [&](DomainIndex index) { return index != kNone && domains_[index].mode == Mode::frozen; });
}

bool Guard::is_guarded(const Member& member, std::size_t below) const {
  for (std::size_t kind = 0; kind < below; ++kind)
    if (member.domains[kind] != kNone && domains_[member.domains[kind]].mode != Mode::normal) return true;
  return false;
}

void Guard::consider(DomainIndex index, Instant now, WallTime wall_now) {
  Domain& d = domains_[index];
  if (d.mode == Mode::frozen || d.silent.size() < settings_.silent_min) return;
  // The cheapest bound first: were all of them new, and everybody else live.
  if (static_cast<double>(d.silent.size()) < settings_.silent_share * static_cast<double>(d.members - d.silent.size())) return;
  // Newest first; what a narrower guarded domain explains does not count.
  std::uint32_t fresh = 0, explained = 0;
  for (auto it = d.silent.rbegin(); it != d.silent.rend(); ++it) {
    if (is_guarded(members_[it->second], static_cast<std::size_t>(d.kind))) {
      ++explained;
    } else if (it->first > now - settings_.window) {
      ++fresh;
    }
  }
  const std::uint32_t older = static_cast<std::uint32_t>(d.silent.size()) - fresh - explained;
  const std::uint32_t live_before = d.members - explained - older;
  const auto share = static_cast<std::uint32_t>(std::ceil(settings_.silent_share * live_before));
  if (live_before <= settings_.silent_min || fresh < std::max(settings_.silent_min, share)) return;
  freeze(index, std::to_string(fresh) + " of " + std::to_string(live_before) + " agents fell silent within " + format_duration(settings_.window), now, wall_now);
}

void Guard::freeze(DomainIndex index, std::string cause, Instant now, WallTime wall_now) {
  Domain& d = domains_[index];
  d.mode = Mode::frozen;
  d.since = now;
  d.wall_since = wall_now;
  d.members_at_freeze = d.members;
  d.cause = std::move(cause);
  d.own_cause = false;
  if (guarded_.empty()) {
    next_tick_ = now + kStep;
    others_since_ = now;
  }
  guarded_.insert(index);
  ++freezes_;
  ++version_;
}

void Guard::own_cause(const std::string& cause, Duration held, Instant now, WallTime wall_now) {
  if (!settings_.enabled) return;
  own_until_ = std::max(own_until_, now + held);
  const DomainIndex index = domain(DomainKind::network, "");
  if (domains_[index].mode != Mode::frozen) freeze(index, cause, now, wall_now);
  domains_[index].own_cause = true;
}

// ---- the way out ------------------------------------------------------------------------------------------------------

bool Guard::may_lose(Slot slot) {
  if (!settings_.enabled || slot >= members_.size() || guarded_.empty()) return true;
  const Member& member = members_[slot];
  if (member.presence == Presence::gone) return true;
  if (slot == permitted_) return true;
  if (!is_guarded(member, kKinds)) return true;
  // One whose silence nobody has noticed yet waits as if it began now; set() follows.
  if (member.presence == Presence::silent) waiting_.insert({member.silent_since, slot});
  return false;
}

bool Guard::holds(const Place& place) const {
  return std::any_of(guarded_.begin(), guarded_.end(), [&](DomainIndex index) {
    const Domain& d = domains_[index];
    const std::string& name = d.kind == DomainKind::node ? place.node : d.kind == DomainKind::subnet ? place.subnet : place.source;
    return d.mode == Mode::frozen && (d.kind == DomainKind::network || d.name == name);
  });
}

std::vector<std::string> Guard::holders(Slot slot) const {
  std::vector<std::string> out;
  if (slot >= members_.size()) return out;
  for (const DomainIndex index : members_[slot].domains)
    if (index != kNone && domains_[index].mode != Mode::normal)
      out.push_back(shown(domains_[index].kind, domains_[index].name) + (domains_[index].mode == Mode::frozen ? " is frozen" : " drains one agent a second"));
  return out;
}

void Guard::drain(Domain& d) {
  if (d.mode != Mode::frozen) return;
  d.mode = Mode::draining;
  ++version_;
}

void Guard::thaw(std::string_view name) {
  own_until_ = Instant::min();
  for (const DomainIndex index : guarded_)
    if (Domain& d = domains_[index]; name.empty() || shown(d.kind, d.name) == name) drain(d);
}

void Guard::node_down(const std::string& node) {
  const auto& names = names_[static_cast<std::size_t>(DomainKind::node)];
  if (const auto it = names.find(node); it != names.end()) drain(domains_[it->second]);
}

bool Guard::others_heard() const {
  std::uint64_t live = 0, silent = 0;
  for (const Member& member : members_) {
    if (member.presence == Presence::gone || is_guarded(member, kKinds)) continue;
    ++(member.presence == Presence::live ? live : silent);
  }
  return live != 0 && static_cast<double>(silent) <= settings_.silent_share * static_cast<double>(live + silent);
}

void Guard::end(DomainIndex index, bool renew, std::vector<Slot>& released, std::vector<Slot>& renewed) {
  Domain& d = domains_[index];
  d.mode = Mode::normal;
  guarded_.erase(index);
  ++version_;
  for (const auto& [since, slot] : d.silent) {
    if (is_guarded(members_[slot], kKinds)) continue;
    waiting_.erase({since, slot});
    released.push_back(slot);
    if (renew) renewed.push_back(slot);
  }
  drop_if_empty(index);
}

void Guard::tick(Instant now, WallTime, std::vector<Slot>& released, std::vector<Slot>& renewed) {
  permitted_ = kNoSlot;
  if (guarded_.empty() || now < next_tick_) return;
  next_tick_ = now + kStep;
  ++version_;  // counts and ages moved
  if (!others_heard()) others_since_ = Instant::never();
  else if (others_since_ == Instant::never()) others_since_ = now;

  for (const DomainIndex index : std::set<DomainIndex>(guarded_)) {
    Domain& d = domains_[index];
    const bool few = static_cast<double>(d.silent.size()) <= std::max(settings_.silent_min - 1.0, settings_.silent_share * d.members_at_freeze);
    if (d.mode == Mode::draining) {
      if (d.silent.empty()) end(index, false, released, renewed);
      continue;
    }
    const bool own = d.own_cause && now < own_until_;
    if (few && !own && now >= d.since + kStep) {
      end(index, true, released, renewed);
    } else if (now >= d.since + settings_.freeze_max) {
      drain(d);
    } else if (!own && others_since_ != Instant::never() && now >= std::max(d.since, others_since_) + settings_.others_heard) {
      drain(d);
    }
  }
  for (const auto& [since, slot] : waiting_) {
    if (is_frozen(members_[slot])) continue;
    permitted_ = slot;
    released.push_back(slot);
    break;
  }
  if (guarded_.empty()) next_tick_ = Instant::never();
}

// ---- what is shown ----------------------------------------------------------------------------------------------------

Mode Guard::mode() const {
  Mode mode = Mode::normal;
  for (const DomainIndex index : guarded_) mode = std::max(mode, domains_[index].mode);
  return mode;
}

void Guard::view(GuardView& out) const {
  out.mode = mode();
  out.freezes = freezes_;
  out.domains.clear();
  for (const DomainIndex index : guarded_) {
    const Domain& d = domains_[index];
    DomainView& shown_domain = out.domains.emplace_back();
    shown_domain.kind = d.kind;
    shown_domain.name = shown(d.kind, d.name);
    shown_domain.mode = d.mode;
    shown_domain.members = d.members;
    shown_domain.silent = static_cast<std::uint32_t>(d.silent.size());
    shown_domain.since = d.wall_since;
    shown_domain.since_at = d.since;
    shown_domain.cause = d.cause;
    shown_domain.until = d.mode == Mode::frozen ? d.since + settings_.freeze_max : Instant::never();
  }
  std::sort(out.domains.begin(), out.domains.end(), [](const DomainView& a, const DomainView& b) { return a.kind != b.kind ? a.kind < b.kind : a.name < b.name; });
}

}  // namespace choregos::registry
