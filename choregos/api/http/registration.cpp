// PUT, renew and DELETE of one agent: what it says is passed through the door, and the door's word is the answer.
#include <charconv>

#include "choregos/api/http/handlers.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/agent_json.hpp"
#include "choregos/wire/statement.hpp"

namespace choregos::api {
namespace {

/// As wire/registered_json.hpp, with the places where the agent goes on from here.
std::string render(const RegisterReply& reply, Instant now) {
  const std::string self = agent_path(reply.record->agent.id);
  wire::JsonWriter out(1024);
  out.begin_object();
  out.key("agent");
  wire::write_agent(out, *reply.record, now);
  out.member("created", reply.created);
  out.member("ttl_ms", std::chrono::duration_cast<std::chrono::milliseconds>(reply.ttl).count());
  out.member("beacon_interval_ms", std::chrono::duration_cast<std::chrono::milliseconds>(reply.beacon_interval).count());
  out.key("links").begin_object();
  out.member("self", self).member("renew", self + "/renew").member("tether", self + "/tether");
  out.end_object().end_object();
  return std::move(out).take();
}

std::function<void(Result<RegisterReply>)> answer_with_record(const Call& call, Answer answer) {
  return [answer = std::move(answer), path = call.path, &services = call.view.services](Result<RegisterReply> result) {
    if (!result) return answer(refused_by_door(result.error(), path));
    Reply reply = json_reply(render(*result, services.now()), result->created ? 201 : 200);
    if (result->created) reply.with("Location", agent_path(result->record->agent.id));
    answer(std::move(reply));
  };
}

}  // namespace

Result<std::uint64_t> incarnation_of(const Call& call) {
  const auto text = call.parameter("incarnation");
  if (!text) return std::uint64_t{0};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (text->empty() || error != std::errc{} || end != text->data() + text->size())
    return fail(ErrorCode::invalid, "incarnation=" + printable(text->substr(0, 64)) + " is not a whole number that is not negative");
  return number;
}

Reply refused_by_door(const Error& error, std::string_view path) {
  if (error.code == ErrorCode::exhausted || error.code == ErrorCode::unavailable) return retry_reply(error, path, 1s);
  return problem_reply(error, path);
}

Reply no_door(const Call& call) {
  return retry_reply(fail(ErrorCode::unavailable, "registration is switched off here; agents are found by beacons and probes only"), call.path, 60s);
}

void register_agent(const Call& call, Answer answer) {
  if (!call.view.services.door) return answer(no_door(call));
  auto statement = wire::read_registration(call.body, call.id);
  if (!statement) return answer(problem_reply(statement.error(), call.path));
  RegisterRequest request;
  request.id = call.id;
  request.incarnation = statement->incarnation;
  request.claims = std::move(statement->claims);
  request.ttl = statement->ttl;
  request.peer = call.peer;
  call.view.services.door->register_agent(std::move(request), answer_with_record(call, std::move(answer)));
}

void renew_agent(const Call& call, Answer answer) {
  if (!call.view.services.door) return answer(no_door(call));
  const auto incarnation = incarnation_of(call);
  if (!incarnation) return answer(problem_reply(incarnation.error(), call.path));
  auto statement = wire::read_renewal(call.body, call.id);
  if (!statement) return answer(problem_reply(statement.error(), call.path));
  if (*incarnation != 0 && statement->incarnation != 0 && *incarnation != statement->incarnation)
    return answer(problem_reply(fail(ErrorCode::invalid, "incarnation is " + std::to_string(*incarnation) + " in the query and " +
                                                             std::to_string(statement->incarnation) + " in the body; send one of them"),
                                call.path));
  RenewRequest request;
  request.id = call.id;
  request.incarnation = statement->incarnation != 0 ? statement->incarnation : *incarnation;
  request.claims = std::move(statement->claims);
  request.answer = statement->answer;
  request.peer = call.peer;
  call.view.services.door->renew(std::move(request), answer_with_record(call, std::move(answer)));
}

void leave_agent(const Call& call, Answer answer) {
  if (!call.view.services.door) return answer(no_door(call));
  const auto incarnation = incarnation_of(call);
  if (!incarnation) return answer(problem_reply(incarnation.error(), call.path));
  LeaveRequest request;
  request.id = call.id;
  request.incarnation = *incarnation;
  request.reason = std::string(call.parameter("reason").value_or(""));
  if (auto ok = check_text(request.reason, "reason", limits::text_bytes_max); !ok) return answer(problem_reply(ok.error(), call.path));
  request.peer = call.peer;
  call.view.services.door->leave(std::move(request), [answer = std::move(answer), path = call.path](Result<void> result) {
    if (!result) return answer(refused_by_door(result.error(), path));
    Reply reply;
    reply.status = 204;
    reply.content_type.clear();
    answer(std::move(reply));
  });
}

}  // namespace choregos::api
