// GET /api/v1/watch: what changes, as it changes. One history in three dresses: server-sent events, NDJSON (by Accept) and long poll
// (by wait=). This file reads the request; the hub behind the door does the rest.
#include <algorithm>
#include <array>

#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/api/watch_door.hpp"
#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos::api {
namespace {

constexpr std::array<std::string_view, 3> kOwnParameters{"fields", "since", "wait"};
constexpr std::array<std::string_view, 3> kListParameters{"sort", "limit", "cursor"};

struct Wanted {
  WatchRequest request;
  std::optional<Duration> wait;  ///< a long poll
  bool resumes_by_itself = false;  ///< the position came in Last-Event-ID
};

Result<Revision> read_position(std::string_view name, std::string_view text) {
  if (const auto revision = parse_revision(text)) return *revision;
  return fail(ErrorCode::invalid, std::string(name) + " " + printable(text.substr(0, 64)) + " is no position; write EPOCH.REVISION, such as 3.1042");
}

Result<Wanted> read_wanted(const Call& call) {
  for (const auto& [key, value] : call.parameters) {
    if (std::find(kListParameters.begin(), kListParameters.end(), key) != kListParameters.end())
      return fail(ErrorCode::invalid, "a watch has neither order nor pages, so it takes no '" + key + "'");
    if (std::find(kOwnParameters.begin(), kOwnParameters.end(), key) != kOwnParameters.end() &&
        std::count_if(call.parameters.begin(), call.parameters.end(), [&](const auto& p) { return p.first == key; }) > 1)
      return fail(ErrorCode::invalid, "the parameter '" + key + "' is given twice; give it once");
  }
  auto query = parse_query(call.parameters, {kOwnParameters.begin(), kOwnParameters.end()});
  if (!query) return query.error();
  Wanted wanted;
  wanted.request.filter = std::move(*query);
  if (const auto names = call.parameter("fields")) {
    auto fields = wire::parse_agent_fields(*names);
    if (!fields) return fields.error();
    // Without it nobody would know whom an event is about.
    wanted.request.fields.bits = fields->bits | 1;
  }
  if (const auto text = call.parameter("since")) {
    const auto since = read_position("since", *text);
    if (!since) return since.error();
    wanted.request.since = *since;
  }
  if (!call.last_event_id.empty()) {
    const auto since = read_position("Last-Event-ID", call.last_event_id);
    if (!since) return since.error();
    wanted.request.since = *since;
    wanted.resumes_by_itself = true;
  }
  if (const auto text = call.parameter("wait")) {
    const auto wait = parse_duration(*text);
    if (!wait || *wait < Duration{0} || *wait > limits::watch_wait_max)
      return fail(ErrorCode::invalid, "wait=" + printable(text->substr(0, 64)) + " is no duration up to " + format_duration(limits::watch_wait_max) + "; write one such as 30s");
    wanted.wait = *wait;
    if (!wanted.request.since) return fail(ErrorCode::invalid, "a long poll needs since=EPOCH.REVISION; take both from a list, /api/v1/agents");
  }
  if (call.accept.find("application/x-ndjson") != std::string::npos) wanted.request.form = WatchForm::ndjson;
  return wanted;
}

Reply head_of(WatchForm form) {
  Reply head;
  head.content_type = form == WatchForm::sse ? "text/event-stream" : "application/x-ndjson";
  // A proxy that gathers the stream before it passes it on would make it useless.
  return head.with("Cache-Control", "no-store").with("X-Accel-Buffering", "no");
}

}  // namespace

void watch_agents(const Call& call, Answer answer, const OpenStream& open, const OnGone& on_gone) {
  auto wanted = read_wanted(call);
  if (!wanted) return answer(problem_reply(wanted.error(), call.path));
  WatchDoor* const door = call.view.services.watch;
  if (!door) return answer(retry_reply(fail(ErrorCode::unavailable, "nothing can be watched here; ask for the list with its ETag"), call.path, 60s));
  if (const auto room = door->has_room(); !room) return answer(retry_reply(room.error(), call.path, 10s));
  if (!call.view.snapshot) return answer(*not_ready(call));

  // Who names a position of its own is told when it cannot be kept; a browser that comes back by itself gets a new list, since it would
  // take an error for the end.
  if (wanted->request.since && !wanted->resumes_by_itself)
    if (const auto held = door->holds(*wanted->request.since); !held) return answer(problem_reply(held.error(), call.path));

  if (!wanted->wait) {
    if (const auto stream = open(head_of(wanted->request.form))) door->open(std::move(wanted->request), stream);
    return;
  }
  if (auto refusal = not_ready(call)) return answer(*std::move(refusal));
  on_gone(door->poll(std::move(wanted->request), *wanted->wait, [answer = std::move(answer), path = call.path](Result<std::string> body) {
    if (!body) return answer(problem_reply(body.error(), path));
    answer(json_reply(std::move(*body)).with("Cache-Control", "no-store"));
  }));
}

}  // namespace choregos::api
