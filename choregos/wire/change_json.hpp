// One change as JSON, for watches and logs, and back.
//   {"kind":"liveness","epoch":3,"revision":1042,"at":"…","was":"alive","into":"…","source":"beacon","agent":{…}}
// `was`, `into` and `source` are absent when they do not apply. Pure; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/change.hpp"
#include "choregos/wire/agent_json.hpp"

namespace choregos::wire {

/// `now` for the agent's age_ms, as in write_agent.
void write_change(JsonWriter& out, const Change& change, Instant now, AgentFields fields = {});
std::string change_json(const Change& change, Instant now, AgentFields fields = {});

struct ChangeDocument {
  ChangeKind kind = ChangeKind::appeared;
  Revision revision;
  WallTime at;
  std::optional<Liveness> was;
  std::string into;
  std::string source;
  AgentDocument agent;
};
std::optional<ChangeKind> parse_change_kind(std::string_view word);
/// Tolerant of unknown members. Errors: invalid.
Result<ChangeDocument> read_change(const boost::json::object& object);

}  // namespace choregos::wire
