// From the answer of a target to the observation of an agent. Pure.
#pragma once

#include <string>

#include "choregos/base/time.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/model/target.hpp"
#include "choregos/source/http_probe/probe.hpp"

namespace choregos::source {

/// Whom an answer came from, kept so that a later failure can name it.
struct Heard {
  Names names;
  std::uint64_t incarnation = 0;
};

struct Moment {
  Instant now;
  WallTime wall;
};

/// Reads the body by wire/statement.hpp: any JSON, keeping what is usable. A body that says nothing (empty, not JSON) is life
/// without claims; a JSON object without a known field withdraws what was said before.
Observation heard_from(const Target& target, const std::string& source, const ProbeResult& answer, Moment at);
/// The id that the body declares, "" for none.
std::string id_in(const std::string& body);

/// Something against the one last heard there.
Observation failure_of(const Heard& heard, const std::string& source, std::string subject, ObservationKind kind, Lease lease, std::string reason, Moment at);

std::string vip_subject(const SocketAddress& address, std::string_view id);

}  // namespace choregos::source
