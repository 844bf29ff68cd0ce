#include "choregos/sdk/views.hpp"

#include <algorithm>
#include <utility>

namespace choregos::sdk {

AgentView view_of(wire::AgentDocument document) {
  return {std::move(document.agent), document.last_seen, document.age, document.latency, document.running, document.capacity, document.revision};
}

AgentView view_of(const AgentRecord& record, Instant now) {
  AgentView view;
  view.agent = record.agent;
  view.revision = record.revision;
  if (!record.vitals) return view;
  const auto& vitals = *record.vitals;
  constexpr auto relaxed = std::memory_order_relaxed;
  view.last_seen = {vitals.last_seen_ms.load(relaxed)};
  if (const auto heard = vitals.last_heard_ns.load(relaxed); heard != 0) view.age = std::max(Duration{}, now - Instant{heard});
  if (const auto latency = vitals.latency_us.load(relaxed); latency != 0) view.latency = std::chrono::microseconds(latency);
  view.running = vitals.running.load(relaxed);
  view.capacity = vitals.capacity.load(relaxed);
  return view;
}

}  // namespace choregos::sdk
