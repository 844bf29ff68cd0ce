#include "choregos/daemon/config.hpp"

#include <algorithm>

#include "choregos/base/text.hpp"
#include "choregos/daemon/config_file.hpp"
#include "choregos/source/swarm_dns/swarm_dns.hpp"

namespace choregos::daemon {
namespace {

std::string variable(const Machine& machine, std::string_view name) {
  const auto it = machine.environment.find(name);
  return it == machine.environment.end() ? std::string() : it->second;
}

class Layers {
 public:
  explicit Layers(Loaded& out) : out_(out) {
    for (const Row& row : settings_table()) out_.config.origins[row.key] = "default";
  }
  void put(const Given& given, const std::string& before_message = {}) {
    if (auto done = assign(out_.config.settings, *given.row, given.words); !done) {
      out_.errors.push_back(given.origin + ": " + before_message + done.error().message);
    } else {
      out_.config.origins[given.row->key] = given.origin;
    }
  }

 private:
  Loaded& out_;
};

std::vector<Given> from_environment(const Machine& machine, std::vector<std::string>& errors) {
  std::vector<Given> out;
  std::vector<std::string> known;
  for (const Row& row : settings_table()) {
    known.push_back(row.environment());
    if (const auto it = machine.environment.find(known.back()); it != machine.environment.end() && !it->second.empty())
      out.push_back({&row, words_for(row, it->second), known.back()});
  }
  // A slip in a name would go unnoticed, so one that is nearly ours is an error; others may be meant for other programs of
  // choregos (CHOREGOS_ADDR, CHOREGOS_REGISTRY).
  for (const auto& [name, value] : machine.environment) {
    if (!name.starts_with("CHOREGOS_") || std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto near = nearest_word(name, known);
    if (!near.empty() && edit_distance(name, near) <= 2) errors.push_back(printable(name) + " is not known; did you mean " + std::string(near) + "?");
  }
  return out;
}

bool is_loopback_only(const Settings& s) {
  return std::all_of(s.http_listen.begin(), s.http_listen.end(), [](const SocketAddress& a) { return a.ip.is_loopback(); });
}

void check_together(const Config& config, std::vector<std::string>& errors) {
  const Settings& s = config.settings;
  const auto say = [&](std::string_view key, const std::string& what) {
    errors.push_back(std::string(key) + " (" + config.origins.at(key) + "): " + what);
  };
  if (s.http_listen.empty() && s.http_unix_socket.empty()) say("http.listen", "no address and no socket file is left to serve the API on; give one, such as \"127.0.0.1:4470\"");
  for (std::size_t i = 0; i < s.http_listen.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (s.http_listen[i] == s.http_listen[k] && s.http_listen[i].port != 0) say("http.listen", to_string(s.http_listen[i]) + " is named twice");
  if (!is_loopback_only(s) && s.http_token_file.empty()) {
    std::string open;
    for (const auto& address : s.http_listen)
      if (!address.ip.is_loopback() && open.empty()) open = to_string(address);
    say("http.listen", open + " can be reached from other machines, so a token is needed: make one with\n"
                       "    (umask 077; head -c 32 /dev/urandom | base64 > /etc/choregos/token)\n"
                       "  and set http.token_file = \"/etc/choregos/token\" (or --token-file /etc/choregos/token); or listen on 127.0.0.1 only");
  }
  if (s.http_probe_timeout > s.http_probe_period)
    say("http_probe.timeout", format_duration(s.http_probe_timeout) + " is longer than http_probe.period, which is " + format_duration(s.http_probe_period));
  if (!s.swarm_dns_services.empty()) {
    source::SwarmDns::Options options;
    options.services = s.swarm_dns_services;
    options.server = s.swarm_dns_server;
    options.interval = s.swarm_dns_period;
    if (auto fits = source::SwarmDns::check(options); !fits) say("swarm_dns.services", fits.error().message);
  }
}

}  // namespace

std::string default_state_dir(const Machine& machine) {
  if (const std::string dir = variable(machine, "STATE_DIRECTORY"); !dir.empty()) return dir.substr(0, dir.find(':'));
  if (const std::string dir = variable(machine, "XDG_STATE_HOME"); dir.starts_with('/')) return dir + "/choregos";
  if (const std::string home = variable(machine, "HOME"); !machine.root && home.starts_with('/')) return home + "/.local/state/choregos";
  return "/var/lib/choregos";
}

Loaded load_config(const CommandLine& flags, const Machine& machine) {
  Loaded out;
  out.errors = flags.errors;
  const auto environment = from_environment(machine, out.errors);

  ConfigFile file;
  const std::string path = flags.config.empty() ? std::string(kDefaultConfigPath) : flags.config;
  if (auto text = machine.read_file(path); !text) {
    out.errors.push_back(path + ": " + text.error().message);
  } else if (*text) {
    file = read_config_file(**text, path);
    out.config.file = path;
    out.errors.insert(out.errors.end(), file.errors.begin(), file.errors.end());
  } else if (!flags.config.empty()) {
    out.errors.push_back(path + ": there is no such file; choregosd --print-config-example shows what one looks like");
  }

  Layers layers(out);
  // The profile lies under everything else, wherever it was named.
  const Row& profile = *find_row("profile");
  for (const auto& layer : {std::span<const Given>(file.given), std::span<const Given>(environment), std::span<const Given>(flags.given)})
    for (const Given& given : layer)
      if (given.row == &profile && assign(out.config.settings, profile, given.words)) out.config.origins[profile.key] = given.origin;
  for (const ProfileValue& value : profile_values())
    if (value.profile == out.config.settings.profile) {
      const Row& row = *find_row(value.key);
      layers.put({&row, words_for(row, value.value), "profile " + std::string(value.profile)});
    }
  for (const Given& given : file.given) layers.put(given, std::string(given.row->key) + ": ");
  for (const Given& given : environment) layers.put(given);
  for (const Given& given : flags.given) layers.put(given);

  Settings& s = out.config.settings;
  if (s.state_dir.empty()) s.state_dir = default_state_dir(machine);
  for (auto* services : {&s.swarm_dns_services, &s.docker_engine_services})
    for (source::ServiceSettings& service : *services) {
      if (service.port == 0) service.port = s.swarm_dns_port;
      if (service.path.empty()) service.path = s.swarm_dns_path;
    }
  // Whoever shortens the period alone means a timeout that fits into it.
  if (std::string& origin = out.config.origins["http_probe.timeout"]; origin == "default" && s.http_probe_timeout > s.http_probe_period) {
    s.http_probe_timeout = s.http_probe_period;
    origin = "default, cut to http_probe.period";
  }
  if (out.errors.empty()) check_together(out.config, out.errors);
  return out;
}

std::vector<std::string_view> changed_keys(const Settings& before, const Settings& after) {
  std::vector<std::string_view> out;
  for (const Row& row : settings_table())
    if (toml_text(before, row) != toml_text(after, row)) out.push_back(row.key);
  return out;
}

}  // namespace choregos::daemon
