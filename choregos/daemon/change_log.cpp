#include "choregos/daemon/change_log.hpp"

#include "choregos/base/limits.hpp"

namespace choregos::daemon {
namespace {

std::string last_seen(const AgentRecord& record) { return record.vitals ? to_rfc3339(WallTime{record.vitals->last_seen_ms.load()}) : ""; }

void log_change(Logger& log, const Change& change) {
  const Agent& agent = change.record->agent;
  const std::string revision = to_string(change.revision);
  const auto liveness = to_string(agent.liveness);
  switch (change.kind) {
    case ChangeKind::appeared:
      return log.info("agent_appeared", {{"agent_id", agent.id}, {"revision", revision}, {"source", change.source}, {"to", liveness}, {"status", to_string(agent.status)}, {"name", agent.name}, {"endpoint", agent.endpoint}, {"p2p_addr", agent.p2p_addr}});
    case ChangeKind::liveness:
      return log.info("agent_liveness", {{"agent_id", agent.id}, {"revision", revision}, {"source", change.source}, {"from", change.was ? to_string(*change.was) : ""}, {"to", liveness}, {"reason", agent.reason}});
    case ChangeKind::forgotten:
      return log.info("agent_forgotten", {{"agent_id", agent.id}, {"revision", revision}, {"from", liveness}, {"last_seen", last_seen(*change.record)}, {"reason", agent.reason}});
    case ChangeKind::merged:
      return log.info("agent_merged", {{"agent_id", agent.id}, {"revision", revision}, {"source", change.source}, {"into", change.into}});
    case ChangeKind::updated:
      if (agent.conflict) {
        std::string contenders;
        for (const std::string& c : agent.contenders) contenders += (contenders.empty() ? "" : ", ") + c;
        return log.warn("agent_conflict", agent.id, {{"agent_id", agent.id}, {"revision", revision}, {"source", change.source}, {"contenders", contenders}});
      }
      return log.debug("agent_updated", {{"agent_id", agent.id}, {"revision", revision}, {"source", change.source}});
  }
}

}  // namespace

void log_changes(Logger& log, const Batch& batch) {
  if (!log.on(LogLevel::info)) return;
  std::size_t written = 0, left = 0;
  for (const Change& change : batch.changes) {
    const bool is_quiet = change.kind == ChangeKind::updated && !change.record->agent.conflict;
    if (is_quiet ? log.on(LogLevel::debug) : written < limits::log_change_count_max) {
      written += !is_quiet;
      log_change(log, change);
    } else {
      left += !is_quiet;
    }
  }
  if (left > 0) log.info("agents_changed", {{"count", left}, {"revision", to_string(batch.changes.back().revision)}});
}

void log_observation(Logger& log, const Observation& o) {
  if (!log.on(LogLevel::debug)) return;
  log.debug("observation", {{"agent_id", o.names.id}, {"source", o.source}, {"kind", to_string(o.kind)}, {"subject", o.subject}, {"incarnation", o.incarnation}, {"reason", o.reason}});
}

}  // namespace choregos::daemon
