// From what a beacon says to the observation of an agent. Pure.
#pragma once

#include <string>

#include "choregos/base/time.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/source/beacon/receiver.hpp"

namespace choregos::source::beacon {

/// The subject is the id: all beacons of one agent are one channel, whatever session or address they come from. Two processes
/// that claim one id differ by their incarnation, which the registry keeps apart by itself. The sender's address is left out:
/// nobody answers on the port that a beacon was sent from, so it is no name of the agent.
Observation observe(Heard heard, const std::string& source, Lease lease, Instant now, WallTime wall_now);

/// A question to `id` that was sent.
Observation observe(const Asking& asking, const std::string& id, const std::string& source, Instant now, WallTime wall_now);
/// What a helper says.
Observation observe(Unanswered said, const std::string& source, WallTime wall_now);

}  // namespace choregos::source::beacon
