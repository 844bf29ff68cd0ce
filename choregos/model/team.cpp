#include "choregos/model/team.hpp"

#include <array>

namespace choregos {

std::string_view to_string(TeamState state) {
  static constexpr std::array<std::string_view, 3> kWords{"whole", "lacking", "ended"};
  return kWords[static_cast<std::size_t>(state)];
}

std::string_view to_string(TeamChangeKind kind) {
  static constexpr std::array<std::string_view, 6> kWords{"formed", "renewed", "resized", "repaired", "lacking", "ended"};
  return kWords[static_cast<std::size_t>(kind)];
}

}  // namespace choregos
