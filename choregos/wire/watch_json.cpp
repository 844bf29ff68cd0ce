#include "choregos/wire/watch_json.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "choregos/wire/change_json.hpp"
#include "choregos/wire/fields.hpp"
#include "choregos/wire/guard_json.hpp"

namespace choregos::wire {
namespace {

constexpr std::array<std::pair<WatchKind, std::string_view>, 9> kKinds{{{WatchKind::waiting, "waiting"}, {WatchKind::reset, "reset"}, {WatchKind::agents, "agents"},
                                                                        {WatchKind::ready, "ready"}, {WatchKind::put, "put"}, {WatchKind::remove, "remove"},
                                                                        {WatchKind::mode, "mode"}, {WatchKind::mark, "mark"}, {WatchKind::end, "end"}}};
constexpr std::array<std::pair<ResetReason, std::string_view>, 5> kResets{{{ResetReason::start, "start"}, {ResetReason::restart, "restart"}, {ResetReason::gone, "gone"},
                                                                           {ResetReason::behind, "behind"}, {ResetReason::unknown, "unknown"}}};
constexpr std::array<std::pair<RemoveReason, std::string_view>, 3> kRemovals{{{RemoveReason::forgotten, "forgotten"}, {RemoveReason::merged, "merged"},
                                                                              {RemoveReason::unmatched, "unmatched"}}};

template <class Table, class Enum>
std::string_view word_of(const Table& table, Enum value) {
  for (const auto& [each, word] : table)
    if (each == value) return word;
  return {};
}
template <class Enum, class Table>
std::optional<Enum> value_of(const Table& table, std::string_view word) {
  for (const auto& [value, each] : table)
    if (each == word) return value;
  return std::nullopt;
}

JsonWriter begin(WatchKind kind, std::size_t bytes = 256) {
  JsonWriter out(bytes);
  out.begin_object().member("event", to_string(kind));
  return out;
}

std::string finish(JsonWriter out) {
  out.end_object();
  return std::move(out).take();
}

void write_revision(JsonWriter& out, Revision revision) { out.member("epoch", revision.epoch).member("revision", revision.number); }

void write_mode_of(JsonWriter& out, const GuardView& guard, Instant now) {
  out.member("mode", to_string(guard.mode));
  if (is_plain(guard)) return;
  out.key("guard");
  write_guard(out, guard, now);
}

void write_end_of_change(JsonWriter& out, const Change& change, std::optional<std::size_t> folded, Instant now, AgentFields fields) {
  if (!change.source.empty()) out.member("source", change.source);
  if (folded) out.member("folded", *folded);
  out.key("agent");
  write_agent(out, *change.record, now, fields);
}

std::string reason_text(const Change& change, RemoveReason reason) {
  switch (reason) {
    case RemoveReason::forgotten: return change.record->agent.reason;
    case RemoveReason::merged: return change.into.empty() ? "known by another name now" : "known as " + change.into + " now";
    case RemoveReason::unmatched: return "no longer passes the filter";
  }
  return {};
}

/// What stands beside the agent of a put or remove.
void read_change_members(Fields& from, WatchMessage& out) {
  from.time("at", out.at).text("into", out.into).text("source", out.source).text("reason", out.reason);
  if (from.find("folded") != nullptr) {
    std::uint64_t folded = 0;
    from.count("folded", folded);
    out.folded = static_cast<std::size_t>(folded);
  }
  if (from.find("was") != nullptr) from.word("was", parse_liveness, out.was.emplace());
  if (from.find("kind") == nullptr) from.wrong("kind", "there");
  if (out.kind == WatchKind::put) from.word("kind", parse_change_kind, out.change);
  else from.word("kind", parse_remove_reason, out.removed);
}

Result<void> read_agents(Fields& from, WatchMessage& out) {
  const auto* list = from.find("agents");
  if (list == nullptr || !list->is_array()) return fail(ErrorCode::invalid, "the member 'agents' is not there as an array");
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return fail(ErrorCode::invalid, "'agents' has something that is not an object");
    auto agent = read_agent(item.get_object());
    if (!agent) return agent.error();
    out.agents.push_back(std::move(agent).value());
  }
  return {};
}

Result<void> read_one_agent(Fields& from, WatchMessage& out) {
  const auto* object = from.find("agent");
  if (object == nullptr || !object->is_object()) return fail(ErrorCode::invalid, "the member 'agent' is not there as an object");
  auto agent = read_agent(object->get_object());
  if (!agent) return agent.error();
  out.agents.push_back(std::move(agent).value());
  return {};
}

void read_reasons(Fields& from, WatchMessage& out) {
  std::vector<std::string> reasons;
  from.texts("reasons", reasons);
  for (const auto& reason : reasons) out.reason += (out.reason.empty() ? "" : "; ") + reason;
}

}  // namespace

std::string_view to_string(WatchKind kind) { return word_of(kKinds, kind); }
std::string_view to_string(ResetReason reason) { return word_of(kResets, reason); }
std::optional<ResetReason> parse_reset_reason(std::string_view word) { return value_of<ResetReason>(kResets, word); }
std::string_view to_string(RemoveReason reason) { return word_of(kRemovals, reason); }
std::optional<RemoveReason> parse_remove_reason(std::string_view word) { return value_of<RemoveReason>(kRemovals, word); }

std::string waiting_json(const std::vector<std::string>& reasons, Duration retry_after) {
  JsonWriter out = begin(WatchKind::waiting);
  out.key("reasons").begin_array();
  for (const auto& reason : reasons) out.value(reason);
  out.end_array().member("retry_after_ms", std::chrono::duration_cast<std::chrono::milliseconds>(retry_after).count());
  return finish(std::move(out));
}

std::string reset_json(ResetReason reason, Revision revision, std::size_t total) {
  JsonWriter out = begin(WatchKind::reset);
  out.member("reason", to_string(reason));
  write_revision(out, revision);
  out.member("total", total);
  return finish(std::move(out));
}

std::string agents_json(std::span<const AgentRecordPtr> records, Instant now, AgentFields fields) {
  JsonWriter out = begin(WatchKind::agents, 64 + records.size() * 768);
  out.key("agents").begin_array();
  for (const auto& record : records) write_agent(out, *record, now, fields);
  out.end_array();
  return finish(std::move(out));
}

std::string ready_json(Revision revision, std::size_t total, const GuardView& guard, Instant now) {
  JsonWriter out = begin(WatchKind::ready);
  write_revision(out, revision);
  out.member("total", total);
  write_mode_of(out, guard, now);
  return finish(std::move(out));
}

std::string put_json(const Change& change, Instant now, AgentFields fields, std::optional<std::size_t> folded) {
  JsonWriter out = begin(WatchKind::put, 1024);
  out.member("kind", to_string(change.kind));
  write_revision(out, change.revision);
  out.member("at", to_rfc3339(change.wall_at));
  if (change.was) out.member("was", to_string(*change.was));
  write_end_of_change(out, change, folded, now, fields);
  return finish(std::move(out));
}

std::string remove_json(const Change& change, RemoveReason reason, Instant now, AgentFields fields, std::optional<std::size_t> folded) {
  JsonWriter out = begin(WatchKind::remove, 1024);
  out.member("kind", to_string(reason));
  write_revision(out, change.revision);
  out.member("at", to_rfc3339(change.wall_at)).member("reason", reason_text(change, reason));
  if (!change.into.empty()) out.member("into", change.into);
  write_end_of_change(out, change, folded, now, fields);
  return finish(std::move(out));
}

std::string mode_json(const GuardView& guard, Instant now) {
  JsonWriter out = begin(WatchKind::mode);
  write_mode_of(out, guard, now);
  return finish(std::move(out));
}

std::string mark_json(Revision revision) {
  JsonWriter out = begin(WatchKind::mark);
  write_revision(out, revision);
  return finish(std::move(out));
}

std::string end_json(std::string_view reason) {
  JsonWriter out = begin(WatchKind::end);
  out.member("reason", reason);
  return finish(std::move(out));
}

std::string poll_json(std::span<const std::string> events, Revision revision, bool more, const GuardView& guard, Instant now) {
  std::size_t bytes = 256;
  for (const auto& event : events) bytes += event.size() + 1;
  JsonWriter out(bytes);
  out.begin_object().key("events").begin_array();
  for (const auto& event : events) out.raw(event);
  out.end_array();
  write_revision(out, revision);
  out.member("more", more);
  write_mode_of(out, guard, now);
  return finish(std::move(out));
}

Result<WatchMessage> read_watch(std::string_view text, std::size_t bytes_max) {
  JsonRules rules;
  rules.bytes_max = bytes_max;
  const auto tree = parse_json(text, rules);
  if (!tree) return tree.error();
  const auto* object = tree.value().if_object();
  if (object == nullptr) return fail(ErrorCode::invalid, "a watch event is not a JSON object");
  Fields from(*object);
  WatchMessage out;
  std::string word;
  from.text("event", word);
  const auto kind = value_of<WatchKind>(kKinds, word);
  if (!kind) return fail(from.find("event") != nullptr ? ErrorCode::unsupported : ErrorCode::invalid, "the member 'event' is no event of a watch that is known here");
  out.kind = *kind;
  std::uint64_t total = 0;
  from.count("epoch", out.revision.epoch).count("revision", out.revision.number).count("total", total).text("mode", out.mode);
  out.total = static_cast<std::size_t>(total);
  Result<void> read;
  switch (out.kind) {
    case WatchKind::waiting: read_reasons(from, out); break;
    case WatchKind::reset: from.word("reason", parse_reset_reason, out.reset); break;
    case WatchKind::end: from.text("reason", out.reason); break;
    case WatchKind::agents: read = read_agents(from, out); break;
    case WatchKind::put:
    case WatchKind::remove:
      read_change_members(from, out);
      read = read_one_agent(from, out);
      break;
    case WatchKind::ready:
    case WatchKind::mode: {
      auto guard = read_guard_member(*object);
      if (!guard) return guard.error();
      out.guard = std::move(guard).value();
      break;
    }
    case WatchKind::mark: break;
  }
  if (from.error()) return *from.error();
  if (!read) return read.error();
  return out;
}

}  // namespace choregos::wire
