// Prometheus text exposition format 0.0.4. Pure; one writer builds one answer.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace choregos::wire {

inline constexpr std::string_view kMetricsMediaType = "text/plain; version=0.0.4; charset=utf-8";

enum class MetricType : std::uint8_t { counter, gauge, histogram, summary, untyped };
std::string_view to_string(MetricType type);

using MetricLabel = std::pair<std::string_view, std::string_view>;

/// family() opens a family, sample() adds to the open one. Names are ours and asserted ([a-z_][a-z0-9_]*, counters end in
/// _total, each family once is the caller's care); label values and help may be any text and are escaped.
class MetricsWriter {
 public:
  MetricsWriter& family(std::string_view name, MetricType type, std::string_view help);
  MetricsWriter& sample(double value, std::initializer_list<MetricLabel> labels = {}) { return sample("", value, {labels.begin(), labels.size()}); }
  MetricsWriter& sample(std::uint64_t value, std::initializer_list<MetricLabel> labels = {});
  /// `suffix` is "_bucket", "_sum" or "_count" of a histogram, else "".
  MetricsWriter& sample(std::string_view suffix, double value, std::span<const MetricLabel> labels);
  /// A histogram sample set: cumulative counts for each upper bound, closed by +Inf, _sum and _count.
  MetricsWriter& histogram(std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum,
                           std::initializer_list<MetricLabel> labels = {});

  const std::string& text() const& { return out_; }
  std::string take() && { return std::move(out_); }

 private:
  void begin_sample(std::string_view suffix, std::span<const MetricLabel> labels, std::string_view le = {});
  void number(double value);

  std::string out_;
  std::string name_;
  MetricType type_ = MetricType::untyped;
};

}  // namespace choregos::wire
