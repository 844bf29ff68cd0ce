// What every verb needs: where to ask, how to print, and the way errors end the program. Built once in main, then read.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>

#include "choregos/base/result.hpp"
#include "choregos/sdk/client.hpp"

namespace choregos::cli {

enum class Format { table, wide, json, yaml, name };

struct Context {
  std::string address = "http://127.0.0.1:4470";
  std::string address_from = "default";  ///< flag, CHOREGOS_ADDR, a file's name, or default: said when nobody answers
  std::string token;
  Duration timeout = 5s;
  Format format = Format::table;
  bool headers = true;
  bool color = false;

  Client client() const;
};

/// Reads a variable of the environment; "" when unset. Passed in, so that tests need no real one.
using Environment = std::function<std::string(const char* name)>;

/// Fills address, token and timeout where flags did not (`flags` holds those that were given): flag, then
/// CHOREGOS_ADDR / CHOREGOS_TOKEN_FILE / CHOREGOS_TIMEOUT, then the file (CHOREGOS_CLI_CONFIG, or
/// $XDG_CONFIG_HOME/choregos/cli.toml, or ~/.config/choregos/cli.toml), then the default.
/// Errors: invalid (names the file and line, or the variable), io.
Result<void> resolve(Context& context, const std::map<std::string, std::string>& flags, const Environment& environment);

/// Prints "choregos: …" to `err`, with what to try when nobody answered. Returns the exit code.
int report(const Context& context, const Error& error, std::ostream& err);

}  // namespace choregos::cli
