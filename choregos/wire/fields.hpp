// Reading named members of a JSON object into values, leniently about what is absent and strictly about what is there.
// The first member of a wrong type is remembered; read on and look at error() once. For the readers of this folder.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"

namespace choregos::wire {

inline std::string_view view(const boost::json::string& text) { return {text.data(), text.size()}; }
inline std::string_view view(boost::json::string_view text) { return {text.data(), text.size()}; }

/// A whole number that is not negative; JavaScript's 3.0 counts, too.
inline std::optional<std::uint64_t> as_count(const boost::json::value& value) {
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_int64() && value.get_int64() >= 0) return static_cast<std::uint64_t>(value.get_int64());
  constexpr double kExact = 9007199254740992.0;  // 2^53: above it a double skips integers
  if (value.is_double() && value.get_double() >= 0 && value.get_double() <= kExact && std::floor(value.get_double()) == value.get_double())
    return static_cast<std::uint64_t>(value.get_double());
  return std::nullopt;
}

inline std::optional<double> as_number(const boost::json::value& value) {
  if (value.is_double()) return value.get_double();
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  return std::nullopt;
}

class Fields {
 public:
  explicit Fields(const boost::json::object& object) : object_(object) {}

  /// Null when absent or JSON null.
  const boost::json::value* find(std::string_view name) const {
    const boost::json::value* value = object_.if_contains(boost::json::string_view(name.data(), name.size()));
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  Fields& text(std::string_view name, std::string& out) {
    if (const auto* value = find(name)) {
      if (value->is_string()) out = std::string(view(value->get_string()));
      else wrong(name, "a string");
    }
    return *this;
  }
  Fields& count(std::string_view name, std::uint64_t& out) {
    if (const auto* value = find(name)) {
      if (const auto number = as_count(*value)) out = *number;
      else wrong(name, "a whole number that is not negative");
    }
    return *this;
  }
  Fields& count32(std::string_view name, std::uint32_t& out) {
    std::uint64_t wide = out;
    count(name, wide);
    if (wide > std::numeric_limits<std::uint32_t>::max()) wrong(name, "below 2^32");
    else out = static_cast<std::uint32_t>(wide);
    return *this;
  }
  Fields& truth(std::string_view name, bool& out) {
    if (const auto* value = find(name)) {
      if (value->is_bool()) out = value->get_bool();
      else wrong(name, "true or false");
    }
    return *this;
  }
  Fields& texts(std::string_view name, std::vector<std::string>& out) {
    if (const auto* value = find(name)) {
      if (!value->is_array()) return wrong(name, "an array of strings");
      for (const auto& item : value->get_array()) {
        if (!item.is_string()) return wrong(name, "an array of strings");
        out.emplace_back(view(item.get_string()));
      }
    }
    return *this;
  }
  Fields& time(std::string_view name, WallTime& out) {
    std::string written;
    text(name, written);
    if (written.empty()) return *this;
    if (const auto time = parse_rfc3339(written)) out = *time;
    else wrong(name, "an RFC 3339 time");
    return *this;
  }
  /// A number of milliseconds, fractions included; below 0 counts as 0.
  Fields& millis(std::string_view name, Duration& out) {
    if (const auto* value = find(name)) {
      constexpr double kMost = 9.0e12;  // 285 years, inside what Duration holds
      const auto number = as_number(*value);
      if (!number) return wrong(name, "a number of milliseconds");
      out = Duration{std::llround(std::min(std::max(*number, 0.0), kMost) * 1e6)};
    }
    return *this;
  }
  Fields& millis(std::string_view name, std::optional<Duration>& out) {
    if (find(name) == nullptr) return *this;
    Duration there{};
    millis(name, there);
    out = there;
    return *this;
  }
  Fields& labels(std::string_view name, Labels& out);
  /// A word of an enumeration, by its parse function.
  template <class Enum>
  Fields& word(std::string_view name, std::optional<Enum> (*parse)(std::string_view), Enum& out) {
    std::string written;
    text(name, written);
    if (written.empty()) return *this;
    if (const auto known = parse(written)) out = *known;
    else wrong(name, "a word that is known here");
    return *this;
  }

  Fields& wrong(std::string_view name, std::string_view right) {
    if (!error_) error_ = fail(ErrorCode::invalid, "the member '" + std::string(name) + "' is not " + std::string(right));
    return *this;
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const boost::json::object& object_;
  std::optional<Error> error_;
};

inline Fields& Fields::labels(std::string_view name, Labels& out) {
  if (const auto* value = find(name)) {
    if (!value->is_object()) return wrong(name, "an object of strings");
    for (const auto& item : value->get_object()) {
      if (!item.value().is_string()) return wrong(name, "an object of strings");
      out.emplace_back(view(item.key()), view(item.value().get_string()));
    }
  }
  return *this;
}

}  // namespace choregos::wire
