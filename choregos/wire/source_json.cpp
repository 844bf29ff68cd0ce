#include "choregos/wire/source_json.hpp"

#include "choregos/wire/fields.hpp"

namespace choregos::wire {
namespace {

using Numbers = std::vector<std::pair<std::string, std::uint64_t>>;

void write_numbers(JsonWriter& out, std::string_view name, const Numbers& numbers) {
  out.key(name).begin_object();
  for (const auto& [key, value] : numbers) out.member(key, value);
  out.end_object();
}

void read_numbers(Fields& from, std::string_view name, Numbers& out) {
  const auto* value = from.find(name);
  if (value == nullptr) return;
  if (!value->is_object()) {
    from.wrong(name, "an object of numbers");
    return;
  }
  for (const auto& item : value->get_object()) {
    const auto number = as_count(item.value());
    if (!number) {
      from.wrong(name, "an object of numbers");
      return;
    }
    out.emplace_back(view(item.key()), *number);
  }
}

}  // namespace

std::optional<SourceState> parse_source_state(std::string_view word) {
  for (const SourceState state : {SourceState::off, SourceState::starting, SourceState::ok, SourceState::degraded, SourceState::failed})
    if (to_string(state) == word) return state;
  return std::nullopt;
}

void write_source(JsonWriter& out, const SourceHealth& health) {
  out.begin_object().member("name", health.name).member("kind", health.kind).member("state", to_string(health.state));
  out.member("detail", health.detail);
  if (!health.last_error.empty()) out.member("last_error", health.last_error);
  if (!health.advice.empty()) out.member("advice", health.advice);
  if (health.last_ok.ms != 0) out.member("last_ok", to_rfc3339(health.last_ok));
  if (health.last_error_at.ms != 0) out.member("last_error_at", to_rfc3339(health.last_error_at));
  write_numbers(out, "counters", health.counters);
  write_numbers(out, "gauges", health.gauges);
  out.end_object();
}

std::string source_json(const SourceHealth& health) {
  JsonWriter out;
  write_source(out, health);
  return std::move(out).take();
}

std::string sources_json(std::span<const SourceHealth> sources) {
  JsonWriter out(512);
  out.begin_object().key("sources").begin_array();
  for (const auto& health : sources) write_source(out, health);
  out.end_array().end_object();
  return std::move(out).take();
}

Result<SourceHealth> read_source(const boost::json::object& object) {
  SourceHealth out;
  Fields from(object);
  from.text("name", out.name).text("kind", out.kind).word("state", parse_source_state, out.state).text("detail", out.detail);
  from.text("last_error", out.last_error).text("advice", out.advice).time("last_ok", out.last_ok).time("last_error_at", out.last_error_at);
  read_numbers(from, "counters", out.counters);
  read_numbers(from, "gauges", out.gauges);
  if (from.error()) return *from.error();
  if (out.name.empty()) return fail(ErrorCode::invalid, "the health of a source has no 'name'");
  return out;
}

Result<std::vector<SourceHealth>> read_sources(std::string_view body) {
  const auto tree = parse_json(body);
  if (!tree) return tree.error();
  const auto* object = tree.value().if_object();
  const auto* list = object == nullptr ? nullptr : object->if_contains("sources");
  if (list == nullptr || !list->is_array()) return fail(ErrorCode::invalid, "the list of sources has no array 'sources'");
  std::vector<SourceHealth> out;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return fail(ErrorCode::invalid, "'sources' has something that is not an object");
    auto read = read_source(item.get_object());
    if (!read) return read.error();
    out.push_back(std::move(read).value());
  }
  return out;
}

}  // namespace choregos::wire
