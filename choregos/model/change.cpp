#include "choregos/model/change.hpp"

#include <array>
#include <charconv>

namespace choregos {
namespace {
constexpr std::array<std::string_view, 5> kKinds{"appeared", "updated", "liveness", "forgotten", "merged"};
}

std::string to_string(Revision revision) { return std::to_string(revision.epoch) + "." + std::to_string(revision.number); }

std::optional<Revision> parse_revision(std::string_view text) {
  Revision out;
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, out.epoch);
  if (error != std::errc{} || dot == end || *dot != '.') return std::nullopt;
  const auto [last, error2] = std::from_chars(dot + 1, end, out.number);
  if (error2 != std::errc{} || last != end) return std::nullopt;
  return out;
}

std::string_view to_string(ChangeKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

}  // namespace choregos
