// Discovery: the whole registry inside this program. It hears of agents through the sources that are switched on, keeps
// one record for each, and tells anyone who asks; no choregosd is needed.
//
//   choregos::Discovery::Options options;
//   options.static_targets = {"10.0.0.4:8081"};
//   choregos::Discovery discovery(std::move(options));
//   if (auto started = discovery.start(); !started) …
//   auto page = discovery.agents();
//
// It owns two threads: one for sockets and timers, one for the registry. Every method may be called from any thread;
// reads never wait for either of them. Nothing here throws.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/query.hpp"
#include "choregos/model/source_health.hpp"
#include "choregos/sdk/agent_view.hpp"

namespace choregos {

class Discovery {
 public:
  struct Options {
    /// Swarm services whose tasks are looked up as tasks.<service>, for example "chorus". Empty = no lookups.
    std::vector<std::string> swarm_services;
    std::string dns_server = "127.0.0.11:53";    ///< asked for them
    Duration dns_period = 2s;
    /// "host:port" whose /health is asked: addresses that were written down, so loopback is allowed.
    std::vector<std::string> static_targets;
    std::string targets_file;                    ///< TOML or JSON list of targets, watched; "" = none
    std::uint16_t health_port = 8081;            ///< where tasks found in DNS answer
    std::string health_path = "/health";
    Duration probe_period = 5s;                  ///< between two questions to one agent; at least 1 s
    Duration probe_timeout = 2s;                 ///< of one; cut to the period
    /// Ranges that may be probed when DNS or an agent named them. Empty = private and carrier-grade ranges.
    std::vector<std::string> allowed_ranges;

    bool beacon = false;                         ///< listen for beacons, multicast and unicast
    std::uint16_t beacon_port = 4471;            ///< 0 = any free one
    bool beacon_multicast = true;                ///< join the groups of the LAN
    std::vector<std::string> beacon_interfaces;  ///< to join the multicast groups on; empty = every one that can
    std::string beacon_accept_unsigned = "loopback";  ///< from where: "none", "loopback", "any", or ranges with commas
    std::string beacon_keys_file;                ///< keys of agents that sign, one a line; "" = none

    Duration forget_after = 5min;                ///< an agent lost or gone this long leaves the list
  };
  using Subscription = std::uint64_t;

  explicit Discovery(Options options);
  ~Discovery();  ///< stops
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  /// Errors: invalid (an option, named; not_found, forbidden: the key file), conflict (it runs already). After stop() it may be
  /// started again: what was known is gone, the epoch is a new one, revisions go on rising, watchers stay.
  Result<void> start();
  /// Safe to call twice, from several threads and before start. After it returns no packet is sent, no callback runs, and
  /// reads still answer from the last belief.
  void stop();

  /// What is believed now. Errors: invalid (the query), unavailable (never started).
  Result<AgentPage> agents(const Query& query = {}) const;
  /// By id or alias. Errors: not_found, unavailable.
  Result<AgentView> agent(std::string_view id) const;
  Revision revision() const;
  std::vector<SourceHealth> sources() const;

  /// `on_change` is called for every change from now on, in order, on the registry's thread; it must return soon and may
  /// not unwatch, stop or destroy the discovery from within.
  Subscription watch(std::function<void(const Change&)> on_change);
  /// After it returns the callback is not running and will not be called again.
  void unwatch(Subscription subscription);
  /// The UDP port that beacons arrive at; 0 when off, or while the port cannot be had (sources() says why).
  std::uint16_t beacon_port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace choregos
