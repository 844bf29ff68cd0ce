// choregosd as a whole: its parts in the order in which they start and stop, signals, readiness, reload.
//
// start: store, registry and writer, then the listeners, then the sources. Lists answer 503 until every polling source that
// is on has finished or failed its first round, at most kFirstRoundMax.
// stop: readyz 503 and tethers ended, nothing new heard, answers under way finished, queue drained, store closed, within
// two seconds. A second signal ends the process at once; so does the kernel's alarm after kStopMax.
//
// Everything runs on the thread that calls run().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "choregos/api/http/http_api.hpp"
#include "choregos/base/result.hpp"
#include "choregos/daemon/belief.hpp"
#include "choregos/daemon/config.hpp"
#include "choregos/daemon/hearing.hpp"
#include "choregos/daemon/logger.hpp"
#include "choregos/daemon/notify.hpp"
#include "choregos/daemon/watching.hpp"
#include "choregos/net/http_server.hpp"
#include "choregos/net/loop.hpp"

namespace choregos::daemon {

class Program {
 public:
  static constexpr Duration kFirstRoundMax = 5s;
  static constexpr Duration kDrainMax = 1s;
  static constexpr unsigned kStopMaxSeconds = 5;

  /// `flags` and `machine` are kept for reloads. `build` is what /version tells.
  Program(Config config, CommandLine flags, Machine machine, api::BuildInfo build);
  ~Program();

  /// What a start would refuse besides load_config's errors: secret files that cannot be read. For --check-config.
  static Result<void> check_files(const Settings& settings);

  /// Opens everything; after it the API answers. Errors: io and conflict, as sentences that say what to do.
  Result<void> start();
  /// Until a signal asks to stop; returns the exit code.
  int run();

 private:
  Result<api::GateOptions> gate_options(const Settings& settings) const;
  api::Services services();
  api::Readiness readiness() const;
  Result<void> listen();
  void seal();
  void write_address_files();
  void look_if_ready();
  void on_signal(int number);
  void reload();
  void stop(int signal);
  void finish();

  Config config_;
  const CommandLine flags_;
  const Machine machine_;
  const api::BuildInfo build_;
  Logger log_;
  Notify notify_;
  net::Loop loop_;
  const WallTime started_;
  const Instant started_at_;
  std::unique_ptr<Belief> belief_;
  std::unique_ptr<Hearing> hearing_;
  std::unique_ptr<Watching> watching_;
  std::unique_ptr<api::HttpApi> api_;
  std::unique_ptr<net::HttpServer> server_;
  std::vector<SocketAddress> bound_;
  std::vector<std::string> address_files_;  ///< written by us, removed at the end
  bool ready_ = false;
  bool stopping_ = false;
  bool finished_ = false;
  std::vector<std::string> reasons_{"the sources are starting"};
  std::uint64_t accept_failures_ = 0;
  std::uint64_t watches_ = 0;
  net::Timer ready_timer_, watch_timer_, drain_timer_;
};

}  // namespace choregos::daemon
