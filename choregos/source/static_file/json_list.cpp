#include <boost/json/object.hpp>
#include <charconv>

#include "choregos/base/limits.hpp"
#include "choregos/source/static_file/written_target.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::source {
namespace {

Place place_at(std::string_view text, std::size_t offset) {
  Place place{1, 1};
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') ++place.line, place.column = 1;
    else ++place.column;
  }
  return place;
}

/// "JSON at byte 17: what" as "line 2, column 3: what".
Error with_place(std::string_view text, const Error& error) {
  constexpr std::string_view kHead = "JSON at byte ";
  const std::string_view message = error.message;
  if (!message.starts_with(kHead)) return error;
  std::size_t offset = 0;
  const auto end = std::from_chars(message.data() + kHead.size(), message.data() + message.size(), offset);
  const auto rest = static_cast<std::size_t>(end.ptr - message.data());
  return Error{error.code, fault_at(place_at(text, offset), std::string(message.substr(std::min(message.size(), rest + 2)))).message};
}

/// Where each object of the list begins, in a text that is known to be JSON: Boost.JSON keeps no places.
std::vector<Place> places_of_targets(std::string_view text, int depth_of_targets) {
  std::vector<Place> places;
  Place place{1, 1};
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i, ++place.column;
      else if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (depth++ == depth_of_targets) places.push_back(place);
    } else if (c == '}' || c == ']') {
      --depth;
    }
    if (c == '\n') ++place.line, place.column = 1;
    else ++place.column;
  }
  return places;
}

}  // namespace

Result<std::vector<WrittenTarget>> read_json(std::string_view text) {
  wire::JsonRules rules;
  rules.bytes_max = text.size();
  rules.member_count_max = limits::target_count_max;
  const auto parsed = wire::parse_json(text, rules);
  if (!parsed) return with_place(text, parsed.error());
  const boost::json::array* list = parsed->if_array();
  int depth = 1;
  if (const boost::json::object* top = parsed->if_object()) {
    for (const auto& [key, value] : *top)
      if (key != "target") return fault_at({1, 1}, "unknown key \"" + std::string(key) + "\"; the list is {\"target\": [...]}");
    const boost::json::value* value = top->if_contains("target");
    list = value != nullptr ? value->if_array() : nullptr;
    depth = 2;
    if (value == nullptr) return std::vector<WrittenTarget>{};
  }
  if (list == nullptr) return fault_at({1, 1}, "the list must be {\"target\": [...]}");
  const std::vector<Place> places = places_of_targets(text, depth);
  std::vector<WrittenTarget> targets;
  std::size_t next_place = 0;
  for (const boost::json::value& element : *list) {
    const boost::json::object* object = element.if_object();
    const Place place = (object != nullptr || element.is_array()) && next_place < places.size() ? places[next_place++] : Place{1, 1};
    if (object == nullptr) return fault_at(place, "target " + std::to_string(targets.size() + 1) + " must be an object with an address");
    WrittenTarget target;
    target.place = place;
    for (const auto& [key, value] : *object) {
      WrittenValue written;
      written.place = place;
      if (const auto* string = value.if_string()) written.kind = WrittenValue::Kind::text, written.text = std::string(*string);
      else if (const bool* truth = value.if_bool()) written.kind = WrittenValue::Kind::truth, written.truth = *truth;
      target.members.emplace_back(std::string(key), std::move(written));
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace choregos::source
