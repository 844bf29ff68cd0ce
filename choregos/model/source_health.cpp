#include "choregos/model/source_health.hpp"

#include <array>

namespace choregos {

std::string_view to_string(SourceState state) {
  static constexpr std::array<std::string_view, 5> kWords{"off", "starting", "ok", "degraded", "failed"};
  return kWords[static_cast<std::size_t>(state)];
}

}  // namespace choregos
