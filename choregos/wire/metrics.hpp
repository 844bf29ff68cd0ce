// Prometheus text exposition format 0.0.4. Pure; one writer builds one answer.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
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
  template <class Number>
    requires std::is_arithmetic_v<Number>
  MetricsWriter& sample(Number value, std::initializer_list<MetricLabel> labels = {}) {
    return sample(value, std::span<const MetricLabel>(labels.begin(), labels.size()));
  }
  template <class Number>
    requires std::is_arithmetic_v<Number>
  MetricsWriter& sample(Number value, std::span<const MetricLabel> labels) {
    begin_sample("", labels);
    if constexpr (std::is_floating_point_v<Number>) number(value);
    else integer(value);
    return *this;
  }
  /// The samples of one histogram. `counts[i]` observations were at most bounds[i] and above the bound before (not
  /// cumulative; that is made here); one further count is for those above all bounds.
  MetricsWriter& histogram(std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum,
                           std::initializer_list<MetricLabel> labels = {});

  const std::string& text() const& { return out_; }
  std::string take() && { return std::move(out_); }

 private:
  void begin_sample(std::string_view suffix, std::span<const MetricLabel> labels, std::string_view le = {});
  void number(double value);
  template <class Int>
  void integer(Int value) {
    out_ += std::to_string(value);
    out_ += '\n';
  }

  std::string out_;
  std::string name_;
  MetricType type_ = MetricType::untyped;
};

}  // namespace choregos::wire
