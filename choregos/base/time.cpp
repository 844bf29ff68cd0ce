#include "choregos/base/time.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace choregos {
namespace {

using std::chrono::days;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::sys_time;

/// Exactly `count` decimal digits at the front of `text`, or nothing.
bool take_digits(std::string_view& text, std::size_t count, int& out) {
  if (text.size() < count) return false;
  out = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take_char(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

Error bad_time(std::string_view text) {
  return fail(ErrorCode::invalid, "'" + std::string(text.substr(0, 40)) + "' is not an RFC 3339 time such as 2026-11-23T10:06:54Z");
}

struct Unit {
  std::string_view name;
  std::int64_t ns;
};
constexpr std::array<Unit, 7> kUnits{{{"d", 86'400'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};

}  // namespace

std::string to_rfc3339(WallTime time) {
  constexpr std::int64_t kMin = -62'167'219'200'000;  // 0000-01-01
  constexpr std::int64_t kMax = 253'402'300'799'999;  // 9999-12-31T23:59:59.999
  const sys_time<milliseconds> point{milliseconds{std::clamp(time.ms, kMin, kMax)}};
  const auto day = std::chrono::floor<days>(point);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{point - day};
  // By hand, because lists render one or two of these per agent and snprintf would be half of their cost.
  std::string out = "0000-00-00T00:00:00.000Z";
  const auto put = [&out](std::size_t last, int value) {
    for (; value != 0; value /= 10) out[last--] = static_cast<char>('0' + value % 10);
  };
  put(3, static_cast<int>(date.year()));
  put(6, static_cast<int>(static_cast<unsigned>(date.month())));
  put(9, static_cast<int>(static_cast<unsigned>(date.day())));
  put(12, static_cast<int>(clock.hours().count()));
  put(15, static_cast<int>(clock.minutes().count()));
  put(18, static_cast<int>(clock.seconds().count()));
  put(22, static_cast<int>(clock.subseconds().count()));
  return out;
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  std::string_view rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool shape = take_digits(rest, 4, year) && take_char(rest, '-') && take_digits(rest, 2, month) && take_char(rest, '-') &&
                     take_digits(rest, 2, day) && (take_char(rest, 'T') || take_char(rest, 't') || take_char(rest, ' ')) &&
                     take_digits(rest, 2, hour) && take_char(rest, ':') && take_digits(rest, 2, minute) && take_char(rest, ':') &&
                     take_digits(rest, 2, second);
  if (!shape || hour > 23 || minute > 59 || second > 60) return bad_time(text);
  int millis = 0;
  if (take_char(rest, '.')) {
    int digits = 0;
    int scale = 100;
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
      millis += (rest.front() - '0') * scale;
      scale /= 10;
      rest.remove_prefix(1);
      if (++digits > 9) return bad_time(text);
    }
    if (digits == 0) return bad_time(text);
  }
  int offset_minutes = 0;
  if (!take_char(rest, 'Z') && !take_char(rest, 'z')) {
    const int sign = take_char(rest, '+') ? 1 : take_char(rest, '-') ? -1 : 0;
    int oh = 0, om = 0;
    if (sign == 0 || !take_digits(rest, 2, oh) || !take_char(rest, ':') || !take_digits(rest, 2, om) || oh > 23 || om > 59)
      return bad_time(text);
    offset_minutes = sign * (oh * 60 + om);
  }
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!rest.empty() || !date.ok()) return bad_time(text);
  const auto point = sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute - offset_minutes} +
                     std::chrono::seconds{second} + milliseconds{millis};
  return WallTime{duration_cast<milliseconds>(point.time_since_epoch()).count()};
}

Result<Duration> parse_duration(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorCode::invalid, "'" + std::string(text.substr(0, 40)) + "' is not a duration such as 300ms, 2s, 5m or 1h30m");
  };
  std::string_view rest = text;
  if (rest == "0") return Duration{0};
  std::int64_t total = 0;
  if (rest.empty()) return bad();
  while (!rest.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc{} || number < 0) return bad();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    std::size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == rest.substr(0, letters); });
    if (unit == kUnits.end() || number > (INT64_MAX - total) / unit->ns) return bad();
    total += number * unit->ns;
    rest.remove_prefix(letters);
  }
  return Duration{total};
}

std::string format_duration(Duration duration) {
  std::int64_t left = duration.count();
  if (left <= 0) return "0s";
  std::string out;
  for (const Unit& unit : kUnits) {
    if (const std::int64_t n = left / unit.ns; n > 0) {
      out += std::to_string(n);
      out += unit.name;
      left %= unit.ns;
    }
  }
  return out;
}

std::string format_age(Duration age) {
  const std::int64_t s = std::max<std::int64_t>(0, age.count() / 1'000'000'000);
  if (s < 120) return std::to_string(s) + " s";
  if (s < 7200) return std::to_string(s / 60) + " min";
  if (s < 172'800) return std::to_string(s / 3600) + " h";
  return std::to_string(s / 86'400) + " d";
}

}  // namespace choregos
