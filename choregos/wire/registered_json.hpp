// The answer to a registration or renewal: the record as it is now, and the pace that is asked of the agent.
//   {"agent":{…},"created":true,"ttl_ms":30000,"beacon_interval_ms":1000}
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/registration.hpp"
#include "choregos/wire/agent_json.hpp"

namespace choregos::wire {

std::string registered_json(const RegisterReply& reply, Instant now);

struct RegisteredDocument {
  AgentDocument agent;
  bool created = false;
  Duration ttl{};              ///< renew in a third of it
  Duration beacon_interval{};  ///< 0 = not said
};
/// Tolerant of unknown members. Errors: too_large, invalid.
Result<RegisteredDocument> read_registered(std::string_view body);

}  // namespace choregos::wire
