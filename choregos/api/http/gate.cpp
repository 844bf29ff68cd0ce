#include "choregos/api/http/gate.hpp"

#include <algorithm>

#include "choregos/base/text.hpp"

namespace choregos::api {
namespace {

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const auto word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

std::string shown(std::string_view text) { return printable(text.substr(0, 128)); }

bool is_json(std::string_view content_type) {
  auto type = to_lower(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  return type == "application/json";
}

Reply unknown_path(const Incoming& incoming) {
  std::string text = "there is nothing at " + shown(incoming.path);
  const auto near = near_paths(incoming.path);
  text += near.empty() ? "; /openapi.json describes every route" : "; near it are " + joined(near);
  return problem_reply(fail(ErrorCode::not_found, std::move(text)), incoming.path);
}

Reply wrong_method(const Incoming& incoming, const std::vector<std::string_view>& allowed) {
  const std::string methods = joined(allowed);
  return problem_reply(fail(ErrorCode::unsupported, shown(incoming.method) + " is not for " + shown(incoming.path) + "; it takes " + methods), incoming.path, 405)
      .with("Allow", methods);
}

std::optional<Reply> check_body(const Route& route, const Incoming& incoming) {
  const auto refuse = [&](ErrorCode code, std::string text) { return problem_reply(fail(code, std::move(text)), incoming.path); };
  if (route.body == BodyRule::none) {
    if (incoming.body.empty()) return std::nullopt;
    return refuse(ErrorCode::invalid, std::string(route.method) + " of " + std::string(route.pattern) + " takes no body; leave it out");
  }
  if (!incoming.content_encoding.empty())
    return refuse(ErrorCode::unsupported, "a body with Content-Encoding: " + shown(incoming.content_encoding) + " is not read; send it plain");
  if (route.body == BodyRule::optional_json && incoming.body.empty()) return std::nullopt;
  if (!is_json(incoming.content_type))
    return refuse(ErrorCode::unsupported, (incoming.content_type.empty() ? std::string("a body without Content-Type") : "Content-Type: " + shown(incoming.content_type)) +
                                              " is not read; send Content-Type: application/json");
  return std::nullopt;
}

Result<wire::Parameters> read_parameters(const Route& route, std::string_view query) {
  auto parameters = wire::parse_parameters(query);
  if (!parameters || route.id == RouteId::agents_list || route.id == RouteId::watch) return parameters;  // these check their own
  for (const auto& [key, value] : *parameters) {
    if (std::find(route.parameters.begin(), route.parameters.end(), key) != route.parameters.end()) continue;
    const auto near = nearest_word(key, route.parameters);
    std::string text = "the parameter '" + shown(key) + "' is not known here";
    if (!near.empty()) text += "; did you mean '" + std::string(near) + "'?";
    else if (route.parameters.empty()) text += "; this route takes none";
    else text += "; known are " + joined({route.parameters.begin(), route.parameters.end()});
    return fail(ErrorCode::invalid, std::move(text));
  }
  for (const auto name : route.parameters)
    if (std::count_if(parameters->begin(), parameters->end(), [&](const auto& p) { return p.first == name; }) > 1)
      return fail(ErrorCode::invalid, "the parameter '" + std::string(name) + "' is given twice; give it once");
  return parameters;
}

}  // namespace

Result<Gate> Gate::create(const GateOptions& options) {
  auto tokens = TokenSet::create(options.bearer_tokens);
  if (!tokens) return tokens.error();
  if (options.require_auth && tokens->empty())
    return fail(ErrorCode::invalid, "authentication is required, but there is no bearer token; give a token file with at least one");
  for (const auto& address : options.bound)
    if (!address.ip.is_loopback() && !options.require_auth)
      return fail(ErrorCode::invalid, "listening on " + to_string(address) + " needs authentication; give a token file, or listen on 127.0.0.1");
  return Gate(HostPolicy(options.bound, options.hosts), std::move(*tokens), options.require_auth);
}

std::optional<Reply> Gate::check_sender(const Incoming& incoming) const {
  // No browser comes through a socket file, and programs that do write any Host.
  if (incoming.over_unix) return std::nullopt;
  if (!hosts_.host_is_ours(incoming.host))
    return problem_reply(fail(ErrorCode::misdirected, "the Host '" + shown(incoming.host) + "' is none of ours; accepted are " + hosts_.accepted() +
                                                          ", and names that the operator configures"),
                         incoming.path);
  if (!incoming.origin.empty() && !HostPolicy::same_origin(incoming.origin, incoming.host))
    return problem_reply(fail(ErrorCode::forbidden, "the Origin '" + shown(incoming.origin) + "' is not this host; pages of other sites may not ask"), incoming.path);
  return std::nullopt;
}

std::optional<Reply> Gate::check_token(const Incoming& incoming, Instant now) {
  if (!require_auth_ || incoming.over_unix) return std::nullopt;
  const auto token = bearer_token(incoming.authorization);
  if (!token.empty() && tokens_.holds(token)) return std::nullopt;
  if (incoming.authorization.empty())
    return problem_reply(fail(ErrorCode::denied, "a token is needed; send Authorization: Bearer <token>"), incoming.path).with("WWW-Authenticate", "Bearer realm=\"choregos\"");
  ++wrong_tokens_;
  if (failures_.count(incoming.peer.ip, now))
    return retry_reply(fail(ErrorCode::exhausted, "too many wrong tokens from " + to_string(incoming.peer.ip) + "; wait before the next try"), incoming.path,
                       failures_.retry_after(incoming.peer.ip, now));
  return problem_reply(fail(ErrorCode::denied, token.empty() ? "Authorization must be of the form: Bearer <token>" : "the token is not one of ours"), incoming.path)
      .with("WWW-Authenticate", "Bearer realm=\"choregos\", error=\"invalid_token\"");
}

std::variant<Admitted, Refused> Gate::admit(const Incoming& incoming, Instant now) {
  if (auto reply = check_sender(incoming)) return Refused{*std::move(reply)};
  auto match = match_route(incoming.method, incoming.path);
  const bool open = match.route && match.route->role == Role::open;
  if (!open)
    if (auto reply = check_token(incoming, now)) return Refused{*std::move(reply), match.route};
  if (match.allowed.empty()) return Refused{unknown_path(incoming), nullptr, true};
  if (!match.route) return Refused{wrong_method(incoming, match.allowed), nullptr, true};
  if (match.bad_encoding)
    return Refused{problem_reply(fail(ErrorCode::invalid, "the id in " + shown(incoming.path) + " is not valid percent-encoding"), incoming.path), match.route, true};
  if (auto reply = check_body(*match.route, incoming)) return Refused{*std::move(reply), match.route, true};
  auto parameters = read_parameters(*match.route, incoming.query);
  if (!parameters) return Refused{problem_reply(parameters.error(), incoming.path), match.route, true};
  return Admitted{match.route, std::move(match.id), std::move(*parameters)};
}

}  // namespace choregos::api
