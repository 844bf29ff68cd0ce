// The shadow: an understudy beside the registry on the stage, on a thread of its own. It gets the same inputs, nobody acts on
// what it believes, and it reports what its settings would have done: agents that it would have lost though they lived, and
// deaths that it would have noticed earlier or later. It costs what a second registry costs, in memory and in time of a second
// core; when it cannot keep up it ends, and says so.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "choregos/base/limits.hpp"
#include "choregos/model/source_health.hpp"
#include "choregos/record/tape.hpp"
#include "choregos/record/understudy.hpp"
#include "choregos/wire/metrics.hpp"

namespace choregos::record {

class Shadow final : public Tape {
 public:
  /// `assignments` as in OtherSettings::set, over `settings`. Errors: invalid.
  static Result<std::unique_ptr<Shadow>> create(const RegistrySettings& settings, const std::vector<std::string>& assignments, Revision start,
                                                std::size_t waiting_max = limits::recording_queue_count_max);
  ~Shadow() override;

  /// As one more row beside the sources: "shadow". Degraded when it has ended.
  SourceHealth health() const;
  /// Families choregos_shadow_*.
  void write_metrics(wire::MetricsWriter& out) const;
  /// What differed since the last call, at most limits::shadow_difference_count_max.
  std::vector<Comparison::Difference> take_differences();
  /// Sums so far.
  Comparison comparison() const;

 private:
  Shadow(OtherSettings settings, std::string text, Revision start, std::size_t waiting_max);
  void seal(TapeBatch& batch, std::span<const Change> changes) override;
  void work(TapeBatch& batch) override;
  void wound_up() override {}

  const std::string text_;  ///< the settings as given
  Understudy understudy_;   ///< the shadow's thread only

  // Guarded by state_mutex_.
  mutable std::mutex state_mutex_;
  Comparison comparison_;
  std::uint64_t told_ = 0;  ///< differences that were taken
};

}  // namespace choregos::record
