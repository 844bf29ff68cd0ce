// Turns changes of the registry into lines of the log: the core does not log, it returns what changed.
//
//   agent_appeared, agent_liveness (from, to, reason), agent_forgotten, agent_merged (into): info
//   agent_conflict: warn, when a second process claims an id
//   agent_updated, observation: debug
#pragma once

#include "choregos/daemon/logger.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/writer/writer.hpp"

namespace choregos::daemon {

/// Of one batch at most limits::log_change_count_max changes are written one by one at info; the rest is counted in one line.
void log_changes(Logger& log, const Batch& batch);
void log_observation(Logger& log, const Observation& observation);

}  // namespace choregos::daemon
