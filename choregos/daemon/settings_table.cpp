#include "choregos/daemon/settings_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "choregos/base/text.hpp"
#include "choregos/record/understudy.hpp"
#include "choregos/source/beacon/admission.hpp"
#include "choregos/source/docker_engine/docker_engine.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::daemon {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

Result<void> check_health_path(std::string_view text) {
  if (text.starts_with('/') && text.find_first_of(" ?#\r\n") == std::string_view::npos) return {};
  return fail(ErrorCode::invalid, "a path begins with '/' and has no query: \"/health\"");
}

Result<void> check_unsigned(std::string_view text) {
  if (auto rule = source::beacon::UnsignedRule::parse(text); !rule) return rule.error();
  return {};
}

Result<void> check_host(std::string_view text) {
  if (const auto parsed = parse_host_port(std::string(text) + ":1"); parsed && text.find(':') == std::string_view::npos) return {};
  return fail(ErrorCode::invalid, "a name without scheme and port is wanted, such as \"registry.internal\"");
}

Result<void> check_interface(std::string_view text) {
  if (!text.empty() && text.size() < 16 && text.find_first_of("/ \t") == std::string_view::npos) return {};
  return fail(ErrorCode::invalid, "the name of a network interface is wanted, such as \"eth0\"");
}

Result<void> check_docker(std::string_view text) {
  if (text.empty()) return {};
  if (auto engine = source::parse_docker_engine(text); !engine) return engine.error();
  return {};
}

Result<void> check_docker_service(std::string_view text) {
  if (text.find('=') == std::string_view::npos) return {};
  return fail(ErrorCode::invalid, "Docker itself says how many tasks there should be; write NAME[:PORT][/PATH], such as \"chorus:8081/health\"");
}

Result<void> check_other_setting(std::string_view text) { return record::OtherSettings{}.set(text); }

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<Unit, 8> kUnits{{{"TiB", std::uint64_t{1} << 40}, {"TB", 1'000'000'000'000}, {"GiB", std::uint64_t{1} << 30}, {"GB", 1'000'000'000}, {"MiB", std::uint64_t{1} << 20}, {"MB", 1'000'000}, {"KiB", 1024}, {"kB", 1000}}};

/// NAME[:PORT][/PATH][=COUNT]. Port 0 and an empty path stand for the defaults of the section.
Result<source::ServiceSettings> parse_service(std::string_view text) {
  source::ServiceSettings out;
  out.port = 0;
  out.path.clear();
  const auto number = [](std::string_view digits, auto& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size() && !digits.empty();
  };
  const auto wrong = [&](const char* why) { return fail(ErrorCode::invalid, std::string(why) + "; write NAME[:PORT][/PATH][=COUNT], such as \"chorus:8081/health=9\""); };
  if (const auto equals = text.rfind('='); equals != std::string_view::npos) {
    std::size_t count = 0;
    if (!number(text.substr(equals + 1), count) || count > limits::dns_address_count_max) return wrong("the count after '=' is no number");
    out.expected = count;
    text = text.substr(0, equals);
  }
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    out.path = text.substr(slash);
    if (!check_health_path(out.path)) return wrong("the path is none");
    text = text.substr(0, slash);
  }
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    if (!number(text.substr(colon + 1), out.port) || out.port == 0) return wrong("the port must be a number from 1 to 65535");
    text = text.substr(0, colon);
  }
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  if (text.empty() || text.size() > 63 || !std::all_of(text.begin(), text.end(), fits))
    return wrong("the name of a Swarm service is made of letters, digits, '-' and '_'");
  out.service = text;
  return out;
}

std::string service_text(const source::ServiceSettings& service) {
  std::string out = service.service;
  if (service.port != 0) out += ":" + std::to_string(service.port);
  out += service.path;
  if (service.expected) out += "=" + std::to_string(*service.expected);
  return out;
}

std::string quoted(std::string_view text) {
  std::string out;
  wire::append_json_string(out, text);  // a basic string of TOML has the same escapes
  return out;
}

template <class Range, class Text>
std::string list_text(const Range& items, const Text& text) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() == 1 ? "" : ", ") + quoted(text(item));
  return out + "]";
}

Error not_wanted(std::string_view text, const Row& row) {
  return fail(ErrorCode::invalid, "'" + printable(text.substr(0, 200)) + "' is not " + wanted(row));
}

/// Port 0 is no port to talk to, but one to listen on.
Result<SocketAddress> parse_address(std::string_view text, const Row& row) {
  if (const auto address = parse_socket_address(text)) return *address;
  if (text.ends_with(":0"))
    if (auto address = parse_socket_address(std::string(text.substr(0, text.size() - 1)) + "1")) {
      address->port = 0;
      return *address;
    }
  return not_wanted(text, row);
}

const std::vector<Row>& table() {
  using S = Settings;
  static const std::vector<Row> rows{
      {.key = "profile", .slot = &S::profile, .flag = "--profile", .meta = "NAME",
       .doc = "Defaults that belong together. `chorus` looks for the Swarm service `chorus`, whose tasks answer `/health` on port 8081. An agent says its part of it by `choregos-agent --profile chorus`.",
       .choices = {"none", "chorus"}},

      {.key = "http.listen", .slot = &S::http_listen, .flag = "--http", .meta = "ADDR:PORT",
       .doc = "Where the API is served. Anything but a loopback address needs `http.token_file`. Port 0 takes any free port; the address as "
              "bound is logged and written to `http.address` in the state folder. Several addresses may be given."},
      {.key = "http.token_file", .slot = &S::http_token_file, .flag = "--token-file", .meta = "FILE",
       .doc = "File with the bearer tokens that open the API, one a line, at least 16 characters each; `#` begins a comment. It must be "
              "readable by its owner only (mode 0600). With it, every request needs a token, on loopback, too.",
       .reload = true},
      {.key = "http.allowed_hosts", .slot = &S::http_allowed_hosts, .flag = "--allowed-host", .meta = "NAME",
       .doc = "Further names that a Host header may carry, besides localhost and the addresses listened on. Others are refused (421), so that "
              "no web page can reach this API under a name of its own.",
       .reload = true, .check = check_host},
      {.key = "http.unix_socket", .slot = &S::http_unix_socket, .flag = "--unix-socket", .meta = "PATH",
       .doc = "Serve the API on this socket file (mode 0600) as well."},

      {.key = "state.dir", .slot = &S::state_dir, .flag = "--state", .meta = "DIR",
       .doc = "Folder for what survives a restart. Made when it is missing, with mode 0700.",
       .default_text = "`$STATE_DIRECTORY`, else `$XDG_STATE_HOME/choregos`, else `/var/lib/choregos` for root, else `~/.local/state/choregos`"},
      {.key = "state.store", .slot = &S::state_store, .flag = "--store", .meta = "KIND",
       .doc = "`sqlite` keeps identities and revisions in `state.db`; `memory` keeps nothing over a restart and needs no writable folder.",
       .choices = {"sqlite", "memory"}},

      {.key = "registration.enabled", .slot = &S::registration_enabled, .flag = "--registration", .meta = "",
       .doc = "Let agents register over HTTP, renew, leave and hold tethers."},
      {.key = "registration.ttl", .slot = &S::registration_ttl, .flag = "--registration-ttl", .meta = "TIME",
       .doc = "Lease of an agent that asks for none when it registers.", .least = 3s, .most = 1h},

      {.key = "beacon.enabled", .slot = &S::beacon_enabled, .flag = "--beacon", .meta = "",
       .doc = "Listen for beacons, by multicast and unicast."},
      {.key = "beacon.port", .slot = &S::beacon_port, .flag = "--udp", .meta = "PORT",
       .doc = "UDP port for beacons. 0 takes any free one and writes it to `beacon.port` in the state folder."},
      {.key = "beacon.multicast", .slot = &S::beacon_multicast, .flag = "--beacon-multicast", .meta = "",
       .doc = "Join the multicast groups 239.255.67.72 and ff02::4348, where agents on the same LAN are heard without knowing an address."},
      {.key = "beacon.interfaces", .slot = &S::beacon_interfaces, .flag = "--beacon-interface", .meta = "NAME",
       .doc = "Network interfaces on which to hear multicast. Empty: all that can.", .check = check_interface},
      {.key = "beacon.key_file", .slot = &S::beacon_key_file, .flag = "--beacon-keys", .meta = "FILE",
       .doc = "Keys of agents that sign their beacons, one a line: number, secret (hex or base64), and the id or pattern it may speak for. "
              "Readable by its owner only (mode 0600).",
       .reload = true},
      {.key = "beacon.accept_unsigned", .slot = &S::beacon_accept_unsigned, .flag = "--accept-unsigned", .meta = "FROM",
       .doc = "From where beacons without a signature are believed: `loopback`, `none`, `any`, or ranges such as `10.0.0.0/8, loopback`. "
              "Whoever may send one may speak for any agent that has no key.",
       .check = check_unsigned},

      {.key = "swarm_dns.services", .slot = &S::swarm_dns_services, .flag = "--swarm-service", .meta = "NAME",
       .doc = "Docker Swarm services whose tasks are agents, as NAME[:PORT][/PATH][=COUNT]; COUNT is how many there should be. Empty: Swarm is "
              "not asked."},
      {.key = "swarm_dns.port", .slot = &S::swarm_dns_port, .flag = "--swarm-port", .meta = "PORT",
       .doc = "Health port of services that name none."},
      {.key = "swarm_dns.path", .slot = &S::swarm_dns_path, .flag = "--swarm-path", .meta = "PATH",
       .doc = "Health path of services that name none.", .check = check_health_path},
      {.key = "swarm_dns.server", .slot = &S::swarm_dns_server, .flag = "--dns-server", .meta = "ADDR[:PORT]",
       .doc = "The DNS server to ask; Docker's own answers inside containers only."},
      {.key = "swarm_dns.period", .slot = &S::swarm_dns_period, .flag = "--dns-period", .meta = "TIME",
       .doc = "Between two questions for one service.", .least = 200ms, .most = 1h},

      {.key = "docker_engine.address", .slot = &S::docker_engine, .flag = "--docker-engine", .meta = "ADDRESS",
       .doc = "A Docker Engine to ask which tasks there are and how they ended: `unix:///var/run/docker.sock` or `tcp://HOST:PORT`. Only GET is "
              "sent. Whoever reaches the engine's own socket is root on its host, so name a proxy that lets nothing but GET through. Services "
              "labelled `choregos.enable=true` are agents; `choregos.port`, `choregos.health` and `choregos.capabilities` say more. Empty: Docker "
              "is not asked.",
       .check = check_docker},
      {.key = "docker_engine.services", .slot = &S::docker_engine_services, .flag = "--docker-service", .meta = "NAME",
       .doc = "Services whose tasks are agents though they carry no label, as NAME[:PORT][/PATH], besides those of `swarm_dns.services`. "
              "`swarm_dns.port` and `swarm_dns.path` hold for those that name none.",
       .check = check_docker_service},
      {.key = "docker_engine.network", .slot = &S::docker_engine_network, .flag = "--docker-network", .meta = "NAME",
       .doc = "The network on which tasks are probed. Empty: each that they are attached to, but ingress."},
      {.key = "docker_engine.period", .slot = &S::docker_engine_period, .flag = "--docker-period", .meta = "TIME",
       .doc = "Between two looks at Docker's lists when no event asks for one.", .least = 1s, .most = 1h},

      {.key = "static_file.path", .slot = &S::static_file_path, .flag = "--targets", .meta = "FILE",
       .doc = "TOML or JSON list of addresses to probe; watched, so that an edit takes effect within a second.", .reload = true},

      {.key = "http_probe.period", .slot = &S::http_probe_period, .flag = "--probe-period", .meta = "TIME",
       .doc = "Between two `GET /health` of a target that is well.", .least = 1s, .most = 1h},
      {.key = "http_probe.timeout", .slot = &S::http_probe_timeout, .flag = "--probe-timeout", .meta = "TIME",
       .doc = "For one probe; no longer than the period.", .least = 50ms, .most = limits::probe_time_max},
      {.key = "http_probe.allow", .slot = &S::http_probe_allow, .flag = "--probe-allow", .meta = "CIDR",
       .doc = "Ranges in which agents may name any health address. Without it, an agent is probed at the address it speaks from, besides what "
              "Swarm and the target list name."},

      {.key = "liveness.forget_after", .slot = &S::liveness_forget_after, .flag = "--forget-after", .meta = "TIME",
       .doc = "An agent that is lost or has left stays listed so long.", .least = 1s, .most = 8760h},
      {.key = "liveness.restart_grace", .slot = &S::liveness_restart_grace, .flag = "--restart-grace", .meta = "TIME",
       .doc = "After a restart of choregosd, agents it knew are `unconfirmed` so long before their silence counts.", .least = 0s, .most = 24h},

      {.key = "record.file", .slot = &S::record_file, .flag = "--record", .meta = "FILE",
       .doc = "Record everything that the registry is given and what it makes of it, for `choregos replay FILE`. A former file of that name "
              "becomes FILE.old. When the disk is full or cannot keep up the recording ends with a warning, and choregosd goes on. "
              "Empty: nothing is recorded."},
      {.key = "record.bytes_max", .slot = &S::record_bytes_max, .flag = "--record-max", .meta = "SIZE",
       .doc = "A recording ends with a warning at this size: it must hold everything from the start, so it cannot drop its beginning.",
       .bytes_least = 64 * 1024, .bytes_most = std::uint64_t{1} << 50},

      {.key = "shadow.settings", .slot = &S::shadow_settings, .flag = "--shadow", .meta = "NAME=VALUE",
       .doc = "Settings of the detector to be tried beside the ones in force, such as `detector.evidence_needed=10`: a second registry gets the "
              "same inputs, and `/metrics`, the log and `choregos doctor` say whom it would have lost wrongly, and which deaths it would have "
              "noticed earlier or later. Nobody acts on it. `choregos replay FILE --with NAME=VALUE` tries the same on a recording.",
       .check = check_other_setting},

      {.key = "process.seal", .slot = &S::process_seal, .flag = "--seal", .meta = "",
       .doc = "Once it serves, choregosd gives up every system call that it has no use for (seccomp): above all it can start no other program."},

      {.key = "log.level", .slot = &S::log_level, .flag = "--log-level", .meta = "LEVEL",
       .doc = "The least important lines to log.", .reload = true, .choices = {"debug", "info", "warn", "error"}},
      {.key = "log.format", .slot = &S::log_format, .flag = "--log-format", .meta = "FORM",
       .doc = "`json`: one object a line; `text`: for people; `auto`: text on a terminal, else json.", .choices = {"auto", "json", "text"}},
  };
  return rows;
}

}  // namespace

std::string_view Row::section() const {
  const auto dot = key.find('.');
  return dot == std::string_view::npos ? std::string_view{} : key.substr(0, dot);
}

std::string_view Row::name() const { return key.substr(key.find('.') + 1); }  // npos + 1 is 0

std::string Row::environment() const {
  std::string out = "CHOREGOS_";
  for (const char c : key) out += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return out;
}

bool Row::is_list() const {
  return std::visit(Overloaded{[]<class T>(std::vector<T> Settings::*) { return true; }, [](auto) { return false; }}, slot);
}

const std::vector<Row>& settings_table() { return table(); }

const Row* find_row(std::string_view key) {
  const auto& rows = table();
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.key == key; });
  return it == rows.end() ? nullptr : &*it;
}

std::string_view section_title(std::string_view section) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> titles{{
      {"", "Profile"},
      {"http", "The API"},
      {"state", "What survives"},
      {"registration", "Agents that register"},
      {"beacon", "Beacons"},
      {"swarm_dns", "Docker Swarm"},
      {"docker_engine", "Docker Engine"},
      {"static_file", "A list of targets"},
      {"http_probe", "Probes"},
      {"liveness", "Liveness"},
      {"record", "Flight recorder"},
      {"shadow", "Other settings on trial"},
      {"process", "The process"},
      {"log", "Log"},
  }};
  for (const auto& [name, title] : titles)
    if (name == section) return title;
  return section;
}

std::span<const Shorthand> shorthands() {
  static constexpr std::array<Shorthand, 1> all{{{"--memory", "state.store", "memory", "The same as --store memory."}}};
  return all;
}

std::span<const ProfileValue> profile_values() {
  static constexpr std::array<ProfileValue, 3> all{{
      {"chorus", "swarm_dns.services", "chorus"},
      {"chorus", "swarm_dns.port", "8081"},
      {"chorus", "swarm_dns.path", "/health"},
  }};
  return all;
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
  if (error != std::errc{} || unit == kUnits.end() || number > UINT64_MAX / unit->bytes)
    return fail(ErrorCode::invalid, "a size has a number and a unit, such as \"512MiB\" or \"2GB\"");
  return number * unit->bytes;
}

std::string format_bytes(std::uint64_t bytes) {
  std::string shortest;
  for (const Unit& unit : kUnits) {
    if (bytes % unit.bytes != 0) continue;
    std::string text = std::to_string(bytes / unit.bytes) + std::string(unit.name);
    if (shortest.empty() || text.size() < shortest.size()) shortest = std::move(text);
  }
  return shortest;
}

std::string wanted(const Row& row) {
  if (!row.choices.empty()) {
    std::string out = "one of ";
    for (std::size_t i = 0; i < row.choices.size(); ++i) out += (i == 0 ? "" : i + 1 == row.choices.size() ? " and " : ", ") + std::string(row.choices[i]);
    return out;
  }
  return std::visit(Overloaded{
                        [](bool Settings::*) { return std::string("true or false"); },
                        [](std::uint16_t Settings::*) { return std::string("a port number from 0 to 65535"); },
                        [&](std::uint64_t Settings::*) { return "a size from " + format_bytes(row.bytes_least) + " to " + format_bytes(row.bytes_most) + ", such as \"512MiB\""; },
                        [&](Duration Settings::*) { return "a duration from " + format_duration(row.least) + " to " + format_duration(row.most) + ", such as \"10s\""; },
                        [](std::string Settings::*) { return std::string("a text"); },
                        [](std::vector<std::string> Settings::*) { return std::string("a list of texts"); },
                        [](SocketAddress Settings::*) { return std::string("an address such as \"127.0.0.11:53\""); },
                        [](std::vector<SocketAddress> Settings::*) { return std::string("an address with a port, such as \"127.0.0.1:4470\" or \"[::1]:4470\""); },
                        [](std::vector<Cidr> Settings::*) { return std::string("a range such as \"10.0.0.0/8\" or \"fd00::/8\""); },
                        [](std::vector<source::ServiceSettings> Settings::*) { return std::string("a service such as \"chorus\" or \"chorus:8081/health=9\""); },
                    },
                    row.slot);
}

Result<void> assign(Settings& settings, const Row& row, const std::vector<std::string>& words) {
  if (!row.is_list() && words.size() != 1) return fail(ErrorCode::invalid, "one value is wanted, not " + std::to_string(words.size()));
  for (const std::string& word : words) {
    if (!is_utf8(word) || has_hidden_characters(word)) return fail(ErrorCode::invalid, "the value holds bytes that are no text, or invisible characters");
    if (row.check != nullptr)
      if (auto fits = row.check(word); !fits) return fits;
    if (!row.choices.empty() && std::find(row.choices.begin(), row.choices.end(), word) == row.choices.end()) {
      Error error = not_wanted(word, row);
      if (const auto near = nearest_word(word, row.choices); !near.empty()) error.message += "; did you mean '" + std::string(near) + "'?";
      return error;
    }
  }
  // Each word through `parse`, all or nothing.
  const auto list = [&]<class T>(std::vector<T> Settings::*member, const auto& parse) -> Result<void> {
    std::vector<T> values;
    for (const std::string& word : words) {
      Result<T> value = parse(word);
      if (!value) return value.error();
      values.push_back(std::move(*value));
    }
    settings.*member = std::move(values);
    return {};
  };
  const std::string& word = words.empty() ? std::string() : words.front();
  return std::visit(
      Overloaded{
          [&](bool Settings::*member) -> Result<void> {
            const std::string lower = to_lower(word);
            const bool yes = lower == "true" || lower == "1" || lower == "yes" || lower == "on";
            const bool no = lower == "false" || lower == "0" || lower == "no" || lower == "off";
            if (!yes && !no) return not_wanted(word, row);
            settings.*member = yes;
            return {};
          },
          [&](std::uint16_t Settings::*member) -> Result<void> {
            std::uint16_t port = 0;
            const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
            if (error != std::errc{} || end != word.data() + word.size() || word.empty()) return not_wanted(word, row);
            settings.*member = port;
            return {};
          },
          [&](std::uint64_t Settings::*member) -> Result<void> {
            const auto bytes = parse_bytes(word);
            if (!bytes || *bytes < row.bytes_least || *bytes > row.bytes_most) return not_wanted(word, row);
            settings.*member = *bytes;
            return {};
          },
          [&](Duration Settings::*member) -> Result<void> {
            const auto duration = parse_duration(word);
            if (!duration || *duration < row.least || *duration > row.most) return not_wanted(word, row);
            settings.*member = *duration;
            return {};
          },
          [&](std::string Settings::*member) -> Result<void> {
            settings.*member = word;
            return {};
          },
          [&](SocketAddress Settings::*member) -> Result<void> {
            if (const auto ip = parse_ip(word)) {
              (settings.*member).ip = *ip;  // the port stays what it is by default
              (settings.*member).port = (Settings{}.*member).port;
              return {};
            }
            auto address = parse_address(word, row);
            if (!address) return address.error();
            settings.*member = *address;
            return {};
          },
          [&](std::vector<std::string> Settings::*member) { return list(member, [](const std::string& w) { return Result<std::string>(w); }); },
          [&](std::vector<SocketAddress> Settings::*member) { return list(member, [&](const std::string& w) { return parse_address(w, row); }); },
          [&](std::vector<Cidr> Settings::*member) { return list(member, [](const std::string& w) { return parse_cidr(w); }); },
          [&](std::vector<source::ServiceSettings> Settings::*member) { return list(member, [](const std::string& w) { return parse_service(w); }); },
      },
      row.slot);
}

std::string toml_text(const Settings& settings, const Row& row) {
  return std::visit(Overloaded{
                        [&](bool Settings::*m) { return std::string(settings.*m ? "true" : "false"); },
                        [&](std::uint16_t Settings::*m) { return std::to_string(settings.*m); },
                        [&](std::uint64_t Settings::*m) { return quoted(format_bytes(settings.*m)); },
                        [&](Duration Settings::*m) { return quoted(format_duration(settings.*m)); },
                        [&](std::string Settings::*m) { return quoted(settings.*m); },
                        [&](SocketAddress Settings::*m) { return quoted(to_string(settings.*m)); },
                        [&](std::vector<std::string> Settings::*m) { return list_text(settings.*m, [](const std::string& s) { return s; }); },
                        [&](std::vector<SocketAddress> Settings::*m) { return list_text(settings.*m, [](const SocketAddress& a) { return to_string(a); }); },
                        [&](std::vector<Cidr> Settings::*m) { return list_text(settings.*m, [](const Cidr& c) { return to_string(c); }); },
                        [&](std::vector<source::ServiceSettings> Settings::*m) { return list_text(settings.*m, service_text); },
                    },
                    row.slot);
}

}  // namespace choregos::daemon
