// GET /api/v1/summary: the fleet in numbers.
#include <algorithm>
#include <map>
#include <set>

#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::api {
namespace {

constexpr Status kStatuses[] = {Status::online, Status::idle, Status::working};
constexpr Liveness kLivenesses[] = {Liveness::unconfirmed, Liveness::alive, Liveness::suspect, Liveness::lost, Liveness::left};
constexpr SourceState kSourceStates[] = {SourceState::off, SourceState::starting, SourceState::ok, SourceState::degraded, SourceState::failed};

using Groups = std::map<std::string_view, std::uint64_t, NaturalLess>;

void write_groups(wire::JsonWriter& out, std::string_view name, const Groups& groups) {
  std::vector<std::pair<std::string_view, std::uint64_t>> largest(groups.begin(), groups.end());
  std::uint64_t other = 0;
  // `other` holds the rest.
  if (largest.size() > limits::group_count_max) {
    std::stable_sort(largest.begin(), largest.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    for (std::size_t i = limits::group_count_max; i < largest.size(); ++i) other += largest[i].second;
    largest.resize(limits::group_count_max);
    std::sort(largest.begin(), largest.end(), [](const auto& a, const auto& b) { return natural_compare(a.first, b.first) < 0; });
  }
  out.key(name).begin_array();
  for (const auto& [value, total] : largest) out.begin_object().member("name", value).member("total", total).end_object();
  if (other > 0) out.begin_object().member("other", true).member("total", other).end_object();
  out.end_array();
}

}  // namespace

Reply get_summary(const Call& call) {
  if (auto refusal = not_ready(call)) return *std::move(refusal);
  const View& view = call.view;
  const auto& snapshot = *view.snapshot;

  Evidence evidence(view);
  Groups models, clusters;
  std::set<std::string_view> teams;
  std::uint64_t draining = 0, conflicts = 0, completed = 0;
  snapshot.for_each([&](const AgentRecordPtr& record) {
    const Agent& agent = record->agent;
    evidence.use(*record);
    if (!agent.model.empty()) ++models[agent.model];
    if (!agent.cluster_id.empty()) ++clusters[agent.cluster_id];
    if (!agent.current_team.empty()) teams.insert(agent.current_team);
    draining += agent.draining;
    conflicts += agent.conflict;
    completed += agent.tasks_completed;
  });
  if (auto refusal = evidence.refusal(call)) return *std::move(refusal);
  // The sources' states are part of the answer and move without a revision, so it carries no tag.

  const Counts& counts = snapshot.counts();
  wire::JsonWriter out(1024);
  out.begin_object().member("total", counts.total);
  out.key("liveness").begin_object();
  for (const auto liveness : kLivenesses) out.member(to_string(liveness), counts.by_liveness[static_cast<std::size_t>(liveness)]);
  out.end_object().key("status").begin_object();
  for (const auto status : kStatuses) out.member(to_string(status), counts.by_status[static_cast<std::size_t>(status)]);
  out.end_object();
  out.member("capabilities", snapshot.capabilities().size());
  out.member("teams", teams.size()).member("draining", draining).member("conflicts", conflicts).member("tasks_completed", completed);
  write_groups(out, "models", models);
  write_groups(out, "clusters", clusters);
  out.key("sources").begin_object();
  const auto sources = view.services.sources();
  for (const auto state : kSourceStates)
    out.member(to_string(state), std::count_if(sources.begin(), sources.end(), [&](const auto& s) { return s.state == state; }));
  out.end_object();
  write_freshness(out, snapshot.revision(), evidence, view);
  out.end_object();
  return json_reply(std::move(out).take());
}

}  // namespace choregos::api
