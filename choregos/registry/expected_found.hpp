// Holds what should be there against what is found. Pure: the same inputs give the same answer.
//
//   desired   the orchestrator's word, else the configured count
//   missing   a task that is wanted and whose agent nobody hears: it does not run, DNS lacks it, nobody answers where it stands,
//             or who answers is not listed. Without an orchestrator: as many as the configured count lacks, silent addresses named first
//   phantom   an address in DNS that no wanted task has; a listed agent of a task that the orchestrator does not run. Without an
//             orchestrator: an address in DNS at which nobody answers, beyond those that are missing
//
// DNS of a Swarm lies both ways: it names tasks that are gone and lacks tasks that run; that is why each is named.
#pragma once

#include <span>
#include <vector>

#include "choregos/model/expected.hpp"
#include "choregos/model/expected_found.hpp"
#include "choregos/registry/snapshot.hpp"

namespace choregos {

/// `reports` hold no null. A service that several reports name is taken from the first.
ExpectedFound compare_expected(std::span<const ExpectationReportPtr> reports, std::span<const ConfiguredCount> configured, std::span<const FoundTarget> targets, const Snapshot& snapshot,
                               Instant now);

}  // namespace choregos
