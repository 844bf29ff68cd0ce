// GET /api/v1/agents/{id}/history: what happened to one agent, also when it is no longer listed. And what the other routes
// answer for an agent that was forgotten.
#include "choregos/wire/history_json.hpp"

#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/problem.hpp"

namespace choregos::api {
namespace {

/// 404 all the same: a list would not show it. With the member "forgotten" for programs.
Reply forgotten_agent(const Asked& asked, const Forgotten& forgotten) {
  const std::string history = agent_path(asked.id) + "/history";
  std::string text = "'" + printable(std::string_view(asked.id).substr(0, limits::id_bytes_max)) + "' was forgotten at " + to_rfc3339(forgotten.forgotten_at) + ": it was " +
                     std::string(to_string(forgotten.agent.liveness));
  if (!forgotten.agent.reason.empty()) text += " (" + forgotten.agent.reason + ")";
  text += ", last seen at " + to_rfc3339(forgotten.last_seen) + "; what happened to it is at " + history;
  wire::JsonWriter out(1024);
  out.begin_object();
  wire::write_problem(out, fail(ErrorCode::not_found, std::move(text)), asked.path, 404);
  out.key("forgotten");
  wire::write_forgotten(out, forgotten);
  out.member("history", history).end_object();
  Reply reply;
  reply.status = 404;
  reply.content_type = wire::kProblemMediaType;
  reply.body = std::move(out).take();
  return reply;
}

}  // namespace

void answer_unknown(const Call& call, Answer answer) {
  // Before we are ready an unknown agent may merely not have been heard yet.
  if (auto refusal = not_ready(call)) return answer(*std::move(refusal));
  if (!call.view.services.past || call.id.size() > limits::id_bytes_max) return answer(unknown_agent(call.asked()));
  call.view.services.past(call.id, [asked = call.asked(), answer = std::move(answer)](const Result<Past>& past) {
    // A store that cannot be read makes the agent no less unknown.
    answer(past && past->forgotten ? forgotten_agent(asked, *past->forgotten) : unknown_agent(asked));
  });
}

void get_history(const Call& call, Answer answer) {
  if (!call.view.services.past) return answer(retry_reply(fail(ErrorCode::unavailable, "no history is kept here"), call.path, 60s));
  const auto record = call.view.snapshot ? call.view.snapshot->find(call.id) : nullptr;
  if (!record && call.id.size() > limits::id_bytes_max) return answer(unknown_agent(call.asked()));
  const std::string id = record ? record->agent.id : call.id;
  auto refusal = record ? std::nullopt : not_ready(call);
  call.view.services.past(id, [asked = call.asked(), id, listed = record != nullptr, refusal = std::move(refusal), answer = std::move(answer)](const Result<Past>& past) {
    if (!past) return answer(retry_reply(past.error(), asked.path, 1s));
    if (!listed && past->empty()) return answer(refusal ? *refusal : unknown_agent(asked));
    answer(json_reply(wire::history_json(id, listed, *past)));
  });
}

}  // namespace choregos::api
