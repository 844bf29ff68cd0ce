// An agent's record as JSON, and back. The first eleven members are those of the original record, in its order and with
// its types; ours follow and never change these. Old clients read the first eleven and ignore the rest.
//
//   id, name, status, capabilities, model, endpoint, last_seen, tasks_completed, current_team (absent when none),
//   p2p_addr, cluster_id; then liveness, liveness_reason, liveness_since, identity, incarnation, first_seen, age_ms,
//   sources, aliases, labels, node, version, health_url, task{service,slot,task_id}, draining, reachable, conflict,
//   contenders, latency_ms, running, capacity, revision
//
// Of ours those that were not said are absent, except liveness, identity, age_ms, sources and revision.
// Pure; any thread. Writing is one pass that appends, without a tree.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/guard.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::wire {

/// Which members to write: one bit for each, in the order above.
struct AgentFields {
  std::uint64_t bits = ~std::uint64_t{0};
  bool has(unsigned index) const { return (bits >> index & 1) != 0; }
  bool operator==(const AgentFields&) const = default;
};
/// "id,status,age_ms": the `fields` parameter. Empty text = all. Errors: invalid (an unknown name, with the nearest one).
Result<AgentFields> parse_agent_fields(std::string_view comma_separated);
/// The names in their order, for docs and completion.
std::span<const std::string_view> agent_field_names();

/// Appends one object. `now` is this process's monotonic clock, from which age_ms counts; vitals may be null.
void write_agent(JsonWriter& out, const AgentRecord& record, Instant now, AgentFields fields = {});
std::string agent_json(const AgentRecord& record, Instant now, AgentFields fields = {});

/// What a client learns of an agent. Times relative to the server's clock (age) rather than ours.
struct AgentDocument {
  Agent agent;
  WallTime last_seen;
  Duration age{};                    ///< since the last evidence, when the server answered
  std::optional<Duration> latency;   ///< of its last probe
  std::uint32_t running = 0;
  std::uint32_t capacity = 0;        ///< 0 = not said
  std::uint64_t revision = 0;
};
/// Tolerant: unknown members are ignored and absent ones stay empty, so that old clients read new servers and the other
/// way round; only `id` must be there. Errors: invalid (a member of the wrong type, named).
Result<AgentDocument> read_agent(const boost::json::object& object);

/// What stands around the records of a list.
struct ListHead {
  std::size_t total = 0;                    ///< matches, not only those of this page
  Revision revision;
  std::string mode = "normal";              ///< "normal", or why belief is restrained
  GuardViewPtr guard;                       ///< null, or plain = left out; when read, its instants count from the answer
  std::string next_cursor;                  ///< "" = no more
  std::optional<Duration> oldest_evidence;  ///< age of the oldest evidence among the records
};
/// {"agents":[…],"total":n,"epoch":…,"revision":…,"mode":"normal"[,"guard":{…}][,"oldest_evidence_ms":…][,"next_cursor":"…"]}
void write_list(JsonWriter& out, std::span<const AgentRecordPtr> records, const ListHead& head, Instant now, AgentFields fields = {});
std::string list_json(std::span<const AgentRecordPtr> records, const ListHead& head, Instant now, AgentFields fields = {});

struct ListDocument {
  std::vector<AgentDocument> agents;
  ListHead head;
};
/// Reads a whole list body (up to `bytes_max`, for lists of 100,000 agents). Errors: too_large, invalid.
Result<ListDocument> read_list(std::string_view body, std::size_t bytes_max = std::size_t{512} * 1024 * 1024);

}  // namespace choregos::wire
