// The list of targets that an operator writes, as TOML or JSON:
//
//   [[target]]                          {"target": [
//   address = "10.0.0.4:8081"             {"address": "10.0.0.4:8081"},
//   path = "/alive"     # /health         {"address": "agents.lan:8081", "path": "/alive", "id": "a1"}
//   id = "a1"           # who it is     ]}
//   virtual_ip = false  # a balancer
//
// The address is an IP or a name, with a port. Reading is all or nothing: a list with a fault is refused with its line
// and column, so that a slip never takes half of a fleet away. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"

namespace choregos::source {

enum class ListFormat : std::uint8_t { toml, json };
/// JSON for names that end in .json, TOML for all others.
ListFormat format_of(std::string_view file_name);

struct ListedTarget {
  std::string host;  ///< a name, or an IP without brackets
  std::uint16_t port = 0;
  std::string path = "/health";
  std::string expected_id;
  bool virtual_ip = false;
  bool operator==(const ListedTarget&) const = default;
};

/// An empty text is an empty list. Errors: invalid, "line 3, column 11: …", with the nearest known word for a slip in a
/// key; too_large.
Result<std::vector<ListedTarget>> read_target_list(std::string_view text, ListFormat format);

}  // namespace choregos::source
