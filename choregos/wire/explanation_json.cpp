#include "choregos/wire/explanation_json.hpp"

#include <cmath>
#include <utility>

#include "choregos/wire/fields.hpp"

namespace choregos::wire {
namespace {

std::int64_t millis(Duration d) { return d.count() / 1'000'000; }

/// Three decimals: nobody reads more, and the same state gives the same text on every machine.
double rounded(double value) { return std::round(value * 1000.0) / 1000.0; }

void write_texts(JsonWriter& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name).begin_array();
  for (const auto& text : texts) out.value(text);
  out.end_array();
}

void write_channel(JsonWriter& out, const ChannelEvidence& c) {
  out.begin_object().member("source", c.source).member("subject", c.subject);
  if (c.incarnation != 0) out.member("incarnation", c.incarnation);
  out.member("says", c.says).member("counts", c.counts);
  if (c.age) out.member("age_ms", millis(*c.age));
  if (c.alive_for == Duration::max()) out.member("while_open", true);
  else out.member("alive_for_ms", millis(c.alive_for));
  if (c.loss) out.member("loss", rounded(*c.loss));
  out.member("missed", c.missed).member("asked", c.asked).member("asked_by_helpers", c.asked_by_helpers).member("weight", rounded(c.weight));
  if (!c.detail.empty()) out.member("detail", c.detail);
  out.end_object();
}

void write_field(JsonWriter& out, const FieldEvidence& f) {
  out.begin_object().member("field", f.field).member("value", f.value);
  if (!f.source.empty()) out.member("source", f.source).member("subject", f.subject).member("age_ms", millis(f.age));
  out.member("rule", f.rule);
  if (!f.others.empty()) write_texts(out, "others", f.others);
  out.end_object();
}

void read_number(Fields& from, std::string_view name, double& out) {
  if (const auto* value = from.find(name)) {
    if (const auto number = as_number(*value)) out = *number;
    else from.wrong(name, "a number");
  }
}

Result<ChannelEvidence> read_channel(const boost::json::object& object) {
  ChannelEvidence c;
  bool while_open = false;
  double loss = -1;
  Fields from(object);
  from.text("source", c.source).text("subject", c.subject).count("incarnation", c.incarnation).text("says", c.says).truth("counts", c.counts);
  from.millis("age_ms", c.age).millis("alive_for_ms", c.alive_for).truth("while_open", while_open).text("detail", c.detail);
  from.count32("missed", c.missed).count32("asked", c.asked).count32("asked_by_helpers", c.asked_by_helpers);
  read_number(from, "loss", loss);
  read_number(from, "weight", c.weight);
  if (from.error()) return *from.error();
  if (while_open) c.alive_for = Duration::max();
  if (loss >= 0) c.loss = loss;
  return c;
}

Result<FieldEvidence> read_field(const boost::json::object& object) {
  FieldEvidence f;
  Fields from(object);
  from.text("field", f.field).text("value", f.value).text("source", f.source).text("subject", f.subject).millis("age_ms", f.age).text("rule", f.rule);
  from.texts("others", f.others);
  if (from.error()) return *from.error();
  return f;
}

template <class Item>
Result<void> read_each(Fields& from, std::string_view name, Result<Item> (*read)(const boost::json::object&), std::vector<Item>& out) {
  const auto* list = from.find(name);
  if (list == nullptr) return {};
  if (!list->is_array()) return fail(ErrorCode::invalid, "the member '" + std::string(name) + "' is not an array");
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return fail(ErrorCode::invalid, "'" + std::string(name) + "' has something that is not an object");
    auto value = read(item.get_object());
    if (!value) return value.error();
    out.push_back(std::move(value).value());
  }
  return {};
}

}  // namespace

void write_explanation(JsonWriter& out, const Explanation& e) {
  out.member("id", e.id).member("liveness", to_string(e.liveness));
  if (!e.reason.empty()) out.member("liveness_reason", e.reason);
  out.member("silence_ms", millis(e.silence)).member("silence_needed_ms", millis(e.silence_needed)).member("longest_silence_ms", millis(e.longest_silence));
  out.member("evidence", rounded(e.evidence)).member("evidence_needed", rounded(e.evidence_needed)).member("stretch", rounded(e.stretch));
  write_texts(out, "held_by", e.held_by);
  write_texts(out, "would_change", e.would_change);
  out.key("channels").begin_array();
  for (const auto& channel : e.channels) write_channel(out, channel);
  out.end_array().key("fields").begin_array();
  for (const auto& field : e.fields) write_field(out, field);
  out.end_array();
}

Result<Explanation> read_explanation(const boost::json::object& object) {
  Explanation e;
  Fields from(object);
  from.text("id", e.id).word("liveness", parse_liveness, e.liveness).text("liveness_reason", e.reason);
  from.millis("silence_ms", e.silence).millis("silence_needed_ms", e.silence_needed).millis("longest_silence_ms", e.longest_silence);
  read_number(from, "evidence", e.evidence);
  read_number(from, "evidence_needed", e.evidence_needed);
  read_number(from, "stretch", e.stretch);
  from.texts("held_by", e.held_by).texts("would_change", e.would_change);
  if (auto ok = read_each(from, "channels", read_channel, e.channels); !ok) return ok.error();
  if (auto ok = read_each(from, "fields", read_field, e.fields); !ok) return ok.error();
  if (from.error()) return *from.error();
  if (e.id.empty()) return fail(ErrorCode::invalid, "the explanation has no 'id'");
  return e;
}

}  // namespace choregos::wire
