#include "choregos/registry/listing.hpp"

#include "choregos/registry/snapshot_data.hpp"

namespace choregos::registry {

void Listing::count(const Agent& agent, int delta) {
  const auto step = static_cast<std::uint32_t>(delta);
  counts_.total += step;
  counts_.by_liveness[static_cast<std::size_t>(agent.liveness)] += step;
  if (agent.liveness != Liveness::lost && agent.liveness != Liveness::left) counts_.by_status[static_cast<std::size_t>(agent.status)] += step;
}

void Listing::set(Slot slot, AgentRecordPtr record) {
  while (records_.size() <= slot) records_.push_back(nullptr);
  const AgentRecordPtr before = records_[slot];
  const Agent* const old_agent = before ? &before->agent : nullptr;
  const Agent* const new_agent = record ? &record->agent : nullptr;
  capabilities_.update(slot, old_agent, new_agent);
  if (old_agent != nullptr) count(*old_agent, -1);
  if (new_agent != nullptr) count(*new_agent, 1);

  const auto id_of = [this](Slot s) -> std::string_view { return records_[s]->agent.id; };
  if (old_agent != nullptr && new_agent == nullptr) order_.erase(old_agent->id, id_of);
  if (old_agent != nullptr && (new_agent == nullptr || new_agent->aliases != old_agent->aliases))
    for (const auto& alias : old_agent->aliases)
      if (names_.find(alias) == slot) names_.erase(alias);
  if (old_agent != nullptr && new_agent == nullptr && names_.find(old_agent->id) == slot) names_.erase(old_agent->id);
  records_.at_for_write(slot) = record;
  if (new_agent == nullptr) return;
  if (old_agent == nullptr) {
    order_.insert(slot, id_of);
    names_.put(new_agent->id, slot);
  }
  if (old_agent == nullptr || new_agent->aliases != old_agent->aliases)
    for (const auto& alias : new_agent->aliases) {
      const Slot holder = names_.find(alias);
      const bool is_id = holder != kNoSlot && records_[holder] && records_[holder]->agent.id == alias;
      if (!is_id) names_.put(alias, slot);  // an id of somebody else is never shadowed; a former holder of the alias is
    }
}

std::shared_ptr<const Snapshot::Data> Listing::share(Revision revision, Instant now, WallTime wall_now, GuardViewPtr guard) {
  auto data = std::make_shared<Snapshot::Data>();
  data->revision = revision;
  data->taken_at = now;
  data->taken_wall_at = wall_now;
  data->counts = counts_;
  data->guard = std::move(guard);
  data->records = records_.share();
  data->order = order_.share();
  data->names = names_.share();
  data->capabilities = capabilities_.share();
  data->capabilities_complete = !capabilities_.overflowed();
  return data;
}

}  // namespace choregos::registry
