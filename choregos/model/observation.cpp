#include "choregos/model/observation.hpp"

#include <algorithm>
#include <array>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos {
namespace {

Result<void> check_optional_text(const std::optional<std::string>& text, std::string_view field, std::size_t bytes_max) {
  return text ? check_text(*text, field, bytes_max) : Result<void>{};
}

}  // namespace

std::string_view to_string(ObservationKind kind) {
  static constexpr std::array<std::string_view, 7> kWords{"heard", "doubt", "refused", "dead", "goodbye", "asked", "unanswered"};
  return kWords[static_cast<std::size_t>(kind)];
}

void normalize(Claims& claims) {
  if (claims.capabilities) {
    auto& list = *claims.capabilities;
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  if (claims.labels) {
    auto& list = *claims.labels;
    std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    list.erase(std::unique(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.first == b.first; }), list.end());
  }
}

Result<void> check(const Claims& claims) {
  const std::pair<const std::optional<std::string>*, std::string_view> texts[] = {
      {&claims.model, "model"},       {&claims.endpoint, "endpoint"},     {&claims.current_team, "current_team"},
      {&claims.p2p_addr, "p2p_addr"}, {&claims.cluster_id, "cluster_id"}, {&claims.node, "node"},
      {&claims.version, "version"},   {&claims.health_url, "health_url"}};
  if (auto ok = check_optional_text(claims.name, "name", limits::name_bytes_max); !ok) return ok;
  for (const auto& [text, field] : texts)
    if (auto ok = check_optional_text(*text, field, limits::text_bytes_max); !ok) return ok;
  if (claims.capabilities) {
    if (claims.capabilities->size() > limits::capability_count_max)
      return fail(ErrorCode::invalid, "capabilities has more than " + std::to_string(limits::capability_count_max) + " entries");
    for (const auto& capability : *claims.capabilities)
      if (auto ok = check_word(capability, "capabilities[]"); !ok) return ok;
  }
  if (claims.labels) {
    if (claims.labels->size() > limits::label_count_max)
      return fail(ErrorCode::invalid, "labels has more than " + std::to_string(limits::label_count_max) + " entries");
    for (const auto& [key, value] : *claims.labels) {
      if (auto ok = check_word(key, "labels key"); !ok) return ok;
      if (auto ok = check_text(value, "labels value", limits::text_bytes_max); !ok) return ok;
    }
  }
  if (claims.p2p_addr && !claims.p2p_addr->empty())
    if (auto ok = parse_host_port(*claims.p2p_addr); !ok) return fail(ErrorCode::invalid, "p2p_addr " + ok.error().message);
  return {};
}

Result<void> check(const Observation& observation, Instant now) {
  if (!observation.names.id.empty())
    if (auto ok = check_word(observation.names.id, "id"); !ok) return ok;
  if (observation.names.id.empty() && !observation.names.task && !observation.names.address)
    return fail(ErrorCode::invalid, "the observation names nobody: it needs an id, a Swarm task or an address");
  if (!observation.via.empty())
    if (auto ok = check_word(observation.via, "via"); !ok) return ok;
  if (observation.heard_at > now + 1s) return fail(ErrorCode::invalid, "the observation lies in the future");
  if (observation.claims) return check(*observation.claims);
  return {};
}

}  // namespace choregos
