#include "choregos/daemon/config_print.hpp"

#include <algorithm>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos::daemon {
namespace {

std::string limits_as_comments() {
  std::string out = "\n# Limits, fixed in the program: what is over one of them is treated as said.\n";
  for (const auto& row : limits::table()) {
    std::string line = "# " + std::string(row.name) + " = " + std::to_string(row.value) + " " + std::string(row.unit);
    line.resize(std::max<std::size_t>(line.size(), 52), ' ');
    out += line + "  " + std::string(row.when_reached) + "\n";
  }
  return out;
}

std::string type_word(const Row& row) {
  if (!row.choices.empty()) {
    std::string out;
    for (const auto choice : row.choices) out += (out.empty() ? "" : ", ") + ("`" + std::string(choice) + "`");
    return out;
  }
  if (row.is_switch()) return "`true`, `false`";
  if (std::holds_alternative<std::uint16_t Settings::*>(row.slot)) return "port";
  if (std::holds_alternative<Duration Settings::*>(row.slot)) return "duration, " + format_duration(row.least) + " to " + format_duration(row.most);
  if (std::holds_alternative<std::uint64_t Settings::*>(row.slot)) return "size, " + format_bytes(row.bytes_least) + " to " + format_bytes(row.bytes_most);
  if (std::holds_alternative<SocketAddress Settings::*>(row.slot)) return "address";
  if (std::holds_alternative<std::vector<SocketAddress> Settings::*>(row.slot)) return "list of addresses";
  if (std::holds_alternative<std::vector<Cidr> Settings::*>(row.slot)) return "list of ranges";
  return row.is_list() ? "list of texts" : "text";
}

std::string default_of(const Row& row) {
  if (!row.default_text.empty()) return std::string(row.default_text);
  const std::string text = toml_text(Settings{}, row);
  return text == "\"\"" || text == "[]" ? "none" : "`" + text + "`";
}

std::string comment(std::string_view text) {
  std::string out = "#";
  std::size_t column = 1;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    if (column + 1 + word.size() > 110) out += "\n#", column = 1;
    out += ' ';
    out += word;
    column += 1 + word.size();
    text = blank == std::string_view::npos ? std::string_view{} : text.substr(blank + 1);
  }
  return out + "\n";
}

}  // namespace

std::string print_config(const Config& config, std::string_view version) {
  std::string out = "# choregosd " + std::string(version) + ": the settings in effect, and where each comes from\n";
  if (!config.file.empty()) out += "# configuration file: " + printable(config.file) + "\n";
  std::string_view section;
  for (const Row& row : settings_table()) {
    if (row.section() != section) {
      section = row.section();
      out += "\n[" + std::string(section) + "]\n";
    }
    std::string line = std::string(row.name()) + " = " + toml_text(config.settings, row);
    line.resize(std::max<std::size_t>(line.size(), 44), ' ');
    out += line + "  # " + printable(config.origins.at(row.key)) + "\n";
  }
  return out + limits_as_comments();
}

std::string config_reference() {
  std::string out =
      "# Configuration of choregosd\n\n"
      "<!-- Written by `choregosd --print-config-reference`; a test compares. Change choregos/daemon/settings_table.cpp instead. -->\n\n"
      "A setting is taken from the first of these places that has it: a flag, an environment variable, the TOML file\n"
      "(`--config FILE`, else `" + std::string(kDefaultConfigPath) + "` when it exists), the profile, the default. What is not\n"
      "known is an error that names the line and the nearest thing that is. `choregosd --check-config` tries a configuration\n"
      "without starting (exit 0 or 2), `choregosd --print-config` shows the settings in effect and where each comes from,\n"
      "`choregosd --print-config-example` writes a file to begin with.\n\n"
      "Durations are written with their unit: `500ms`, `2s`, `1h30m`. In flags and variables the items of a list are separated\n"
      "by commas; a flag for a list may also be repeated. Switches are given as `--beacon` or `--no-beacon`. Secrets are never\n"
      "given themselves, only the files that hold them.\n\n"
      "`kill -HUP` reads configuration, token file and target list again. Settings marked ↻ take effect then; for others the log\n"
      "says that a restart is needed. A configuration with an error changes nothing.\n";
  std::string_view section = "none yet";
  for (const Row& row : settings_table()) {
    if (row.section() != section) {
      section = row.section();
      out += "\n## " + std::string(section_title(section)) + (section.empty() ? "" : ": `[" + std::string(section) + "]`") + "\n\n";
      out += "| key | flag | variable | values | default | |\n|---|---|---|---|---|---|\n";
    }
    std::string flag = "`" + std::string(row.flag) + (row.meta.empty() ? "" : " " + std::string(row.meta)) + "`";
    for (const Shorthand& s : shorthands())
      if (s.key == row.key) flag += ", `" + std::string(s.flag) + "`";
    out += "| `" + std::string(row.name()) + "`" + (row.reload ? " ↻" : "") + " | " + flag + " | `" + row.environment() + "` | " + type_word(row) + " | " + default_of(row) + " | " +
           std::string(row.doc) + " |\n";
  }
  out += "\n## Limits\n\nFixed in the program (choregos/base/limits.hpp); nothing that a stranger sends can choose a size.\n\n"
         "| limit | value | when it is reached |\n|---|---|---|\n";
  for (const auto& row : limits::table())
    out += "| `" + std::string(row.name) + "` | " + std::to_string(row.value) + " " + std::string(row.unit) + " | " + std::string(row.when_reached) + " |\n";
  return out;
}

std::string config_example() {
  std::string out =
      "# Configuration of choregosd. Copy it to " + std::string(kDefaultConfigPath) + " and remove the '#' before what you change;\n"
      "# `choregosd --check-config` tells whether it is right. Written by `choregosd --print-config-example`.\n";
  std::string_view section;
  for (const Row& row : settings_table()) {
    if (row.section() != section) {
      section = row.section();
      out += "\n[" + std::string(section) + "]\n";
    }
    out += "\n" + comment(row.doc);
    if (!row.default_text.empty()) out += comment("Default: " + std::string(row.default_text) + ".");
    out += "#" + std::string(row.name()) + " = " + toml_text(Settings{}, row) + "\n";
  }
  return out;
}

}  // namespace choregos::daemon
