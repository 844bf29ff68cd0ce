#include "choregos/source/beacon/evidence.hpp"

#include <utility>

namespace choregos::source::beacon {

Observation observe(Heard heard, const std::string& source, Lease lease, Instant now, WallTime wall_now) {
  Observation o;
  o.source = source;
  o.subject = heard.id;
  o.names.id = std::move(heard.id);
  o.names.proven = heard.proven;
  o.incarnation = heard.incarnation;
  o.sequence = heard.sequence;
  o.heard_at = heard.at;
  o.wall_at = {wall_now.ms - (now - heard.at).count() / 1'000'000};
  o.lease = lease;
  o.draining = heard.draining;
  if (heard.type == wire::BeaconType::bye) {
    o.kind = ObservationKind::goodbye;
    o.reason = std::move(heard.reason);
    return o;
  }
  // An alive beacon that says nothing of status or load is life alone.
  o.partial = heard.type == wire::BeaconType::alive;
  if (!o.partial || heard.claims != Claims{}) o.claims = std::move(heard.claims);
  return o;
}

}  // namespace choregos::source::beacon
