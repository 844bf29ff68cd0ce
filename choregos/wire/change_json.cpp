#include "choregos/wire/change_json.hpp"

#include "choregos/wire/fields.hpp"

namespace choregos::wire {

std::optional<ChangeKind> parse_change_kind(std::string_view word) {
  for (const ChangeKind kind : {ChangeKind::appeared, ChangeKind::updated, ChangeKind::liveness, ChangeKind::forgotten, ChangeKind::merged})
    if (to_string(kind) == word) return kind;
  return std::nullopt;
}

void write_change(JsonWriter& out, const Change& change, Instant now, AgentFields fields) {
  out.begin_object().member("kind", to_string(change.kind));
  out.member("epoch", change.revision.epoch).member("revision", change.revision.number).member("at", to_rfc3339(change.wall_at));
  if (change.was) out.member("was", to_string(*change.was));
  if (!change.into.empty()) out.member("into", change.into);
  if (!change.source.empty()) out.member("source", change.source);
  if (change.record) {
    out.key("agent");
    write_agent(out, *change.record, now, fields);
  }
  out.end_object();
}

std::string change_json(const Change& change, Instant now, AgentFields fields) {
  JsonWriter out(1024);
  write_change(out, change, now, fields);
  return std::move(out).take();
}

Result<ChangeDocument> read_change(const boost::json::object& object) {
  ChangeDocument out;
  Fields from(object);
  if (from.find("kind") == nullptr) from.wrong("kind", "there");
  from.word("kind", parse_change_kind, out.kind).count("epoch", out.revision.epoch).count("revision", out.revision.number);
  from.time("at", out.at).text("into", out.into).text("source", out.source);
  if (from.find("was") != nullptr) {
    Liveness was{};
    from.word("was", parse_liveness, was);
    out.was = was;
  }
  const auto* agent = from.find("agent");
  if (agent == nullptr || !agent->is_object()) from.wrong("agent", "there as an object");
  if (from.error()) return *from.error();
  auto read = read_agent(agent->get_object());
  if (!read) return read.error();
  out.agent = std::move(read).value();
  return out;
}

}  // namespace choregos::wire
