#include "choregos/source/registration/holders.hpp"

#include <algorithm>

namespace choregos::source {
namespace {

std::string describe(const Holder& holder, Instant now) {
  std::string text = "a living process at " + to_string(holder.address);
  if (holder.incarnation != 0) text += " (incarnation " + std::to_string(holder.incarnation) + ")";
  return text + " since " + format_age(now - holder.since) + (holder.tether != 0 ? ", its tether is open" : "");
}

}  // namespace

Duration Holders::grant(Duration wished) const {
  return wished == Duration{} ? settings_.ttl_default : std::clamp(wished, settings_.ttl_min, settings_.ttl_max);
}

bool Holders::same_process(const Holder& holder, std::uint64_t incarnation, const IpAddress& address) {
  if (holder.incarnation != 0 && incarnation != 0) return holder.incarnation == incarnation;
  return holder.address == address;
}

Result<void> Holders::may_register(const RegisterRequest& request, const AgentRecordPtr& record, Instant now) const {
  const auto refuse = [&](const std::string& who) {
    return fail(ErrorCode::conflict, "the id " + request.id + " is held by " + who + "; give this agent an id of its own, or end the other one first");
  };
  const auto it = holders_.find(request.id);
  if (it == holders_.end() || same_process(it->second, request.incarnation, request.peer.ip)) {
    const bool older = it == holders_.end() && record && record->agent.liveness == Liveness::alive && request.incarnation != 0 && record->agent.incarnation > request.incarnation;
    if (older) return refuse("a living process with the higher incarnation " + std::to_string(record->agent.incarnation));
    return {};
  }
  const Holder& holder = it->second;
  if (holder.tether != 0) return refuse(describe(holder, now));
  const bool restart = request.incarnation != 0 && request.incarnation > holder.incarnation;
  const bool fresh = now < holder.heard + holder.ttl && (!record || record->agent.liveness == Liveness::alive);
  if (!restart && fresh) return refuse(describe(holder, now));
  return {};
}

bool Holders::put(const RegisterRequest& request, Instant now) {
  Holder& holder = holders_[request.id];
  const bool other = holder.since == Instant{} || !same_process(holder, request.incarnation, request.peer.ip);
  if (other) holder = Holder{};
  if (other) holder.since = now;
  holder.incarnation = request.incarnation != 0 ? request.incarnation : holder.incarnation;
  holder.address = request.peer.ip;
  holder.heard = now;
  holder.ttl = grant(request.ttl);
  return other;
}

Result<Holder*> Holders::held_by(const std::string& id, std::uint64_t incarnation, const SocketAddress& peer) {
  const auto it = holders_.find(id);
  if (it == holders_.end()) return fail(ErrorCode::not_found, "nobody is registered as " + id + " here; register first with PUT /api/v1/agents/" + id);
  // A process that says no incarnation is believed to be the holder; it could only be told apart by an address that may
  // have changed on the way.
  if (incarnation != 0 && it->second.incarnation != 0 && incarnation != it->second.incarnation)
    return fail(ErrorCode::conflict, "the id " + id + " is held by incarnation " + std::to_string(it->second.incarnation) + ", not by " + std::to_string(incarnation) + " of " + to_string(peer.ip) +
                                         "; register again to take over");
  return &it->second;
}

Holder* Holders::find(const std::string& id) {
  const auto it = holders_.find(id);
  return it == holders_.end() ? nullptr : &it->second;
}

}  // namespace choregos::source
