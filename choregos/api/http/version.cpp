// GET /api/v1/version: which program answers.
#include "choregos/api/http/handlers.hpp"
#include "choregos/wire/json.hpp"

namespace choregos::api {

Reply get_version(const Call& call) {
  const auto& services = call.view.services;
  wire::JsonWriter out;
  out.begin_object().member("name", "choregosd").member("version", services.build.version);
  if (!services.build.commit.empty()) out.member("commit", services.build.commit);
  if (!services.build.compiler.empty()) out.member("compiler", services.build.compiler);
  out.member("api", "v1").member("started_at", to_rfc3339(services.started));
  out.end_object();
  return json_reply(std::move(out).take());
}

}  // namespace choregos::api
