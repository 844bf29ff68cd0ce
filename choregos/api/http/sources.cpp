// GET /api/v1/sources: how each source does. It answers before we are ready, too: that is when it is needed.
#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/wire/source_json.hpp"

namespace choregos::api {

Reply list_sources(const Call& call) {
  wire::JsonWriter out(1024);
  out.begin_object().key("sources").begin_array();
  for (const auto& health : call.view.services.sources()) wire::write_source(out, health);
  out.end_array();
  write_mode(out, call.view);
  out.end_object();
  return json_reply(std::move(out).take());
}

}  // namespace choregos::api
