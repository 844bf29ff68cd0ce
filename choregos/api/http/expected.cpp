// GET /api/v1/expected: what should be there against what is found, each missing or phantom one by name.
#include "choregos/api/http/freshness.hpp"
#include "choregos/api/http/handlers.hpp"
#include "choregos/wire/expected_json.hpp"

namespace choregos::api {

Reply get_expected(const Call& call) {
  if (auto refusal = not_ready(call)) return *std::move(refusal);
  const View& view = call.view;
  if (!view.services.expected) return retry_reply(fail(ErrorCode::unavailable, "nobody here knows what should be there"), call.path, 60s);
  wire::JsonWriter out(1024);
  out.begin_object();
  wire::write_expected(out, view.services.expected());
  out.member("epoch", view.snapshot->revision().epoch).member("revision", view.snapshot->revision().number);
  write_mode(out, view);
  out.end_object();
  return json_reply(std::move(out).take());
}

}  // namespace choregos::api
