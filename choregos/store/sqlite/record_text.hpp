// An agent as it lies in the file: the JSON of wire/agent_json.hpp, so that later versions read older files field by field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "choregos/base/result.hpp"
#include "choregos/model/agent.hpp"

namespace choregos::store {

std::string write_record(const AgentRecord& record);
/// Errors: invalid.
Result<Agent> read_record(std::string_view text);

/// A digest of what must be durable: everything but liveness (except `left`), its reason and time, sources and conflicts.
/// Equal digests mean that nothing durable changed. For this process only; never written.
std::uint64_t durable_digest(const Agent& agent);

}  // namespace choregos::store
