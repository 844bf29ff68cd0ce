// The one table of settings: from it come the TOML keys, the environment variables, the flags, --help, the reference in
// docs/CONFIGURATION.md, the example file and --print-config. A setting that is not here does not exist.
//
// Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/daemon/settings.hpp"

namespace choregos::daemon {

/// Where a value lies in Settings; its type decides how text is read.
using Slot = std::variant<bool Settings::*, std::uint16_t Settings::*, std::uint64_t Settings::*, Duration Settings::*, std::string Settings::*, std::vector<std::string> Settings::*,
                          SocketAddress Settings::*, std::vector<SocketAddress> Settings::*, std::vector<Cidr> Settings::*,
                          std::vector<source::ServiceSettings> Settings::*>;

struct Row {
  std::string_view key;   ///< "section.name", or "name" for the top level
  Slot slot;
  std::string_view flag;  ///< "--http"
  std::string_view meta;  ///< what follows the flag in --help; "" for a switch
  std::string_view doc;   ///< sentences for the reference; the first one is for --help
  bool reload = false;    ///< SIGHUP takes over a new value, or a new content of the file it names
  std::vector<std::string_view> choices = {};
  Duration least{};       ///< of a Duration
  Duration most{};
  std::uint64_t bytes_least = 0;  ///< of a size
  std::uint64_t bytes_most = 0;
  std::string_view default_text = {};  ///< instead of the value, where the default depends on the machine
  /// Further rule for each text; errors name what would be right.
  Result<void> (*check)(std::string_view text) = nullptr;

  std::string_view section() const;  ///< "http"; "" for the top level
  std::string_view name() const;     ///< "listen"
  std::string environment() const;   ///< "CHOREGOS_HTTP_LISTEN"
  bool is_switch() const { return std::holds_alternative<bool Settings::*>(slot); }
  bool is_list() const;
};

/// Grouped by section, in the order of the reference.
const std::vector<Row>& settings_table();
const Row* find_row(std::string_view key);
/// The title of a section in --help and the reference.
std::string_view section_title(std::string_view section);

/// Flags that stand for a value of another one: --memory is --store memory.
struct Shorthand {
  std::string_view flag;
  std::string_view key;
  std::string_view value;
  std::string_view doc;
};
std::span<const Shorthand> shorthands();

/// Values that a profile gives to settings that nothing else sets.
struct ProfileValue {
  std::string_view profile;
  std::string_view key;
  std::string_view value;
};
std::span<const ProfileValue> profile_values();

/// Reads `words` into the setting: one word, or as many as there are for a list. Errors: invalid; the message says what
/// is wrong and what would be right, without the name of the setting.
Result<void> assign(Settings& settings, const Row& row, const std::vector<std::string>& words);
/// The value as TOML text: 4471, true, "2s", ["a", "b"].
std::string toml_text(const Settings& settings, const Row& row);
/// "512MiB", "2GB", "64KiB"; a bare number is refused because its unit would be a guess. Errors: invalid.
Result<std::uint64_t> parse_bytes(std::string_view text);
/// The shortest text that parse_bytes reads back to the same value.
std::string format_bytes(std::uint64_t bytes);

/// What a value of this type looks like: "a duration such as \"10s\"".
std::string wanted(const Row& row);

}  // namespace choregos::daemon
