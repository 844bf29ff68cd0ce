// The API behind a real server on loopback, asked over real sockets, with a fake fleet and door behind it.
#include "choregos/api/http/http_api.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <future>
#include <optional>
#include <thread>

#include "choregos/api/http/fakes_for_tests.hpp"
#include "choregos/base/text.hpp"
#include "choregos/wire/registered_json.hpp"
#include "choregos/wire/sse.hpp"

namespace choregos::api {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

const std::string kToken = "0123456789abcdef0123";

struct Answered {
  int status = 0;
  std::string head;  ///< lower case
  std::string body;
  bool has(std::string_view line) const { return head.find(to_lower(line)) != std::string::npos; }
  boost::json::value json() const { return boost::json::parse(body); }
  std::string header(std::string_view name) const {
    const auto at = head.find("\r\n" + to_lower(name) + ": ");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

/// A blocking connection; every wait is bounded.
class Connection {
 public:
  explicit Connection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void send(const std::string& text) { EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size())); }
  /// Reads until `part` was seen; false when the end or 5 s came first.
  bool read_until(std::string_view part) {
    const auto end = Clock::now() + 5s;
    while (received.find(part) == std::string::npos)
      if (!read_some(end)) return false;
    return true;
  }
  bool read_to_end() {
    const auto end = Clock::now() + 5s;
    while (read_some(end)) {}
    return ended_;
  }
  std::string received;

 private:
  bool read_some(Clock::time_point end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd waiting{fd_, POLLIN, 0};
    if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
    char buffer[16384];
    const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count <= 0) {
      ended_ = true;
      return false;
    }
    received.append(buffer, static_cast<std::size_t>(count));
    return true;
  }
  int fd_;
  bool ended_ = false;
};

class HttpApiTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void TearDown() override { stop(); }

  void start(bool require_auth = false) {
    services.snapshot = [this] { return fleet.snapshot(); };
    services.readiness = [this] { return readiness; };
    services.sources = [] { return std::vector<SourceHealth>{}; };
    services.now = [this] { return fleet.now; };
    services.wall_now = [this] { return fleet.wall(); };
    services.started = fleet.wall();
    services.build = {"0.1.0", "", ""};
    services.door = with_door ? &door : nullptr;
    services.explain = [this](const std::string& id, const std::function<void(Result<Explanation>)>& done) {
      auto explanation = fleet.registry.explain(id, fleet.now);
      done(explanation ? Result<Explanation>(*explanation) : fail(ErrorCode::not_found, "nobody"));
    };
    services.past = [](const std::string&, const std::function<void(Result<Past>)>& done) { done(Past{}); };
    services.expected = [] { return ExpectedFound{}; };
    services.server_stats = [this] { return server->stats(); };
    GateOptions options;
    options.bound = {SocketAddress{IpAddress::v4(127, 0, 0, 1), 0}};
    options.require_auth = require_auth;
    if (require_auth) options.bearer_tokens = {kToken};
    loop = std::make_unique<net::Loop>();
    auto made = HttpApi::create(*loop, options, services);
    ASSERT_TRUE(made) << made.error().message;
    api = std::move(*made);
    server = std::make_unique<net::HttpServer>(*loop, net::HttpServer::Options{}, api->handler());
    const auto bound = server->listen(SocketAddress{IpAddress::v4(127, 0, 0, 1), 0});
    ASSERT_TRUE(bound) << bound.error().message;
    port = bound->port;
    thread = std::thread([this] { loop->run(); });
  }
  void stop() {
    if (!thread.joinable()) return;
    loop->stop();
    thread.join();
    server.reset();
    api.reset();
    loop.reset();
  }
  /// Runs `fn` on the loop's thread, where the fleet and the door live.
  void on_loop(const std::function<void()>& fn) {
    std::promise<void> done;
    loop->post([&] {
      fn();
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(5s), std::future_status::ready);
  }
  /// Whether `condition` holds on the loop's thread within the time.
  bool becomes_true(const std::function<bool()>& condition, std::chrono::milliseconds within = 5000ms) {
    for (const auto end = Clock::now() + within; Clock::now() < end;) {
      bool holds = false;
      on_loop([&] { holds = condition(); });
      if (holds) return true;
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }

  std::string request(const std::string& method, const std::string& target, const std::string& headers, const std::string& body) const {
    std::string text = method + " " + target + " HTTP/1.1\r\n";
    if (to_lower(headers).find("host:") == std::string::npos) text += "Host: 127.0.0.1:" + std::to_string(port) + "\r\n";
    text += headers;
    if (!body.empty() || method == "PUT" || method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + body;
  }
  Answered ask(const std::string& method, const std::string& target, const std::string& headers = {}, const std::string& body = {}) {
    Connection connection(port);
    connection.send(request(method, target, headers + "Connection: close\r\n", body));
    EXPECT_TRUE(connection.read_to_end()) << method << " " << target;
    const auto split = connection.received.find("\r\n\r\n");
    Answered answered;
    if (split == std::string::npos) return answered;
    answered.head = to_lower(connection.received.substr(0, split + 2));
    answered.body = connection.received.substr(split + 4);
    answered.status = std::stoi(answered.head.substr(9, 3));
    return answered;
  }
  Answered put(const std::string& id, const std::string& body) { return ask("PUT", "/api/v1/agents/" + id, "Content-Type: application/json\r\n", body); }

  fakes::Fleet fleet;
  fakes::Door door{fleet};
  bool with_door = true;
  Readiness readiness{true, {}, 1s};
  Services services;
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<HttpApi> api;
  std::unique_ptr<net::HttpServer> server;
  std::thread thread;
  std::uint16_t port = 0;
};

TEST_F(HttpApiTest, EveryGetAnswersWithItsHeadersAndHeadDoesTheSame) {
  on_loop([&] { fleet.hear("a1", fakes::claims_like_the_original()); });
  for (const auto& route : routes()) {
    if (route.method != "GET" || route.id == RouteId::agent_tether || route.id == RouteId::watch) continue;  // these stay open
    if (route.id == RouteId::page_asset || route.id == RouteId::page_icon) continue;  // this program has no page
    std::string path(route.pattern);
    if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, "a1");
    const auto got = ask("GET", path);
    EXPECT_EQ(got.status, 200) << path << got.body;
    for (const auto* line : {"x-content-type-options: nosniff\r\n", "x-frame-options: deny\r\n", "referrer-policy: no-referrer\r\n", "content-security-policy: default-src 'none'",
                             "cache-control: no-", "choregos-revision: 3.1001\r\n", "choregos-mode: normal\r\n"})
      EXPECT_TRUE(got.has(line)) << path << " " << line << got.head;
    EXPECT_EQ(got.header("content-length"), std::to_string(got.body.size())) << path;
    const auto head = ask("HEAD", path);
    EXPECT_EQ(head.status, 200) << path;
    EXPECT_TRUE(head.body.empty()) << path;
    EXPECT_EQ(head.header("content-type"), got.header("content-type")) << path;
  }
}

TEST_F(HttpApiTest, GateStandsInFrontOfTheServer) {
  EXPECT_EQ(ask("GET", "/api/v1/agents", "Host: evil.example\r\n").status, 421);
  EXPECT_EQ(ask("GET", "/api/v1/agents", "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(ask("POST", "/api/v1/agents").status, 405);
  EXPECT_TRUE(ask("POST", "/api/v1/agents").has("\r\nallow: get, head\r\n"));
  EXPECT_EQ(ask("OPTIONS", "/api/v1/agents").status, 405);
  EXPECT_EQ(ask("GET", "/api/v1/nothing").status, 404);
  EXPECT_EQ(ask("PUT", "/api/v1/agents/a1", "Content-Type: text/plain\r\n", "{}").status, 415);
  EXPECT_EQ(ask("PUT", "/api/v1/agents/a1", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "{}").status, 415);
  const auto problem = ask("GET", "/api/v1/agents/nobody");
  EXPECT_EQ(problem.status, 404);
  EXPECT_EQ(problem.header("content-type"), "application/problem+json");
  EXPECT_EQ(problem.json().at("instance").as_string(), "/api/v1/agents/nobody");
  EXPECT_TRUE(problem.has("x-content-type-options: nosniff"));
}

TEST_F(HttpApiTest, TrustsNoForwardingHeaders) {
  stop();
  start(true);
  const std::string lies = "X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\nX-HTTP-Method-Override: PUT\r\nUser-Agent: admin\r\n";
  EXPECT_EQ(ask("GET", "/api/v1/agents", lies).status, 401);
  EXPECT_EQ(ask("GET", "/api/v1/agents", "Host: evil.example\r\nX-Forwarded-Host: localhost\r\n").status, 421);
}

TEST_F(HttpApiTest, TokensOpenAndWrongOnesAreSlowed) {
  stop();
  start(true);
  const auto stranger = ask("GET", "/api/v1/agents");
  EXPECT_EQ(stranger.status, 401);
  EXPECT_TRUE(stranger.has("www-authenticate: bearer"));
  EXPECT_FALSE(stranger.has("choregos-revision"));
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/agents", "Authorization: Bearer " + kToken + "\r\n").status, 200);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask("GET", "/api/v1/agents", "Authorization: Bearer wrong\r\n").status, 401);
  const auto limited = ask("GET", "/api/v1/agents", "Authorization: Bearer wrong\r\n");
  EXPECT_EQ(limited.status, 429);
  EXPECT_FALSE(limited.header("retry-after").empty());
  EXPECT_EQ(ask("GET", "/api/v1/agents", "Authorization: Bearer " + kToken + "\r\n").status, 200);
}

TEST_F(HttpApiTest, RegistersRenewsAndLeaves) {
  const auto created = put("a1", R"({"incarnation":5,"name":"One","capabilities":["go"],"status":"idle","ttl":"45s"})");
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.header("location"), "/api/v1/agents/a1");
  EXPECT_EQ(created.json().at("links").at("renew").as_string(), "/api/v1/agents/a1/renew");
  EXPECT_EQ(created.json().at("links").at("tether").as_string(), "/api/v1/agents/a1/tether");
  const auto document = wire::read_registered(created.body);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->agent.agent.name, "One");
  EXPECT_TRUE(document->created);
  EXPECT_EQ(document->ttl, 45s);
  EXPECT_EQ(document->beacon_interval, 1s);
  EXPECT_EQ(created.header("choregos-revision"), "3.1001");  // the revision that it made, not the one before

  EXPECT_EQ(put("a1", R"({"incarnation":5,"name":"One"})").status, 200);
  EXPECT_EQ(put("a1", R"({"incarnation":4})").status, 409);
  const auto renewed = ask("POST", "/api/v1/agents/a1/renew?incarnation=5", "Content-Type: application/json\r\n", R"({"status":"working"})");
  EXPECT_EQ(renewed.status, 200) << renewed.body;
  EXPECT_EQ(renewed.json().at("agent").at("status").as_string(), "working");
  EXPECT_EQ(ask("POST", "/api/v1/agents/a1/renew").status, 200);
  EXPECT_EQ(ask("POST", "/api/v1/agents/a1/renew?incarnation=4").status, 409);
  EXPECT_EQ(ask("POST", "/api/v1/agents/a1/renew?incarnation=-1").status, 400);
  EXPECT_EQ(ask("POST", "/api/v1/agents/nobody/renew").status, 404);
  EXPECT_EQ(ask("DELETE", "/api/v1/agents/a1?incarnation=5&reason=done").status, 204);
  EXPECT_EQ(ask("DELETE", "/api/v1/agents/a1?incarnation=5").status, 404);
  on_loop([&] {
    EXPECT_EQ(door.last_register.peer.ip, IpAddress::v4(127, 0, 0, 1));
    EXPECT_EQ(door.last_leave.reason, "done");
  });
}

TEST_F(HttpApiTest, RefusesWhatOnlyTheServerWritesAndWhatIsNotKnown) {
  for (const auto* member : {R"("last_seen":"2026-11-23T10:00:00Z")", R"("tasks_completed":7)", R"("current_team":"x")", R"("liveness":"alive")", R"("verified":true)"}) {
    const auto refused = put("a1", std::string("{") + member + "}");
    EXPECT_EQ(refused.status, 400) << member;
  }
  EXPECT_NE(put("a1", R"({"capabilites":["go"]})").body.find("did you mean 'capabilities'"), std::string::npos);
  EXPECT_EQ(put("a1", R"({"id":"a2"})").status, 400);
  EXPECT_EQ(put("a1", "").status, 400);
  EXPECT_EQ(put("a1", R"({"name":"a","name":"b"})").status, 400);
  EXPECT_EQ(put("a1", R"({"name":")" + std::string(9000, 'x') + R"("})").status, 413);
  on_loop([&] { EXPECT_EQ(fleet.registry.size(), 0u); });
}

TEST_F(HttpApiTest, PassesOnWhatTheDoorRefuses) {
  on_loop([&] { door.full = true; });
  const auto full = put("a1", "{}");
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(full.header("retry-after"), "1");
}

TEST_F(HttpApiTest, IsUnavailableToWritersWithoutADoor) {
  stop();
  with_door = false;
  start();
  EXPECT_EQ(put("a1", "{}").status, 503);
  EXPECT_EQ(ask("POST", "/api/v1/agents/a1/renew").status, 503);
  EXPECT_EQ(ask("DELETE", "/api/v1/agents/a1").status, 503);
  EXPECT_EQ(ask("GET", "/api/v1/agents/a1/tether").status, 503);
}

TEST_F(HttpApiTest, TetherBeginsWithHelloAndItsEndIsToldWithinMilliseconds) {
  ASSERT_EQ(put("a1", R"({"incarnation":5})").status, 201);
  Connection tether(port);
  tether.send(request("GET", "/api/v1/agents/a1/tether?incarnation=5", "", ""));
  ASSERT_TRUE(tether.read_until("event: pace")) << tether.received;
  const std::string head = to_lower(tether.received.substr(0, tether.received.find("\r\n\r\n")));
  EXPECT_NE(head.find("200 ok"), std::string::npos);
  EXPECT_NE(head.find("content-type: text/event-stream"), std::string::npos);
  EXPECT_NE(head.find("x-accel-buffering: no"), std::string::npos);
  EXPECT_NE(head.find("cache-control: no-store"), std::string::npos);
  EXPECT_LT(tether.received.find("event: hello"), tether.received.find("event: pace"));

  on_loop([&] { EXPECT_TRUE(door.channels.at(1)->send("offer", R"({"task":"t1"})")); });
  EXPECT_TRUE(tether.read_until("event: offer\ndata: {\"task\":\"t1\"}")) << tether.received;
  EXPECT_NE(ask("GET", "/metrics").body.find("choregos_tethers 1\n"), std::string::npos);

  const auto closing = Clock::now();
  tether.close();
  EXPECT_TRUE(becomes_true([&] { return !door.closed.empty(); }, 1000ms));
  EXPECT_LT(Clock::now() - closing, 200ms);
  on_loop([&] {
    ASSERT_EQ(door.closed.size(), 1u);
    EXPECT_EQ(door.closed[0].first, 1u);
    EXPECT_EQ(door.closed[0].second, "peer_closed");
  });
  EXPECT_NE(ask("GET", "/metrics").body.find("choregos_tethers 0\n"), std::string::npos);
}

TEST_F(HttpApiTest, TetherEndsWhenTheDoorClosesIt) {
  ASSERT_EQ(put("a1", R"({"incarnation":5})").status, 201);
  Connection tether(port);
  tether.send(request("GET", "/api/v1/agents/a1/tether", "", ""));
  ASSERT_TRUE(tether.read_until("event: pace"));
  on_loop([&] {
    door.channels.at(1)->send("bye", R"({"reason":"another incarnation"})");
    door.channels.at(1)->close();
  });
  EXPECT_TRUE(tether.read_to_end());
  EXPECT_NE(tether.received.find("event: bye"), std::string::npos);
  EXPECT_TRUE(becomes_true([&] { return door.closed.size() == 1; }));
}

TEST_F(HttpApiTest, TethersEndWithTheApi) {
  ASSERT_EQ(put("a1", R"({"incarnation":5})").status, 201);
  Connection one(port), two(port);
  for (auto* tether : {&one, &two}) {
    tether->send(request("GET", "/api/v1/agents/a1/tether", "", ""));
    ASSERT_TRUE(tether->read_until("event: pace"));
  }
  on_loop([&] { api->close_tethers(); });
  EXPECT_TRUE(one.read_to_end());
  EXPECT_TRUE(two.read_to_end());
  EXPECT_TRUE(becomes_true([&] { return door.closed.size() == 2; }));
}

TEST_F(HttpApiTest, TetherIsRefusedToStrangers) {
  EXPECT_EQ(ask("GET", "/api/v1/agents/nobody/tether").status, 404);
  ASSERT_EQ(put("a1", R"({"incarnation":5})").status, 201);
  EXPECT_EQ(ask("GET", "/api/v1/agents/a1/tether?incarnation=4").status, 409);
  EXPECT_EQ(ask("GET", "/api/v1/agents/a1/tether?incarnation=x").status, 400);
  const auto head = ask("HEAD", "/api/v1/agents/a1/tether");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-type"), "text/event-stream");
  on_loop([&] { EXPECT_EQ(door.last_tether, 0u); });
}

TEST_F(HttpApiTest, AnswersPipelinedRequestsInOrder) {
  on_loop([&] { fleet.hear("a1"); });
  Connection connection(port);
  connection.send(request("GET", "/api/v1/version", "", "") + request("GET", "/api/v1/agents/a1", "", "") + request("GET", "/healthz", "Connection: close\r\n", ""));
  EXPECT_TRUE(connection.read_to_end());
  const auto version = connection.received.find("choregosd"), agent = connection.received.find("\"id\":\"a1\""), health = connection.received.find("\"status\":\"up\"");
  EXPECT_LT(version, agent);
  EXPECT_LT(agent, health);
  EXPECT_NE(health, std::string::npos);
}

TEST_F(HttpApiTest, CountsRepliesByRouteAndStatus) {
  ask("GET", "/api/v1/version");
  ask("GET", "/api/v1/version");
  ask("GET", "/api/v1/agents/nobody");
  ask("GET", "/no/such/thing/at/all");
  const auto text = ask("GET", "/metrics").body;
  EXPECT_NE(text.find("choregos_http_requests_total{route=\"/api/v1/version\",method=\"GET\",code=\"200\"} 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("choregos_http_requests_total{route=\"/api/v1/agents/{id}\",method=\"GET\",code=\"404\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("choregos_http_requests_total{route=\"other\",method=\"other\",code=\"404\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("choregos_http_connections 1\n"), std::string::npos);
}

TEST_F(HttpApiTest, SaysWhichRecordAnAliasLedTo) {
  on_loop([&] {
    Observation o;
    o.source = "http_probe";
    o.subject = "10.0.1.4:8081";
    o.names.id = "a1";
    o.names.address = *parse_socket_address("10.0.1.4:8081");
    o.incarnation = 1;
    o.heard_at = fleet.now;
    o.wall_at = fleet.wall();
    o.claims = Claims{};
    ASSERT_TRUE(fleet.registry.apply(o, fleet.now, fleet.wall(), fleet.changes));
  });
  const auto by_alias = ask("GET", "/api/v1/agents/10.0.1.4:8081");
  EXPECT_EQ(by_alias.status, 200) << by_alias.body;
  EXPECT_EQ(by_alias.header("content-location"), "/api/v1/agents/a1");
  EXPECT_EQ(ask("GET", "/api/v1/agents/10.0.1.4%3A8081").status, 200);
}

}  // namespace
}  // namespace choregos::api
