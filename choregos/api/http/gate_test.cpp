#include "choregos/api/http/gate.hpp"

#include <gtest/gtest.h>

namespace choregos::api {
namespace {

const std::string kToken = "0123456789abcdef0123";
const Instant kNow{1'000'000'000'000};

GateOptions loopback() {
  GateOptions options;
  options.bound = {*parse_socket_address("127.0.0.1:4470")};
  return options;
}
GateOptions guarded() {
  GateOptions options;
  options.bound = {*parse_socket_address("10.0.0.4:4470")};
  options.bearer_tokens = {kToken};
  options.require_auth = true;
  return options;
}

Incoming get(std::string_view path) {
  Incoming incoming;
  incoming.method = "GET";
  incoming.path = path;
  incoming.host = "127.0.0.1:4470";
  incoming.peer = *parse_socket_address("10.0.0.9:5000");
  return incoming;
}

struct Outcome {
  int status = 200;
  std::string body;
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (key == name) return value;
    return {};
  }
  std::vector<std::pair<std::string, std::string>> headers;
};
Outcome outcome(Gate& gate, const Incoming& incoming, Instant now = kNow) {
  auto result = gate.admit(incoming, now);
  if (std::holds_alternative<Admitted>(result)) return {};
  const auto& reply = std::get<Refused>(result).reply;
  return {reply.status, reply.body, reply.headers};
}

TEST(Gate, RefusesToStandOpenOnANetwork) {
  auto options = guarded();
  options.require_auth = false;
  EXPECT_FALSE(Gate::create(options));
  options = guarded();
  options.bearer_tokens.clear();
  EXPECT_FALSE(Gate::create(options));
  options = guarded();
  options.bound = {*parse_socket_address("0.0.0.0:4470")};
  options.require_auth = false;
  EXPECT_FALSE(Gate::create(options));
  EXPECT_TRUE(Gate::create(guarded()));
  EXPECT_TRUE(Gate::create(loopback()));
}

TEST(Gate, AdmitsWithoutATokenOnLoopback) {
  auto gate = Gate::create(loopback());
  EXPECT_EQ(outcome(*gate, get("/api/v1/agents")).status, 200);
}

TEST(Gate, AsksForATokenOnEveryRouteThatIsNotOpen) {
  auto gate = Gate::create(guarded());
  for (const auto& route : routes()) {
    std::string path(route.pattern);
    if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, "a1");
    auto incoming = get(path);
    incoming.method = route.method;
    if (route.body == BodyRule::json) incoming.body = "{}", incoming.content_type = "application/json";
    const bool open = path == "/healthz" || path == "/readyz" || path == "/" || path == "/assets/a1" || path == "/favicon.svg";
    const auto without = outcome(*gate, incoming);
    EXPECT_EQ(without.status, open ? 200 : 401) << path;
    if (!open) { EXPECT_EQ(without.header("WWW-Authenticate"), "Bearer realm=\"choregos\""); }
    const std::string authorization = "Bearer " + kToken;
    incoming.authorization = authorization;
    EXPECT_EQ(outcome(*gate, incoming).status, 200) << path;
  }
}

TEST(Gate, SaysNothingOfRoutesToStrangers) {
  auto gate = Gate::create(guarded());
  EXPECT_EQ(outcome(*gate, get("/no/such/route")).status, 401);
  auto incoming = get("/healthz");
  incoming.method = "POST";
  EXPECT_EQ(outcome(*gate, incoming).status, 401);
}

TEST(Gate, SlowsGuessingButNotThoseWhoKnow) {
  auto gate = Gate::create(guarded());
  auto guess = get("/api/v1/agents");
  guess.authorization = "Bearer wrong-wrong-wrong-wrong";
  for (int i = 0; i < 20; ++i) EXPECT_EQ(outcome(*gate, guess).status, 401);
  const auto limited = outcome(*gate, guess);
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.header("Retry-After"), "60");
  EXPECT_EQ(gate->wrong_tokens(), 21u);
  auto known = get("/api/v1/agents");
  const std::string authorization = "Bearer " + kToken;
  known.authorization = authorization;
  EXPECT_EQ(outcome(*gate, known).status, 200);
  auto elsewhere = guess;
  elsewhere.peer = *parse_socket_address("10.0.0.10:5000");
  EXPECT_EQ(outcome(*gate, elsewhere).status, 401);
  EXPECT_EQ(outcome(*gate, guess, kNow + 61s).status, 401);
}

TEST(Gate, RefusesForeignHostsEverywhere) {
  auto gate = Gate::create(loopback());
  for (const auto* path : {"/", "/healthz", "/metrics", "/api/v1/agents", "/api/v1/agents/a1/tether", "/nothing"}) {
    auto incoming = get(path);
    incoming.host = "evil.example";
    const auto refused = outcome(*gate, incoming);
    EXPECT_EQ(refused.status, 421) << path;
    EXPECT_NE(refused.body.find("localhost"), std::string::npos);
  }
}

TEST(Gate, LetsInWhoeverMayOpenTheSocketFile) {
  auto gate = Gate::create(guarded());
  auto incoming = get("/api/v1/agents");
  incoming.host = "anything";
  EXPECT_EQ(outcome(*gate, incoming).status, 421);
  incoming.over_unix = true;
  EXPECT_EQ(outcome(*gate, incoming).status, 200);
}

TEST(Gate, RefusesForeignOrigins) {
  auto gate = Gate::create(loopback());
  auto incoming = get("/api/v1/agents");
  incoming.origin = "http://evil.example";
  EXPECT_EQ(outcome(*gate, incoming).status, 403);
  incoming.origin = "null";
  EXPECT_EQ(outcome(*gate, incoming).status, 403);
  incoming.origin = "http://127.0.0.1:4470";
  EXPECT_EQ(outcome(*gate, incoming).status, 200);
}

TEST(Gate, NamesNearPathsAndAllowedMethods) {
  auto gate = Gate::create(loopback());
  const auto unknown = outcome(*gate, get("/api/v1/agnets"));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_NE(unknown.body.find("/api/v1/agents"), std::string::npos);
  auto incoming = get("/api/v1/agents");
  incoming.method = "POST";
  const auto wrong = outcome(*gate, incoming);
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("Allow"), "GET, HEAD");
}

TEST(Gate, TakesJsonBodiesOnly) {
  auto gate = Gate::create(loopback());
  auto incoming = get("/api/v1/agents/a1");
  incoming.method = "PUT";
  incoming.body = "{}";
  for (const auto* type : {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "application/problem+json"}) {
    incoming.content_type = type;
    EXPECT_EQ(outcome(*gate, incoming).status, 415) << type;
  }
  for (const auto* type : {"application/json", "Application/JSON; charset=utf-8", "application/json ;charset=utf-8"}) {
    incoming.content_type = type;
    EXPECT_EQ(outcome(*gate, incoming).status, 200) << type;
  }
  incoming.content_encoding = "gzip";
  EXPECT_EQ(outcome(*gate, incoming).status, 415);
}

TEST(Gate, TakesAnEmptyBodyWhereItIsOptionalAndNoneElsewhere) {
  auto gate = Gate::create(loopback());
  auto renew = get("/api/v1/agents/a1/renew");
  renew.method = "POST";
  EXPECT_EQ(outcome(*gate, renew).status, 200);
  renew.body = "{}";
  EXPECT_EQ(outcome(*gate, renew).status, 415);
  auto list = get("/api/v1/agents");
  list.body = "{}";
  EXPECT_EQ(outcome(*gate, list).status, 400);
}

TEST(Gate, RefusesUnknownParametersWithTheNearest) {
  auto gate = Gate::create(loopback());
  auto incoming = get("/api/v1/agents/a1");
  incoming.query = "feilds=id";
  const auto refused = outcome(*gate, incoming);
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("did you mean 'fields'"), std::string::npos) << refused.body;
  incoming.query = "fields=id&fields=name";
  EXPECT_EQ(outcome(*gate, incoming).status, 400);
  incoming.query = "fields=%zz";
  EXPECT_EQ(outcome(*gate, incoming).status, 400);
  incoming.query = "fields=id";
  EXPECT_EQ(outcome(*gate, incoming).status, 200);
}

}  // namespace
}  // namespace choregos::api
