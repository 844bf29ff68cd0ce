// Time has types. Instant is a point on a monotonic clock whose zero means nothing; every verdict uses it. WallTime is
// UTC for people and JSON; no verdict does. Neither reads a clock: the edges do, and pass the values in.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "choregos/base/result.hpp"

namespace choregos {

using Duration = std::chrono::nanoseconds;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;

/// A point on one process's monotonic clock, in nanoseconds.
struct Instant {
  std::int64_t ns = 0;
  auto operator<=>(const Instant&) const = default;
  static constexpr Instant never() { return {INT64_MAX}; }  ///< later than every deadline
  static constexpr Instant min() { return {INT64_MIN}; }
};

/// Saturates at Instant::never() instead of wrapping.
constexpr Instant operator+(Instant t, Duration d) {
  if (t.ns == INT64_MAX) return t;
  if (d.count() > 0 && t.ns > INT64_MAX - d.count()) return Instant::never();
  return {t.ns + d.count()};
}
constexpr Instant operator-(Instant t, Duration d) { return {t.ns - d.count()}; }
constexpr Duration operator-(Instant a, Instant b) { return Duration{a.ns - b.ns}; }

/// UTC in milliseconds since 1970-01-01, the precision of what we show. Zero means "not known".
struct WallTime {
  std::int64_t ms = 0;
  auto operator<=>(const WallTime&) const = default;
};

/// RFC 3339 in UTC with milliseconds: "2026-11-23T10:06:54.120Z". Years outside 0..9999 are clamped.
std::string to_rfc3339(WallTime time);
/// Accepts any offset and 0 to 9 fractional digits; refuses what RFC 3339 section 5.6 does not allow.
Result<WallTime> parse_rfc3339(std::string_view text);

/// "300ms", "2s", "5m", "1h30m", "2d"; a bare number is refused because its unit would be a guess.
Result<Duration> parse_duration(std::string_view text);
/// The shortest text that parse_duration reads back to the same value: "1h30m", "250ms".
std::string format_duration(Duration duration);
/// For people, rounded to one unit: "3 s", "4 min", "2 h", "5 d"; negative values read "0 s".
std::string format_age(Duration age);

}  // namespace choregos
