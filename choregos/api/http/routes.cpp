#include "choregos/api/http/routes.hpp"

#include <algorithm>
#include <cassert>

#include "choregos/base/text.hpp"
#include "choregos/wire/url.hpp"

namespace choregos::api {
namespace {

using Names = std::span<const std::string_view>;
using Codes = std::span<const int>;

constexpr std::array<std::string_view, 2> kRecordParameters{"fields", "max_age"};
constexpr std::array<std::string_view, 1> kFreshParameters{"max_age"};
constexpr std::array<std::string_view, 1> kLifeParameters{"incarnation"};
constexpr std::array<std::string_view, 2> kLeaveParameters{"incarnation", "reason"};

constexpr std::array kOk{200};
constexpr std::array kReady{200, 503};
constexpr std::array kDocument{200, 304};
constexpr std::array kAsset{200, 304, 404};
constexpr std::array kList{200, 304, 503};
constexpr std::array kRecord{200, 304, 404, 503};
constexpr std::array kOne{200, 404, 503};
constexpr std::array kWatch{200, 410, 503};
constexpr std::array kRegister{200, 201, 409, 503};
constexpr std::array kRenew{200, 404, 409, 503};
constexpr std::array kLeave{204, 404, 409, 503};
constexpr std::array kTether{200, 404, 409, 503};

constexpr std::array<Route, kRouteCount> kRoutes{{
    // The page holds no secret and must come before anybody can type a token into it.
    {RouteId::index, "GET", "/", Role::open, BodyRule::none, Names{}, Codes{kDocument}},
    {RouteId::page_asset, "GET", "/assets/{id}", Role::open, BodyRule::none, Names{}, Codes{kAsset}},
    {RouteId::page_icon, "GET", "/favicon.svg", Role::open, BodyRule::none, Names{}, Codes{kDocument}},
    {RouteId::healthz, "GET", "/healthz", Role::open, BodyRule::none, Names{}, Codes{kOk}},
    {RouteId::readyz, "GET", "/readyz", Role::open, BodyRule::none, Names{}, Codes{kReady}},
    {RouteId::metrics, "GET", "/metrics", Role::reader, BodyRule::none, Names{}, Codes{kOk}},
    {RouteId::openapi, "GET", "/openapi.json", Role::reader, BodyRule::none, Names{}, Codes{kDocument}},
    {RouteId::agents_list, "GET", "/api/v1/agents", Role::reader, BodyRule::none, Names{}, Codes{kList}},
    {RouteId::agent_get, "GET", "/api/v1/agents/{id}", Role::reader, BodyRule::none, Names{kRecordParameters}, Codes{kRecord}},
    {RouteId::agent_register, "PUT", "/api/v1/agents/{id}", Role::agent, BodyRule::json, Names{}, Codes{kRegister}},
    {RouteId::agent_leave, "DELETE", "/api/v1/agents/{id}", Role::agent, BodyRule::none, Names{kLeaveParameters}, Codes{kLeave}},
    {RouteId::agent_renew, "POST", "/api/v1/agents/{id}/renew", Role::agent, BodyRule::optional_json, Names{kLifeParameters}, Codes{kRenew}},
    {RouteId::agent_tether, "GET", "/api/v1/agents/{id}/tether", Role::agent, BodyRule::none, Names{kLifeParameters}, Codes{kTether}},
    {RouteId::agent_why, "GET", "/api/v1/agents/{id}/why", Role::reader, BodyRule::none, Names{}, Codes{kOne}},
    {RouteId::agent_history, "GET", "/api/v1/agents/{id}/history", Role::reader, BodyRule::none, Names{}, Codes{kOne}},
    {RouteId::watch, "GET", "/api/v1/watch", Role::reader, BodyRule::none, Names{}, Codes{kWatch}},
    {RouteId::capabilities, "GET", "/api/v1/capabilities", Role::reader, BodyRule::none, Names{kFreshParameters}, Codes{kList}},
    {RouteId::summary, "GET", "/api/v1/summary", Role::reader, BodyRule::none, Names{kFreshParameters}, Codes{kReady}},
    {RouteId::sources, "GET", "/api/v1/sources", Role::reader, BodyRule::none, Names{}, Codes{kOk}},
    {RouteId::expected, "GET", "/api/v1/expected", Role::reader, BodyRule::none, Names{}, Codes{kReady}},
    {RouteId::thaw, "POST", "/api/v1/guard/thaw", Role::admin, BodyRule::json, Names{}, Codes{kOne}},
    {RouteId::version, "GET", "/api/v1/version", Role::reader, BodyRule::none, Names{}, Codes{kOk}},
}};

// 400 malformed, an unknown parameter, or a body where none belongs; 403 foreign Origin; 413, 414, 431 over a limit; 415 no
// JSON; 421 foreign Host.
constexpr std::array kGateOpen{400, 403, 414, 421, 431};
constexpr std::array kGateGuarded{400, 401, 403, 414, 421, 429, 431};
constexpr std::array kGateBody{400, 401, 403, 413, 414, 415, 421, 429, 431};

/// Compares segment by segment; `id` receives the raw text under "{id}".
bool pattern_matches(std::string_view pattern, std::string_view path, std::string_view& id) {
  while (true) {
    const auto p = pattern.find('/', 1), q = path.find('/', 1);
    const auto wanted = pattern.substr(0, p), given = path.substr(0, q);
    if (wanted == "/{id}") {
      if (given.size() < 2) return false;
      id = given.substr(1);
    } else if (wanted != given) {
      return false;
    }
    if (p == std::string_view::npos || q == std::string_view::npos) return p == q;
    pattern.remove_prefix(p);
    path.remove_prefix(q);
  }
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

std::span<const int> gate_statuses(const Route& route) {
  if (route.role == Role::open) return kGateOpen;
  return route.body == BodyRule::none ? Codes{kGateGuarded} : Codes{kGateBody};
}

const Route& route(RouteId id) {
  const Route& found = kRoutes[static_cast<std::size_t>(id)];
  assert(found.id == id);
  return found;
}

Match match_route(std::string_view method, std::string_view path) {
  Match match;
  if (path.empty() || path.front() != '/') return match;
  for (const auto& candidate : kRoutes) {
    std::string_view raw;
    if (!pattern_matches(candidate.pattern, path, raw)) continue;
    match.allowed.push_back(candidate.method);
    if (candidate.method == "GET") match.allowed.push_back("HEAD");
    if (candidate.method != method && !(method == "HEAD" && candidate.method == "GET")) continue;
    match.route = &candidate;
    if (raw.empty()) continue;
    auto decoded = wire::percent_decode(raw);
    match.bad_encoding = !decoded;
    if (decoded) match.id = std::move(*decoded);
  }
  return match;
}

std::vector<std::string_view> near_paths(std::string_view path) {
  // The prefix is what people leave out most often.
  std::vector<std::pair<std::size_t, std::string_view>> scored;
  for (const auto& candidate : kRoutes) {
    if (std::any_of(scored.begin(), scored.end(), [&](const auto& s) { return s.second == candidate.pattern; })) continue;
    std::string_view bare = candidate.pattern;
    if (bare.substr(0, 7) == "/api/v1") bare.remove_prefix(7);
    const std::string_view given = path.substr(0, 128);
    const std::size_t distance = std::min(edit_distance(given, candidate.pattern), edit_distance(given, bare));
    if (distance <= std::max<std::size_t>(3, candidate.pattern.size() / 3)) scored.emplace_back(distance, candidate.pattern);
  }
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string_view> nearest;
  for (const auto& [distance, pattern] : scored)
    if (nearest.size() < 3) nearest.push_back(pattern);
  return nearest;
}

}  // namespace choregos::api
