// JSON in and out. In: one strict parser for everything that comes from outside; it refuses what different programs read
// differently (duplicate keys, 1e400, lone surrogates) and what could exhaust or fool us (depth, sizes, hidden
// characters). Out: an append-only text builder whose result is valid UTF-8 JSON whatever it is fed.
//
// Pure; any thread. docs/decisions/json.md says why these two and no third.
#pragma once

#include <boost/json/value.hpp>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "choregos/base/limits.hpp"
#include "choregos/base/result.hpp"

namespace choregos::wire {

/// What strings and keys may hold, beyond being valid UTF-8.
enum class JsonText : std::uint8_t {
  plain,      ///< no control, bidi or invisible characters (base/text.hpp)
  multiline,  ///< plain, and line feed, carriage return and tab
  any,        ///< everything; the reader checks each field that it keeps
};

struct JsonRules {
  std::size_t bytes_max = limits::body_bytes_max;
  std::size_t depth_max = limits::json_depth_max;                ///< arrays and objects within each other; 1 = none inside another
  std::size_t member_count_max = limits::json_member_count_max;  ///< of one object or array
  JsonText text = JsonText::plain;
};

/// The whole text is one JSON value of RFC 8259, and nothing else. Numbers come as int64, uint64 or, if neither holds
/// them, as a finite double. Errors name the byte offset and what is wrong there: too_large (bytes_max), invalid.
Result<boost::json::value> parse_json(std::string_view text, const JsonRules& rules);
Result<boost::json::value> parse_json(std::string_view text, std::size_t bytes_max = limits::body_bytes_max);

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD; controls, DEL and the line
/// separators U+2028/9 are escaped, so the result is one line and safe inside JavaScript and SSE.
void append_json_string(std::string& out, std::string_view text);

/// Builds one JSON text by appending. Commas and colons come by themselves. Calls must nest properly (asserted): inside
/// an object key() before each value, and each begin_ closed by its end_. Nesting is bounded by 64.
class JsonWriter {
 public:
  explicit JsonWriter(std::size_t reserve = 256) { out_.reserve(reserve); }

  JsonWriter& begin_object() { return open('{', true); }
  JsonWriter& end_object() { return close('}', true); }
  JsonWriter& begin_array() { return open('[', false); }
  JsonWriter& end_array() { return close(']', false); }
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  template <class Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool> && !std::is_same_v<Int, char>)
  JsonWriter& value(Int number) {
    if constexpr (std::is_signed_v<Int>) return signed_number(number);
    else return unsigned_number(number);
  }
  /// The shortest text that reads back to the same double; null when it is not finite.
  JsonWriter& value(double number);
  JsonWriter& value(bool truth);
  JsonWriter& null();
  /// A value that is already JSON text, such as a cached record. The caller vouches that it is one whole value.
  JsonWriter& raw(std::string_view json);
  /// Any tree of Boost.JSON; depth is bounded by what parse_json lets in.
  JsonWriter& value(const boost::json::value& tree);

  template <class Value>
  JsonWriter& member(std::string_view name, const Value& v) {
    return key(name).value(v);
  }

  /// True when one whole value was written and everything is closed.
  bool complete() const { return depth_ == 0 && !out_.empty(); }
  /// What was written so far; a whole JSON text when complete().
  const std::string& text() const& { return out_; }
  std::string take() && {
    assert(complete());
    return std::move(out_);
  }

 private:
  JsonWriter& open(char bracket, bool is_object);
  JsonWriter& close(char bracket, bool is_object);
  void separate();
  JsonWriter& signed_number(std::int64_t number);
  JsonWriter& unsigned_number(std::uint64_t number);

  std::string out_;
  std::uint64_t objects_ = 0;  ///< bit per open level: it is an object
  std::uint64_t filled_ = 0;   ///< bit per open level: it has a member already
  unsigned depth_ = 0;
  bool after_key_ = false;
};

/// The tree as JSON text, by JsonWriter's rules.
std::string to_json(const boost::json::value& tree);

}  // namespace choregos::wire
