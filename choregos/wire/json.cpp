#include "choregos/wire/json.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "choregos/base/text.hpp"
#include "choregos/wire/utf8.hpp"

namespace choregos::wire {
namespace {

namespace bj = boost::json;

bool has_forbidden(std::string_view text, JsonText rule) {
  if (rule == JsonText::any || !has_hidden_characters(text)) return false;
  if (rule == JsonText::plain) return true;
  std::string rest;
  for (const char c : text)
    if (c != '\n' && c != '\r' && c != '\t') rest += c;
  return has_hidden_characters(rest);
}

/// Takes the events of Boost.JSON's parser and builds the tree itself: value_stack would let the last of two equal keys win
/// without a word.
class Builder {
 public:
  // Bounds of the parser template; ours are checked below, where the message can name them.
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  using Code = bj::error_code;

  explicit Builder(JsonRules rules) : rules_(rules) {}

  const std::string& complaint() const { return complaint_; }
  bj::value take() { return std::move(result_); }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return open(bj::value(bj::object_kind)); }
  bool on_array_begin(Code&) { return open(bj::value(bj::array_kind)); }
  bool on_object_end(std::size_t, Code& ec) { return close(ec); }
  bool on_array_end(std::size_t, Code& ec) { return close(ec); }
  bool on_key_part(bj::string_view part, std::size_t, Code&) { return gather(part); }
  bool on_key(bj::string_view part, std::size_t, Code& ec) {
    gather(part);
    if (has_forbidden(text_, rules_.text)) return refuse("a key has control, bidi or invisible characters", ec);
    Level& level = levels_.back();
    if (level.container.as_object().contains(text_)) return refuse("the key \"" + printable(text_.substr(0, 64)) + "\" is there twice", ec);
    level.key = std::exchange(text_, {});
    return true;
  }
  bool on_string_part(bj::string_view part, std::size_t, Code&) { return gather(part); }
  bool on_string(bj::string_view part, std::size_t, Code& ec) {
    gather(part);
    if (has_forbidden(text_, rules_.text)) return refuse("a string has control, bidi or invisible characters", ec);
    bj::value text(text_);
    text_.clear();
    return add(std::move(text), ec);
  }
  bool on_number_part(bj::string_view part, Code&) { return gather(part); }
  bool on_int64(std::int64_t number, bj::string_view, Code& ec) {
    text_.clear();
    return add(number, ec);
  }
  bool on_uint64(std::uint64_t number, bj::string_view, Code& ec) {
    text_.clear();
    return add(number, ec);
  }
  /// Boost.JSON 1.81 rounds some decimals wrongly in the last bit; from_chars does not, so text -> number -> text is stable.
  bool on_double(double rough, bj::string_view part, Code& ec) {
    gather(part);
    double number = 0;
    const auto error = std::from_chars(text_.data(), text_.data() + text_.size(), number).ec;
    text_.clear();
    if (error == std::errc::result_out_of_range && std::abs(rough) < 1) number = 0;  // too near to zero to be told from it
    else if (error != std::errc{} || !std::isfinite(number)) return refuse("a number is beyond the range of a double", ec);
    return add(number, ec);
  }
  bool on_bool(bool truth, Code& ec) { return add(truth, ec); }
  bool on_null(Code& ec) { return add(nullptr, ec); }
  bool on_comment_part(bj::string_view, Code&) { return true; }
  bool on_comment(bj::string_view, Code&) { return true; }

 private:
  struct Level {
    bj::value container;
    std::string key;
  };

  bool open(bj::value container) {
    levels_.push_back({std::move(container), {}});
    return true;
  }
  bool close(Code& ec) {
    bj::value done = std::move(levels_.back().container);
    levels_.pop_back();
    return add(std::move(done), ec);
  }
  bool gather(bj::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool add(bj::value value, Code& ec) {
    if (levels_.empty()) {
      result_ = std::move(value);
      return true;
    }
    Level& level = levels_.back();
    const bool is_object = level.container.is_object();
    const std::size_t size = is_object ? level.container.get_object().size() : level.container.get_array().size();
    if (size >= rules_.member_count_max)
      return refuse("an object or array has more than " + std::to_string(rules_.member_count_max) + " members", ec);
    if (is_object) level.container.get_object().emplace(level.key, std::move(value));
    else level.container.get_array().push_back(std::move(value));
    return true;
  }
  bool refuse(std::string complaint, Code& ec) {
    complaint_ = std::move(complaint);
    ec = bj::error::exception;
    return false;
  }

  JsonRules rules_;
  std::vector<Level> levels_;
  std::string text_;  ///< of the key or string that is being read
  std::string complaint_;
  bj::value result_;
};

std::string describe(const bj::error_code& ec) {
  if (ec == bj::error::incomplete) return "the text ends before the value does";
  if (ec == bj::error::extra_data) return "something follows the value";
  if (ec == bj::error::too_deep) return "arrays and objects are nested too deep";
  if (ec == bj::error::illegal_leading_surrogate || ec == bj::error::illegal_trailing_surrogate ||
      ec == bj::error::expected_utf16_escape)
    return "a \\u escape is half of a surrogate pair";
  if (ec == bj::error::exponent_overflow) return "a number is beyond the range of a double";
  if (ec == bj::error::syntax) return "this is not JSON";
  return ec.message();
}

Error at_byte(std::size_t offset, const std::string& what) {
  return fail(ErrorCode::invalid, "JSON at byte " + std::to_string(offset) + ": " + what);
}

/// Bytes that go into a JSON string as they are: printable ASCII but '"' and '\\'.
constexpr std::array<bool, 256> plain_bytes() {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = plain_bytes();

void append_escape(std::string& out, unsigned char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
  }
}

}  // namespace

Result<bj::value> parse_json(std::string_view text, const JsonRules& rules) {
  if (text.size() > rules.bytes_max)
    return fail(ErrorCode::too_large, "the JSON has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(rules.bytes_max) + " are read");
  // Boost.JSON checks the UTF-8 of strings; checking all of it first gives one clear message and one meaning.
  if (!is_utf8(text)) return fail(ErrorCode::invalid, "the JSON is not valid UTF-8");
  bj::parse_options options;
  options.max_depth = rules.depth_max;
  bj::basic_parser<Builder> parser(options, rules);
  bj::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!parser.handler().complaint().empty()) return at_byte(used, parser.handler().complaint());
  if (ec) return at_byte(used, describe(ec));
  if (used < text.size()) return at_byte(used, describe(bj::error::extra_data));
  return parser.handler().take();
}

Result<bj::value> parse_json(std::string_view text, std::size_t bytes_max) {
  JsonRules rules;
  rules.bytes_max = bytes_max;
  return parse_json(text, rules);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    std::size_t run = 0;
    while (run < text.size() && kPlain[static_cast<unsigned char>(text[run])]) ++run;
    out.append(text.data(), run);
    text.remove_prefix(run);
    if (text.empty()) break;
    const auto c = static_cast<unsigned char>(text.front());
    if (c < 0x80) {
      append_escape(out, c);
      text.remove_prefix(1);
      continue;
    }
    const std::size_t n = character_bytes(text);
    const std::string_view character = text.substr(0, n);
    if (n == 0) out += kReplacement;
    else if (character == "\xe2\x80\xa8") out += "\\u2028";
    else if (character == "\xe2\x80\xa9") out += "\\u2029";
    else out += character;
    text.remove_prefix(n == 0 ? 1 : n);
  }
  out += '"';
}

void JsonWriter::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (depth_ == 0) {
    assert(out_.empty());  // one value is one text
    return;
  }
  const std::uint64_t bit = std::uint64_t{1} << (depth_ - 1);
  assert((objects_ & bit) == 0);  // in an object a key comes first
  if ((filled_ & bit) != 0) out_ += ',';
  filled_ |= bit;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  assert(depth_ > 0 && !after_key_);
  const std::uint64_t bit = std::uint64_t{1} << (depth_ - 1);
  assert((objects_ & bit) != 0);
  if ((filled_ & bit) != 0) out_ += ',';
  filled_ |= bit;
  append_json_string(out_, name);
  out_ += ':';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::open(char bracket, bool is_object) {
  separate();
  assert(depth_ < 8 * sizeof objects_);  // a bit for each level; what is read has json_depth_max
  const std::uint64_t bit = std::uint64_t{1} << depth_;
  ++depth_;
  objects_ = is_object ? objects_ | bit : objects_ & ~bit;
  filled_ &= ~bit;
  out_ += bracket;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket, [[maybe_unused]] bool is_object) {
  assert(depth_ > 0 && !after_key_);
  --depth_;
  assert(((objects_ >> depth_ & 1) != 0) == is_object);
  out_ += bracket;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::signed_number(std::int64_t number) {
  separate();
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out_.append(digits.data(), end);
  return *this;
}

JsonWriter& JsonWriter::unsigned_number(std::uint64_t number) {
  separate();
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out_.append(digits.data(), end);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  separate();
  std::array<char, 40> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out_.append(digits.data(), end);
  if (number == 0 && std::signbit(number)) out_ += ".0";  // "-0" would read back as the integer 0
  return *this;
}

JsonWriter& JsonWriter::value(bool truth) {
  separate();
  out_ += truth ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  separate();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::value(const bj::value& tree) {
  switch (tree.kind()) {
    case bj::kind::null: return null();
    case bj::kind::bool_: return value(tree.get_bool());
    case bj::kind::int64: return value(tree.get_int64());
    case bj::kind::uint64: return value(tree.get_uint64());
    case bj::kind::double_: return value(tree.get_double());
    case bj::kind::string: return value(std::string_view(tree.get_string().data(), tree.get_string().size()));
    case bj::kind::array:
      begin_array();
      for (const bj::value& item : tree.get_array()) value(item);
      return end_array();
    case bj::kind::object:
      begin_object();
      for (const auto& item : tree.get_object()) key(std::string_view(item.key().data(), item.key().size())).value(item.value());
      return end_object();
  }
  return null();
}

std::string to_json(const bj::value& tree) {
  JsonWriter out;
  out.value(tree);
  return std::move(out).take();
}

}  // namespace choregos::wire
