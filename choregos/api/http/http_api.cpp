#include "choregos/api/http/http_api.hpp"

#include <algorithm>

namespace choregos::api {
namespace {

std::string mode_of(const SnapshotPtr& snapshot) { return std::string(to_string(snapshot ? snapshot->guard()->mode : Mode::normal)); }

bool has_header(const Reply& reply, std::string_view name) {
  return std::any_of(reply.headers.begin(), reply.headers.end(), [&](const auto& header) { return header.first == name; });
}

net::HttpHeaders headers_of(const Reply& reply) {
  net::HttpHeaders headers = reply.headers;
  if (!reply.content_type.empty()) headers.emplace_back("Content-Type", reply.content_type);
  return headers;
}

/// Views into the request. The path stays as it was sent, because an id is decoded after the path is split.
Incoming incoming_of(const net::HttpRequest& request) {
  const std::string_view target = request.target;
  const auto question = target.find('?');
  Incoming incoming;
  incoming.method = request.method;
  incoming.path = target.substr(0, question);
  if (question != std::string_view::npos) incoming.query = target.substr(question + 1);
  incoming.host = request.header("Host");
  incoming.origin = request.header("Origin");
  incoming.authorization = request.header("Authorization");
  incoming.content_type = request.header("Content-Type");
  incoming.content_encoding = request.header("Content-Encoding");
  incoming.if_none_match = request.header("If-None-Match");
  incoming.accept = request.header("Accept");
  incoming.accept_encoding = request.header("Accept-Encoding");
  incoming.last_event_id = request.header("Last-Event-ID");
  incoming.body = request.body;
  incoming.peer = request.peer;
  incoming.over_unix = request.over_unix;
  return incoming;
}

/// HEAD of a tether: the head that GET would give, without opening one.
Reply tether_head(const Call& call) {
  if (!call.view.snapshot || !call.view.snapshot->find(call.id)) return unknown_agent(call.asked());
  Reply reply;
  reply.content_type = "text/event-stream";
  return reply;
}

}  // namespace

HttpApi::HttpApi(net::Loop& loop, Gate gate, Services services) : gate_(std::move(gate)), state_(std::make_shared<State>()) {
  state_->services = std::move(services);
  heartbeat_ = loop.every(kTetherHeartbeat, [this] { tethers_.heartbeat(); });
}

Result<std::unique_ptr<HttpApi>> HttpApi::create(net::Loop& loop, const GateOptions& options, Services services) {
  auto gate = Gate::create(options);
  if (!gate) return gate.error();
  return std::unique_ptr<HttpApi>(new HttpApi(loop, std::move(*gate), std::move(services)));
}

Result<void> HttpApi::reload(const GateOptions& options) {
  auto gate = Gate::create(options);
  if (!gate) return gate.error();
  gate_ = std::move(*gate);
  return {};
}

net::HttpServer::Handler HttpApi::handler() {
  return [this](net::HttpRequest&& request, net::Responder responder) {
    const auto answer = [responder](Reply reply) mutable {
      net::HttpReply bytes{reply.status, headers_of(reply), std::move(reply.body), nullptr};
      responder.reply(std::move(bytes));
    };
    const auto open = [&responder](const Reply& head) { return responder.stream(head.status, headers_of(head)); };
    const auto on_gone = [&responder](std::function<void()> fn) { responder.on_gone(std::move(fn)); };
    handle(incoming_of(request), answer, open, on_gone);
  };
}

View HttpApi::look() const {
  const Services& services = state_->services;
  SnapshotPtr snapshot = services.snapshot();
  std::string mode = mode_of(snapshot);
  return {services, std::move(snapshot), std::move(mode), services.now(), services.wall_now()};
}

void HttpApi::dress(Reply& reply, const State& state, bool tell_freshness) {
  // Nothing but the page may load anything, nothing may be framed or guessed at; nothing is kept unless it has a tag to ask again with.
  reply.with("X-Content-Type-Options", "nosniff").with("X-Frame-Options", "DENY").with("Referrer-Policy", "no-referrer");
  if (!has_header(reply, "Content-Security-Policy")) reply.with("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  if (!has_header(reply, "Cache-Control")) reply.with("Cache-Control", "no-store");
  if (!tell_freshness) return;
  const auto snapshot = state.services.snapshot();
  if (snapshot) reply.with("Choregos-Revision", to_string(snapshot->revision()));
  reply.with("Choregos-Mode", mode_of(snapshot));
}

void HttpApi::count(State& state, const Route* route, int status) {
  ++state.counters.replies[{route ? static_cast<std::size_t>(route->id) : kRouteCount, status}];
}

void HttpApi::handle(const Incoming& incoming, Answer answer, const OpenStream& open, const OnGone& on_gone) {
  const bool head_only = incoming.method == "HEAD";
  auto outcome = gate_.admit(incoming, state_->services.now());
  if (auto* refused = std::get_if<Refused>(&outcome)) {
    dress(refused->reply, *state_, refused->authenticated);
    count(*state_, refused->route, refused->reply.status);
    return answer(std::move(refused->reply));
  }
  auto& admitted = std::get<Admitted>(outcome);
  const View view = look();
  const Call call{*admitted.route,
                  std::move(admitted.id),
                  std::string(incoming.path),
                  std::move(admitted.parameters),
                  std::string(incoming.if_none_match),
                  accepts_gzip(incoming.accept_encoding),
                  std::string(incoming.body),
                  incoming.peer,
                  view,
                  std::string(incoming.accept),
                  std::string(incoming.last_event_id)};
  Answer finish = [state = state_, route = admitted.route, answer = std::move(answer)](Reply reply) {
    dress(reply, *state, true);
    count(*state, route, reply.status);
    answer(std::move(reply));
  };
  const OpenStream open_counted = [&](const Reply& head) {
    Reply dressed = head;
    dress(dressed, *state_, true);
    count(*state_, admitted.route, dressed.status);
    return open(dressed);
  };
  dispatch(call, head_only, std::move(finish), open_counted, on_gone);
}

void HttpApi::dispatch(const Call& call, bool head_only, Answer answer, const OpenStream& open, const OnGone& on_gone) {
  switch (call.route.id) {
    case RouteId::index:
    case RouteId::page_asset:
    case RouteId::page_icon: return answer(get_page(call));
    case RouteId::healthz: return answer(get_healthz(call));
    case RouteId::readyz: return answer(get_readyz(call));
    case RouteId::openapi: return answer(get_openapi(call));
    case RouteId::agents_list: return answer(list_agents(call));
    case RouteId::agent_get: return get_agent(call, std::move(answer));
    case RouteId::agent_why: return explain_agent(call, std::move(answer));
    case RouteId::agent_history: return get_history(call, std::move(answer));
    case RouteId::agent_register: return register_agent(call, std::move(answer));
    case RouteId::agent_leave: return leave_agent(call, std::move(answer));
    case RouteId::agent_renew: return renew_agent(call, std::move(answer));
    case RouteId::agent_tether: return head_only ? answer(tether_head(call)) : tethers_.open(call, answer, open);
    case RouteId::watch: return watch_agents(call, std::move(answer), open, on_gone);
    case RouteId::capabilities: return answer(list_capabilities(call));
    case RouteId::summary: return answer(get_summary(call));
    case RouteId::sources: return answer(list_sources(call));
    case RouteId::expected: return answer(get_expected(call));
    case RouteId::thaw: return answer(thaw(call));
    case RouteId::version: return answer(get_version(call));
    case RouteId::metrics: break;
  }
  HttpCounters counters = state_->counters;
  counters.wrong_tokens = gate_.wrong_tokens();
  counters.tethers_open = tethers_.size();
  counters.tethers_total = tethers_.opened_total();
  answer(get_metrics(call, counters));
}

}  // namespace choregos::api
