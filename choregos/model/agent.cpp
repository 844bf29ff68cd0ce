#include "choregos/model/agent.hpp"

#include <array>

namespace choregos {
namespace {

constexpr std::array<std::string_view, 3> kStatus{"online", "idle", "working"};
constexpr std::array<std::string_view, 5> kLiveness{"unconfirmed", "alive", "suspect", "lost", "left"};
constexpr std::array<std::string_view, 5> kIdentity{"proven", "declared", "task", "address", "service"};

template <class Enum, std::size_t N>
std::optional<Enum> find(const std::array<std::string_view, N>& words, std::string_view word) {
  for (std::size_t i = 0; i < N; ++i)
    if (words[i] == word) return static_cast<Enum>(i);
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Status status) { return kStatus[static_cast<std::size_t>(status)]; }
std::string_view to_string(Liveness liveness) { return kLiveness[static_cast<std::size_t>(liveness)]; }
std::string_view to_string(IdentityKind kind) { return kIdentity[static_cast<std::size_t>(kind)]; }
std::optional<Status> parse_status(std::string_view word) { return find<Status>(kStatus, word); }
std::optional<Liveness> parse_liveness(std::string_view word) { return find<Liveness>(kLiveness, word); }
std::optional<IdentityKind> parse_identity_kind(std::string_view word) { return find<IdentityKind>(kIdentity, word); }

}  // namespace choregos
