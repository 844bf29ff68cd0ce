// The static table of routes: what exists, who may use it, what it may answer. The OpenAPI document lists the same
// operations with the same statuses, and a test compares the two.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace choregos::api {

enum class RouteId : std::uint8_t {
  index, page_asset, page_icon, healthz, readyz, metrics, openapi, agents_list, agent_get, agent_register, agent_leave, agent_renew, agent_tether,
  agent_why, agent_history, watch, capabilities, summary, sources, expected, thaw, version,
};
inline constexpr std::size_t kRouteCount = 22;

/// The least role that may use a route once roles exist. Today a bearer token holds every role; `open` needs none.
enum class Role : std::uint8_t { open, reader, agent, admin };

/// What a request may carry as its body.
enum class BodyRule : std::uint8_t { none, optional_json, json };

struct Route {
  RouteId id;
  std::string_view method;   ///< a GET route answers HEAD, too
  std::string_view pattern;  ///< segments; "{id}" stands for one of any content
  Role role;
  BodyRule body;
  /// Query parameters it knows; others are refused. The list of agents and the watch check their own, because `label.<key>` is open.
  std::span<const std::string_view> parameters;
  /// Statuses its handler may answer. The gate in front of every handler adds those of gate_statuses().
  std::span<const int> statuses;
};

std::span<const Route> routes();
/// Statuses that the gate gives before a handler is asked: malformed or oversized requests, Host, Origin, credentials.
std::span<const int> gate_statuses(const Route& route);
const Route& route(RouteId id);

struct Match {
  const Route* route = nullptr;     ///< null when nothing matches path and method
  std::string id;                   ///< decoded "{id}"
  std::vector<std::string_view> allowed;  ///< methods of the path; empty = the path is unknown
  bool bad_encoding = false;        ///< "{id}" is not valid percent-encoding
};
/// `path` is the raw path of the request, without its query.
Match match_route(std::string_view method, std::string_view path);
/// Known paths near to an unknown one, nearest first, at most three.
std::vector<std::string_view> near_paths(std::string_view path);

}  // namespace choregos::api
