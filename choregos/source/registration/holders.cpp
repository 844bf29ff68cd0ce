#include "choregos/source/registration/holders.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::source {
namespace {

bool same_place(const IpAddress& a, const IpAddress& b) { return a == b || (a.is_loopback() && b.is_loopback()); }

std::string describe(const Holder& holder, Instant now) {
  std::string text = "a living process at " + to_string(holder.address);
  if (holder.incarnation != 0) text += " (incarnation " + std::to_string(holder.incarnation) + ")";
  return text + " for " + format_age(now - holder.since) + (holder.tether != 0 ? ", its tether is open" : "");
}

Error held(const std::string& id, const std::string& who) {
  return fail(ErrorCode::conflict, "the id " + id + " is held by " + who + "; give this agent an id of its own, or end the other one first");
}

/// A process whose tether just broke may be on its way back, so suspect is not enough to lose an id.
bool is_fresh(const Holder& holder, const AgentRecordPtr& record, Instant now) {
  if (holder.tether != 0) return true;
  if (now >= holder.heard + holder.ttl) return false;
  return !record || (record->agent.liveness != Liveness::lost && record->agent.liveness != Liveness::left);
}

}  // namespace

// ---- taking an id -------------------------------------------------------------------------------------------------------

Result<void> Holders::may_take(const RegisterRequest& request, const AgentRecordPtr& record, Instant now) const {
  const auto it = holders_.find(request.id);
  if (it == holders_.end()) {
    const bool older = record && record->agent.liveness == Liveness::alive && request.incarnation != 0 && request.incarnation < record->agent.incarnation;
    if (older) return held(request.id, "a living process with the higher incarnation " + std::to_string(record->agent.incarnation));
    return {};
  }
  const Holder& holder = it->second;
  const bool ordered = request.incarnation != 0 && holder.incarnation != 0;
  const bool here = same_place(holder.address, request.peer.ip);
  if (here && (!ordered || request.incarnation == holder.incarnation)) return {};
  const bool restart = ordered && request.incarnation > holder.incarnation;
  // The connection of a machine that lost power stays open on our side; nobody who answers nothing holds off his own restart.
  const bool mute = record && (record->agent.liveness == Liveness::suspect || record->agent.liveness == Liveness::lost);
  if (restart ? holder.tether != 0 && !mute : is_fresh(holder, record, now)) return held(request.id, describe(holder, now));
  return {};
}

Result<Holder*> Holders::held_by(const std::string& id, std::uint64_t incarnation, const SocketAddress& peer, Instant now) {
  const auto it = holders_.find(id);
  if (it == holders_.end()) return fail(ErrorCode::not_found, id + " is not registered here; register first with PUT /api/v1/agents/" + wire::percent_encode(id));
  Holder& holder = it->second;
  const bool ordered = incarnation != 0 && holder.incarnation != 0;
  if (ordered ? incarnation == holder.incarnation : same_place(holder.address, peer.ip)) return &holder;
  const std::string who = ordered ? "incarnation " + std::to_string(incarnation) : "the process at " + to_string(peer.ip);
  return fail(ErrorCode::conflict, "the id " + id + " is held by " + describe(holder, now) + ", not by " + who + "; register to take it over");
}

Result<void> Holders::read_addresses(const Claims& claims, const SocketAddress& peer, bool whole, Holder& holder) const {
  const auto read = [&](const std::optional<std::string>& said, std::string_view field, bool dialled, std::string& text, std::optional<SocketAddress>& address) -> Result<void> {
    if (!said && !whole) return {};
    text = said.value_or("");
    address.reset();
    if (text.empty()) return {};
    const auto url = wire::parse_http_url(text);
    if (!url) return fail(ErrorCode::invalid, std::string(field) + " " + url.error().message);
    const auto ip = url->ip();
    // A name is not resolved on a stranger's word: what it leads to may change between the check and the call.
    if (!ip || url->scheme != "http") return {};
    const SocketAddress at{*ip, url->port};
    if (same_place(at.ip, peer.ip) || (allowed_ && allowed_(at, peer))) address = at;
    else if (dialled)
      return fail(ErrorCode::forbidden, std::string(field) + " names " + to_string(at) + ", which may not be probed for an agent at " + to_string(peer.ip) +
                                            "; name the agent's own address, leave it out, or have the operator allow that range");
    return {};
  };
  if (auto ok = read(claims.health_url, "health_url", true, holder.health_url, holder.health_at); !ok) return ok;
  return read(claims.endpoint, "endpoint", false, holder.endpoint, holder.endpoint_at);
}

Observation Holders::say(const std::string& id, Holder& holder, ObservationKind kind, Moment at) {
  holder.sequence = ++last_sequence_;
  Observation o;
  o.kind = kind;
  o.source = source_;
  o.subject = id;
  o.names.id = id;
  o.names.proven = holder.proven;
  o.incarnation = holder.incarnation;
  o.sequence = holder.sequence;
  o.heard_at = at.now;
  o.wall_at = at.wall;
  o.from = holder.address;
  if (kind == ObservationKind::heard) {
    holder.heard = at.now;
    o.lease = holder.tether != 0 ? Lease{Duration::max(), Duration::max(), interval_} : Lease{holder.ttl, holder.ttl + settings_.lost_slack};
  } else {
    o.lease = {Duration{0}, settings_.lost_slack};
  }
  return o;
}

void Holders::note_targets(const Holder* before, const Holder* after) {
  const auto target = [](const Holder* h) { return h != nullptr && h->health_at ? std::pair(h->health_at, h->health_url) : std::pair(std::optional<SocketAddress>{}, std::string{}); };
  if (target(before) != target(after)) targets_changed_ = true;
}

Result<Holders::Taken> Holders::take(const RegisterRequest& request, const AgentRecordPtr& record, Duration interval, Moment at) {
  if (auto ok = may_take(request, record, at.now); !ok) return ok.error();
  const auto it = holders_.find(request.id);
  Taken taken;
  Holder next;
  next.since = at.now;
  next.incarnation = request.incarnation;
  if (it != holders_.end()) {
    const Holder& now = it->second;
    taken.former = now;
    const bool ordered = request.incarnation != 0 && now.incarnation != 0;
    // The same process says everything anew. Whoever leaves the incarnation out is taken for it while it is fresh.
    const bool same = ordered ? request.incarnation == now.incarnation : same_place(now.address, request.peer.ip) && is_fresh(now, record, at.now);
    if (same) {
      next.since = now.since;
      next.tether = now.tether;
      next.asked = now.asked;
      next.answered = now.answered;
      if (next.incarnation == 0) next.incarnation = now.incarnation;
    }
  }
  next.address = request.peer.ip;
  next.proven = request.proven;
  const Duration wished = request.ttl == Duration{} ? settings_.ttl_default : request.ttl;
  next.ttl = std::max(std::clamp(wished, settings_.ttl_min, settings_.ttl_max), 3 * interval);
  if (auto ok = read_addresses(request.claims, request.peer, true, next); !ok) return ok.error();

  assert(!taken.former || taken.former->tether == next.tether);  // an open tether is never taken over
  Holder& holder = holders_[request.id] = std::move(next);
  note_targets(taken.former ? &*taken.former : nullptr, &holder);
  taken.ttl = holder.ttl;
  taken.observation = say(request.id, holder, ObservationKind::heard, at);
  taken.observation.claims = request.claims;
  taken.ticket = holder.sequence;
  return taken;
}

void Holders::undo(const std::string& id, const Taken& taken) {
  const auto it = holders_.find(id);
  if (it == holders_.end() || it->second.sequence != taken.ticket) return;
  const Holder refused = it->second;
  if (taken.former) it->second = *taken.former;
  else holders_.erase(it);
  note_targets(&refused, taken.former ? &*taken.former : nullptr);
}

Result<Holders::Taken> Holders::renew(const RenewRequest& request, const AgentRecordPtr& record, Moment at) {
  const auto found = held_by(request.id, request.incarnation, request.peer, at.now);
  if (!found) return found.error();
  // A newer life that came by another way, such as a beacon, is not talked over by an older one.
  if (record && record->agent.liveness == Liveness::alive && (*found)->incarnation != 0 && (*found)->incarnation < record->agent.incarnation)
    return held(request.id, "a living process with the higher incarnation " + std::to_string(record->agent.incarnation));
  Holder& holder = **found;
  Holder next = holder;
  if (auto ok = read_addresses(request.claims, request.peer, false, next); !ok) return ok.error();
  Taken taken;
  taken.former = std::exchange(holder, std::move(next));
  holder.address = request.peer.ip;
  holder.proven = holder.proven || request.proven;
  note_targets(&*taken.former, &holder);
  taken.ttl = holder.ttl;
  taken.observation = say(request.id, holder, ObservationKind::heard, at);
  // Any ping of this tether that was not answered yet: a process that was stopped finds several when it goes on. An answer to
  // anything else is a renewal like any other.
  if (request.answer > holder.answered && request.answer <= holder.asked && holder.tether != 0) {
    holder.answered = request.answer;
    taken.observation.answer = true;
  }
  if (request.claims != Claims{}) {
    taken.observation.claims = request.claims;
    taken.observation.partial = true;
  }
  taken.ticket = holder.sequence;
  return taken;
}

Result<Holders::Left> Holders::leave(const LeaveRequest& request, Moment at) {
  const auto found = held_by(request.id, request.incarnation, request.peer, at.now);
  if (!found) return found.error();
  Holder& holder = **found;
  Left left;
  left.tether = holder.tether;
  left.observation = say(request.id, holder, ObservationKind::goodbye, at);
  left.observation.reason = request.reason;
  note_targets(&holder, nullptr);
  tethers_.erase(holder.tether);
  holders_.erase(request.id);
  return left;
}

// ---- tethers ------------------------------------------------------------------------------------------------------------

Result<Holders::Opened> Holders::open_tether(const TetherRequest& request, Moment at) {
  const auto found = held_by(request.id, request.incarnation, request.peer, at.now);
  if (!found) return found.error();
  Holder& holder = **found;
  if (holder.tether == 0 && tethers_.size() >= limits::tether_count_max)
    return fail(ErrorCode::exhausted, "all " + std::to_string(limits::tether_count_max) + " tethers are taken; renew by POST within the lease instead");
  Opened opened;
  // The newest connection of a process counts; the older is one whose end the network failed to tell.
  opened.replaced = holder.tether;
  tethers_.erase(holder.tether);
  opened.tether = holder.tether = ++last_tether_;
  holder.answered = holder.asked;  // what went down the former one is not to be answered any more
  tethers_[holder.tether] = request.id;
  opened.observation = say(request.id, holder, ObservationKind::heard, at);
  opened.ttl = holder.ttl;
  return opened;
}

std::optional<Holders::Question> Holders::question(const std::string& id, std::uint64_t incarnation) {
  const auto it = holders_.find(id);
  if (it == holders_.end() || it->second.tether == 0) return std::nullopt;
  Holder& holder = it->second;
  if (incarnation != 0 && holder.incarnation != 0 && incarnation != holder.incarnation) return std::nullopt;
  return Question{holder.tether, ++holder.asked};
}

Observation Holders::asked(const std::string& id, Moment at) {
  const Holder& holder = holders_.at(id);
  Observation o;
  o.kind = ObservationKind::asked;
  o.source = source_;
  o.subject = id;
  o.names.id = id;
  o.names.proven = holder.proven;
  o.incarnation = holder.incarnation;
  o.heard_at = at.now;
  o.wall_at = at.wall;
  o.from = holder.address;
  return o;
}

std::optional<Holders::Broken> Holders::tether_closed(TetherId tether, const std::string& reason, Moment at) {
  const auto it = tethers_.find(tether);
  if (it == tethers_.end()) return std::nullopt;
  Broken broken;
  broken.id = it->second;
  tethers_.erase(it);
  Holder& holder = holders_.at(broken.id);
  holder.tether = 0;
  broken.doubt = say(broken.id, holder, ObservationKind::doubt, at);
  broken.doubt.reason = "tether closed: " + reason;
  broken.ticket = holder.sequence;
  broken.ask = holder.health_at ? holder.health_at : holder.endpoint_at;
  broken.own = broken.ask && same_place(broken.ask->ip, holder.address);
  return broken;
}

std::optional<Observation> Holders::verdict(const Broken& broken, DeathCheck check, Moment at) {
  if (check != DeathCheck::refused) return std::nullopt;
  const auto it = holders_.find(broken.id);
  if (it == holders_.end() || it->second.sequence != broken.ticket) return std::nullopt;
  Observation dead = say(broken.id, it->second, ObservationKind::dead, at);
  dead.reason = "tether broke, then its port refused twice";
  return dead;
}

// ---- housekeeping -------------------------------------------------------------------------------------------------------

bool Holders::sweep(const std::function<bool(const std::string&)>& known, std::size_t count_max, Instant now) {
  bool dropped = false;
  auto it = holders_.upper_bound(swept_);
  for (std::size_t i = 0; i < count_max && it != holders_.end(); ++i) {
    swept_ = it->first;
    const Holder& holder = it->second;
    if (holder.tether != 0 || now < holder.heard + holder.ttl + settings_.lost_slack || known(it->first)) {
      ++it;
      continue;
    }
    note_targets(&holder, nullptr);
    it = holders_.erase(it);
    dropped = true;
  }
  if (it == holders_.end()) swept_.clear();
  return dropped;
}

std::vector<Target> Holders::targets() const {
  std::vector<Target> out;
  for (const auto& [id, holder] : holders_) {
    if (!holder.health_at) continue;
    if (out.size() >= limits::target_count_max) break;
    const auto url = wire::parse_http_url(holder.health_url);
    Target target;
    target.address = *holder.health_at;
    target.host = url->authority();
    target.path = url->path;
    target.expected_id = id;
    // An agent that came over loopback lives on this machine, so its own loopback address is meant.
    target.configured = holder.health_at->ip.is_loopback() && holder.address.is_loopback();
    out.push_back(std::move(target));
  }
  return out;
}

const Holder* Holders::find(const std::string& id) const {
  const auto it = holders_.find(id);
  return it == holders_.end() ? nullptr : &it->second;
}

}  // namespace choregos::source
