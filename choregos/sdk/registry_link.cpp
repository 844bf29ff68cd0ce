#include "choregos/sdk/registry_link.hpp"

#include <utility>

#include "choregos/base/text.hpp"
#include "choregos/wire/problem.hpp"

namespace choregos::sdk {

Result<wire::HttpUrl> parse_registry_url(const std::string& text) {
  auto url = wire::parse_http_url(text);
  if (!url) return fail(ErrorCode::invalid, "'" + printable(text) + "' should read http://host:port: " + url.error().message);
  if (url->scheme != "http") return fail(ErrorCode::invalid, "'" + printable(text) + "' should begin with http://; put a proxy that speaks TLS in front where it is needed");
  if (url->path.find('?') != std::string::npos) return fail(ErrorCode::invalid, "'" + printable(text) + "' should have no query");
  while (!url->path.empty() && url->path.back() == '/') url->path.pop_back();
  return url;
}

net::HttpTarget dial_target(const wire::HttpUrl& url) {
  net::HttpTarget target;
  target.address.port = url.port;
  if (auto ip = url.ip()) target.address.ip = *ip;
  else target.name = url.host;
  target.configured = true;
  return target;
}

net::HttpClientRequest registry_request(const wire::HttpUrl& url, const std::string& token, std::string method, const std::string& path) {
  net::HttpClientRequest request;
  request.target = dial_target(url);
  request.method = std::move(method);
  request.path = url.path + path;
  request.host = url.authority();
  if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
  return request;
}

RegistryLink::RegistryLink(net::Loop& loop, std::vector<wire::HttpUrl> registries, std::string token, std::string id, std::uint64_t incarnation, Callbacks callbacks)
    : loop_(loop), registries_(std::move(registries)), token_(std::move(token)), id_(std::move(id)), incarnation_(incarnation),
      callbacks_(std::move(callbacks)), client_(loop, {.user_agent = "libchoregos"}) {}

std::string RegistryLink::path(std::string_view suffix) const {
  return "/api/v1/agents/" + wire::percent_encode(id_) + std::string(suffix);
}

void RegistryLink::carry_out(const Registrant::Action& action, const std::string& reason) {
  using Kind = Registrant::Action::Kind;
  switch (action.kind) {
    case Kind::put:
    case Kind::renew: return statement(action);
    case Kind::open_tether: return tether(action);
    case Kind::close_tether:
      if (action.ticket == tether_ticket_) tether_.cancel();
      return;
    case Kind::leave: {
      auto request = registry_request(registries_[action.registry], token_, "DELETE", path(life() + "&reason=" + wire::percent_encode(reason)));
      request.timeout = kLeaveTime;
      request.keep_alive = true;
      client_.request(std::move(request), [this](Result<net::HttpResponse>, net::Failure) { callbacks_.left(); });
      return;
    }
  }
}

void RegistryLink::statement(const Registrant::Action& action) {
  const bool put = action.kind == Registrant::Action::Kind::put;
  auto request = registry_request(registries_[action.registry], token_, put ? "PUT" : "POST", path(put ? "" : "/renew"));
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("Accept", "application/json");
  request.body = action.body;
  request.timeout = kCallTime;
  request.keep_alive = true;
  client_.request(std::move(request), [this, put, ticket = action.ticket](Result<net::HttpResponse> response, net::Failure) {
    const auto& done = put ? callbacks_.put_done : callbacks_.renew_done;
    if (!response) return done(ticket, response.error());
    if (response->status < 200 || response->status > 299) return done(ticket, wire::read_problem(response->status, response->body));
    const auto granted = wire::read_registered(response->body);
    if (granted) callbacks_.connected(response->address.ip);
    done(ticket, granted);
  });
}

void RegistryLink::tether(const Registrant::Action& action) {
  auto request = registry_request(registries_[action.registry], token_, "GET", path("/tether" + life()));
  request.headers.emplace_back("Accept", "text/event-stream");
  request.timeout = kCallTime;
  tether_ticket_ = action.ticket;
  parser_ = wire::SseParser(limits::body_bytes_max);
  const auto ticket = action.ticket;
  net::HttpClient::StreamCallbacks callbacks;
  callbacks.on_head = [this, ticket](const net::HttpResponse& head) {
    if (head.status != 200) {
      callbacks_.tether_closed(ticket, wire::read_problem(head.status, {}));
      return false;
    }
    if (head.header("Content-Type").substr(0, 17) != "text/event-stream") {
      callbacks_.tether_closed(ticket, {ErrorCode::unsupported, "the registry answered with something else than an event stream"});
      return false;
    }
    callbacks_.tether_opened(ticket);
    return true;
  };
  callbacks.on_chunk = [this, ticket](std::string_view bytes) {
    const auto fed = parser_.feed(bytes, [&](const wire::SseEvent& event) { callbacks_.tether_event(ticket, event.event, event.data); });
    if (fed) return;
    tether_.cancel();
    callbacks_.tether_closed(ticket, fed.error());
  };
  callbacks.on_end = [this, ticket](Result<void> end, net::Failure) {
    callbacks_.tether_closed(ticket, end ? Error{ErrorCode::unavailable, "the registry closed it"} : end.error());
  };
  tether_ = client_.open_stream(std::move(request), std::move(callbacks));
}

}  // namespace choregos::sdk
