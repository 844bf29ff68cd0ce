#include "choregos/source/beacon/evidence.hpp"

#include <utility>

namespace choregos::source::beacon {

Observation observe(Heard heard, const std::string& source, Lease lease, Instant now, WallTime wall_now) {
  Observation o;
  o.source = source;
  o.subject = std::move(heard.voice);
  o.names.id = std::move(heard.id);
  o.names.proven = heard.proven;
  o.incarnation = heard.incarnation;
  o.sequence = heard.sequence;
  o.heard_at = heard.at;
  o.wall_at = {wall_now.ms - (now - heard.at).count() / 1'000'000};
  o.lease = lease;
  o.from = heard.from.ip;
  o.draining = heard.draining;
  if (heard.type == wire::BeaconType::bye) {
    o.kind = ObservationKind::goodbye;
    o.reason = std::move(heard.reason);
    return o;
  }
  // An alive beacon that says nothing of status or load is life alone, as are answers and questions.
  o.answer = heard.answer;
  o.via = std::move(heard.via);
  o.partial = heard.type != wire::BeaconType::announce;
  if (!o.partial || heard.claims != Claims{}) o.claims = std::move(heard.claims);
  return o;
}

Observation observe(const Asking& asking, const std::string& id, const std::string& voice, const std::string& source, Instant now, WallTime wall_now) {
  Observation o;
  o.kind = ObservationKind::asked;
  o.source = source;
  o.subject = voice;
  o.names.id = id;
  o.names.proven = asking.proven;
  o.incarnation = asking.incarnation;
  o.heard_at = now;
  o.wall_at = wall_now;
  o.from = asking.to.ip;
  return o;
}

Observation observe(Unanswered said, const std::string& source, WallTime wall_now) {
  Observation o;
  o.kind = ObservationKind::unanswered;
  o.source = source;
  o.subject = std::move(said.voice);
  o.names.id = std::move(said.id);
  o.names.proven = said.proven;
  o.incarnation = said.incarnation;
  o.heard_at = said.at;
  o.wall_at = wall_now;
  o.from = said.to.ip;
  o.via = std::move(said.via);
  return o;
}

}  // namespace choregos::source::beacon
