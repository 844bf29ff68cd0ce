// GET / and what belongs to it: the page for browsers, as the daemon was built with it. A build without one answers with a plain
// list of links.
#include "choregos/api/http/handlers.hpp"
#include "choregos/base/text.hpp"

namespace choregos::api {

namespace {

Reply plain_index() {
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

/// Its own files alone, nothing inline, nowhere else to talk to.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

}  // namespace

Reply get_page(const Call& call) {
  const auto& page = call.view.services.page;
  const auto file = page ? page(call.path) : std::nullopt;
  if (!file) {
    if (!page && call.path == "/") return plain_index();
    return problem_reply(fail(ErrorCode::not_found, "the page has no file " + printable(call.path.substr(0, 128)) + "; reload it, it may be of an older build"), call.path);
  }
  const std::string tag(file->etag);
  const auto dressed = [&](Reply reply) {
    reply.with("ETag", tag).with("Vary", "Accept-Encoding").with("Cache-Control", file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    return reply.with("Content-Security-Policy", std::string(kPolicy));
  };
  Reply reply;
  reply.content_type = std::string(file->content_type);
  if (none_match_hits(call.if_none_match, tag)) {
    reply.status = 304;
    return dressed(std::move(reply));
  }
  reply.body = std::string(call.accepts_gzip ? file->gzip : file->plain);
  if (call.accepts_gzip) reply.with("Content-Encoding", "gzip");
  return dressed(std::move(reply));
}

}  // namespace choregos::api
