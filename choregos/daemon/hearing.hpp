// Every way in which choregosd hears of agents, made from the settings and wired to each other: Swarm, Docker, the target list
// and registrations say whom to probe, the probe says who has gone silent, Docker adds what it knows of those who were heard,
// and all observations go to the writer. Its questions to agents that fell quiet come back the same way; what this host learns of
// its own ears goes there, too.
//
// Lives on the loop's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "choregos/daemon/belief.hpp"
#include "choregos/daemon/expectations.hpp"
#include "choregos/daemon/logger.hpp"
#include "choregos/daemon/settings.hpp"
#include "choregos/net/address_policy.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/source/beacon/beacon.hpp"
#include "choregos/source/docker_engine/docker_engine.hpp"
#include "choregos/source/http_probe/http_probe.hpp"
#include "choregos/source/pulse/pulse.hpp"
#include "choregos/source/registration/registration.hpp"
#include "choregos/source/static_file/static_file.hpp"
#include "choregos/source/swarm_dns/swarm_dns.hpp"

namespace choregos::daemon {

class Hearing {
 public:
  /// `belief` and `log` outlive it. Errors: those of the beacon key file.
  static Result<std::unique_ptr<Hearing>> create(net::Loop& loop, const Settings& settings, Belief& belief, Logger& log);
  ~Hearing();

  void start();
  /// From now on nothing that our own closing of connections causes counts against an agent, and no packet is sent. Doors
  /// for what is under way stay open until stop().
  void hush();
  void stop();

  /// Takes over another target list, keys and file contents; what cannot be read keeps its old form and is an error.
  Result<void> reload(const Settings& settings);

  /// Null when registrations are off.
  RegistrationDoor* door() { return registration_.get(); }
  /// In a fixed order; those that are not configured are there as `off`.
  std::vector<SourceHealth> health() const;
  /// Names of those that are on: "beacon, registration".
  std::string names() const;
  /// Why lists would still be wrong: polling sources that have neither finished nor failed their first round, or whose
  /// answers cannot be read yet. Empty = none.
  std::vector<std::string> unfinished() const;
  /// The first round is over, or has lasted long enough: unfinished() is not asked again.
  void settle() { settled_ = true; }
  /// What should be there against what is found, as of now.
  ExpectedFound expected() const;
  /// Logs services that no longer match, or match again. Call it about each ten seconds, from the first round on.
  void watch_expected();
  /// Logs changes of state since the last call, and losses. Call it about once a second.
  void watch();
  /// The UDP port that beacons arrive at; 0 = none.
  std::uint16_t beacon_port() const { return beacon_ ? beacon_->port() : 0; }

 private:
  Hearing(net::Loop& loop, const Settings& settings, Belief& belief, Logger& log) : loop_(loop), settings_(settings), belief_(belief), log_(log), expectations_(settings_) {}
  Result<void> build();
  void build_docker_engine();
  void build_static_file(const std::string& path);
  void submit(Observation observation);
  void take_sign(Sign sign);
  void ask(const std::vector<Ask>& asks);
  bool is_our_own_doing(const Observation& observation) const;
  source::PublishTargets to_probe();

  net::Loop& loop_;
  Settings settings_;
  Belief& belief_;
  Logger& log_;
  Expectations expectations_;
  MismatchLog mismatches_;
  bool hushed_ = false;
  bool settled_ = false;
  std::shared_ptr<std::atomic<std::size_t>> untold_ = std::make_shared<std::atomic<std::size_t>>(0);  ///< heard in the first round and not published yet
  bool running_ = false;
  net::AddressPolicy policy_;
  std::unique_ptr<source::HttpProbe> probe_;
  std::unique_ptr<source::SwarmDns> swarm_;
  std::unique_ptr<source::DockerEngine> docker_;
  std::unique_ptr<source::StaticFile> static_file_;
  std::unique_ptr<source::Beacon> beacon_;
  std::unique_ptr<source::Registration> registration_;
  std::unique_ptr<source::Pulse> pulse_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);  ///< questions that come late look here first
  std::map<std::string, std::size_t> published_;  ///< targets by origin
  std::map<std::string, SourceState> states_;
  std::uint64_t dropped_ = 0;
};

/// A seed that no stranger can guess.
std::uint64_t random_seed();

}  // namespace choregos::daemon
