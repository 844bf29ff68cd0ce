#include "choregos/wire/history_json.hpp"

#include <utility>

#include "choregos/wire/fields.hpp"

namespace choregos::wire {

std::optional<HistoryKind> parse_history_kind(std::string_view word) {
  using enum HistoryKind;
  for (const HistoryKind kind : {appeared, liveness, restarted, identity, conflict, conflict_over, merged, forgotten})
    if (to_string(kind) == word) return kind;
  return std::nullopt;
}

void write_event(JsonWriter& out, const HistoryEvent& e) {
  out.begin_object().member("at", to_rfc3339(e.at)).member("kind", to_string(e.kind)).member("id", e.id).member("liveness", to_string(e.liveness));
  if (e.was) out.member("was", to_string(*e.was));
  if (!e.reason.empty()) out.member("reason", e.reason);
  if (!e.source.empty()) out.member("source", e.source);
  if (!e.other.empty()) out.member("other", e.other);
  out.member("revision", to_string(e.revision)).end_object();
}

std::string event_json(const HistoryEvent& event) {
  JsonWriter out;
  write_event(out, event);
  return std::move(out).take();
}

Result<HistoryEvent> read_event(const boost::json::object& object) {
  HistoryEvent e;
  std::string was, revision;
  Fields from(object);
  from.time("at", e.at).word("kind", parse_history_kind, e.kind).text("id", e.id).word("liveness", parse_liveness, e.liveness);
  from.text("was", was).text("reason", e.reason).text("source", e.source).text("other", e.other).text("revision", revision);
  if (!was.empty()) {
    e.was = parse_liveness(was);
    if (!e.was) from.wrong("was", "a word that is known here");
  }
  if (const auto read = parse_revision(revision)) e.revision = *read;
  if (from.error()) return *from.error();
  return e;
}

Result<HistoryEvent> read_event(std::string_view text) {
  JsonRules rules;
  rules.text = JsonText::any;
  const auto tree = parse_json(text, rules);
  if (!tree) return tree.error();
  if (!tree->is_object()) return fail(ErrorCode::invalid, "the event is not a JSON object");
  return read_event(tree->get_object());
}

void write_forgotten(JsonWriter& out, const Forgotten& f) {
  out.begin_object().member("forgotten_at", to_rfc3339(f.forgotten_at)).member("last_seen", to_rfc3339(f.last_seen));
  out.member("liveness", to_string(f.agent.liveness));
  if (!f.agent.reason.empty()) out.member("liveness_reason", f.agent.reason);
  out.end_object();
}

std::string history_json(std::string_view id, bool listed, const Past& past) {
  JsonWriter out(256 + past.events.size() * 256);
  out.begin_object().member("id", id).member("listed", listed);
  if (past.forgotten) {
    out.key("forgotten");
    write_forgotten(out, *past.forgotten);
  }
  out.key("events").begin_array();
  for (const auto& event : past.events) write_event(out, event);
  out.end_array().end_object();
  return std::move(out).take();
}

Result<HistoryDocument> read_history(std::string_view body) {
  JsonRules rules;
  rules.bytes_max = std::size_t{1} << 20;
  rules.text = JsonText::any;
  const auto tree = parse_json(body, rules);
  if (!tree) return tree.error();
  const auto* object = tree->if_object();
  if (object == nullptr) return fail(ErrorCode::invalid, "the history is not a JSON object");
  HistoryDocument out;
  Fields from(*object);
  from.text("id", out.id).truth("listed", out.listed);
  if (const auto* value = from.find("forgotten")) {
    if (!value->is_object()) return fail(ErrorCode::invalid, "the member 'forgotten' is not an object");
    Forgotten f;
    f.agent.id = out.id;
    Fields parts(value->get_object());
    parts.time("forgotten_at", f.forgotten_at).time("last_seen", f.last_seen).word("liveness", parse_liveness, f.agent.liveness).text("liveness_reason", f.agent.reason);
    if (parts.error()) return *parts.error();
    out.past.forgotten = std::move(f);
  }
  const auto* events = from.find("events");
  if (events == nullptr || !events->is_array()) from.wrong("events", "there as an array");
  if (from.error()) return *from.error();
  for (const auto& item : events->get_array()) {
    if (!item.is_object()) return fail(ErrorCode::invalid, "'events' has something that is not an object");
    auto event = read_event(item.get_object());
    if (!event) return event.error();
    out.past.events.push_back(std::move(event).value());
  }
  return out;
}

}  // namespace choregos::wire
