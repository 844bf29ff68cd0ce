#include "choregos/wire/metrics.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>

#include "choregos/wire/utf8.hpp"

namespace choregos::wire {
namespace {

[[maybe_unused]] bool is_metric_name(std::string_view name) {
  if (name.empty() || !(name.front() == '_' || (name.front() >= 'a' && name.front() <= 'z'))) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

/// Text as the format wants it: backslash and line feed escaped, quotes too inside a label value; always valid UTF-8.
void append_escaped(std::string& out, std::string_view text, bool in_quotes) {
  while (!text.empty()) {
    const std::size_t n = character_bytes(text);
    const char c = text.front();
    if (n == 0) out += kReplacement;
    else if (c == '\n') out += "\\n";
    else if (c == '\\') out += "\\\\";
    else if (c == '"' && in_quotes) out += "\\\"";
    else out += text.substr(0, n);
    text.remove_prefix(n == 0 ? 1 : n);
  }
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 40> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

}  // namespace

std::string_view to_string(MetricType type) {
  static constexpr std::array<std::string_view, 5> kWords{"counter", "gauge", "histogram", "summary", "untyped"};
  return kWords[static_cast<std::size_t>(type)];
}

MetricsWriter& MetricsWriter::family(std::string_view name, MetricType type, std::string_view help) {
  assert(is_metric_name(name));
  assert(type != MetricType::counter || name.ends_with("_total"));
  name_ = std::string(name);
  type_ = type;
  out_.append("# HELP ").append(name) += ' ';
  append_escaped(out_, help, false);
  out_.append("\n# TYPE ").append(name).append(" ").append(to_string(type)) += '\n';
  return *this;
}

void MetricsWriter::begin_sample(std::string_view suffix, std::span<const MetricLabel> labels, std::string_view le) {
  assert(!name_.empty());
  out_.append(name_).append(suffix);
  char separator = '{';
  const auto label = [&](std::string_view name, std::string_view value) {
    assert(is_metric_name(name));
    out_ += separator;
    out_.append(name) += "=\"";
    append_escaped(out_, value, true);
    out_ += '"';
    separator = ',';
  };
  for (const auto& [name, value] : labels) label(name, value);
  if (!le.empty()) label("le", le);
  out_ += separator == ',' ? "} " : " ";
}

void MetricsWriter::number(double value) {
  out_ += number_text(value);
  out_ += '\n';
}

MetricsWriter& MetricsWriter::histogram(std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum,
                                        std::initializer_list<MetricLabel> labels) {
  assert(type_ == MetricType::histogram && counts.size() == bounds.size() + 1);
  const std::span<const MetricLabel> all(labels.begin(), labels.size());
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    begin_sample("_bucket", all, i < bounds.size() ? number_text(bounds[i]) : "+Inf");
    integer(total);
  }
  begin_sample("_sum", all);
  number(sum);
  begin_sample("_count", all);
  integer(total);
  return *this;
}

}  // namespace choregos::wire
