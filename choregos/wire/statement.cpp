#include "choregos/wire/statement.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/fields.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::wire {
namespace {

namespace bj = boost::json;
using Text = std::optional<std::string> Claims::*;

struct TextField {
  std::string_view name;
  Text field;
  std::size_t bytes_max;
};
constexpr std::array<TextField, 8> kTexts{{{"name", &Claims::name, limits::name_bytes_max},
                                           {"model", &Claims::model, limits::text_bytes_max},
                                           {"endpoint", &Claims::endpoint, limits::text_bytes_max},
                                           {"p2p_addr", &Claims::p2p_addr, limits::text_bytes_max},
                                           {"cluster_id", &Claims::cluster_id, limits::text_bytes_max},
                                           {"node", &Claims::node, limits::text_bytes_max},
                                           {"version", &Claims::version, limits::text_bytes_max},
                                           {"health_url", &Claims::health_url, limits::text_bytes_max}}};

std::string_view kind_word(const bj::value& value) {
  switch (value.kind()) {
    case bj::kind::null: return "null";
    case bj::kind::bool_: return "a truth value";
    case bj::kind::string: return "a string";
    case bj::kind::array: return "an array";
    case bj::kind::object: return "an object";
    default: return "a number";
  }
}

std::string shown(std::string_view text) { return "'" + printable(text.substr(0, limits::id_bytes_max)) + "'"; }

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// ---- lenient: health bodies ----------------------------------------------------------------------------------------

class HealthReader {
 public:
  HealthReader(const bj::object& object, std::vector<std::string>* notes) : from_(object), notes_(notes) {}

  Statement read() {
    read_id();
    for (const TextField& field : kTexts) read_text(field.name, out_.claims.*field.field, field.bytes_max);
    read_text("current_team", out_.claims.current_team, limits::text_bytes_max);
    if (out_.claims.p2p_addr && !out_.claims.p2p_addr->empty())
      if (const auto ok = parse_host_port(*out_.claims.p2p_addr); !ok) {
        note("p2p_addr " + ok.error().message);
        out_.claims.p2p_addr.reset();
      }
    read_status();
    read_capabilities();
    read_labels();
    read_incarnation();
    read_count("tasks_completed", out_.claims.tasks_completed);
    read_count("running", out_.claims.running);
    read_count("capacity", out_.claims.capacity);
    if (const auto* value = from_.find("draining")) {
      if (value->is_bool()) out_.draining = value->get_bool();
      else wrong("draining", *value, "true or false");
    }
    normalize(out_.claims);
    return std::move(out_);
  }

 private:
  void note(std::string text) {
    if (notes_ != nullptr) notes_->push_back(std::move(text));
  }
  void wrong(std::string_view name, const bj::value& value, std::string_view right) {
    note(std::string(name) + " is " + std::string(kind_word(value)) + ", not " + std::string(right) + "; it was ignored");
  }

  void read_id() {
    for (const std::string_view name : {"id", "agent_id", "node_id"}) {
      const auto* value = from_.find(name);
      if (value == nullptr) continue;
      if (!value->is_string()) {
        wrong(name, *value, "a string");
      } else if (const auto ok = check_word(view(value->get_string()), name); !ok) {
        note(ok.error().message + "; it was ignored");
      } else {
        out_.id = std::string(view(value->get_string()));
        return;
      }
    }
  }

  void read_text(std::string_view name, std::optional<std::string>& out, std::size_t bytes_max) {
    const auto* value = from_.find(name);
    if (value == nullptr) return;
    if (!value->is_string()) return wrong(name, *value, "a string");
    const std::string_view text = view(value->get_string());
    if (const auto ok = check_text(text, name, bytes_max); !ok) return note(ok.error().message + "; it was ignored");
    out = std::string(text);
  }

  void read_status() {
    const auto* value = from_.find("status");
    if (value == nullptr) return;
    if (!value->is_string()) return wrong("status", *value, "a string");
    out_.claims.status = parse_status(to_lower(view(value->get_string())));
    if (!out_.claims.status) note("status " + shown(view(value->get_string())) + " is not online, idle or working; it was ignored");
  }

  void add_capability(std::string_view word) {
    auto& list = *out_.claims.capabilities;
    if (list.size() >= limits::capability_count_max) {
      if (!capabilities_full_) note("capabilities has more than " + std::to_string(limits::capability_count_max) + " entries; the rest was ignored");
      capabilities_full_ = true;
    } else if (const auto ok = check_word(word, "capabilities[]"); !ok) {
      note(shown(word) + " in " + ok.error().message + "; it was ignored");
    } else {
      list.emplace_back(word);
    }
  }

  void read_capabilities() {
    const auto* value = from_.find("capabilities");
    if (value == nullptr) return;
    if (!value->is_array() && !value->is_string()) return wrong("capabilities", *value, "an array of strings");
    out_.claims.capabilities.emplace();
    if (const auto* text = value->if_string()) {
      for (std::string_view rest = view(*text); !rest.empty();) {
        const auto comma = rest.find(',');
        if (const auto word = trim(rest.substr(0, comma)); !word.empty()) add_capability(word);
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
      }
      return;
    }
    for (const auto& item : value->get_array()) {
      if (item.is_string()) add_capability(view(item.get_string()));
      else wrong("capabilities[]", item, "a string");
    }
  }

  void read_labels() {
    const auto* value = from_.find("labels");
    if (value == nullptr) return;
    if (!value->is_object()) return wrong("labels", *value, "an object of strings");
    out_.claims.labels.emplace();
    for (const auto& item : value->get_object()) {
      const std::string_view key = view(item.key());
      if (out_.claims.labels->size() >= limits::label_count_max)
        return note("labels has more than " + std::to_string(limits::label_count_max) + " entries; the rest was ignored");
      if (const auto ok = check_word(key, "labels key"); !ok) {
        note(shown(key) + ": " + ok.error().message + "; it was ignored");
      } else if (!item.value().is_string()) {
        wrong("labels." + std::string(key), item.value(), "a string");
      } else if (const auto fine = check_text(view(item.value().get_string()), "labels." + std::string(key), limits::text_bytes_max); !fine) {
        note(fine.error().message + "; it was ignored");
      } else {
        out_.claims.labels->emplace_back(key, view(item.value().get_string()));
      }
    }
  }

  /// Milliseconds of a start time written as a number: below 10^11 it is in seconds (10^11 ms lie in 1973).
  static std::optional<std::uint64_t> started_millis(const bj::value& value) {
    constexpr double kSecondsBelow = 1e11, kMost = 1e16;
    const auto number = as_number(value);
    if (!number || !(*number > 0) || *number > kMost) return std::nullopt;
    return static_cast<std::uint64_t>(*number < kSecondsBelow ? *number * 1000.0 : *number);
  }

  void read_incarnation() {
    if (const auto* value = from_.find("incarnation")) {
      const auto number = as_count(*value);
      if (number) {
        out_.incarnation = *number;
        return;
      }
      note("incarnation is not a whole number; it was ignored");
    }
    const auto* value = from_.find("started_at");
    if (value == nullptr) return;
    if (const auto* text = value->if_string()) {
      const auto time = parse_rfc3339(view(*text));
      if (time && time->ms > 0) out_.incarnation = static_cast<std::uint64_t>(time->ms);
      else note("started_at " + shown(view(*text)) + " is not an RFC 3339 time after 1970; it was ignored");
    } else if (const auto ms = started_millis(*value)) {
      out_.incarnation = *ms;
    } else {
      note("started_at is not a time; it was ignored");
    }
  }

  template <class Int>
  void read_count(std::string_view name, std::optional<Int>& out) {
    const auto* value = from_.find(name);
    if (value == nullptr) return;
    const auto number = as_count(*value);
    if (!number || *number > std::numeric_limits<Int>::max()) return note(std::string(name) + " is not a whole number that is not negative; it was ignored");
    out = static_cast<Int>(*number);
  }

  Fields from_;
  std::vector<std::string>* notes_;
  Statement out_;
  bool capabilities_full_ = false;
};

// ---- strict: registrations -----------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 16> kKnown{"id",         "incarnation", "name", "status",  "capabilities", "model",  "endpoint", "p2p_addr",
                                                  "cluster_id", "node",        "version", "health_url", "labels", "running", "capacity", "ttl"};
constexpr std::array<std::string_view, 18> kServerOwned{"last_seen",  "current_team", "tasks_completed", "liveness",   "liveness_reason", "liveness_since",
                                                        "identity",   "verified",     "first_seen",      "age_ms",     "sources",         "aliases",
                                                        "task",       "draining",     "conflict",        "contenders", "latency_ms",      "revision"};

Error wrong_type(std::string_view name, const bj::value& value, std::string_view right) {
  return fail(ErrorCode::invalid, std::string(name) + " is " + std::string(kind_word(value)) + "; write " + std::string(right));
}

Result<void> check_member_names(const bj::object& object, bool renewal) {
  for (const auto& item : object) {
    const std::string_view key = view(item.key());
    const auto is = [key](std::string_view word) { return word == key; };
    if (renewal && key == "ttl") return fail(ErrorCode::invalid, "ttl cannot change in a renewal; register again to ask for another lease");
    if (renewal && key == "answer") continue;
    if (std::any_of(kKnown.begin(), kKnown.end(), is)) continue;
    if (std::any_of(kServerOwned.begin(), kServerOwned.end(), is))
      return fail(ErrorCode::invalid, std::string(key) + " is written by choregosd alone; leave it out");
    const std::string_view near = nearest_word(key.substr(0, limits::id_bytes_max), kKnown);
    return fail(ErrorCode::invalid, "the member " + shown(key) + " is not known" +
                                        (near.empty() ? std::string("; put what is your own into labels") : "; did you mean '" + std::string(near) + "'?"));
  }
  return {};
}

template <class Int>
Result<void> take_count(const bj::object& object, std::string_view name, std::optional<Int>& out) {
  const auto* value = object.if_contains(bj::string_view(name.data(), name.size()));
  if (value == nullptr) return {};
  const auto number = as_count(*value);
  if (!number || *number > std::numeric_limits<Int>::max())
    return fail(ErrorCode::invalid, std::string(name) + " must be a whole number between 0 and " + std::to_string(std::numeric_limits<Int>::max()));
  out = static_cast<Int>(*number);
  return {};
}

Result<void> take_lists(const bj::object& object, Claims& claims) {
  if (const auto* value = object.if_contains("capabilities")) {
    if (!value->is_array()) return wrong_type("capabilities", *value, "an array of strings");
    claims.capabilities.emplace();
    for (const auto& item : value->get_array()) {
      if (!item.is_string()) return wrong_type("capabilities[]", item, "a string");
      claims.capabilities->emplace_back(view(item.get_string()));
    }
  }
  if (const auto* value = object.if_contains("labels")) {
    if (!value->is_object()) return wrong_type("labels", *value, "an object of strings");
    claims.labels.emplace();
    for (const auto& item : value->get_object()) {
      if (!item.value().is_string()) return wrong_type("labels." + std::string(view(item.key())), item.value(), "a string");
      claims.labels->emplace_back(view(item.key()), view(item.value().get_string()));
    }
  }
  return {};
}

Result<void> take_ttl(const bj::object& object, Duration& out) {
  const auto* value = object.if_contains("ttl");
  if (value == nullptr) return {};
  const auto bad = [] { return fail(ErrorCode::invalid, "ttl must be between 1 s and 24 h, as a number of seconds or a text such as \"30s\""); };
  if (const auto* text = value->if_string()) {
    const auto duration = parse_duration(view(*text));
    if (!duration) return fail(ErrorCode::invalid, "ttl " + duration.error().message);
    out = *duration;
  } else if (const auto seconds = as_number(*value); seconds && *seconds >= 1 && *seconds <= 86'400) {
    out = Duration{std::llround(*seconds * 1e9)};
  } else {
    return bad();
  }
  if (out < 1s || out > 24h) return bad();
  return {};
}

Result<void> take_scalars(const bj::object& object, Statement& out) {
  for (const TextField& field : kTexts) {
    const auto* value = object.if_contains(bj::string_view(field.name.data(), field.name.size()));
    if (value == nullptr) continue;
    if (!value->is_string()) return wrong_type(field.name, *value, "a string");
    out.claims.*field.field = std::string(view(value->get_string()));
  }
  if (const auto* value = object.if_contains("status")) {
    if (!value->is_string()) return wrong_type("status", *value, "\"online\", \"idle\" or \"working\"");
    out.claims.status = parse_status(view(value->get_string()));
    if (!out.claims.status) return fail(ErrorCode::invalid, "status " + shown(view(value->get_string())) + " is not known; write online, idle or working");
  }
  std::optional<std::uint64_t> incarnation;
  if (auto ok = take_count(object, "incarnation", incarnation); !ok) return ok;
  out.incarnation = incarnation.value_or(0);
  if (auto ok = take_count(object, "running", out.claims.running); !ok) return ok;
  return take_count(object, "capacity", out.claims.capacity);
}

Result<void> take_id(const bj::object& object, std::string_view path_id, std::string& out) {
  const auto* value = object.if_contains("id");
  if (value == nullptr) {
    if (path_id.empty()) return fail(ErrorCode::invalid, "id is missing; write the agent's own name for itself");
    out = std::string(path_id);
  } else {
    if (!value->is_string()) return wrong_type("id", *value, "a string");
    out = std::string(view(value->get_string()));
    if (!path_id.empty() && out != path_id)
      return fail(ErrorCode::invalid, "id " + shown(out) + " in the body differs from " + shown(path_id) + " in the path; leave it out or write the same");
  }
  return check_word(out, "id");
}

Result<Statement> read_strict(std::string_view body, std::string_view path_id, bool renewal) {
  if (renewal && trim(body).empty()) body = "{}";
  const auto tree = parse_json(body, limits::record_bytes_max);
  if (!tree) return tree.error();
  const auto* object = tree.value().if_object();
  if (object == nullptr) return wrong_type("the body", *tree, "a JSON object such as {\"name\":\"…\",\"capabilities\":[\"…\"]}");
  Statement out;
  if (auto ok = check_member_names(*object, renewal); !ok) return ok.error();
  if (auto ok = take_id(*object, path_id, out.id); !ok) return ok.error();
  if (auto ok = take_scalars(*object, out); !ok) return ok.error();
  if (auto ok = take_lists(*object, out.claims); !ok) return ok.error();
  if (auto ok = take_ttl(*object, out.ttl); !ok) return ok.error();
  std::optional<std::uint64_t> answer;
  if (auto ok = take_count(*object, "answer", answer); !ok) return ok.error();
  out.answer = answer.value_or(0);
  normalize(out.claims);
  if (auto ok = check(out.claims); !ok) return ok.error();
  return out;
}

}  // namespace

Statement read_health_body(std::string_view body, std::vector<std::string>* notes) {
  const auto note = [notes](std::string text) {
    if (notes != nullptr) notes->push_back(std::move(text));
    return Statement{};
  };
  if (trim(body).empty()) return {};
  JsonRules rules;
  rules.bytes_max = limits::probe_body_bytes_max;
  rules.text = JsonText::any;  // a log line in some other member is no reason to forget the id; what we keep is checked
  const auto tree = parse_json(body, rules);
  if (!tree) return note("the health body could not be read: " + tree.error().message);
  const auto* object = tree.value().if_object();
  if (object == nullptr) return note("the health body is " + std::string(kind_word(*tree)) + ", not a JSON object");
  return HealthReader(*object, notes).read();
}

Result<Statement> read_registration(std::string_view body, std::string_view path_id) { return read_strict(body, path_id, false); }

Result<Statement> read_renewal(std::string_view body, std::string_view path_id) { return read_strict(body, path_id, true); }

std::string write_registration(const Statement& statement) {
  const Claims& claims = statement.claims;
  JsonWriter out;
  out.begin_object().member("id", statement.id);
  if (statement.incarnation != 0) out.member("incarnation", statement.incarnation);
  if (claims.status) out.member("status", to_string(*claims.status));
  for (const TextField& field : kTexts)
    if (const auto& text = claims.*field.field) out.member(field.name, *text);
  if (claims.capabilities) {
    out.key("capabilities").begin_array();
    for (const auto& capability : *claims.capabilities) out.value(capability);
    out.end_array();
  }
  if (claims.labels) {
    out.key("labels").begin_object();
    for (const auto& [key, value] : *claims.labels) out.member(key, value);
    out.end_object();
  }
  if (claims.running) out.member("running", *claims.running);
  if (claims.capacity) out.member("capacity", *claims.capacity);
  if (statement.ttl > Duration{0}) out.member("ttl", format_duration(statement.ttl));
  if (statement.answer != 0) out.member("answer", statement.answer);
  out.end_object();
  return std::move(out).take();
}

}  // namespace choregos::wire
