#include "choregos/agent/options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "choregos/base/text.hpp"

namespace choregos::agent {
namespace {

constexpr const char* kAbout =
    "Announces a program as an agent: registers it, answers /health for it, and says goodbye when it ends.\n"
    "With a command after -- it starts and supervises it (also as PID 1): signals are passed on, zombies reaped, and its\n"
    "exit code becomes ours. Without one it announces until it is told to stop.";
constexpr const char* kFooter =
    "The name in brackets is the environment variable that may be set instead of the flag.\n"
    "\n"
    "Examples:\n"
    "  choregos-agent --capability go_development --registry http://choregos:4470 -- ./my-agent --port 9000\n"
    "  choregos-agent --id writer-1 --health 0.0.0.0:8081 --status-file /run/writer.status\n"
    "\n"
    "Exit code: that of the command, 128 + n when signal n ended it, 127 and 126 when it could not be run; else 0, or 1 when\n"
    "the announcing could not be started, or 2 for a mistake in the flags.";

/// Everything as text, as it was given; turned into settings afterwards.
struct Given {
  std::string id, name, model, endpoint, p2p_addr, cluster, node, agent_version, health = "auto", health_path = "/health", health_url;
  std::string profile = "none";
  std::string token, token_file, ttl, status_every, beacon_interval, beacon_key_file;
  std::vector<std::string> capabilities, labels, registries, beacon_interfaces, beacon_to;
  std::uint64_t incarnation = 0, beacon_key_id = 0;
  std::uint16_t beacon_port = 4471;
  bool beacon = false, multicast = true, version = false;
};

void declare(CLI::App& app, Given& given, Settings& settings) {
  const char* group = "Identity";
  const auto one = [&](const char* flag, auto& into, const char* variable, const char* placeholder, const char* help) {
    return app.add_option(flag, into, help)->type_name(placeholder)->envname(variable)->group(group);
  };
  const auto list = [&](const char* flag, std::vector<std::string>& into, const char* variable, const char* placeholder, const char* help) {
    one(flag, into, variable, placeholder, help)->delimiter(',')->expected(1)->take_all();
  };
  const auto yes_no = [&](const char* flag, bool& into, const char* variable, const char* help) {
    app.add_flag(flag, into, help)->envname(variable)->group(group);
  };

  one("--id", given.id, "CHOREGOS_ID", "ID", "who it is; else CHOREGOS_TASK_NAME, CHOREGOS_TASK_ID or the host name");
  one("--name", given.name, "CHOREGOS_NAME", "TEXT", "name for people");
  list("--capability,--capabilities", given.capabilities, "CHOREGOS_CAPABILITIES", "WORD", "what it can do; repeat it, or separate by commas");
  one("--model", given.model, "CHOREGOS_MODEL", "TEXT", "language model that it runs");
  one("--endpoint", given.endpoint, "CHOREGOS_ENDPOINT", "URL", "where it takes tasks");
  one("--p2p-addr", given.p2p_addr, "CHOREGOS_P2P_ADDR", "HOST:PORT", "where its peers reach it");
  one("--cluster", given.cluster, "CHOREGOS_CLUSTER_ID", "ID", "cluster that it belongs to");
  one("--node", given.node, "CHOREGOS_NODE", "NAME", "machine that it runs on");
  one("--agent-version", given.agent_version, "CHOREGOS_AGENT_VERSION", "TEXT", "version of its software");
  list("--label", given.labels, "CHOREGOS_LABELS", "KEY=VALUE", "label; repeat it, or separate by commas");
  one("--profile", given.profile, "CHOREGOS_PROFILE", "NAME",
       "'chorus': what is not said is http://HOST:8080 to take tasks, HOST:9000 for peers, cluster docker-unified-stack, and health on port 8081");
  one("--incarnation", given.incarnation, "CHOREGOS_INCARNATION", "NUMBER", "rises at each start; else the time of the start in ms");

  group = "Registering";
  list("--registry", given.registries, "CHOREGOS_REGISTRY", "URL", "choregosd to register with; several are tried in turn");
  one("--token", given.token, "CHOREGOS_TOKEN", "TEXT", "bearer token for it (a flag is seen by every user of the machine)");
  one("--token-file", given.token_file, "CHOREGOS_TOKEN_FILE", "FILE", "file that holds the token");
  one("--ttl", given.ttl, "CHOREGOS_TTL", "DURATION", "lease to ask for, such as 30s");

  group = "Health";
  one("--health", given.health, "CHOREGOS_HEALTH", "ADDR:PORT",
       "where /health answers, port 0 = any free one; 'none'; 'auto' (with a registry: a free port on the address that faces it)");
  one("--health-path", given.health_path, "CHOREGOS_HEALTH_PATH", "PATH", "path of it")->capture_default_str();
  one("--health-url", given.health_url, "CHOREGOS_HEALTH_URL", "URL", "where a registry may probe it; 'none'; else worked out");

  group = "Beacons";
  yes_no("--beacon,!--no-beacon", given.beacon, "CHOREGOS_BEACON", "send beacons over UDP");
  yes_no("--multicast,!--no-multicast", given.multicast, "CHOREGOS_MULTICAST", "send them to the multicast groups of this LAN (on)");
  list("--beacon-interface", given.beacon_interfaces, "CHOREGOS_BEACON_INTERFACES", "NAME", "interface to multicast on; else all that can");
  list("--beacon-to", given.beacon_to, "CHOREGOS_BEACON_TO", "HOST:PORT", "choregosd to send beacons to; repeat it");
  one("--beacon-port", given.beacon_port, "CHOREGOS_BEACON_PORT", "PORT", "port of the multicast groups")->capture_default_str();
  one("--beacon-interval", given.beacon_interval, "CHOREGOS_BEACON_INTERVAL", "DURATION", "between two of them (1s)");
  one("--beacon-key-id", given.beacon_key_id, "CHOREGOS_BEACON_KEY_ID", "NUMBER", "key that signs them");
  one("--beacon-key-file", given.beacon_key_file, "CHOREGOS_BEACON_KEY_FILE", "FILE", "file that holds that key in hexadecimal");

  group = "Status";
  one("--status-file", settings.status_file, "CHOREGOS_STATUS_FILE", "FILE", "file whose first word is the status: online, idle or working");
  one("--status-url", settings.status_url, "CHOREGOS_STATUS_URL", "URL", "answers JSON with a member \"status\"");
  one("--status-every", given.status_every, "CHOREGOS_STATUS_EVERY", "DURATION", "how often that is asked (2s)");
  group = "Other";
  yes_no("--quiet", settings.quiet, "CHOREGOS_QUIET", "print no events to standard error");
  app.add_flag("--version", given.version, "print the version")->group(group);
}

Result<std::string> read_secret(const std::string& path, const char* flag) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::io, std::string(flag) + ": cannot read " + path);
  std::string text(1025, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  if (text.empty() || text.size() > 1024) return fail(ErrorCode::invalid, std::string(flag) + ": " + path + " should hold 1 to 1024 bytes");
  return text;
}

Result<std::string> from_hexadecimal(const std::string& text, const char* flag) {
  std::string bytes;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    if (digit(text[i]) < 0 || digit(text[i + 1]) < 0) break;
    bytes.push_back(static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  if (bytes.size() * 2 != text.size()) return fail(ErrorCode::invalid, std::string(flag) + ": the file should hold an even number of hexadecimal digits");
  return bytes;
}

Result<Duration> read_duration(const std::string& text, const char* flag) {
  auto duration = parse_duration(text);
  if (!duration) return fail(ErrorCode::invalid, std::string(flag) + ": " + duration.error().message);
  if (*duration <= Duration{}) return fail(ErrorCode::invalid, std::string(flag) + " should be longer than nothing");
  return duration;
}

/// The ports and the cluster of the stack `chorus`, for what nobody said. HOST is the name under which a container is reached:
/// Swarm's task name when it was handed down, else the host name. A name that means every machine means none.
void fill_in_chorus(Given& given, const Environment& environment, const std::string& host_name) {
  const std::string host = environment("CHOREGOS_TASK_NAME").value_or(host_name);
  if (is_word(host) && host != "localhost") {
    if (given.endpoint.empty()) given.endpoint = "http://" + host + ":8080";
    if (given.p2p_addr.empty()) given.p2p_addr = host + ":9000";
  }
  if (given.cluster.empty()) given.cluster = "docker-unified-stack";
  if (given.health == "auto") given.health = "0.0.0.0:8081";
}

Result<void> settle(Given& given, const Environment& environment, const std::string& host_name, Settings& settings) {
  auto& out = settings.announcer;
  if (given.profile == "chorus") fill_in_chorus(given, environment, host_name);
  else if (given.profile != "none") return fail(ErrorCode::invalid, "--profile '" + printable(given.profile) + "' should be chorus or none");
  if (!given.id.empty()) {
    if (auto word = check_word(given.id, "--id"); !word) return word;
    out.id = given.id;
  } else {
    auto id = default_id(environment, host_name);
    if (!id) return id.error();
    out.id = *id;
  }
  out.name = given.name;
  out.capabilities = given.capabilities;
  out.model = given.model;
  out.endpoint = given.endpoint;
  out.p2p_addr = given.p2p_addr;
  out.cluster_id = given.cluster;
  out.node = given.node;
  out.version = given.agent_version;
  out.incarnation = given.incarnation;
  out.registries = given.registries;
  for (const auto& label : given.labels) {
    const auto equals = label.find('=');
    if (equals == label.npos || equals == 0) return fail(ErrorCode::invalid, "--label '" + printable(label) + "' should read KEY=VALUE");
    out.labels.emplace_back(label.substr(0, equals), label.substr(equals + 1));
  }

  out.token = given.token;
  if (!given.token_file.empty()) {
    if (!given.token.empty()) return fail(ErrorCode::invalid, "give --token or --token-file, not both");
    auto token = read_secret(given.token_file, "--token-file");
    if (!token) return token.error();
    out.token = *token;
  }
  if (!given.ttl.empty()) {
    auto ttl = read_duration(given.ttl, "--ttl");
    if (!ttl) return ttl.error();
    out.ttl = *ttl;
  }

  out.health.listen = given.health == "none" || (given.health == "auto" && given.registries.empty()) ? "" : given.health;
  out.health.path = given.health_path;
  out.health_url = given.health_url;

  out.beacon.enabled = given.beacon;
  out.beacon.multicast = given.multicast;
  out.beacon.interfaces = given.beacon_interfaces;
  out.beacon.unicast = given.beacon_to;
  out.beacon.port = given.beacon_port;
  if (!given.beacon_interval.empty()) {
    auto interval = read_duration(given.beacon_interval, "--beacon-interval");
    if (!interval) return interval.error();
    out.beacon.interval = *interval;
  }
  if ((given.beacon_key_id != 0) != !given.beacon_key_file.empty()) return fail(ErrorCode::invalid, "--beacon-key-id and --beacon-key-file belong together");
  if (given.beacon_key_id != 0) {
    auto text = read_secret(given.beacon_key_file, "--beacon-key-file");
    if (!text) return text.error();
    auto key = from_hexadecimal(*text, "--beacon-key-file");
    if (!key) return key.error();
    out.beacon.key_id = given.beacon_key_id;
    out.beacon.key = *key;
  }

  if (!settings.status_file.empty() && !settings.status_url.empty()) return fail(ErrorCode::invalid, "give --status-file or --status-url, not both");
  if (!given.status_every.empty()) {
    auto period = read_duration(given.status_every, "--status-every");
    if (!period) return period.error();
    settings.status_url_period = *period;
  }
  // A command that runs is up; more than that is known only when it says so.
  if (!settings.command.empty() && settings.status_file.empty() && settings.status_url.empty()) out.status = Status::online;

  if (out.registries.empty() && out.health.listen.empty() && !out.beacon.enabled)
    return fail(ErrorCode::invalid, "nobody would hear of it: give --registry, --health or --beacon");
  return {};
}

Exit mistake(const std::string& message) { return {2, "choregos-agent: " + message + "\nTry choregos-agent --help\n"}; }

Exit unknown_argument(const CLI::App& app, const std::string& argument) {
  const std::string shown = printable(argument);
  if (argument.empty() || argument[0] != '-') return mistake("unexpected argument '" + shown + "'; a command goes after --");
  std::vector<std::string> names;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  const auto near = nearest_word(std::string_view(argument).substr(0, argument.find('=')), names);
  return mistake("unknown flag " + shown + (near.empty() ? "" : "; did you mean " + std::string(near) + "?"));
}

}  // namespace

std::variant<Settings, Exit> parse_options(const std::vector<std::string>& arguments, const Environment& environment, const std::string& host_name) {
  Settings settings;
  Given given;
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (dashes != arguments.end()) {
    settings.command.assign(dashes + 1, arguments.end());
    if (settings.command.empty()) return mistake("no command after --");
  }

  CLI::App app(kAbout, "choregos-agent");
  app.footer(kFooter);
  app.allow_extras();
  app.get_formatter()->column_width(34);
  app.get_formatter()->label("OPTIONS", "FLAGS] [-- COMMAND ARGUMENTS");
  app.get_formatter()->label("Env", "env");
  try {
    declare(app, given, settings);
    std::vector<std::string> flags(arguments.begin(), dashes);
    std::reverse(flags.begin(), flags.end());  // the order in which CLI11 takes a vector
    app.parse(flags);
  } catch (const CLI::CallForHelp&) {
    std::string text = app.help();
    // What CLI11 says of a flag that has a negative form, and nobody understands.
    for (std::size_t at = 0; (at = text.find("{false}", at)) != text.npos;) text.erase(at, 7);
    return Exit{0, text};
  } catch (const CLI::ParseError& error) {
    return mistake(error.what());
  }
  if (given.version) return Exit{0, std::string("choregos-agent ") + CHOREGOS_VERSION + "\n"};
  if (const auto extras = app.remaining(); !extras.empty()) return unknown_argument(app, extras.front());
  if (auto settled = settle(given, environment, host_name, settings); !settled) return mistake(settled.error().message);
  return settings;
}

}  // namespace choregos::agent
