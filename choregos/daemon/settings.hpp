// Everything that an operator can set, as typed values. What each is called, its default, its bounds and its sentence in
// the reference stand in one table, settings_table.cpp; nothing else knows the names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/time.hpp"
#include "choregos/source/swarm_dns/roster.hpp"

namespace choregos::daemon {

/// A default-constructed Settings holds the defaults.
struct Settings {
  std::string profile = "none";

  std::vector<SocketAddress> http_listen{{IpAddress::v4(127, 0, 0, 1), 4470}};
  std::string http_token_file;
  std::vector<std::string> http_allowed_hosts;
  std::string http_unix_socket;

  std::string state_dir;  ///< "" = where default_state_dir says; filled in by load_config
  std::string state_store = "sqlite";

  bool registration_enabled = true;
  Duration registration_ttl = 30s;

  bool beacon_enabled = true;
  std::uint16_t beacon_port = 4471;
  bool beacon_multicast = true;
  std::vector<std::string> beacon_interfaces;
  std::string beacon_key_file;
  std::string beacon_accept_unsigned = "loopback";

  std::vector<source::ServiceSettings> swarm_dns_services;
  std::uint16_t swarm_dns_port = 8081;
  std::string swarm_dns_path = "/health";
  SocketAddress swarm_dns_server{IpAddress::v4(127, 0, 0, 11), 53};
  Duration swarm_dns_period = 2s;

  std::string docker_engine;  ///< "" = not asked
  std::vector<source::ServiceSettings> docker_engine_services;
  std::string docker_engine_network;
  Duration docker_engine_period = 5s;

  std::string static_file_path;

  Duration http_probe_period = 10s;
  Duration http_probe_timeout = 2s;
  std::vector<Cidr> http_probe_allow;

  Duration liveness_forget_after = 5min;
  Duration liveness_restart_grace = 30s;

  std::string record_file;  ///< "" = nothing is recorded
  std::uint64_t record_bytes_max = std::uint64_t{1} << 30;
  std::vector<std::string> shadow_settings;

  bool process_seal = true;

  std::string log_level = "info";
  std::string log_format = "auto";
};

}  // namespace choregos::daemon
