#include "choregos/team/single_points.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "choregos/base/text.hpp"

namespace choregos::team {
namespace {
constexpr std::array<std::string_view, 4> kWords{"host", "pool", "model", "agent"};

std::string pool_of(const Agent& agent) {
  for (const auto& [key, value] : agent.labels)
    if (key == "pool") return value;
  return {};
}
}  // namespace

std::string_view to_string(PointKind kind) { return kWords[static_cast<std::size_t>(kind)]; }

void SinglePoints::add(const Agent& agent) {
  if (agent.liveness != Liveness::alive) return;
  const std::array<std::string, 4> names{agent.node, pool_of(agent), agent.model, agent.id};
  for (const auto& capability : agent.capabilities) {
    auto it = std::lower_bound(held_.begin(), held_.end(), capability, [](const Held& h, const std::string& c) { return h.capability < c; });
    if (it == held_.end() || it->capability != capability) it = held_.insert(it, Held{capability, {}});
    for (std::size_t kind = 0; kind < names.size(); ++kind) {
      Where& where = it->where[kind];
      if (names[kind].empty()) continue;
      where.several = where.several || (where.set && where.name != names[kind]);
      if (!where.set) where.name = names[kind];
      where.set = true;
    }
  }
}

std::vector<SinglePoint> SinglePoints::take() {
  std::array<std::map<std::string, std::vector<std::string>, NaturalLess>, 4> found;
  for (const Held& held : held_)
    for (std::size_t kind = 0; kind < found.size(); ++kind)
      if (held.where[kind].set && !held.where[kind].several) found[kind][held.where[kind].name].push_back(held.capability);
  std::vector<SinglePoint> out;
  for (std::size_t kind = 0; kind < found.size(); ++kind)
    for (auto& [name, capabilities] : found[kind]) out.push_back({static_cast<PointKind>(kind), name, std::move(capabilities)});
  held_.clear();
  return out;
}

}  // namespace choregos::team
