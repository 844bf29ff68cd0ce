// Walking text that may not be UTF-8. For writers whose output must be, whatever they are fed. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "choregos/base/text.hpp"

namespace choregos::wire {

inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

/// Length of the character at the front of non-empty text; 0 when its bytes are not UTF-8.
inline std::size_t character_bytes(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  return text.size() >= length && is_utf8(text.substr(0, length)) ? length : 0;
}

/// The longest beginning of at most `bytes_max` bytes that cuts no character. `text` must be UTF-8.
inline std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

}  // namespace choregos::wire
