// From what a beacon says to the observation of an agent. Pure.
#pragma once

#include <string>

#include "choregos/base/time.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/source/beacon/receiver.hpp"

namespace choregos::source::beacon {

/// The subject is the voice: the id, so that all beacons of one agent are one channel, whatever address they come from; and
/// for a later session of the same life one that it has for itself, as it may be a clone. Two processes of different incarnations
/// the registry keeps apart by itself. The sender's address is no name of the agent: nobody answers there.
Observation observe(Heard heard, const std::string& source, Lease lease, Instant now, WallTime wall_now);

/// A question to `id` that was sent to one of its voices.
Observation observe(const Asking& asking, const std::string& id, const std::string& voice, const std::string& source, Instant now, WallTime wall_now);
/// What a helper says.
Observation observe(Unanswered said, const std::string& source, WallTime wall_now);

}  // namespace choregos::source::beacon
