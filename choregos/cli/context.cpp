#include "choregos/cli/context.hpp"

#include <sys/stat.h>

#include <fstream>
#include <ostream>
#include <sstream>
#include <vector>

#include <toml++/toml.h>

#include "choregos/base/text.hpp"
#include "choregos/base/time.hpp"

namespace choregos::cli {
namespace {

std::string trim(std::string text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Result<std::string> read_token(const std::string& path) {
  struct stat info {};
  std::ifstream in(path);
  if (!in || ::stat(path.c_str(), &info) != 0) return fail(ErrorCode::io, "cannot read the token file " + path);
  if ((info.st_mode & 0077) != 0) return fail(ErrorCode::forbidden, "the token file " + path + " may be read by others; run: chmod 600 " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return trim(text.str());
}

std::string config_path(const Environment& environment, bool& required) {
  required = true;
  if (std::string path = environment("CHOREGOS_CLI_CONFIG"); !path.empty()) return path;
  required = false;
  if (const std::string base = environment("XDG_CONFIG_HOME"); !base.empty()) return base + "/choregos/cli.toml";
  const std::string home = environment("HOME");
  return home.empty() ? std::string() : home + "/.config/choregos/cli.toml";
}

/// The file's keys, or nothing when there is none.
Result<std::map<std::string, std::string>> read_config(const std::string& path, bool required) {
  std::map<std::string, std::string> out;
  std::ifstream in(path);
  if (!in) {
    if (required) return fail(ErrorCode::io, "cannot read " + path + ", named by CHOREGOS_CLI_CONFIG");
    return out;
  }
  std::ostringstream text;
  text << in.rdbuf();
  const toml::parse_result parsed = toml::parse(text.str());
  if (!parsed) {
    const auto& where = parsed.error().source().begin;
    return fail(ErrorCode::invalid, path + ":" + std::to_string(where.line) + ":" + std::to_string(where.column) + ": " + std::string(parsed.error().description()));
  }
  const std::vector<std::string> known{"address", "token_file", "timeout"};
  for (const auto& [key, node] : parsed.table()) {
    const std::string name(key.str());
    const std::string at = path + ":" + std::to_string(node.source().begin.line) + ": ";
    bool ours = false;
    for (const auto& k : known) ours = ours || k == name;
    if (!ours) {
      const auto near = nearest_word(name, known);
      return fail(ErrorCode::invalid, at + "'" + printable(name) + "' is not known" + (near.empty() ? "; known are address, token_file, timeout" : "; did you mean '" + std::string(near) + "'?"));
    }
    const auto value = node.value<std::string>();
    if (!value) return fail(ErrorCode::invalid, at + name + " must be a string");
    out[name] = *value;
  }
  return out;
}

}  // namespace

Client Context::client() const {
  Client::Options options;
  options.address = address;
  options.token = token;
  options.timeout = timeout;
  return Client(options);
}

Result<void> resolve(Context& context, const std::map<std::string, std::string>& flags, const Environment& environment) {
  bool required = false;
  const std::string path = config_path(environment, required);
  auto file = read_config(path, required);
  if (!file) return file.error();
  std::string from;
  const auto pick = [&](const std::string& key, const char* variable) -> std::string {
    if (const auto it = flags.find(key); it != flags.end()) return from = "--" + key, it->second;
    if (std::string value = environment(variable); !value.empty()) return from = variable, value;
    if (const auto it = file->find(key == "addr" ? "address" : key == "token-file" ? "token_file" : key); it != file->end()) return from = path, it->second;
    return from = "default", std::string();
  };
  if (std::string address = pick("addr", "CHOREGOS_ADDR"); !address.empty()) {
    const bool plain = address.find("://") == std::string::npos && address.substr(0, 5) != "unix:";
    context.address = plain ? "http://" + address : address;
  }
  context.address_from = from;
  if (const std::string token_file = pick("token-file", "CHOREGOS_TOKEN_FILE"); !token_file.empty()) {
    auto token = read_token(token_file);
    if (!token) return token.error();
    context.token = *token;
  }
  if (const std::string timeout = pick("timeout", "CHOREGOS_TIMEOUT"); !timeout.empty()) {
    const auto duration = parse_duration(timeout);
    if (!duration) return fail(ErrorCode::invalid, from + ": " + duration.error().message);
    context.timeout = *duration;
  }
  return {};
}

int report(const Context& context, const Error& error, std::ostream& err) {
  err << "choregos: " << printable(error.message) << "\n";
  if (error.code == ErrorCode::unavailable || error.code == ErrorCode::timeout)
    err << "choregos: asked " << context.address << " (from " << context.address_from << "); is choregosd running there? try: choregos doctor\n";
  return exit_code(error.code);
}

}  // namespace choregos::cli
