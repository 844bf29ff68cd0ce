// The source that asks a Docker Engine: which tasks are agents to be, how they ended, which nodes are down. It subscribes to
// the events, then lists, then lists again when an event hints at something, when somebody else lost an agent of ours,
// while something is about to start or stop, and each period anyway: events are best effort, and Swarm has none for tasks. Of
// events only the end of a task's container is believed as it is. What follows is decided in picture.hpp; this asks.
//
// It yields targets (origin "docker_engine"), positive evidence of death, signs about nodes and reports of what is expected; it never
// makes an agent. It sends GET and nothing else, to seven paths: /_ping, /version, /events, /nodes, /services, /tasks,
// /containers/json. It dials what was configured and nothing else. A failing engine keeps it quiet: what was known stays.
//
// Whoever may talk to the engine's socket is root on its host: docs/OPERATING.md shows a proxy that lets only GET through.
//
// Lives on the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/model/expected.hpp"
#include "choregos/model/sign.hpp"
#include "choregos/net/address_policy.hpp"
#include "choregos/net/http_client.hpp"
#include "choregos/net/loop.hpp"
#include "choregos/source/docker_engine/picture.hpp"
#include "choregos/source/source.hpp"

namespace choregos::source {

/// "unix:///var/run/docker.sock", "tcp://127.0.0.1:2375" or "tcp://docker-proxy:2375"; TLS is not spoken. Errors: invalid.
Result<net::HttpTarget> parse_docker_engine(std::string_view text);

class DockerEngine : public Source {
 public:
  struct Options {
    std::string engine = "unix:///var/run/docker.sock";
    PictureSettings picture;
    Duration period = 5s;      ///< between two looks when nothing happens, with 10 % jitter
    Duration timeout = 5s;     ///< of one question
    Duration retry_max = 5s;   ///< between two tries while the engine fails; the first comes after about 100 ms
    /// Judges a TCP dial, as one that the operator configured. nullptr = everything allowed. Outlives the source.
    const net::AddressPolicy* policy = nullptr;
    std::uint64_t seed = 0;
    std::string user_agent = "choregos";
  };
  struct Takers {
    Submit submit;
    PublishTargets publish;
    std::function<void(Sign)> sign;      ///< may be empty
    ExpectationSink* expected = nullptr; ///< may be null; outlives the source
  };
  /// Errors: invalid, naming the setting.
  static Result<void> check(const Options& options);

  /// `options` must pass check().
  DockerEngine(net::Loop& loop, Options options, Takers takers);
  ~DockerEngine() override;

  /// Harmless when running already. May be started again after stop(); what was known is kept.
  void start() override;
  /// No question leaves and nothing is handed over after it returns. Targets published stay published.
  void stop() override;
  SourceHealth health() const override;

  /// An observation of another source that the registry has taken. Heard: what Docker knows besides is handed over as a
  /// statement. Anything against one of our tasks: look at once, Docker may know how it ended.
  void met(const Observation& observation);
  /// The probe's word that nobody answers at a draining address any more. Others are ignored.
  void target_silent(const SocketAddress& address);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace choregos::source
