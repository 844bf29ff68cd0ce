// What should be there held against what is found, for each service: how many the orchestrator wants and has, how many DNS
// names, how many answer, how many are listed; and each missing or phantom one by name. Made by registry/expected_found.hpp from
// what the sources know; plain values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"

namespace choregos {

/// A target as far as this comparison needs it: where, whose, and whether somebody answers.
struct FoundTarget {
  SocketAddress address;
  std::vector<std::string> services;  ///< whose DNS name has it
  std::optional<SwarmTask> task;      ///< who stands there, when known
  bool behind_balancer = false;       ///< names a service, not one of its tasks
  bool draining = false;              ///< its name is gone from DNS
  bool tried = false;
  bool answering = false;
  std::string id;                     ///< declared by who answers; "" = none
  std::string note;                   ///< how the last probe ended: "connection refused"
};

/// How many of a service there should be, as an operator has written it.
struct ConfiguredCount {
  std::string service;
  std::optional<std::uint64_t> count;  ///< unset = the service is looked for, its size is not known
};

struct Discrepancy {
  std::string task;     ///< "chorus.1.abc"; "" = not known
  std::string address;  ///< "" = none
  std::string agent;    ///< id of the record that stands for it; "" = none
  std::string node;     ///< host name; "" = not known
  std::string reason;   ///< for people, with task or address where known
  bool operator==(const Discrepancy&) const = default;
};

struct ServiceFound {
  std::string name;
  std::string mode;                       ///< "replicated", "global", "containers"; "" when no orchestrator was asked
  std::optional<std::uint64_t> desired;   ///< unset = nobody says
  std::string desired_by;                 ///< instance name of the source, or "configuration"; "" when unset
  std::optional<std::uint64_t> tasks;     ///< that run, by the orchestrator's word; unset when none was asked
  std::uint64_t in_dns = 0;               ///< addresses, those that are leaving not counted
  std::uint64_t answering = 0;            ///< targets that answered their last probe
  std::uint64_t listed = 0;               ///< agents that are alive, suspect or unconfirmed
  std::vector<Discrepancy> missing;       ///< should be there and is not found
  std::vector<Discrepancy> phantom;       ///< is named or listed and should not be there
  bool matches() const { return missing.empty() && phantom.empty(); }
};

struct ExpectedFound {
  std::vector<ServiceFound> services;            ///< by name
  std::optional<Duration> orchestrator_age;      ///< since the oldest look of an orchestrator that this uses; unset = none was used
  std::vector<std::string> nodes;                ///< that the orchestrator does not call ready: "worker-3 is down: heartbeat failure"
  bool matches() const {
    return std::all_of(services.begin(), services.end(), [](const ServiceFound& s) { return s.matches(); });
  }
};

/// Its task, else its record, else its address, else "?".
std::string name_of(const Discrepancy& discrepancy);
/// "chorus: 5 should be there, 4 are listed; missing chorus.3.abc (it is wanted and failed)", with at most `named_max` of each by name.
std::string mismatch_line(const ServiceFound& service, std::size_t named_max);

}  // namespace choregos
