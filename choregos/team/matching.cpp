#include "choregos/team/matching.hpp"

#include <algorithm>

#include "choregos/base/text.hpp"

namespace choregos::team {
namespace {

bool has_capability(const Agent& agent, const std::string& capability) {
  return std::binary_search(agent.capabilities.begin(), agent.capabilities.end(), capability);
}

bool has_label(const Agent& agent, const std::pair<std::string, std::string>& label) {
  return std::find(agent.labels.begin(), agent.labels.end(), label) != agent.labels.end();
}

bool model_fits(const std::string& glob, const std::string& model) { return glob_match(to_lower(glob), to_lower(model)); }

}  // namespace

bool fills(const Requirement& r, const Agent& agent) {
  return std::all_of(r.capabilities.begin(), r.capabilities.end(), [&](const auto& c) { return has_capability(agent, c); }) &&
         (r.model.empty() || model_fits(r.model, agent.model)) &&
         std::all_of(r.labels.begin(), r.labels.end(), [&](const auto& l) { return has_label(agent, l); });
}

std::string lacks(const Requirement& r, const Agent& agent) {
  std::string out;
  const auto add = [&](const std::string& what) { out += (out.empty() ? "" : ", ") + what; };
  for (const auto& c : r.capabilities)
    if (!has_capability(agent, c)) add("lacks " + c);
  if (!r.model.empty() && !model_fits(r.model, agent.model))
    add(agent.model.empty() ? "does not say its model" : "its model is " + printable(agent.model));
  for (const auto& l : r.labels)
    if (!has_label(agent, l)) add("has no label " + l.first + "=" + printable(l.second));
  return out;
}

std::string unfit(const Agent& agent) {
  if (agent.liveness != Liveness::alive) return "is " + std::string(to_string(agent.liveness));
  if (agent.identity == IdentityKind::service) return "is a service of unknown size, not one agent";
  if (agent.conflict) return "is claimed by two processes";
  if (agent.draining) return "is being stopped";
  return {};
}

std::string gone(const Agent& agent) {
  if (agent.liveness == Liveness::lost || agent.liveness == Liveness::left) return "is " + std::string(to_string(agent.liveness));
  return {};
}

std::string barred(const TeamRequest& request, const Agent& agent) {
  if (std::find(request.exclude.begin(), request.exclude.end(), agent.id) != request.exclude.end()) return "is excluded by the request";
  if (!request.clusters.empty() && std::find(request.clusters.begin(), request.clusters.end(), agent.cluster_id) == request.clusters.end())
    return "is of cluster '" + printable(agent.cluster_id) + "'";
  return {};
}

Wishes unmet(const TeamRequest& request, const Agent& agent) {
  Wishes out;
  for (const Preference& p : request.prefer) {
    switch (p.kind) {
      case PreferenceKind::agent: out.preference += agent.id == p.value ? 0 : p.points; break;
      case PreferenceKind::model: out.preference += model_fits(p.value, agent.model) ? 0 : p.points; break;
      case PreferenceKind::label: out.preference += has_label(agent, {p.key, p.value}) ? 0 : p.points; break;
      case PreferenceKind::node: out.locality += agent.node == p.value ? 0 : p.points; break;
      case PreferenceKind::cluster: out.locality += agent.cluster_id == p.value ? 0 : p.points; break;
    }
  }
  return out;
}

Matcher::Matcher(const Roster& roster, const std::vector<const Requirement*>& all_of)
    : roster_(&roster), all_of_(all_of), free_max_(roster.free_count()) {
  for (const Requirement* r : all_of_) {
    if (!r->labels.empty() || (!roster.complete() && !r->capabilities.empty())) look_at_record_ = true;
    if (!r->model.empty()) look_ = true;
    if (!roster.complete()) continue;
    for (const auto& capability : r->capabilities) {
      const Roster::Column* const column = roster.column(capability);
      if (column == nullptr) {
        possible_ = false;
        free_max_ = 0;
        continue;
      }
      if (std::find(columns_.begin(), columns_.end(), column) == columns_.end()) columns_.push_back(column);
      free_max_ = std::min(free_max_, column->free);
    }
  }
  if (look_) models_.resize(roster.models().size());
  look_ = look_ || look_at_record_;
}

bool Matcher::fills(Place place) const {
  if (!possible_) return false;
  const std::size_t chunk = place / kChunkPlaces, at = place % kChunkPlaces;
  for (const Roster::Column* column : columns_) {
    const Block* const block = column->block(chunk);
    if (block == nullptr || ((*block)[at / 64] >> (at % 64) & 1) == 0) return false;
  }
  return check(place);
}

bool Matcher::check(Place place) const {
  if (!look_) return true;
  if (!models_.empty()) {
    std::uint8_t& known = models_[roster_->model(place)];
    if (known == 0) {
      const std::string& model = roster_->models().text(roster_->model(place));
      known = std::all_of(all_of_.begin(), all_of_.end(), [&](const Requirement* r) { return r->model.empty() || model_fits(r->model, model); }) ? 1 : 2;
    }
    if (known == 2) return false;
  }
  if (!look_at_record_) return true;
  const Agent& agent = roster_->record(place)->agent;
  return std::all_of(all_of_.begin(), all_of_.end(), [&](const Requirement* r) { return team::fills(*r, agent); });
}

}  // namespace choregos::team
