// GET /api/v1/capabilities: what the fleet can do, and how many can do it.
#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::api {

Reply list_capabilities(const Call& call) {
  if (auto refusal = not_ready(call)) return *std::move(refusal);
  const auto& snapshot = *call.view.snapshot;
  const std::string etag = etag_of(snapshot.revision(), call.view);
  if (!call.parameter("max_age"))
    if (auto unchanged = not_modified(call, etag)) return *std::move(unchanged);
  Evidence evidence(call.view);
  snapshot.for_each([&](const AgentRecordPtr& record) { evidence.use(*record); });
  if (auto refusal = evidence.refusal(call)) return *std::move(refusal);
  if (auto unchanged = not_modified(call, etag)) return *std::move(unchanged);

  const auto capabilities = snapshot.capabilities();
  wire::JsonWriter out(64 + capabilities.size() * 64);
  out.begin_object().key("capabilities").begin_array();
  for (const auto& each : capabilities)
    out.begin_object().member("name", each.capability).member("total", each.total).member("live", each.live).end_object();
  out.end_array();
  out.member("total", capabilities.size());
  write_freshness(out, snapshot.revision(), evidence, call.view);
  out.end_object();
  return json_reply(std::move(out).take()).with("ETag", etag).with("Cache-Control", "no-cache");
}

}  // namespace choregos::api
