// Prints rows in aligned columns. Cells are made printable here, so nothing that an agent said can move the terminal.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace choregos::cli {

enum class Paint { none, good, warn, bad, dim };

struct Cell {
  std::string text;
  Paint paint = Paint::none;
  Cell(std::string t, Paint p = Paint::none) : text(std::move(t)), paint(p) {}
  Cell(const char* t) : text(t) {}
};

class Table {
 public:
  explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  std::size_t size() const { return rows_.size(); }
  /// Columns that hold nothing in any row are left out. The last column is not padded.
  void print(std::ostream& out, bool headers, bool color) const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// Columns that a terminal needs for the text: code points, wide East Asian ones twice.
std::size_t display_width(std::string_view text);
std::string painted(std::string_view text, Paint paint, bool color);

}  // namespace choregos::cli
