#include <toml++/toml.h>

#include "choregos/source/static_file/written_target.hpp"

namespace choregos::source {
namespace {

Place place_of(const toml::node& node) { return {node.source().begin.line, node.source().begin.column}; }
Place place_of(const toml::key& key) { return {key.source().begin.line, key.source().begin.column}; }

WrittenTarget read_table(const toml::table& table) {
  WrittenTarget target;
  target.place = place_of(table);
  for (const auto& [key, node] : table) {
    WrittenValue value;
    value.place = place_of(key);
    if (const auto text = node.value_exact<std::string>()) value.kind = WrittenValue::Kind::text, value.text = *text;
    else if (const auto truth = node.value_exact<bool>()) value.kind = WrittenValue::Kind::truth, value.truth = *truth;
    target.members.emplace_back(std::string(key.str()), std::move(value));
  }
  return target;
}

}  // namespace

Result<std::vector<WrittenTarget>> read_toml(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::source_position at = parsed.error().source().begin;
    return fault_at({at.line, at.column}, std::string(parsed.error().description()));
  }
  std::vector<WrittenTarget> targets;
  for (const auto& [key, node] : parsed.table()) {
    if (key.str() != "target") return fault_at(place_of(key), "unknown key \"" + std::string(key.str()) + "\"; the list holds [[target]] tables only");
    const toml::array* list = node.as_array();
    if (list == nullptr) return fault_at(place_of(node), "target must be written as [[target]], with two brackets");
    for (const toml::node& element : *list) {
      const toml::table* table = element.as_table();
      if (table == nullptr) return fault_at(place_of(element), "a target must be a table with an address");
      targets.push_back(read_table(*table));
    }
  }
  return targets;
}

}  // namespace choregos::source
