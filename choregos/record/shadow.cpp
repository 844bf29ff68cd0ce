#include "choregos/record/shadow.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace choregos::record {

Result<std::unique_ptr<Shadow>> Shadow::create(const RegistrySettings& settings, const std::vector<std::string>& assignments, Revision start, std::size_t waiting_max) {
  OtherSettings other{settings, {}, {}};
  std::string text;
  for (const std::string& assignment : assignments) {
    if (auto set = other.set(assignment); !set) return set.error();
    text += (text.empty() ? "" : ", ") + assignment;
  }
  return std::unique_ptr<Shadow>(new Shadow(other, std::move(text), start, waiting_max));
}

Shadow::Shadow(OtherSettings settings, std::string text, Revision start, std::size_t waiting_max)
    : Tape(waiting_max), text_(std::move(text)), understudy_(settings, start) {
  Tape::start();
}

Shadow::~Shadow() { stop(); }

void Shadow::seal(TapeBatch& batch, std::span<const Change> changes) { batch.changes.assign(changes.begin(), changes.end()); }

void Shadow::work(TapeBatch& batch) {
  for (const wire::RecordingLine& line : batch.lines) understudy_.take(line);
  const std::vector<Change> changes = understudy_.take_changes();
  if (changes.empty() && batch.changes.empty()) return;
  const std::lock_guard lock(state_mutex_);
  comparison_.take(batch.changes, changes);
}

Comparison Shadow::comparison() const {
  const std::lock_guard lock(state_mutex_);
  return comparison_;
}

std::vector<Comparison::Difference> Shadow::take_differences() {
  const std::lock_guard lock(state_mutex_);
  const auto& all = comparison_.differences();
  const std::uint64_t count = comparison_.difference_count();
  const std::uint64_t fresh = std::min<std::uint64_t>(count - std::exchange(told_, count), all.size());
  return {all.end() - static_cast<std::ptrdiff_t>(fresh), all.end()};
}

SourceHealth Shadow::health() const {
  SourceHealth out;
  out.name = "shadow";
  out.kind = "shadow";
  out.state = cut() ? SourceState::degraded : SourceState::ok;
  out.detail = cut() ? "could not keep up and has ended" : "tries " + text_;
  if (cut()) {
    out.last_error = "too many inputs waited for it";
    out.advice = "it needs a core of its own; restart choregosd to try again; the list is not affected";
  }
  const std::uint64_t waits = waiting();
  const std::lock_guard lock(state_mutex_);
  const Comparison& c = comparison_;
  out.counters = {{"lost", c.of_understudy().lost}, {"false_removals", c.of_understudy().false_removals}, {"false_removals_in_force", c.of_actor().false_removals},
                  {"earlier", c.earlier()},         {"later", c.later()}};
  out.gauges = {{"only_shadow_lost", c.only_understudy()}, {"only_in_force_lost", c.only_actor()}, {"waiting", waits}};
  return out;
}

void Shadow::write_metrics(wire::MetricsWriter& out) const {
  using enum wire::MetricType;
  const auto seconds = [](Duration d) { return std::chrono::duration<double>(d).count(); };
  const std::lock_guard lock(state_mutex_);
  const Comparison& c = comparison_;
  out.family("choregos_shadow_lost_total", counter, "Agents declared lost, by the settings in force and by the shadow's.")
      .sample(c.of_actor().lost, {{"settings", "in_force"}})
      .sample(c.of_understudy().lost, {{"settings", "shadow"}});
  out.family("choregos_shadow_false_removals_total", counter, "Of these, agents that were heard again in the same life.")
      .sample(c.of_actor().false_removals, {{"settings", "in_force"}})
      .sample(c.of_understudy().false_removals, {{"settings", "shadow"}});
  out.family("choregos_shadow_only_lost", gauge, "Agents that are lost now by one of the two alone.")
      .sample(c.only_actor(), {{"settings", "in_force"}})
      .sample(c.only_understudy(), {{"settings", "shadow"}});
  out.family("choregos_shadow_detections_total", counter, "Agents that both lost, by whether the shadow was earlier or later.")
      .sample(c.earlier(), {{"shadow", "earlier"}})
      .sample(c.later(), {{"shadow", "later"}});
  out.family("choregos_shadow_detection_seconds_total", counter, "By how much it was, summed up.")
      .sample(seconds(c.earlier_by()), {{"shadow", "earlier"}})
      .sample(seconds(c.later_by()), {{"shadow", "later"}});
}

}  // namespace choregos::record
