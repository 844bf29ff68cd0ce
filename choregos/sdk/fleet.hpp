// A fleet, heard and believed: the sources, the registry's writer, and the wires between them. What Discovery is inside.
//
//   targets:       swarm_dns, static_file, the operator's list ──► http_probe
//   observations:  http_probe, beacon ──► writer
//   signs:         beacon, pulse ──► writer
//   questions:     writer ──► beacon
//
// Lives on the loop's thread, or before the loop runs; writer() may be used from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "choregos/model/source_health.hpp"
#include "choregos/net/address_policy.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/source/beacon/beacon.hpp"
#include "choregos/source/http_probe/http_probe.hpp"
#include "choregos/source/pulse/pulse.hpp"
#include "choregos/source/static_file/static_file.hpp"
#include "choregos/source/swarm_dns/swarm_dns.hpp"
#include "choregos/writer/writer.hpp"

namespace choregos::sdk {

class Fleet {
 public:
  struct Options {
    RegistrySettings registry;
    Revision start;                                     ///< position before the first change
    Writer::Options writer;
    std::vector<Cidr> allowed;                          ///< ranges that may be dialled when somebody else named them
    source::ProbeSettings probe;
    std::vector<Target> targets;                        ///< written down by an operator; origin "configured"
    std::optional<source::SwarmDns::Options> swarm_dns;
    std::optional<source::StaticFile::Options> static_file;
    std::optional<source::Beacon::Options> beacon;
    std::uint64_t seed = 0;                             ///< of all jitter
  };

  /// Everything that can be wrong with options and is not the system's fault. Errors: invalid, naming the setting.
  static Result<void> check(const Options& options);

  /// `options` must pass check(). Makes the writer, so that stored records can be restored before start().
  Fleet(net::Loop& loop, Options options, Registry registry);
  ~Fleet();  ///< stops

  /// Starts the writer, then the sources. Once. Errors: conflict, io.
  Result<void> start();
  /// Sources first, so that nothing is heard any more; then the writer, which applies what it has. Safe to call twice.
  void stop();
  void stop_sources();

  Writer& writer() { return writer_; }
  source::HttpProbe& probe() { return *probe_; }
  net::AddressPolicy& policy() { return policy_; }
  std::vector<SourceHealth> sources() const;
  /// 0 when beacons are off, or their port cannot be had.
  std::uint16_t beacon_port() const { return beacon_ ? beacon_->port() : 0; }
  /// Looks at the files now, for SIGHUP.
  void reload();

 private:
  std::vector<source::Source*> all() const;
  Writer::Options with_asks(Writer::Options from);

  net::Loop& loop_;
  Options options_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);  ///< questions that come late look here first
  net::AddressPolicy policy_;
  Writer writer_;
  std::unique_ptr<source::HttpProbe> probe_;
  std::unique_ptr<source::SwarmDns> swarm_dns_;
  std::unique_ptr<source::StaticFile> static_file_;
  std::unique_ptr<source::Beacon> beacon_;
  std::unique_ptr<source::Pulse> pulse_;
};

}  // namespace choregos::sdk
