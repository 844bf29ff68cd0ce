// GET /api/v1/sources: how each source does. It answers before we are ready, too: that is when it is needed.
#include "choregos/api/http/handlers.hpp"
#include "choregos/wire/source_json.hpp"

namespace choregos::api {

Reply list_sources(const Call& call) { return json_reply(wire::sources_json(call.view.services.sources())); }

}  // namespace choregos::api
