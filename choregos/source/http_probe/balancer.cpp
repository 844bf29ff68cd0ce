#include "choregos/source/http_probe/balancer.hpp"

#include <algorithm>
#include <cmath>

namespace choregos::source {
namespace {
constexpr double kDoubt = 13.8, kOver = 27.6;
}

void Balancer::started(Instant) { in_flight_ = true; }

Lease Balancer::lease(const ProbeSettings& s) const {
  // As many rounds as the evidence takes, and one for the turn of the clock.
  const auto rounds = [&](double evidence) { return std::ceil(evidence * share_) + 1; };
  const auto time = [&](double evidence) { return std::clamp<Duration>(std::chrono::duration_cast<Duration>(s.period * (1.25 * rounds(evidence))) + s.timeout, 10s, 600s); };
  return {time(kDoubt), time(kOver) + 10s};
}

void Balancer::finished(const Target& target, const ProbeResult& result, const ProbeSettings& s, Rng& rng, Moment at, std::vector<Observation>& out) {
  in_flight_ = false;
  if (result.outcome == Outcome::own_fault) {
    due_ = at.now + rng.jitter(1s, 0.2);
    return;
  }
  if (result.outcome == Outcome::answered) {
    Observation o = heard_from(target, s.name, result, at);
    sampler_.add(o.names.id);
    if (!o.names.id.empty() && !replicas_.contains(o.names.id) && replicas_.size() >= limits::dns_address_count_max) {
      // A service that invents ids without end.
    } else if (!o.names.id.empty()) {
      o.lease = lease(s);
      replicas_[o.names.id] = Replica{{o.names, o.incarnation}, 0, false};
      out.push_back(std::move(o));
    } else if (sampler_.distinct() == 0 && replicas_.empty() && sampler_.done()) {
      // Nobody says an id: one service of unknown size, not as many agents as answers.
      nameless_ = true;
      nameless_heard_ = {o.names, o.incarnation};
      o.lease = {s.period + s.period / 4 + 2 * s.timeout, 2 * s.period + 20s};
      out.push_back(std::move(o));
    }
  } else {
    sampler_.add_failure();
  }
  // A round that would outlast its period ends there, and says that it is incomplete.
  const bool over_time = at.now - round_began_ >= s.period;
  if (sampler_.done() || over_time) {
    end_round(target, s, rng, at, out);
    return;
  }
  // Faster than the usual gap only when the round would not fit into its period otherwise.
  const auto tries = static_cast<std::int64_t>(sampler_.tries_max());
  due_ = at.now + std::max<Duration>(10ms, std::min<Duration>(s.sample_gap, s.period * 9 / 10 / tries));
}

void Balancer::end_round(const Target& target, const ProbeSettings& s, Rng& rng, Moment at, std::vector<Observation>& out) {
  ++rounds_;
  const bool failed = sampler_.samples() + sampler_.nameless() == 0;
  rounds_failed_ = failed ? rounds_failed_ + 1 : 0;
  const std::string where = to_string(target.address);

  if (failed && rounds_failed_ == 2) {
    const Lease soon{{}, std::max<Duration>(10s, 2 * s.period)};
    for (auto& [id, replica] : replicas_) {
      replica.doubted = true;
      out.push_back(failure_of(replica.heard, s.name, vip_subject(target.address, id), ObservationKind::doubt, soon, "nobody answers behind " + where, at));
    }
    if (nameless_) out.push_back(failure_of(nameless_heard_, s.name, vip_subject(target.address, ""), ObservationKind::doubt, soon, "nobody answers behind " + where, at));
  }

  if (sampler_.distinct() > 0) {
    complete_ = sampler_.complete();
    // Those met before and not given up may live too when this round could not meet all.
    estimate_ = static_cast<double>(sampler_.distinct()) + sampler_.unseen();
    const double d = complete_ ? std::max(1.0, std::round(estimate_)) : std::max<double>({1.0, static_cast<double>(replicas_.size()), std::min(estimate_, 10.0 * static_cast<double>(sampler_.distinct()))});
    const auto n = static_cast<double>(sampler_.samples());
    share_ = d / n;
    for (auto it = replicas_.begin(); it != replicas_.end();) {
      auto& [id, replica] = *it;
      if (sampler_.saw(id)) {
        ++it;
        continue;
      }
      replica.missing += n / d;
      const std::string reason = "others answer behind " + where + ", it no longer does";
      if (replica.missing >= kOver) {
        out.push_back(failure_of(replica.heard, s.name, vip_subject(target.address, id), ObservationKind::doubt, {Duration{}, Duration{}}, reason, at));
        it = replicas_.erase(it);
        continue;
      }
      if (replica.missing >= kDoubt && !replica.doubted) {
        replica.doubted = true;
        out.push_back(failure_of(replica.heard, s.name, vip_subject(target.address, id), ObservationKind::doubt, lease(s), reason, at));
      }
      ++it;
    }
    if (nameless_) {
      nameless_ = false;
      out.push_back(failure_of(nameless_heard_, s.name, vip_subject(target.address, ""), ObservationKind::refused, {}, "its replicas now say their ids", at));
    }
  } else if (!failed) {
    complete_ = false;
  }

  const Duration wait = rounds_failed_ == 1 ? rng.jitter(1s, 0.2) : rng.jitter(s.period, s.jitter);
  due_ = std::max(round_began_ + wait, at.now + std::min<Duration>(s.sample_gap, s.period / 10));
  round_began_ = due_;
  sampler_ = Sampler(s.sample_count_max);
}

void Balancer::end(const std::string& source, const std::string& reason, Moment at, std::vector<Observation>& out) {
  for (const auto& [id, replica] : replicas_) out.push_back(failure_of(replica.heard, source, "vip/" + to_string(*replica.heard.names.address) + "/" + id, ObservationKind::refused, {}, reason, at));
  if (nameless_) out.push_back(failure_of(nameless_heard_, source, "vip/" + to_string(*nameless_heard_.names.address), ObservationKind::refused, {}, reason, at));
  replicas_.clear();
  nameless_ = false;
}

}  // namespace choregos::source
