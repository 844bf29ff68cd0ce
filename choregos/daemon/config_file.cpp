#include "choregos/daemon/config_file.hpp"

#include <algorithm>
#include <toml++/toml.h>

#include "choregos/base/text.hpp"

namespace choregos::daemon {
namespace {

std::string place(const std::string& name, const toml::source_region& source) {
  return name + ": line " + std::to_string(source.begin.line) + ", column " + std::to_string(source.begin.column);
}

std::string_view type_word(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "a number";
    case toml::node_type::floating_point: return "a number with a point";
    case toml::node_type::boolean: return "true or false";
    default: return "a date or time";
  }
}

/// The words of a value if its type fits the setting.
Result<std::vector<std::string>> words_of(const Row& row, const toml::node& node) {
  const auto wrong = [&](const toml::node& found) { return fail(ErrorCode::invalid, wanted(row) + " is wanted, not " + std::string(type_word(found))); };
  if (row.is_switch()) {
    if (const auto* truth = node.as_boolean()) return std::vector<std::string>{truth->get() ? "true" : "false"};
    return wrong(node);
  }
  if (std::holds_alternative<std::uint16_t Settings::*>(row.slot)) {
    if (const auto* number = node.as_integer()) return std::vector<std::string>{std::to_string(number->get())};
    return wrong(node);
  }
  if (row.is_list()) {
    // A single text is a list of one; commas in it separate nothing here, because TOML has lists of its own.
    if (const auto* text = node.as_string()) return std::vector<std::string>{text->get()};
    const auto* array = node.as_array();
    if (array == nullptr) return wrong(node);
    std::vector<std::string> words;
    for (const auto& item : *array) {
      const auto* text = item.as_string();
      if (text == nullptr) return fail(ErrorCode::invalid, "a list of texts is wanted, but it holds " + std::string(type_word(item)));
      words.push_back(text->get());
    }
    return words;
  }
  if (const auto* text = node.as_string()) return std::vector<std::string>{text->get()};
  const bool has_unit = std::holds_alternative<Duration Settings::*>(row.slot) || std::holds_alternative<std::uint64_t Settings::*>(row.slot);
  if (has_unit && node.is_number())
    return fail(ErrorCode::invalid, wanted(row) + " is wanted; a number alone has no unit");
  return wrong(node);
}

class Reader {
 public:
  Reader(const std::string& name, ConfigFile& out) : name_(name), out_(out) {}

  void table(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string full = prefix + std::string(key.str());
      const bool section = prefix.empty() && is_section(key.str());
      if (section && node.is_table()) {
        this->table(*node.as_table(), full + ".");
      } else if (section) {
        error(key, full, " is a section: write [" + full + "] on a line of its own");
      } else if (const Row* row = find_row(full)) {
        value(*row, node, key);
      } else {
        unknown(key, full, node.is_table());
      }
    }
  }

 private:
  static bool is_section(std::string_view word) {
    const auto& rows = settings_table();
    return !word.empty() && std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.section() == word; });
  }

  void value(const Row& row, const toml::node& node, const toml::key& key) {
    auto words = words_of(row, node);
    if (!words) {
      out_.errors.push_back(place(name_, key.source()) + ": " + std::string(row.key) + ": " + words.error().message);
      return;
    }
    out_.given.push_back({&row, std::move(*words), place(name_, node.source())});
  }

  void unknown(const toml::key& key, const std::string& full, bool is_table) {
    std::string text = " is not known";
    std::vector<std::string_view> keys;
    for (const Row& row : settings_table()) {
      if (is_table ? !row.section().empty() : true) keys.push_back(is_table ? row.section() : row.key);
      // Right name, wrong section.
      if (!is_table && row.name() == key.str()) return error(key, full, text + "; did you mean '" + std::string(row.key) + "'?");
    }
    // Within the section first: its name would otherwise count for likeness.
    std::vector<std::string_view> names;
    const std::string section = full.substr(0, full.size() - key.str().size());
    for (const Row& row : settings_table())
      if (!section.empty() && row.key.starts_with(section)) names.push_back(row.name());
    const std::string_view near_name = nearest_word(key.str(), names);
    if (!near_name.empty()) return error(key, full, text + "; did you mean '" + section + std::string(near_name) + "'?");
    if (const auto near = nearest_word(full, keys); !near.empty()) return error(key, full, text + "; did you mean '" + std::string(near) + "'?");
    if (names.empty()) return error(key, full, text + "; choregosd --print-config-example shows all that are");
    text += "; [" + section.substr(0, section.size() - 1) + "] has ";
    for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : ", ") + std::string(names[i]);
    error(key, full, text);
  }

  void error(const toml::key& key, const std::string& full, const std::string& what) {
    out_.errors.push_back(place(name_, key.source()) + ": '" + printable(full.substr(0, 200)) + "'" + what);
  }

  const std::string& name_;
  ConfigFile& out_;
};

}  // namespace

ConfigFile read_config_file(std::string_view text, const std::string& name) {
  ConfigFile out;
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    out.errors.push_back(place(name, parsed.error().source()) + ": " + printable(parsed.error().description()));
    return out;
  }
  Reader(name, out).table(parsed.table(), "");
  // toml++ sorts by key; a reader of messages goes from top to bottom.
  const auto line = [&](const std::string& message) { return std::strtoul(message.c_str() + name.size() + sizeof(": line ") - 1, nullptr, 10); };
  std::stable_sort(out.errors.begin(), out.errors.end(), [&](const std::string& a, const std::string& b) { return line(a) < line(b); });
  return out;
}

}  // namespace choregos::daemon
