#include "choregos/sdk/self.hpp"

#include <algorithm>

#include "choregos/wire/json.hpp"

namespace choregos::sdk {

std::string Self::health_body() const {
  wire::JsonWriter out;
  const auto text = [&](std::string_view name, const std::optional<std::string>& value) {
    if (value) out.member(name, *value);
  };
  const auto number = [&](std::string_view name, const auto& value) {
    if (value) out.member(name, *value);
  };
  out.begin_object().member("id", id);
  text("name", claims.name);
  if (claims.status) out.member("status", to_string(*claims.status));
  if (claims.capabilities) {
    out.key("capabilities").begin_array();
    for (const auto& capability : *claims.capabilities) out.value(capability);
    out.end_array();
  }
  text("model", claims.model);
  text("endpoint", claims.endpoint);
  number("tasks_completed", claims.tasks_completed);
  text("p2p_addr", claims.p2p_addr);
  text("cluster_id", claims.cluster_id);
  if (incarnation) out.member("incarnation", incarnation);
  text("node", claims.node);
  text("version", claims.version);
  if (claims.labels) {
    out.key("labels").begin_object();
    for (const auto& [key, value] : *claims.labels) out.member(key, value);
    out.end_object();
  }
  number("running", claims.running);
  number("capacity", claims.capacity);
  if (draining) out.member("draining", true);
  out.end_object();
  return std::move(out).take();
}

wire::Statement Self::statement() const {
  wire::Statement statement;
  statement.id = id;
  statement.incarnation = incarnation;
  statement.claims = claims;
  // Counted by whoever hands out the work, and refused from an agent.
  statement.claims.tasks_completed.reset();
  statement.claims.current_team.reset();
  statement.ttl = ttl;
  return statement;
}

wire::AliveBody Self::alive() const {
  const auto small = [](const std::optional<std::uint32_t>& value) -> std::optional<std::uint16_t> {
    if (!value) return std::nullopt;
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(*value, 65534));
  };
  wire::AliveBody body;
  body.id = id;
  body.incarnation = incarnation;
  body.status = claims.status;
  body.running = small(claims.running);
  body.capacity = small(claims.capacity);
  if (claims.running && claims.capacity && *claims.capacity > 0)
    body.load = static_cast<std::uint16_t>(std::min<std::uint64_t>(std::uint64_t{*claims.running} * 1000 / *claims.capacity, 65534));
  return body;
}

}  // namespace choregos::sdk
