// What an agent says of itself, in each of the forms in which it says it: health body, registration, announce and alive
// beacon. Internal to the announcer. A plain value.
#pragma once

#include <cstdint>
#include <string>

#include "choregos/base/time.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/wire/beacon.hpp"
#include "choregos/wire/statement.hpp"

namespace choregos::sdk {

struct Self {
  std::string id;
  std::uint64_t incarnation = 0;
  Claims claims;  ///< normalized and checked; current_team is never set
  Duration ttl{};
  bool draining = false;

  /// JSON for GET /health: what was said and nothing else.
  std::string health_body() const;
  wire::Statement statement() const;
  std::string registration_body() const { return wire::write_registration(statement()); }
  wire::AliveBody alive() const;
};

}  // namespace choregos::sdk
