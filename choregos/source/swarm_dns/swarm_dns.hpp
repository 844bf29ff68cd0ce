// The source that asks Docker's DNS which addresses the tasks of a Swarm service have, without a Docker socket: A records
// of tasks.<service> every two seconds whatever their TTL says (Docker says 600 s and means nothing by it), PTR for who
// stands at each. What follows from the answers is decided in roster.hpp; this asks.
//
// It yields targets, never agents. Origin "swarm_dns/<service>". Lives on the loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "choregos/base/ip.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/source/source.hpp"
#include "choregos/source/swarm_dns/roster.hpp"

namespace choregos::source {

class SwarmDns : public Source {
 public:
  struct Options {
    std::vector<ServiceSettings> services = {ServiceSettings{}};
    SocketAddress server{IpAddress::v4(127, 0, 0, 11), 53};
    Duration interval = 2s;  ///< between two questions for one service, with 10 % jitter; the first goes out at once
    Duration timeout = 1s;   ///< of one question's first try; it is tried twice
    std::uint64_t seed = 0;
  };
  /// Errors: invalid (no service, a name that is none, an interval under 200 ms), naming it.
  static Result<void> check(const Options& options);

  /// `options` must pass check().
  SwarmDns(net::Loop& loop, Options options, PublishTargets publish);
  ~SwarmDns() override;

  /// Harmless when running already. After stop() it may be started again; what was known is kept.
  void start() override;
  /// No question leaves and nothing is published after it returns. Targets published stay published.
  void stop() override;
  SourceHealth health() const override;

  /// The probe's word that nobody answers at a draining address any more. Others are ignored.
  void target_silent(const SocketAddress& address);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace choregos::source
