#include "choregos/sdk/health_responder.hpp"

#include <utility>

#include "choregos/wire/problem.hpp"

namespace choregos::sdk {
namespace {

/// A handful of probers come here; a stranger must not take the agent's descriptors.
net::HttpServer::Options small_server() {
  net::HttpServer::Options options;
  options.connection_count_max = 256;
  options.body_bytes_max = 4096;
  return options;
}

net::HttpReply problem(int status, ErrorCode code, std::string message, const std::string& path) {
  net::HttpReply reply;
  reply.status = status;
  reply.headers.emplace_back("Content-Type", std::string(wire::kProblemMediaType));
  reply.body = wire::problem_json({code, std::move(message)}, path, status);
  return reply;
}

}  // namespace

HealthResponder::HealthResponder(net::Loop& loop, std::string path)
    : path_(std::move(path)),
      server_(loop, small_server(), [this](net::HttpRequest&& request, net::Responder responder) { answer(request, std::move(responder)); }) {}

void HealthResponder::answer(const net::HttpRequest& request, net::Responder responder) {
  if (request.path != path_) return responder.reply(problem(404, ErrorCode::not_found, "there is only " + path_ + " here", request.path));
  if (request.method != "GET" && request.method != "HEAD") {
    auto reply = problem(405, ErrorCode::unsupported, path_ + " takes GET and HEAD", request.path);
    reply.headers.emplace_back("Allow", "GET, HEAD");
    return responder.reply(std::move(reply));
  }
  ++answers_;
  net::HttpReply reply;
  reply.headers.emplace_back("Content-Type", "application/json");
  reply.headers.emplace_back("Cache-Control", "no-store");
  reply.shared_body = body_;
  responder.reply(std::move(reply));
}

}  // namespace choregos::sdk
