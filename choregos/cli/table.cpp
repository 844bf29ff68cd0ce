#include "choregos/cli/table.hpp"

#include <algorithm>
#include <ostream>

#include "choregos/base/text.hpp"

namespace choregos::cli {

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    // Hangul, Kana, CJK and emoji begin at U+1100; below it nothing is wide. Exact enough for columns.
    char32_t point = length == 1 ? lead : static_cast<char32_t>(lead & (0x7f >> length));
    for (std::size_t k = 1; k < length && i + k < text.size(); ++k) point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    const bool wide = (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) || (point >= 0xac00 && point <= 0xd7a3) ||
                      (point >= 0xf900 && point <= 0xfaff) || (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60) || point >= 0x1f300;
    width += wide ? 2 : 1;
    i += length;
  }
  return width;
}

std::string painted(std::string_view text, Paint paint, bool color) {
  if (!color || paint == Paint::none) return std::string(text);
  const char* const code = paint == Paint::good ? "32" : paint == Paint::warn ? "33" : paint == Paint::bad ? "31" : "2";
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

void Table::print(std::ostream& out, bool headers, bool color) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  std::vector<bool> used(columns_.size(), rows_.empty());
  for (const auto& row : rows_)
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string text = printable(row[c].text);
      used[c] = used[c] || !text.empty();
      widths[c] = std::max(widths[c], display_width(text));
    }
  std::size_t last = 0;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (headers) widths[c] = std::max(widths[c], columns_[c].size());
    if (used[c]) last = c;
  }
  const auto line = [&](auto&& cell) {
    std::size_t gap = 0;  // written only when something follows, so that no line ends in spaces
    for (std::size_t c = 0; c <= last; ++c) {
      if (!used[c]) continue;
      const auto [text, paint] = cell(c);
      if (!text.empty()) {
        out << std::string(gap, ' ') << painted(text, paint, color);
        gap = 0;
      }
      gap += widths[c] - display_width(text) + 2;
    }
    out << "\n";
  };
  if (headers) line([&](std::size_t c) { return std::pair{columns_[c], Paint::dim}; });
  for (const auto& row : rows_) line([&](std::size_t c) { return c < row.size() ? std::pair{printable(row[c].text), row[c].paint} : std::pair{std::string(), Paint::none}; });
}

}  // namespace choregos::cli
