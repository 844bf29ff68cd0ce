// The track of one target: when it is probed next, and what the outcomes of its probes prove. Pure: time and chance come in.
//
//   healthy      every period with jitter; the second probe falls anywhere in the first period, so that a fleet spreads
//   first loss   of a target that has answered before: again after 200 ms (twice when refused), then each second until the
//                verdict, then backing off to the period
//   stranger     has never answered: backs off from 1 s to the period, proves nothing
//   broke        the peer ended the kept-alive connection: again at once, at most once a second
//
//   refused twice, 200 ms apart            the channel is dead; after a connection that broke: the process is dead
//   silent after its connection broke      doubt at once
//   silent twice or more (by its own loss) doubt; lost when silence.hpp says that it is enough
//   another status, twice                  doubt: reachable, unwell
//   draining, and silent twice             over
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "choregos/base/rng.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/source/http_probe/probe.hpp"
#include "choregos/source/http_probe/silence.hpp"

namespace choregos::source {

/// What a turn of the track has to tell the registry: nothing when `kind` is unset.
struct Finding {
  std::optional<ObservationKind> kind;
  Lease lease;
  std::string reason;
};

class Track {
 public:
  /// The first probe is due at once.
  explicit Track(Instant now) : due_(now) {}

  Instant due() const { return in_flight_ ? Instant::never() : due_; }
  bool in_flight() const { return in_flight_; }
  void started(Instant now);
  Finding finished(const ProbeResult& result, bool draining, const ProbeSettings& settings, Rng& rng, Instant now);
  /// The peer ended the idle connection. Never evidence by itself: many servers close idle connections.
  void idle_closed(const ProbeSettings& settings, Instant now);
  /// Probe as soon as allowed: the target became interesting (draining, say).
  void hurry(Instant now);
  /// Forgets what it believed, because somebody else lives there now; keeps its pace.
  void renew(Instant now);

  /// For the probe that is about to start.
  Duration time_max(const ProbeSettings& settings) const;
  bool keep_alive() const { return fresh_left_ == 0; }

  bool known() const { return known_; }          ///< has answered since it was made or renewed
  bool answering() const { return known_ && !failing(); }
  bool failing() const { return failures_ != 0; }
  /// Healthy, or known and not yet given up: probed before strangers and the dead.
  bool hopeful() const { return known_ && !over_; }
  /// Twice in a row there was nobody who could speak: not even an unwell answer.
  bool silent() const { return failures_ >= 2 && (is_miss(last_outcome_) || last_outcome_ == Outcome::refused || last_outcome_ == Outcome::reset); }
  Outcome last_outcome() const { return last_outcome_; }
  Duration latency() const { return latency_; }
  std::size_t failures() const { return failures_; }  ///< in a row
  double loss() const { return silence_.loss(); }

 private:
  Finding failed(const ProbeResult& result, bool draining, const ProbeSettings& settings, Instant now);
  Duration wait_after_failure(const ProbeResult& result, const ProbeSettings& settings, Rng& rng);
  Duration verdict_time(const ProbeSettings& settings) const;

  Instant due_;
  Instant started_ = Instant::min();
  bool in_flight_ = false;

  // What the target is like.
  bool known_ = false;
  Duration latency_{};
  Duration latency_worst_{};      ///< fading maximum
  SilenceMeter silence_;
  unsigned closes_survived_ = 0;  ///< idle closes in a row after which it answered: from the second on it is a habit
  unsigned quick_closes_ = 0;     ///< of these, within a second of the answer
  unsigned fresh_left_ = 0;       ///< probes for which keep-alive is not worth it
  Instant answered_at_ = Instant::min();
  Instant rushed_at_ = Instant::min();  ///< last probe brought forward by an idle close

  // The episode of failures under way.
  unsigned failures_ = 0;
  unsigned misses_ = 0;
  unsigned refusals_ = 0;         ///< in a row
  unsigned unwells_ = 0;
  bool broke_ = false;
  bool closed_idle_ = false;      ///< the next answer decides whether closing was a habit
  bool doubted_ = false;
  bool over_ = false;             ///< refused, dead or a verdict by silence was reported
  Instant silent_since_ = Instant::min();
  Duration backoff_ = 1s;
  Outcome last_outcome_ = Outcome::own_fault;
};

}  // namespace choregos::source
