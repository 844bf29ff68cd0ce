// The reading handlers over a real registry with a clock in hand, without a socket.
#include "choregos/api/http/handlers.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "choregos/api/http/fakes_for_tests.hpp"
#include "choregos/api/http/metrics.hpp"
#include "choregos/wire/agent_json.hpp"

namespace choregos::api {
namespace {

using fakes::Fleet;

class Handlers : public ::testing::Test {
 protected:
  Handlers() {
    services.snapshot = [this] { return fleet.snapshot(); };
    services.readiness = [this] { return readiness; };
    services.sources = [this] { return sources; };
    services.now = [this] { return fleet.now; };
    services.wall_now = [this] { return fleet.wall(); };
    services.started = fleet.wall();
    services.build = {"0.1.0", "abc1234", "GNU 12.2.0"};
  }

  Reply ask(RouteId id, wire::Parameters parameters = {}, std::string agent = {}, std::string if_none_match = {}) {
    const View view{services, fleet.snapshot(), mode, fleet.now, fleet.wall()};
    const Call call{route(id), agent, std::string(route(id).pattern), std::move(parameters), std::move(if_none_match), {}, {}, view};
    switch (id) {
      case RouteId::agents_list: return list_agents(call);
      case RouteId::agent_get: return get_agent(call);
      case RouteId::capabilities: return list_capabilities(call);
      case RouteId::summary: return get_summary(call);
      case RouteId::sources: return list_sources(call);
      case RouteId::version: return get_version(call);
      case RouteId::readyz: return get_readyz(call);
      case RouteId::metrics: return get_metrics(call, counters);
      default: ADD_FAILURE(); return {};
    }
  }
  static boost::json::value json(const Reply& reply) { return boost::json::parse(reply.body); }
  static std::string header(const Reply& reply, std::string_view name) {
    for (const auto& [key, value] : reply.headers)
      if (key == name) return value;
    return {};
  }
  std::vector<std::string> ids(wire::Parameters parameters) {
    std::vector<std::string> found;
    const auto reply = ask(RouteId::agents_list, std::move(parameters));
    EXPECT_EQ(reply.status, 200) << reply.body;
    const auto body = json(reply);
    for (const auto& agent : body.at("agents").as_array()) found.emplace_back(agent.at("id").as_string());
    return found;
  }
  static SourceHealth source(const std::string& name, SourceState state) {
    SourceHealth health;
    health.name = health.kind = name;
    health.state = state;
    return health;
  }
  static Claims with_capability(const std::string& capability, Status status = Status::idle) {
    Claims claims;
    claims.capabilities = std::vector<std::string>{capability};
    claims.status = status;
    return claims;
  }

  Fleet fleet;
  Services services;
  Readiness readiness{true, {}, 1s};
  std::vector<SourceHealth> sources;
  std::string mode = "normal";
  HttpCounters counters;
};

/// Decodes as a strict reader of the original record would: exactly these names with these types.
void expect_original_record(const boost::json::object& agent, bool in_team, bool others_allowed) {
  const std::set<std::string> strings{"id", "name", "status", "model", "endpoint", "last_seen", "p2p_addr", "cluster_id"};
  for (const auto& name : strings) {
    ASSERT_TRUE(agent.contains(name)) << name;
    EXPECT_TRUE(agent.at(name).is_string()) << name;
  }
  ASSERT_TRUE(agent.contains("capabilities"));
  ASSERT_TRUE(agent.at("capabilities").is_array());
  for (const auto& capability : agent.at("capabilities").as_array()) EXPECT_TRUE(capability.is_string());
  EXPECT_TRUE(agent.at("tasks_completed").is_int64());
  EXPECT_EQ(agent.contains("current_team"), in_team);
  EXPECT_TRUE(parse_rfc3339(agent.at("last_seen").as_string()));
  const std::set<std::string> status_words{"online", "idle", "working"};
  EXPECT_TRUE(status_words.count(std::string(agent.at("status").as_string())));
  if (!others_allowed) { EXPECT_EQ(agent.size(), in_team ? 11u : 10u); }
}

TEST_F(Handlers, ListKeepsTheElevenOriginalFields) {
  fleet.hear("chorus-agent-1", fakes::claims_like_the_original());
  fleet.hear("chorus-agent-2");
  const auto body = json(ask(RouteId::agents_list));
  const auto& agents = body.at("agents").as_array();
  ASSERT_EQ(agents.size(), 2u);
  expect_original_record(agents[0].as_object(), true, true);
  expect_original_record(agents[1].as_object(), false, true);
  EXPECT_EQ(agents[0].at("name").as_string(), "CHORUS Agent 1");
  EXPECT_EQ(agents[0].at("tasks_completed").as_int64(), 12);
  EXPECT_EQ(agents[0].at("current_team").as_string(), "development-team-alpha");
  EXPECT_EQ(body.at("total").as_int64(), 2);
  EXPECT_EQ(body.at("epoch").as_int64(), 3);
  EXPECT_EQ(body.at("revision").as_int64(), 1002);
  EXPECT_EQ(body.at("mode").as_string(), "normal");
}

TEST_F(Handlers, ArrayFormHasExactlyTheElevenFieldsAndNobodyWhoIsGone) {
  fleet.hear("chorus-agent-1", fakes::claims_like_the_original());
  fleet.hear("chorus-agent-2");
  fleet.hear("chorus-agent-3");
  fleet.say(ObservationKind::goodbye, "chorus-agent-3");
  const auto reply = ask(RouteId::agents_list, {{"format", "array"}});
  const auto body = json(reply);
  ASSERT_TRUE(body.is_array());
  ASSERT_EQ(body.as_array().size(), 2u);
  expect_original_record(body.as_array()[0].as_object(), true, false);
  expect_original_record(body.as_array()[1].as_object(), false, false);
  EXPECT_EQ(header(reply, "Choregos-Total"), "2");
  EXPECT_EQ(json(ask(RouteId::agents_list, {{"format", "array"}, {"liveness", "left"}})).as_array().size(), 1u);
  EXPECT_EQ(ask(RouteId::agents_list, {{"format", "array"}, {"fields", "id"}}).status, 400);
  EXPECT_EQ(ask(RouteId::agents_list, {{"format", "xml"}}).status, 400);
}

TEST_F(Handlers, MissingCapabilitiesAreAnEmptyArray) {
  fleet.hear("a1");
  EXPECT_NE(ask(RouteId::agents_list).body.find("\"capabilities\":[]"), std::string::npos);
  EXPECT_NE(ask(RouteId::agents_list, {{"format", "array"}}).body.find("\"capabilities\":[]"), std::string::npos);
}

TEST_F(Handlers, TwoReadsWithoutAChangeAreEqual) {
  for (const auto* id : {"a10", "a2", "b1", "a1"}) fleet.hear(id);
  const auto first = ask(RouteId::agents_list);
  EXPECT_EQ(first.body, ask(RouteId::agents_list).body);
  EXPECT_EQ(ids({}), (std::vector<std::string>{"a1", "a2", "a10", "b1"}));
  fleet.advance(200ms);
  fleet.hear("a2");
  const auto later = ask(RouteId::agents_list, {{"fields", "id,name,status,liveness,sources,revision"}});
  EXPECT_EQ(header(later, "ETag"), header(first, "ETag"));
}

TEST_F(Handlers, FiltersSortsAndSelects) {
  fleet.hear("a1", with_capability("go"));
  fleet.hear("a2", with_capability("rust", Status::working));
  fleet.hear("a3", with_capability("go", Status::working));
  EXPECT_EQ(ids({{"capability", "go"}}), (std::vector<std::string>{"a1", "a3"}));
  EXPECT_EQ(ids({{"capability", "go"}, {"status", "working"}}), (std::vector<std::string>{"a3"}));
  EXPECT_EQ(ids({{"sort", "-id"}}), (std::vector<std::string>{"a3", "a2", "a1"}));
  EXPECT_EQ(ids({{"q", "rust"}}), (std::vector<std::string>{"a2"}));
  EXPECT_EQ(ids({{"liveness", "lost"}}), (std::vector<std::string>{}));
  const auto selected = json(ask(RouteId::agents_list, {{"fields", "id,status"}, {"limit", "1"}}));
  EXPECT_EQ(selected.at("agents").as_array()[0].as_object().size(), 2u);
  EXPECT_EQ(selected.at("total").as_int64(), 3);
}

TEST_F(Handlers, UnknownParametersNameTheNearest) {
  const auto reply = ask(RouteId::agents_list, {{"capabilty", "go"}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("did you mean 'capability'"), std::string::npos) << reply.body;
  EXPECT_EQ(ask(RouteId::agents_list, {{"fields", "id,stauts"}}).status, 400);
  EXPECT_EQ(ask(RouteId::agents_list, {{"limit", "0"}}).status, 400);
  EXPECT_EQ(ask(RouteId::agents_list, {{"format", "array"}, {"format", "object"}}).status, 400);
  EXPECT_EQ(ask(RouteId::agents_list, {{"cursor", "nonsense"}}).status, 400);
  EXPECT_EQ(ask(RouteId::agents_list, {{"max_age", "30"}}).status, 400);
}

TEST_F(Handlers, PagesThroughAThousandWhileTheFleetChanges) {
  for (int i = 0; i < 1000; ++i) fleet.hear("agent-" + std::to_string(i));
  std::vector<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 200; ++page) {
    wire::Parameters parameters{{"limit", "37"}};
    if (!cursor.empty()) parameters.emplace_back("cursor", cursor);
    const auto reply = ask(RouteId::agents_list, parameters);
    ASSERT_EQ(reply.status, 200) << reply.body;
    const auto body = json(reply);
    for (const auto& agent : body.at("agents").as_array()) seen.emplace_back(agent.at("id").as_string());
    fleet.hear("agent-" + std::to_string(page * 31 % 1000), with_capability("c" + std::to_string(page)));
    fleet.hear("newcomer-" + std::to_string(page));  // sorts behind every agent-…
    const auto* next = body.as_object().if_contains("next_cursor");
    EXPECT_EQ(next != nullptr, !header(reply, "Link").empty());
    if (!next) break;
    cursor = std::string(next->as_string());
    EXPECT_NE(header(reply, "Link").find("rel=\"next\""), std::string::npos);
    EXPECT_NE(header(reply, "Link").find("limit=37"), std::string::npos);
  }
  const std::set<std::string> distinct(seen.begin(), seen.end());
  EXPECT_EQ(distinct.size(), seen.size());
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(distinct.count("agent-" + std::to_string(i))) << i;
}

TEST_F(Handlers, TagMeansTheSameBeliefs) {
  fleet.hear("a1");
  const std::string tag = header(ask(RouteId::agents_list), "ETag");
  EXPECT_EQ(tag, "W/\"3.1001\"");
  EXPECT_EQ(ask(RouteId::agents_list, {}, {}, tag).status, 304);
  EXPECT_EQ(ask(RouteId::agents_list, {}, {}, "\"x\", " + tag).status, 304);
  EXPECT_EQ(ask(RouteId::agents_list, {}, {}, "*").status, 304);
  EXPECT_TRUE(ask(RouteId::agents_list, {}, {}, tag).body.empty());
  EXPECT_EQ(ask(RouteId::agents_list, {}, {}, "W/\"3.1000\"").status, 200);
  fleet.hear("a1");  // a renewal that changes nothing
  EXPECT_EQ(ask(RouteId::agents_list, {}, {}, tag).status, 304);
  fleet.hear("a2");
  EXPECT_EQ(ask(RouteId::agents_list, {}, {}, tag).status, 200);
  EXPECT_EQ(ask(RouteId::agent_get, {}, "a1", tag).status, 304);  // a1 itself has not changed
  mode = "frozen";
  EXPECT_EQ(ask(RouteId::agent_get, {}, "a1", tag).status, 200);
  EXPECT_EQ(header(ask(RouteId::agents_list, {{"sort", "last_seen"}}), "ETag"), "");
}

TEST_F(Handlers, MaxAgeRefusesOlderEvidenceAndSaysWhose) {
  fleet.hear("a1");
  fleet.advance(2500ms);
  fleet.hear("a2");
  EXPECT_EQ(json(ask(RouteId::agents_list)).at("oldest_evidence_ms").as_int64(), 2500);
  EXPECT_EQ(ask(RouteId::agents_list, {{"max_age", "3s"}}).status, 200);
  const auto refused = ask(RouteId::agents_list, {{"max_age", "2s"}});
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.body.find("agent a1"), std::string::npos) << refused.body;
  EXPECT_EQ(header(refused, "Retry-After"), "1");
  EXPECT_EQ(ask(RouteId::agent_get, {{"max_age", "2s"}}, "a2").status, 200);
  EXPECT_EQ(ask(RouteId::agent_get, {{"max_age", "2s"}}, "a1").status, 503);
  EXPECT_EQ(ask(RouteId::summary, {{"max_age", "2s"}}).status, 503);
  EXPECT_EQ(ask(RouteId::capabilities, {{"max_age", "2s"}}).status, 503);
  // A fresh tag is no excuse for stale evidence.
  EXPECT_EQ(ask(RouteId::agents_list, {{"max_age", "2s"}}, {}, "*").status, 503);
}

TEST_F(Handlers, AgeGrowsWhileASourceHasFailed) {
  sources.push_back(source("swarm_dns", SourceState::failed));
  sources[0].last_ok = fleet.wall();
  fleet.advance(41s);
  fleet.hear("a1");
  const auto refused = ask(RouteId::agents_list, {{"max_age", "30s"}});
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.body.find("source swarm_dns"), std::string::npos);
  EXPECT_EQ(json(ask(RouteId::agents_list)).at("oldest_evidence_ms").as_int64(), 41000);
  sources[0].state = SourceState::ok;
  EXPECT_EQ(ask(RouteId::agents_list, {{"max_age", "30s"}}).status, 200);
}

TEST_F(Handlers, AreNeverAnEmptyListWhileNotReady) {
  readiness = {false, {"the first round of swarm_dns is not done"}, 2s};
  for (const auto id : {RouteId::agents_list, RouteId::capabilities, RouteId::summary, RouteId::readyz}) {
    const auto reply = ask(id);
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.content_type, "application/problem+json");
    EXPECT_EQ(header(reply, "Retry-After"), "2");
    EXPECT_NE(reply.body.find("swarm_dns"), std::string::npos);
  }
  EXPECT_EQ(ask(RouteId::agents_list, {}, {}, "*").status, 503);
  EXPECT_EQ(ask(RouteId::agent_get, {}, "a1").status, 503);
  fleet.hear("a1");
  EXPECT_EQ(ask(RouteId::agent_get, {}, "a1").status, 200);
  EXPECT_EQ(ask(RouteId::sources).status, 200);
  EXPECT_EQ(ask(RouteId::metrics).body.find("choregos_agents{"), std::string::npos);
}

TEST_F(Handlers, OneAgentIsFoundByIdAndUnknownOnesNameNearIds) {
  fleet.hear("chorus-agent-1", fakes::claims_like_the_original());
  const auto found = ask(RouteId::agent_get, {}, "chorus-agent-1");
  EXPECT_EQ(found.status, 200);
  expect_original_record(json(found).as_object(), true, true);
  EXPECT_EQ(json(ask(RouteId::agent_get, {{"fields", "id,age_ms"}}, "chorus-agent-1")).as_object().size(), 2u);
  const auto missing = ask(RouteId::agent_get, {}, "chorus-agent-7");
  EXPECT_EQ(missing.status, 404);
  EXPECT_NE(missing.body.find("chorus-agent-1"), std::string::npos) << missing.body;
}

TEST_F(Handlers, CapabilitiesAndSummaryCount) {
  fleet.hear("a1", with_capability("go"));
  fleet.hear("a2", with_capability("go", Status::working));
  fleet.hear("a3", with_capability("rust"));
  fleet.say(ObservationKind::goodbye, "a2");
  const auto capabilities = json(ask(RouteId::capabilities));
  const auto& go = capabilities.at("capabilities").as_array().at(0);
  EXPECT_EQ(go.at("name").as_string(), "go");
  EXPECT_EQ(go.at("total").as_int64(), 2);
  EXPECT_EQ(go.at("live").as_int64(), 1);
  const auto summary = json(ask(RouteId::summary));
  EXPECT_EQ(summary.at("total").as_int64(), 3);
  EXPECT_EQ(summary.at("liveness").at("left").as_int64(), 1);
  EXPECT_EQ(summary.at("liveness").at("alive").as_int64(), 2);
  EXPECT_EQ(summary.at("status").at("working").as_int64(), 0);
}

TEST_F(Handlers, MetricsNeverCarryIdsAndCountWhatIsThere) {
  fleet.hear("very-special-id", with_capability("go"));
  sources.push_back(source("beacon", SourceState::ok));
  sources[0].counters = {{"frames", 7}};
  sources[0].gauges = {{"peers", 2}};
  counters.replies[{static_cast<std::size_t>(RouteId::agents_list), 200}] = 5;
  const auto text = ask(RouteId::metrics).body;
  EXPECT_EQ(text.find("very-special-id"), std::string::npos);
  for (const auto* line : {"choregos_agents{liveness=\"alive\"} 1\n", "choregos_revision 1001\n", "choregos_source_events_total{source=\"beacon\",event=\"frames\"} 7\n",
                           "choregos_source_reading{source=\"beacon\",reading=\"peers\"} 2\n", "choregos_capability_agents{capability=\"go\"} 1\n",
                           "choregos_http_requests_total{route=\"/api/v1/agents\",method=\"GET\",code=\"200\"} 5\n", "choregos_ready 1\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST_F(Handlers, MetricsPassPromtool) {
  if (std::system("command -v promtool >/dev/null") != 0) {
    if (const char* strict = std::getenv("CHOREGOS_NO_SKIP"); strict && std::string_view(strict) == "1") FAIL() << "promtool is not installed (apt-get install prometheus)";
    GTEST_SKIP() << "promtool is not installed";
  }
  fleet.hear("a1", with_capability("go"));
  sources.push_back(source("odd \"name\"\n", SourceState::failed));
  sources[0].counters = {{"frames", 7}};
  sources[0].gauges = {{"latency_us", 2}};
  counters.replies[{kRouteCount, 404}] = 1;
  services.writer_stats = [] { return Writer::Stats{}; };
  const auto reply = ask(RouteId::metrics);
  EXPECT_EQ(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
  std::FILE* promtool = ::popen("promtool check metrics >&2", "w");
  ASSERT_NE(promtool, nullptr);
  std::fwrite(reply.body.data(), 1, reply.body.size(), promtool);
  EXPECT_EQ(::pclose(promtool), 0);
}

}  // namespace
}  // namespace choregos::api
