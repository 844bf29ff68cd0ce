// From what the inside knows to what a program that asks is shown. Internal to the sdk; pure.
#pragma once

#include "choregos/sdk/agent_view.hpp"
#include "choregos/wire/agent_json.hpp"

namespace choregos::sdk {

AgentView view_of(wire::AgentDocument document);
/// `now` is the clock on which the record's vitals were heard.
AgentView view_of(const AgentRecord& record, Instant now);

}  // namespace choregos::sdk
