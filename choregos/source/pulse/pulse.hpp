// Our own pulse: ten times a second it says up to when this host has listened, and it notices when it has not. Silence of others
// is judged only up to there, so what it says must be true: everything that arrived until then has been handed over before.
//
//   tick at t ──► let the loop work off every socket that was readable at t ──► read the beacon sockets dry ──► `listened` until
//                                                                                min(t, what the sockets say) − 10 ms
//
// The sockets of beacons say themselves how far they were read, by the kernel's arrival times, also when a flood cuts the reading
// short. Streams have no such stamps; of them the loop serves at most 128 a round (the size of Asio's list of events), each once
// before any a second time, and kRounds rounds are waited for: some 2000 connections that became readable in one instant. The
// 10 ms are for what the kernel has stamped and not queued yet.
//
// A stall needs no measuring here: the next `until` simply lies far behind the last one. `lag` and `suspended` are told all the
// same, for they say how far this host can be trusted.
//
// Lives on the loop's thread; so does every function that it is given.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "choregos/net/loop.hpp"
#include "choregos/source/source.hpp"

namespace choregos::source {

class Pulse {
 public:
  static constexpr Duration kPeriod = 100ms;
  static constexpr Duration kLagMax = 250ms;      ///< later than this is a sign of an overloaded host
  static constexpr Duration kSuspendMin = 1s;     ///< that CLOCK_BOOTTIME gained on CLOCK_MONOTONIC
  static constexpr Duration kStampSlack = 10ms;
  static constexpr int kRounds = 16;

  struct Options {
    std::string name = "net";  ///< Sign::source
    /// Reads sockets dry, and says up to when they have been (Beacon::drain). Instant::never() = there are none. Unset = same.
    std::function<Instant()> drain;
    /// How much longer the machine has run than this process could see: CLOCK_BOOTTIME minus CLOCK_MONOTONIC. Unset = asks them.
    std::function<Duration()> slept;
  };

  Pulse(net::Loop& loop, Options options, SubmitSign submit);
  ~Pulse();

  void start();
  /// No sign is given after it returns. Safe to call twice.
  void stop();

 private:
  void tick();
  void round(Instant began, int left);
  void listened(Instant began);
  Sign sign(SignKind kind, Instant at) const;

  net::Loop& loop_;
  const Options options_;
  const SubmitSign submit_;
  net::Timer timer_;
  Instant due_;
  Instant until_ = Instant::min();
  Duration slept_{};
  bool working_ = false;         ///< the rounds of an earlier tick go on
  std::shared_ptr<bool> here_;   ///< what was posted looks here first
};

}  // namespace choregos::source
