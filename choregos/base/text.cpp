#include "choregos/base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "choregos/base/limits.hpp"

namespace choregos {
namespace {

/// Decodes one code point at the front; its length in bytes, or 0 when the bytes are not UTF-8.
std::size_t decode(std::string_view text, char32_t& out) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) {
    out = lead;
    return 1;
  }
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  char32_t point = static_cast<char32_t>(lead & (0x7f >> length));
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    point = point << 6 | static_cast<char32_t>(at(i) & 0x3f);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  if (overlong || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff) return 0;
  out = point;
  return length;
}

bool is_hidden(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe0fff);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    char32_t point = 0;
    const std::size_t n = decode(text, point);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

bool has_hidden_characters(std::string_view text) {
  while (!text.empty()) {
    char32_t point = 0;
    const std::size_t n = decode(text, point);
    if (n == 0 || is_hidden(point)) return true;
    text.remove_prefix(n);
  }
  return false;
}

bool is_word(std::string_view text) {
  if (text.empty() || text.size() > limits::id_bytes_max) return false;
  if (text.front() == '.' || text.front() == '-' || text.front() == '/') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.' || c == '_' || c == ':' || c == '/' || c == '-';
  });
}

Result<void> check_word(std::string_view text, std::string_view field) {
  if (is_word(text)) return {};
  std::string what = text.empty() ? "is empty" : text.size() > limits::id_bytes_max ? "is longer than 64 bytes" : "has characters that are not allowed";
  return fail(ErrorCode::invalid, std::string(field) + " " + what + "; write 1 to 64 of A-Z a-z 0-9 . _ : / -, beginning with a letter, digit, '_' or ':'");
}

Result<void> check_text(std::string_view text, std::string_view field, std::size_t bytes_max) {
  if (text.size() > bytes_max)
    return fail(ErrorCode::invalid, std::string(field) + " is longer than " + std::to_string(bytes_max) + " bytes");
  if (!is_utf8(text)) return fail(ErrorCode::invalid, std::string(field) + " is not valid UTF-8");
  if (has_hidden_characters(text))
    return fail(ErrorCode::invalid, std::string(field) + " has control, bidi or invisible characters; write plain text");
  return {};
}

int natural_compare(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      std::size_t zi = i, zj = j;
      while (zi < a.size() && a[zi] == '0') ++zi;
      while (zj < b.size() && b[zj] == '0') ++zj;
      std::size_t ei = zi, ej = zj;
      while (ei < a.size() && is_digit(a[ei])) ++ei;
      while (ej < b.size() && is_digit(b[ej])) ++ej;
      if (ei - zi != ej - zj) return ei - zi < ej - zj ? -1 : 1;
      if (const int order = a.substr(zi, ei - zi).compare(b.substr(zj, ej - zj)); order != 0) return order;
      i = ei;
      j = ej;
    } else {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]) ? -1 : 1;
      ++i;
      ++j;
    }
  }
  if (i < a.size() || j < b.size()) return i < a.size() ? 1 : -1;
  return a.compare(b);
}

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p;
      ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(), [](char x, char y) { return lower(x) == lower(y); }) != text.end() ||
         part.empty();
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    char32_t point = 0;
    const std::size_t n = decode(text, point);
    if (n == 0 || is_hidden(point)) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(std::max<std::size_t>(1, n));
    } else {
      out += text.substr(0, n);
      text.remove_prefix(n);
    }
  }
  return out;
}

}  // namespace choregos
