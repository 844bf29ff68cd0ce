// GET /healthz (this process answers) and /readyz (its lists may be believed), as Kubernetes and Docker expect.
#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"

namespace choregos::api {

Reply get_healthz(const Call&) { return json_reply(R"({"status":"up"})"); }

Reply get_readyz(const Call& call) {
  if (auto refusal = not_ready(call)) return *std::move(refusal);
  return json_reply(R"({"status":"ready"})");
}

}  // namespace choregos::api
