#include "choregos/wire/agent_json.hpp"

#include <algorithm>
#include <array>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/fields.hpp"
#include "choregos/wire/guard_json.hpp"

namespace choregos::wire {
namespace {

enum Field : unsigned {
  id, name, status, capabilities, model, endpoint, last_seen, tasks_completed, current_team, p2p_addr, cluster_id,  // the eleven
  liveness, liveness_reason, liveness_since, identity, incarnation, first_seen, age_ms, sources, aliases, labels, node, version,
  health_url, task, draining, reachable, conflict, contenders, latency_ms, running, capacity, revision,
  field_count
};
constexpr std::array<std::string_view, field_count> kNames{
    "id",          "name",       "status",       "capabilities",    "model",           "endpoint",       "last_seen",  "tasks_completed",
    "current_team","p2p_addr",   "cluster_id",   "liveness",        "liveness_reason", "liveness_since", "identity",   "incarnation",
    "first_seen",  "age_ms",     "sources",      "aliases",         "labels",          "node",           "version",    "health_url",
    "task",        "draining",   "reachable",    "conflict",        "contenders",      "latency_ms",     "running",    "capacity",
    "revision"};

/// Whole milliseconds since the last evidence. Guards against the far ends of the clock: a record whose vitals were never
/// written must not overflow.
std::int64_t age_millis(Instant now, std::int64_t heard_ns) {
  if (heard_ns >= now.ns) return 0;
  const std::uint64_t age = static_cast<std::uint64_t>(now.ns) - static_cast<std::uint64_t>(heard_ns);
  return static_cast<std::int64_t>(age / 1'000'000);
}

class Members {
 public:
  Members(JsonWriter& out, AgentFields fields) : out_(out), fields_(fields) {}
  bool wants(Field field) const { return fields_.has(field); }
  template <class Value>
  void always(Field field, const Value& value) {
    if (wants(field)) out_.key(kNames[field]).value(value);
  }
  void said(Field field, const std::string& text) {
    if (!text.empty()) always(field, text);
  }
  void said(Field field, WallTime time) {
    if (time.ms != 0 && wants(field)) always(field, to_rfc3339(time));
  }
  void said(Field field, std::uint64_t number) {
    if (number != 0) always(field, number);
  }
  void said(Field field, bool truth) {
    if (truth) always(field, true);
  }
  void list(Field field, const std::vector<std::string>& items) {
    if (!wants(field)) return;
    out_.key(kNames[field]).begin_array();
    for (const auto& item : items) out_.value(item);
    out_.end_array();
  }
  void said(Field field, const std::vector<std::string>& items) {
    if (!items.empty()) list(field, items);
  }

 private:
  JsonWriter& out_;
  AgentFields fields_;
};

void write_seed_fields(Members& to, const Agent& agent, const Vitals& vitals) {
  to.always(id, agent.id);
  to.always(name, agent.name);
  to.always(status, to_string(agent.status));
  to.list(capabilities, agent.capabilities);
  to.always(model, agent.model);
  to.always(endpoint, agent.endpoint);
  if (to.wants(last_seen)) to.always(last_seen, to_rfc3339(WallTime{vitals.last_seen_ms.load(std::memory_order_relaxed)}));
  to.always(tasks_completed, agent.tasks_completed);
  to.said(current_team, agent.current_team);
  to.always(p2p_addr, agent.p2p_addr);
  to.always(cluster_id, agent.cluster_id);
}

void write_belief(Members& to, const Agent& agent, const Vitals& vitals, Instant now) {
  to.always(liveness, to_string(agent.liveness));
  to.said(liveness_reason, agent.reason);
  to.said(liveness_since, agent.liveness_since);
  to.always(identity, to_string(agent.identity));
  to.said(incarnation, agent.incarnation);
  to.said(first_seen, agent.first_seen);
  to.always(age_ms, age_millis(now, vitals.last_heard_ns.load(std::memory_order_relaxed)));
  to.list(sources, agent.sources);
  to.said(aliases, agent.aliases);
}

void write_particulars(JsonWriter& out, Members& to, const Agent& agent) {
  if (!agent.labels.empty() && to.wants(labels)) {
    out.key("labels").begin_object();
    for (const auto& [key, value] : agent.labels) out.member(key, value);
    out.end_object();
  }
  to.said(node, agent.node);
  to.said(version, agent.version);
  to.said(health_url, agent.health_url);
  if (agent.task && to.wants(task)) {
    out.key("task").begin_object();
    out.member("service", agent.task->service).member("slot", agent.task->slot).member("task_id", agent.task->task_id);
    out.end_object();
  }
  to.said(draining, agent.draining);
  if (agent.reachable) to.always(reachable, *agent.reachable);
  to.said(conflict, agent.conflict);
  to.said(contenders, agent.contenders);
}

/// One lookup of a comma-separated list, trimmed.
std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

void write_head(JsonWriter& out, const ListHead& head, Instant now) {
  out.member("total", head.total).member("epoch", head.revision.epoch).member("revision", head.revision.number).member("mode", head.mode);
  if (head.guard && !is_plain(*head.guard)) {
    out.key("guard");
    write_guard(out, *head.guard, now);
  }
  if (head.oldest_evidence) out.member("oldest_evidence_ms", std::max<std::int64_t>(0, head.oldest_evidence->count() / 1'000'000));
  if (!head.next_cursor.empty()) out.member("next_cursor", head.next_cursor);
}

}  // namespace

std::span<const std::string_view> agent_field_names() { return kNames; }

Result<AgentFields> parse_agent_fields(std::string_view comma_separated) {
  if (trim(comma_separated).empty()) return AgentFields{};
  AgentFields fields{0};
  while (true) {
    const auto comma = comma_separated.find(',');
    const std::string_view word = trim(comma_separated.substr(0, comma));
    const auto at = std::find(kNames.begin(), kNames.end(), word);
    if (at == kNames.end()) {
      const std::string_view near = nearest_word(word.substr(0, limits::id_bytes_max), kNames);
      return fail(ErrorCode::invalid, "fields: '" + printable(word.substr(0, limits::id_bytes_max)) + "' is no field of an agent" +
                                          (near.empty() ? std::string("; write some of id, name, status, …") : "; did you mean '" + std::string(near) + "'?"));
    }
    fields.bits |= std::uint64_t{1} << (at - kNames.begin());
    if (comma == std::string_view::npos) return fields;
    comma_separated.remove_prefix(comma + 1);
  }
}

void write_agent(JsonWriter& out, const AgentRecord& record, Instant now, AgentFields fields) {
  static const Vitals kNone;
  const Vitals& vitals = record.vitals ? *record.vitals : kNone;
  const Agent& agent = record.agent;
  Members to(out, fields);
  out.begin_object();
  write_seed_fields(to, agent, vitals);
  write_belief(to, agent, vitals, now);
  write_particulars(out, to, agent);
  if (const auto us = vitals.latency_us.load(std::memory_order_relaxed); us != 0) to.always(latency_ms, static_cast<double>(us) / 1000.0);
  to.said(running, std::uint64_t{vitals.running.load(std::memory_order_relaxed)});
  to.said(capacity, std::uint64_t{vitals.capacity.load(std::memory_order_relaxed)});
  to.always(revision, record.revision);
  out.end_object();
}

std::string agent_json(const AgentRecord& record, Instant now, AgentFields fields) {
  JsonWriter out(768);
  write_agent(out, record, now, fields);
  return std::move(out).take();
}

Result<AgentDocument> read_agent(const boost::json::object& object) {
  AgentDocument out;
  Agent& agent = out.agent;
  Fields from(object);
  from.text("id", agent.id).text("name", agent.name).word("status", parse_status, agent.status).texts("capabilities", agent.capabilities);
  from.text("model", agent.model).text("endpoint", agent.endpoint).time("last_seen", out.last_seen);
  from.count("tasks_completed", agent.tasks_completed).text("current_team", agent.current_team).text("p2p_addr", agent.p2p_addr);
  from.text("cluster_id", agent.cluster_id).word("liveness", parse_liveness, agent.liveness).text("liveness_reason", agent.reason);
  from.time("liveness_since", agent.liveness_since).word("identity", parse_identity_kind, agent.identity);
  from.count("incarnation", agent.incarnation).time("first_seen", agent.first_seen).millis("age_ms", out.age);
  from.texts("sources", agent.sources).texts("aliases", agent.aliases).labels("labels", agent.labels).text("node", agent.node);
  from.text("version", agent.version).text("health_url", agent.health_url).truth("draining", agent.draining);
  from.truth("conflict", agent.conflict).texts("contenders", agent.contenders).millis("latency_ms", out.latency);
  from.count32("running", out.running).count32("capacity", out.capacity).count("revision", out.revision);
  if (from.find("reachable") != nullptr) from.truth("reachable", agent.reachable.emplace());
  if (const auto* task_value = from.find("task")) {
    if (const auto* task_object = task_value->if_object()) {
      SwarmTask read;
      Fields parts(*task_object);
      parts.text("service", read.service).text("slot", read.slot).text("task_id", read.task_id);
      if (parts.error()) return *parts.error();
      agent.task = std::move(read);
    } else {
      from.wrong("task", "an object");
    }
  }
  if (from.error()) return *from.error();
  if (agent.id.empty()) return fail(ErrorCode::invalid, "the record of an agent has no 'id'");
  return out;
}

void write_list(JsonWriter& out, std::span<const AgentRecordPtr> records, const ListHead& head, Instant now, AgentFields fields) {
  out.begin_object().key("agents").begin_array();
  for (const auto& record : records) write_agent(out, *record, now, fields);
  out.end_array();
  write_head(out, head, now);
  out.end_object();
}

std::string list_json(std::span<const AgentRecordPtr> records, const ListHead& head, Instant now, AgentFields fields) {
  JsonWriter out(256 + records.size() * 768);
  write_list(out, records, head, now, fields);
  return std::move(out).take();
}

Result<ListDocument> read_list(std::string_view body, std::size_t bytes_max) {
  JsonRules rules;
  rules.bytes_max = bytes_max;
  rules.member_count_max = limits::agent_count_max;
  const auto tree = parse_json(body, rules);
  if (!tree) return tree.error();
  const auto* object = tree.value().if_object();
  if (object == nullptr) return fail(ErrorCode::invalid, "the list of agents is not a JSON object");
  ListDocument out;
  std::uint64_t total = 0;
  Fields from(*object);
  from.count("total", total).count("epoch", out.head.revision.epoch).count("revision", out.head.revision.number);
  from.text("mode", out.head.mode).text("next_cursor", out.head.next_cursor).millis("oldest_evidence_ms", out.head.oldest_evidence);
  const auto* agents = from.find("agents");
  if (agents == nullptr || !agents->is_array()) from.wrong("agents", "there as an array");
  if (from.error()) return *from.error();
  auto guard = read_guard_member(*object);
  if (!guard) return guard.error();
  out.head.guard = std::move(guard).value();
  out.head.total = total;
  for (const auto& item : agents->get_array()) {
    if (!item.is_object()) return fail(ErrorCode::invalid, "'agents' has something that is not an object");
    auto agent = read_agent(item.get_object());
    if (!agent) return agent.error();
    out.agents.push_back(std::move(agent).value());
  }
  return out;
}

}  // namespace choregos::wire
