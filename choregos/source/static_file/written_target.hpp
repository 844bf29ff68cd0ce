// A target as written, before it is judged: what both formats come down to. Private to this folder; pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/result.hpp"

namespace choregos::source {

struct Place {
  std::size_t line = 0, column = 0;  ///< from 1
};

struct WrittenValue {
  enum class Kind { text, truth, other } kind = Kind::other;
  std::string text;
  bool truth = false;
  Place place;
};

struct WrittenTarget {
  Place place;
  std::vector<std::pair<std::string, WrittenValue>> members;
};

Error fault_at(const Place& place, const std::string& what);

Result<std::vector<WrittenTarget>> read_toml(std::string_view text);
Result<std::vector<WrittenTarget>> read_json(std::string_view text);

}  // namespace choregos::source
