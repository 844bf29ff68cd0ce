// GET /: a plain page for whoever opens the address in a browser. No script, no style: the policy forbids both.
#include "choregos/api/http/handlers.hpp"

namespace choregos::api {

Reply get_index(const Call&) {
  static constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>choregos</title></head>
<body>
<h1>choregos</h1>
<p>This is choregosd. It keeps the live list of the AI agents of a fleet.</p>
<ul>
<li><a href="/api/v1/agents">/api/v1/agents</a>: who is out there</li>
<li><a href="/api/v1/summary">/api/v1/summary</a>: the fleet in numbers</li>
<li><a href="/api/v1/capabilities">/api/v1/capabilities</a>: what the fleet can do</li>
<li><a href="/api/v1/sources">/api/v1/sources</a>: how agents are heard of</li>
<li><a href="/api/v1/expected">/api/v1/expected</a>: who should be there and is not</li>
<li><a href="/api/v1/version">/api/v1/version</a>: which program this is</li>
<li><a href="/openapi.json">/openapi.json</a>: every route, described</li>
<li><a href="/metrics">/metrics</a>, <a href="/readyz">/readyz</a>, <a href="/healthz">/healthz</a></li>
</ul>
<p>From a terminal: <code>curl http://THIS-ADDRESS/api/v1/agents</code></p>
</body>
</html>
)";
  Reply reply;
  reply.content_type = "text/html; charset=utf-8";
  reply.body = kPage;
  return reply;
}

}  // namespace choregos::api
