// GET /api/v1/agents/{id}: one record, by its id or an alias of it.
#include <algorithm>

#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/agent_json.hpp"

namespace choregos::api {
namespace {


std::vector<std::string> near_ids(const Snapshot& snapshot, std::string_view id) {
  std::vector<std::pair<std::size_t, std::string>> scored;
  // Looking for slips compares against every id, so it stops being worth it in large fleets.
  if (snapshot.size() > limits::near_search_count_max || id.size() > limits::id_bytes_max) return {};
  snapshot.for_each([&](const AgentRecordPtr& record) {
    const std::string& known = record->agent.id;
    const std::size_t longer = std::max(known.size(), id.size()), shorter = std::min(known.size(), id.size());
    if (longer - shorter > 3) return;
    if (const auto distance = edit_distance(id, known); distance <= std::min<std::size_t>(3, id.size() / 2 + 1)) scored.emplace_back(distance, known);
  });
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (auto& [distance, known] : scored)
    if (nearest.size() < 3) nearest.push_back(std::move(known));
  return nearest;
}

}  // namespace

std::string agent_path(std::string_view id) { return "/api/v1/agents/" + wire::percent_encode(id, ":"); }

Reply unknown_agent(const Asked& asked) {
  std::string text = "no agent has the id or alias '" + printable(std::string_view(asked.id).substr(0, limits::id_bytes_max)) + "'";
  const auto near = asked.snapshot ? near_ids(*asked.snapshot, asked.id) : std::vector<std::string>{};
  for (std::size_t i = 0; i < near.size(); ++i) text += (i == 0 ? "; near it are " : ", ") + near[i];
  if (near.empty()) text += "; GET /api/v1/agents lists those that are known";
  return problem_reply(fail(ErrorCode::not_found, std::move(text)), asked.path);
}

namespace {

Reply show(const Call& call, const AgentRecordPtr& record) {
  wire::AgentFields fields;
  if (const auto names = call.parameter("fields")) {
    auto parsed = wire::parse_agent_fields(*names);
    if (!parsed) return problem_reply(parsed.error(), call.path);
    fields = *parsed;
  }
  if (call.parameter("max_age")) {
    Evidence evidence(call.view);
    evidence.use(*record);
    if (auto refusal = evidence.refusal(call)) return *std::move(refusal);
  }
  const std::string etag = etag_of({call.view.snapshot->revision().epoch, record->revision}, call.view);
  if (auto unchanged = not_modified(call, etag)) return *std::move(unchanged);

  Reply reply = json_reply(wire::agent_json(*record, call.view.now, fields));
  reply.with("ETag", etag).with("Cache-Control", "no-cache");
  if (record->agent.id != call.id) reply.with("Content-Location", agent_path(record->agent.id));
  return reply;
}

}  // namespace

void get_agent(const Call& call, Answer answer) {
  const auto record = call.view.snapshot ? call.view.snapshot->find(call.id) : nullptr;
  if (!record) return answer_unknown(call, std::move(answer));
  answer(show(call, record));
}

}  // namespace choregos::api
