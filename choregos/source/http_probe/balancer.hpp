// A virtual IP over time: rounds of samples (sampler.hpp), and what it means when a replica does not come up in them. Pure.
//
// A replica that lives behind a balancer of D replicas is missed by n samples with a chance of about e^(-n/D). Each round
// adds n/D to the evidence against those that it did not meet; at 13.8 (one in 10^6) they are doubted, at 27.6 (one in
// 10^12) this channel gives them up. Rounds in which nobody answered prove nothing against any one; two of them in a row
// are doubt about all.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "choregos/base/rng.hpp"
#include "choregos/source/http_probe/evidence.hpp"
#include "choregos/source/http_probe/sampler.hpp"

namespace choregos::source {

class Balancer {
 public:
  Balancer(const ProbeSettings& settings, Instant now) : sampler_(settings.sample_count_max), due_(now), round_began_(now) {}

  Instant due() const { return in_flight_ ? Instant::never() : due_; }
  void started(Instant now);
  void finished(const Target& target, const ProbeResult& result, const ProbeSettings& settings, Rng& rng, Moment at, std::vector<Observation>& out);
  /// The target is no longer wanted: everyone heard through it is let go.
  void end(const std::string& source, const std::string& reason, Moment at, std::vector<Observation>& out);

  std::uint64_t rounds() const { return rounds_; }
  std::size_t replicas() const { return replicas_.size(); }  ///< met and not given up
  bool nameless() const { return nameless_; }
  bool answering() const { return rounds_failed_ == 0 && (nameless_ || !replicas_.empty()); }
  /// Of the last whole round: whether all were probably met, and how many there may be.
  bool complete() const { return complete_; }
  double estimate() const { return estimate_; }

 private:
  struct Replica {
    Heard heard;
    double missing = 0;  ///< evidence
    bool doubted = false;
  };
  void end_round(const Target& target, const ProbeSettings& settings, Rng& rng, Moment at, std::vector<Observation>& out);
  Lease lease(const ProbeSettings& settings) const;

  Sampler sampler_;
  Instant due_;
  Instant round_began_;
  bool in_flight_ = false;
  std::map<std::string, Replica> replicas_;
  bool nameless_ = false;           ///< answers, and says no ids: a service of unknown size
  Heard nameless_heard_;
  std::uint64_t rounds_ = 0;
  unsigned rounds_failed_ = 0;      ///< in a row
  bool complete_ = false;
  double estimate_ = 0;
  double share_ = 0.2;              ///< D/n of the last round: what one sample is worth
};

}  // namespace choregos::source
