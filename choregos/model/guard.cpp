#include "choregos/model/guard.hpp"

#include <array>

namespace choregos {

std::string_view to_string(Mode mode) {
  static constexpr std::array<std::string_view, 3> kWords{"normal", "draining", "frozen"};
  return kWords[static_cast<std::size_t>(mode)];
}

std::string_view to_string(DomainKind kind) {
  static constexpr std::array<std::string_view, 4> kWords{"node", "subnet", "source", "network"};
  return kWords[static_cast<std::size_t>(kind)];
}

}  // namespace choregos
