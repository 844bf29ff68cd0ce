// Rules for text that strangers send. Pure functions over bytes; none allocates more than its result.
#pragma once

#include <string>
#include <string_view>

#include "choregos/base/result.hpp"

namespace choregos {

/// Well-formed UTF-8 per RFC 3629: no overlong forms, surrogates or values above U+10FFFF.
bool is_utf8(std::string_view text);

/// True when the text holds a C0 or C1 control, DEL, a bidi control (U+061C, U+200E/F, U+202A-E, U+2066-9), a zero-width
/// or invisible character (U+200B-D, U+2060-4, U+FEFF, U+00AD), a line or paragraph separator, or a tag character.
/// Such text can make one agent look like another or break out of a line. The text must be valid UTF-8.
bool has_hidden_characters(std::string_view text);

/// The word for an id, capability or label key: 1 to 64 of `A-Z a-z 0-9 . _ : / -`, not starting with '.', '-' or '/'.
bool is_word(std::string_view text);
/// As is_word, but says what is wrong; `field` names the field in the message.
Result<void> check_word(std::string_view text, std::string_view field);
/// Free text up to bytes_max: valid UTF-8 with no hidden characters. May be empty.
Result<void> check_text(std::string_view text, std::string_view field, std::size_t bytes_max);

/// Natural order: runs of digits compare as numbers, so agent-2 < agent-10; equal numbers fall back to plain bytes, so
/// that the order is total ("01" < "1") and stable. Returns <0, 0 or >0.
int natural_compare(std::string_view a, std::string_view b);
struct NaturalLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return natural_compare(a, b) < 0; }
};

/// Glob with '*' (any run) and '?' (one byte); no escapes or classes. Linear in pattern × text at worst, no recursion.
bool glob_match(std::string_view pattern, std::string_view text);
/// ASCII lower case; bytes above 127 stay.
std::string to_lower(std::string_view text);
bool contains_ignoring_case(std::string_view text, std::string_view part);
/// Of `candidates`, the one nearest to `word` by edit distance if it is near enough to be a slip; empty otherwise.
template <class Range>
std::string_view nearest_word(std::string_view word, const Range& candidates);
std::size_t edit_distance(std::string_view a, std::string_view b);

/// For a terminal or a log line: controls and hidden characters become U+FFFD, bad UTF-8 bytes too.
std::string printable(std::string_view text);

template <class Range>
std::string_view nearest_word(std::string_view word, const Range& candidates) {
  std::string_view best;
  std::size_t best_distance = word.size() / 2 + 1;
  for (const auto& candidate : candidates) {
    const std::string_view text = candidate;
    if (const std::size_t d = edit_distance(word, text); d < best_distance) best = text, best_distance = d;
  }
  return best_distance <= 3 ? best : std::string_view{};
}

}  // namespace choregos
