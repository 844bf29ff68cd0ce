// Deriving the record: which channel's word counts for which field, as a pure function of the evidence.
//
// Things that seldom change (name, capabilities, model, endpoint, addresses, labels) come from the most trusted channel
// that says them: fresh before stale, proven before declared, then registration, beacon, probe, the rest. Things that
// change with work (status, team, completed tasks) come from the newest statement, whoever carried it. What nobody said
// stays empty.
#pragma once

#include <string>
#include <vector>

#include "choregos/model/agent.hpp"
#include "choregos/model/explanation.hpp"
#include "choregos/registry/evidence.hpp"
#include "choregos/registry/liveness.hpp"

namespace choregos::registry {

/// Fills everything of `agent` that evidence decides, from `verdict.considered`; id, first_seen, liveness_since and aliases
/// are the caller's. `before` (a stored record, or null) speaks only where no whole statement was heard since.
void derive(Agent& agent, const Verdict& verdict, const Agent* before);

/// Where each field of `agent` that somebody said comes from, and who says otherwise.
void explain_fields(std::vector<FieldEvidence>& out, const Verdict& verdict, const Agent* before, const Agent& agent, Instant now);

/// Claimed addresses that can be matched with a probed one: IP literals with ports in endpoint, health_url and p2p_addr.
std::vector<std::string> claimed_addresses(const Agent& agent);

}  // namespace choregos::registry
