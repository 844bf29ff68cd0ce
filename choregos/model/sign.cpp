#include "choregos/model/sign.hpp"

#include <array>

namespace choregos {

std::string_view to_string(SignKind kind) {
  static constexpr std::array<std::string_view, 12> kWords{"listened",  "lag",       "drops",     "send_failed", "canary_lost", "canary_heard",
                                                           "link_lost", "link_back", "suspended", "node_down",   "node_up",     "thaw"};
  return kWords[static_cast<std::size_t>(kind)];
}

}  // namespace choregos
