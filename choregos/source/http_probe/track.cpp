#include "choregos/source/http_probe/track.hpp"

#include <algorithm>

namespace choregos::source {
namespace {

constexpr Duration kSoon = 200ms;
constexpr Duration kRetry = 1s;
/// An outcome this much later than its own time-out was not measured but slept through: our loop stood still.
constexpr Duration kStall = 500ms;
constexpr unsigned kFreshProbes = 30;
/// Our verdict by silence. A doubt, not a refusal: whether many fell silent together only the registry can see.
constexpr Lease kAtOnce{Duration{}, Duration{}};

}  // namespace

void Track::started(Instant now) {
  started_ = now;
  in_flight_ = true;
}

void Track::hurry(Instant now) {
  const Instant earliest = started_ == Instant::min() ? now : std::max(now, started_ + kRetry);
  due_ = std::min(due_, earliest);
}

void Track::renew(Instant now) {
  Track next(now);
  next.due_ = started_ == Instant::min() ? now : std::max(now, started_ + kSoon);
  next.started_ = started_;
  next.in_flight_ = in_flight_;
  *this = next;
}

Duration Track::time_max(const ProbeSettings& s) const {
  // A target whose connection just broke, or that missed a probe, is asked again in less time if it used to be quick: the
  // sooner doubt falls on the dead.
  if (known_ && broke_ && misses_ == 0) return std::min<Duration>(s.timeout, std::max<Duration>(500ms, 4 * latency_worst_));
  if (known_ && misses_ > 0) return std::min<Duration>(s.timeout, std::max<Duration>(1s, 8 * latency_worst_));
  return s.timeout;
}

void Track::idle_closed(const ProbeSettings&, Instant now) {
  if (in_flight_ || !known_) return;
  closed_idle_ = true;
  // Closing that was followed by an answer twice in a row is how this server treats idle connections, no sign of anything.
  if (closes_survived_ < 2) broke_ = true;
  if (answered_at_ != Instant::min() && now - answered_at_ < 1s && ++quick_closes_ >= 3) {
    quick_closes_ = 0;
    fresh_left_ = kFreshProbes;
  }
  const Instant earliest = rushed_at_ == Instant::min() ? now : std::max(now, rushed_at_ + kRetry);
  due_ = std::min(due_, earliest);
  rushed_at_ = due_;
}

Finding Track::finished(const ProbeResult& result, bool draining, const ProbeSettings& s, Rng& rng, Instant now) {
  in_flight_ = false;
  const bool slept = result.outcome == Outcome::timeout && now - started_ > time_max(s) + kStall;
  last_outcome_ = slept ? Outcome::own_fault : result.outcome;
  if (last_outcome_ == Outcome::own_fault) {
    due_ = now + (slept ? kSoon : rng.jitter(kRetry, 0.2));
    return {};
  }
  if (result.outcome == Outcome::forbidden) {
    due_ = now + rng.jitter(s.period, s.jitter);
    return {};
  }
  if (result.outcome != Outcome::answered) {
    Finding finding = failed(result, draining, s, now);
    due_ = now + wait_after_failure(result, s, rng);
    return finding;
  }

  const bool first = !known_;
  if (known_) {
    if (misses_ > 0) silence_.recovered(misses_, now - silent_since_, now);
    silence_.answered();
  }
  if (over_) closes_survived_ = 0;
  else if (closed_idle_) ++closes_survived_;
  known_ = true;
  latency_ = result.latency;
  latency_worst_ = std::max(result.latency, latency_worst_ - latency_worst_ / 10);
  answered_at_ = now;
  if (fresh_left_ > 0) --fresh_left_;
  failures_ = misses_ = refusals_ = unwells_ = 0;
  broke_ = closed_idle_ = doubted_ = over_ = false;
  backoff_ = 1s;
  // The pace is kept from start to start. Targets that were all found at once are spread over their first period.
  const Duration wait = first ? std::chrono::duration_cast<Duration>(s.period * (0.3 + 0.7 * rng.unit())) : rng.jitter(s.period, s.jitter);
  due_ = std::max(started_ + wait, now + std::min<Duration>(kRetry, s.period / 2));
  const Duration suspect_after = s.period + s.period / 4 + 2 * s.timeout;
  return {ObservationKind::heard, {suspect_after, suspect_after + verdict_time(s)}, {}};
}

/// Twice what our own verdict takes: the registry's clock only decides when we could not.
Duration Track::verdict_time(const ProbeSettings& s) const {
  const auto misses = static_cast<std::int64_t>(silence_.misses_for_lost());
  return std::clamp<Duration>(2 * misses * (kRetry + s.timeout), 10s, 180s);
}

Finding Track::failed(const ProbeResult& result, bool draining, const ProbeSettings& s, Instant now) {
  ++failures_;
  refusals_ = result.outcome == Outcome::refused ? refusals_ + 1 : 0;
  if (!is_miss(result.outcome)) misses_ = 0;  // somebody spoke, so silence begins anew
  else if (misses_++ == 0) silent_since_ = started_;
  if (result.outcome == Outcome::reset) broke_ = broke_ || closes_survived_ < 2;
  if (!known_ || over_) return {};

  if (result.outcome == Outcome::refused) {
    if (refusals_ < 2) return {};
    over_ = true;
    if (broke_) return {ObservationKind::dead, {}, "its connection broke and was then refused twice"};
    return {ObservationKind::refused, {}, "connection refused twice"};
  }

  if (is_miss(result.outcome)) {
    const Duration silence = now - silent_since_;
    if (draining && misses_ >= 2) {
      over_ = true;
      return {ObservationKind::doubt, kAtOnce, "its name left DNS and it no longer answers"};
    }
    if (misses_ >= silence_.misses_for_lost() && silence >= silence_.floor(now)) {
      over_ = true;
      return {ObservationKind::doubt, kAtOnce, "no answer to " + std::to_string(misses_) + " probes in " + format_age(silence)};
    }
    if (doubted_ || !(broke_ || misses_ >= silence_.misses_for_doubt())) return {};
    doubted_ = true;
    const std::string how = result.outcome == Outcome::timeout ? "no answer" : "unreachable";
    return {ObservationKind::doubt, {{}, verdict_time(s)}, broke_ ? "its connection broke, then " + how : how + " to " + std::to_string(misses_) + " probes in a row"};
  }

  if (++unwells_ < 2 || doubted_) return {};
  doubted_ = true;
  std::string what = result.outcome == Outcome::reset ? "closes the connection without an answer" : result.outcome == Outcome::malformed ? "answers something other than HTTP" : "answers " + std::to_string(result.status) + ", only 200 counts";
  if (result.outcome == Outcome::malformed && !result.error.empty()) what = "gives no usable answer: " + result.error;
  return {ObservationKind::doubt, {{}, s.unwell_lost_after}, std::move(what)};
}

Duration Track::wait_after_failure(const ProbeResult& result, const ProbeSettings& s, Rng& rng) {
  if (known_ && !over_) {
    if (failures_ == 1) return kSoon;
    if (is_miss(result.outcome)) return rng.jitter(kRetry, 0.1);
  }
  if (known_ && result.outcome == Outcome::refused && refusals_ == 2 && failures_ == 2) return kSoon;
  // A refusal that follows other failures still gets its partner soon.
  if (known_ && !over_ && refusals_ == 1) return kSoon;
  const Duration wait = std::min(backoff_, s.period);
  backoff_ = std::min<Duration>(2 * backoff_, s.period);
  return rng.jitter(wait, 0.2);
}

}  // namespace choregos::source
