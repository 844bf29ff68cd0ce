// A Docker Engine for tests, as small as it goes: the seven paths on a unix socket or loopback, with lists that the test edits, and
// a record of everything that was asked.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "choregos/net/http_server.hpp"

namespace choregos::source {

struct FakeEngine {
  net::Loop& loop;
  std::string path = "/tmp/choregos-fake-engine-" + std::to_string(::getpid()) + ".sock";
  std::unique_ptr<net::HttpServer> server;
  std::vector<std::string> asked;                        ///< "GET /v1.41/tasks"
  std::map<std::string, net::HttpReply> replies;         ///< by path without version and query; else empty lists
  std::shared_ptr<net::Stream> stream;
  std::string since;                                     ///< of the last subscription
  bool mute = false;                                     ///< accepts and never answers
  std::string slow;                                      ///< a path that is not answered
  std::vector<net::Responder> waiting;

  explicit FakeEngine(net::Loop& l) : loop(l) {
    replies["/_ping"] = json("OK");
    replies["/version"] = json(R"({"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"})");
    for (const char* list : {"/nodes", "/services", "/tasks", "/containers/json"}) replies[list] = json("[]");
  }
  ~FakeEngine() { stop(); }

  static net::HttpReply json(std::string body, int status = 200) {
    net::HttpReply reply;
    reply.status = status;
    reply.headers = {{"Content-Type", "application/json"}};
    reply.body = std::move(body);
    return reply;
  }

  void start() {
    server = std::make_unique<net::HttpServer>(loop, net::HttpServer::Options{}, [this](net::HttpRequest&& request, net::Responder responder) { answer(request, responder); });
    if (!server->listen_unix(path)) std::abort();
  }
  void stop() {
    waiting.clear();
    stream.reset();
    server.reset();
    ::unlink(path.c_str());
  }
  void event(const std::string& line) {
    if (stream) stream->write(line + "\n");
  }
  /// A service "chorus" labelled as agents, and its tasks.
  void set_tasks(const std::string& tasks) {
    replies["/services"] = json(R"j([{"ID":"s1","Spec":{"Name":"chorus","Labels":{"choregos.enable":"true"},"Mode":{"Replicated":{"Replicas":1}}}}])j");
    replies["/nodes"] = json(R"j([{"ID":"n1","Description":{"Hostname":"worker-1"},"Status":{"State":"ready"}}])j");
    replies["/tasks"] = json(tasks);
  }
  static std::string task(const std::string& id, const std::string& state, const std::string& desired = "running") {
    return R"({"ID":")" + id + R"(","ServiceID":"s1","Slot":1,"NodeID":"n1","Status":{"State":")" + state + R"(","ContainerStatus":{"ContainerID":"c1","ExitCode":137}},"DesiredState":")" + desired +
           R"(","NetworksAttachments":[{"Network":{"Spec":{"Name":"fleet"}},"Addresses":["10.0.1.4/24"]}]})";
  }
  std::size_t count(const std::string& what) const { return static_cast<std::size_t>(std::count(asked.begin(), asked.end(), what)); }

 private:
  void answer(const net::HttpRequest& request, net::Responder responder) {
    asked.push_back(request.method + " " + request.path);
    if (mute) return waiting.push_back(responder);
    std::string plain = request.path;
    if (plain.starts_with("/v1.")) plain = plain.substr(plain.find('/', 1));
    if (plain == slow) return waiting.push_back(responder);
    if (plain == "/events" && !replies.contains("/events")) {
      since = std::string(request.query_value("since").value_or(""));
      stream = responder.stream(200, {{"Content-Type", "application/json"}});
      return;
    }
    const auto reply = replies.find(plain);
    responder.reply(reply == replies.end() ? json(R"({"message":"page not found"})", 404) : reply->second);
  }
};

}  // namespace choregos::source
