#include "choregos/daemon/command_line.hpp"

#include <algorithm>
#include <array>

#include "choregos/base/text.hpp"

namespace choregos::daemon {
namespace {

struct ActionFlag {
  std::string_view flag;
  Action action;
  std::string_view doc;
};
constexpr std::array<ActionFlag, 6> kActions{{
    {"--check-config", Action::check_config, "Say whether choregosd would start with this configuration (exit 0 or 2)."},
    {"--print-config", Action::print_config, "Print the settings in effect, where each comes from, and the limits."},
    {"--print-config-reference", Action::print_reference, "Print the reference of all settings, as Markdown."},
    {"--print-config-example", Action::print_example, "Print a commented configuration file."},
    {"--version", Action::version, "Print the version."},
    {"--help", Action::help, "Print this text."},
}};
/// What people try to give on a command line, where every user of the machine can read it.
constexpr std::array<std::string_view, 5> kSecrets{"--token", "--bearer-token", "--password", "--secret", "--beacon-key"};

const Row* row_of_flag(std::string_view flag) {
  const auto& rows = settings_table();
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.flag == flag; });
  return it == rows.end() ? nullptr : &*it;
}

std::string unknown(std::string_view flag) {
  if (std::find(kSecrets.begin(), kSecrets.end(), flag) != kSecrets.end())
    return std::string(flag) + " is refused: a command line can be read by everybody on this machine; put the secret into a file with mode 0600 and name it with " +
           (flag == "--beacon-key" ? "--beacon-keys" : "--token-file");
  std::vector<std::string_view> known{"--config"};
  for (const Row& row : settings_table()) known.push_back(row.flag);
  for (const Shorthand& s : shorthands()) known.push_back(s.flag);
  for (const ActionFlag& a : kActions) known.push_back(a.flag);
  const auto near = nearest_word(flag, known);
  return printable(flag.substr(0, 100)) + " is not known" + (near.empty() ? "; choregosd --help lists all flags" : "; did you mean " + std::string(near) + "?");
}

void put(CommandLine& out, const Row& row, std::vector<std::string> words, std::string_view origin) {
  const auto same = std::find_if(out.given.begin(), out.given.end(), [&](const Given& g) { return g.row == &row; });
  if (same == out.given.end()) {
    out.given.push_back({&row, std::move(words), std::string(origin)});
  } else if (row.is_list()) {
    same->words.insert(same->words.end(), words.begin(), words.end());
  } else {
    *same = {&row, std::move(words), std::string(origin)};
  }
}

/// Breaks `text` at blanks into lines of at most `width`, each after the first preceded by `indent` blanks.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    if (column != 0 && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = 0;
    }
    if (column != 0) out += ' ', ++column;
    out += word;
    column += word.size();
    text = blank == std::string_view::npos ? std::string_view{} : text.substr(blank + 1);
  }
  return out;
}

std::string without_backticks(std::string_view text) {
  std::string out(text);
  std::erase(out, '`');
  return out;
}

void help_line(std::string& out, const std::string& flag, std::string_view doc) {
  constexpr std::size_t kColumn = 30;
  std::string head = "  " + flag;
  head += head.size() + 1 < kColumn ? std::string(kColumn - head.size(), ' ') : "\n" + std::string(kColumn, ' ');
  out += head + wrapped(without_backticks(doc), kColumn, 90) + "\n";
}

}  // namespace

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    std::string_view word = text.substr(0, comma);
    while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
    while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
    if (!word.empty()) out.emplace_back(word);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return out;
}

std::vector<std::string> words_for(const Row& row, std::string_view text) { return row.is_list() ? split_list(text) : std::vector<std::string>{std::string(text)}; }

CommandLine parse_command_line(std::span<const std::string_view> arguments) {
  CommandLine out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const auto equals = argument.find('=');
    const std::string_view flag = argument.substr(0, equals);
    const bool attached = equals != std::string_view::npos;
    if (flag == "-h") {
      out.action = Action::help;
      continue;
    }
    if (!flag.starts_with("--") || flag == "--") {
      out.errors.push_back("'" + printable(argument.substr(0, 100)) + "' is no flag, and choregosd takes nothing else; choregosd --help lists all flags");
      continue;
    }
    if (const auto it = std::find_if(kActions.begin(), kActions.end(), [&](const ActionFlag& a) { return a.flag == flag; }); it != kActions.end()) {
      if (attached) out.errors.push_back(std::string(flag) + " takes no value");
      out.action = it->action;
      continue;
    }
    const auto all = shorthands();
    if (const auto it = std::find_if(all.begin(), all.end(), [&](const Shorthand& s) { return s.flag == flag; }); it != all.end()) {
      if (attached) out.errors.push_back(std::string(flag) + " takes no value");
      put(out, *find_row(it->key), {std::string(it->value)}, flag);
      continue;
    }
    const bool negated = flag.starts_with("--no-");
    const Row* row = row_of_flag(flag);
    if (row == nullptr && negated)
      if (const Row* positive = row_of_flag("--" + std::string(flag.substr(5))); positive != nullptr && positive->is_switch()) {
        if (attached) out.errors.push_back(std::string(flag) + " takes no value");
        put(out, *positive, {"false"}, flag);
        continue;
      }
    if (row == nullptr && flag != "--config") {
      out.errors.push_back(unknown(flag));
      // What follows is most likely its value; another complaint about it would only distract.
      if (!attached && i + 1 < arguments.size() && !arguments[i + 1].starts_with("--")) ++i;
      continue;
    }
    if (row != nullptr && row->is_switch() && !attached) {
      put(out, *row, {"true"}, flag);
      continue;
    }
    std::string_view value;
    if (attached) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size() && !arguments[i + 1].starts_with("--")) {
      value = arguments[++i];
    } else {
      out.errors.push_back(std::string(flag) + " needs a value: " + (row == nullptr ? std::string("the path of a TOML file") : wanted(*row)));
      continue;
    }
    if (row == nullptr) {
      out.config = value;
      if (value.empty()) out.errors.push_back("--config needs the path of a TOML file");
    } else {
      put(out, *row, words_for(*row, value), flag);
    }
  }
  return out;
}

std::string help_text(std::string_view version) {
  std::string out = "choregosd " + std::string(version) +
                    ": keeps the live list of the AI agents of a fleet and tells anyone who asks.\n\n"
                    "usage: choregosd [FLAG…]\n\n"
                    "Without any flag it serves http://127.0.0.1:4470 and hears of agents that register there or\n"
                    "send beacons to UDP port 4471. What a flag does not set is taken from the environment\n"
                    "(CHOREGOS_HTTP_LISTEN for http.listen), then from the configuration file.\n\n"
                    "General\n";
  help_line(out, "--config FILE", "TOML file; without it, /etc/choregos/choregosd.toml when that exists.");
  for (const ActionFlag& a : kActions) help_line(out, std::string(a.flag), a.doc);
  std::string_view section = "none yet";
  const Settings defaults;
  for (const Row& row : settings_table()) {
    if (row.section() != section) {
      section = row.section();
      out += "\n" + std::string(section_title(section)) + (section.empty() ? "" : " [" + std::string(section) + "]") + "\n";
    }
    std::string doc(row.doc.substr(0, std::min(row.doc.size(), row.doc.find(". ") + 1)));
    if (row.doc.find(". ") == std::string_view::npos) doc = row.doc;
    if (std::any_of(row.choices.begin(), row.choices.end(), [&](std::string_view word) { return doc.find(word) == std::string::npos; })) {
      std::string words;
      for (const auto& word : row.choices) words += (words.empty() ? "" : ", ") + std::string(word);
      doc += " One of " + words + ".";
    }
    std::string standard = row.default_text.empty() ? toml_text(defaults, row) : std::string(row.default_text);
    if (standard != "\"\"" && standard != "[]") doc += " Default: " + standard + ".";
    if (row.is_list()) doc += " Repeat it for several.";
    const std::string flag = row.is_switch() ? std::string(row.flag) + ", --no-" + std::string(row.flag.substr(2)) : std::string(row.flag) + " " + std::string(row.meta);
    help_line(out, flag, doc);
    for (const Shorthand& s : shorthands())
      if (s.key == row.key) help_line(out, std::string(s.flag), s.doc);
  }
  out += "\nSignals: TERM and INT stop within 2 s, a second one at once; HUP reads configuration, tokens and targets again.\n"
         "Exit codes: 0 stopped as asked, 1 failure, 2 wrong configuration.\n";
  return out;
}

}  // namespace choregos::daemon
