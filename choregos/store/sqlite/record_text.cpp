#include "choregos/store/sqlite/record_text.hpp"

#include <functional>

#include "choregos/base/limits.hpp"
#include "choregos/wire/agent_json.hpp"

namespace choregos::store {
namespace {

class Digest {
 public:
  Digest& add(std::string_view text) { return mix(std::hash<std::string_view>{}(text)); }
  Digest& add(std::uint64_t number) { return mix(number); }
  template <class List>
  Digest& add_each(const List& list) {
    mix(list.size());
    for (const auto& item : list) add(item);
    return *this;
  }
  std::uint64_t value() const { return state_; }

 private:
  /// The finalizer of splitmix64 over state and word: order matters, every bit spreads.
  Digest& mix(std::uint64_t word) {
    std::uint64_t x = state_ + 0x9e3779b97f4a7c15 + word;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    state_ = x ^ x >> 31;
    return *this;
  }
  std::uint64_t state_ = 0;
};

}  // namespace

std::string write_record(const AgentRecord& record) {
  // The age would be relative to a clock that does not survive; last_seen has a column of its own.
  static const auto fields = [] {
    wire::AgentFields all;
    const auto names = wire::agent_field_names();
    for (unsigned i = 0; i < names.size(); ++i)
      if (names[i] == "age_ms" || names[i] == "last_seen" || names[i] == "latency_ms") all.bits &= ~(std::uint64_t{1} << i);
    return all;
  }();
  return wire::agent_json(record, Instant{}, fields);
}

Result<Agent> read_record(std::string_view text) {
  wire::JsonRules rules;
  rules.bytes_max = std::size_t{1} << 20;
  rules.member_count_max = limits::agent_count_max;
  rules.text = wire::JsonText::any;  // checked when it came in
  const auto tree = wire::parse_json(text, rules);
  if (!tree) return tree.error();
  const auto* object = tree.value().if_object();
  if (object == nullptr) return fail(ErrorCode::invalid, "the record is not a JSON object");
  auto read = wire::read_agent(*object);
  if (!read) return read.error();
  return std::move(read->agent);
}

std::uint64_t durable_digest(const Agent& agent) {
  Digest digest;
  digest.add(agent.id).add(agent.name).add(static_cast<std::uint64_t>(agent.status)).add_each(agent.capabilities).add(agent.model);
  digest.add(agent.endpoint).add(agent.tasks_completed).add(agent.current_team).add(agent.p2p_addr).add(agent.cluster_id);
  digest.add(static_cast<std::uint64_t>(agent.liveness == Liveness::left)).add(static_cast<std::uint64_t>(agent.identity));
  digest.add(agent.incarnation).add(static_cast<std::uint64_t>(agent.first_seen.ms));
  digest.add(agent.task ? agent.task->name() : std::string()).add(agent.node).add(agent.version).add(agent.health_url).add_each(agent.aliases);
  digest.add(agent.labels.size());
  for (const auto& [key, value] : agent.labels) digest.add(key).add(value);
  return digest.value();
}

}  // namespace choregos::store
