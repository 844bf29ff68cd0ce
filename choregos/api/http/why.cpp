// GET /api/v1/agents/{id}/why: the evidence behind a record, and what would change it.
#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/wire/explanation_json.hpp"
#include "choregos/wire/guard_json.hpp"

namespace choregos::api {
namespace {

std::string render(const Explanation& explanation, const Services& services) {
  wire::JsonWriter out(2048);
  out.begin_object();
  wire::write_explanation(out, explanation);
  // It was worked out after the question came, so it is the newest belief that it goes with.
  const auto snapshot = services.snapshot();
  const auto& guard = *snapshot->guard();
  out.member("epoch", snapshot->revision().epoch).member("revision", snapshot->revision().number).member("mode", to_string(guard.mode));
  if (!wire::is_plain(guard)) {
    out.key("guard");
    wire::write_guard(out, guard, services.now());
  }
  out.end_object();
  return std::move(out).take();
}

}  // namespace

void explain_agent(const Call& call, Answer answer) {
  if (!call.view.services.explain) return answer(retry_reply(fail(ErrorCode::unavailable, "there is nobody here who explains"), call.path, 60s));
  if (!call.view.snapshot || !call.view.snapshot->find(call.id)) return answer_unknown(call, std::move(answer));
  call.view.services.explain(call.id, [asked = call.asked(), answer = std::move(answer), &services = call.view.services](Result<Explanation> result) {
    if (result) return answer(json_reply(render(*result, services)));
    if (result.error().code == ErrorCode::not_found) return answer(unknown_agent(asked));
    answer(retry_reply(result.error(), asked.path, 1s));
  });
}

}  // namespace choregos::api
