// The reading handlers over a real registry with a clock in hand, without a socket.
#include "choregos/api/http/handlers.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
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
    services.explain = [this](const std::string& id, const std::function<void(Result<Explanation>)>& done) {
      auto explanation = fleet.registry.explain(id, fleet.now);
      done(explanation ? Result<Explanation>(*explanation) : fail(ErrorCode::not_found, "nobody"));
    };
    services.past = [this](const std::string& id, const std::function<void(Result<Past>)>& done) { done(pasts[id]); };
    services.sign = [this](Sign sign) {
      signs.push_back(std::move(sign));
      return true;
    };
  }

  Reply ask(RouteId id, wire::Parameters parameters = {}, std::string agent = {}, std::string if_none_match = {}) {
    const auto snapshot = fleet.snapshot();
    const View view{services, snapshot, std::string(to_string(snapshot->guard()->mode)), fleet.now, fleet.wall()};
    const Call call{route(id), agent, std::string(route(id).pattern), std::move(parameters), std::move(if_none_match), false, body, {}, view};
    Reply later;
    const Answer answer = [&](Reply reply) { later = std::move(reply); };
    switch (id) {
      case RouteId::agents_list: return list_agents(call);
      case RouteId::agent_get: get_agent(call, answer); return later;
      case RouteId::agent_why: explain_agent(call, answer); return later;
      case RouteId::agent_history: get_history(call, answer); return later;
      case RouteId::thaw: return thaw(call);
      case RouteId::expected: return get_expected(call);
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
  std::string body;
  std::map<std::string, Past> pasts;
  std::vector<Sign> signs;
  HttpCounters counters;

  /// Everybody falls silent, and the guard does not believe it.
  void freeze() {
    for (int round = 0; round < 3; ++round) {
      for (int i = 1; i <= 20; ++i) fleet.hear("a" + std::to_string(i));
      fleet.advance(500ms);
    }
    fleet.advance(12s);
    ASSERT_EQ(fleet.snapshot()->guard()->mode, Mode::frozen);
  }
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

TEST_F(Handlers, AFrozenDomainStandsInEveryAnswerAndChangesItsTag) {
  fleet.hear("a1");
  EXPECT_FALSE(json(ask(RouteId::agents_list)).as_object().contains("guard"));
  freeze();
  for (const auto id : {RouteId::agents_list, RouteId::summary, RouteId::sources, RouteId::capabilities}) {
    const auto body = json(ask(id));
    EXPECT_EQ(body.at("mode").as_string(), "frozen");
    const auto& domain = body.at("guard").at("domains").at(0);
    EXPECT_EQ(domain.at("mode").as_string(), "frozen");
    EXPECT_GE(domain.at("silent").as_int64(), 3);
    EXPECT_FALSE(domain.at("cause").as_string().empty());
  }
  EXPECT_EQ(json(ask(RouteId::agents_list)).at("agents").as_array().size(), 20u) << "nobody is lost";
  EXPECT_EQ(json(ask(RouteId::summary)).at("liveness").at("lost").as_int64(), 0);

  const auto tag = header(ask(RouteId::agents_list), "ETag");
  EXPECT_NE(tag.find("-frozen-"), std::string::npos) << tag;
  EXPECT_EQ(ask(RouteId::agents_list, {}, {}, tag).status, 304);
  // One of them is heard: that is a revision; the guard's count of the silent moves with it. Then a thaw, which is none.
  fleet.registry.note(Sign{SignKind::thaw, fleet.now, {}, {}, 0, "operator", "", ""}, fleet.now, fleet.wall(), fleet.changes);
  const auto after = header(ask(RouteId::agents_list), "ETag");
  EXPECT_NE(after, tag);
  EXPECT_NE(after.find("-draining-"), std::string::npos) << after;
  EXPECT_EQ(ask(RouteId::agents_list, {}, {}, tag).status, 200);

  const auto metrics = ask(RouteId::metrics).body;
  EXPECT_NE(metrics.find("choregos_mode{mode=\"draining\"} 1"), std::string::npos);
  EXPECT_NE(metrics.find("choregos_frozen_domains 0\n"), std::string::npos);
  EXPECT_EQ(metrics.find("choregos_draining_domains 0\n"), std::string::npos);
  EXPECT_NE(metrics.find("choregos_silent_agents{domain=\""), std::string::npos);
  EXPECT_EQ(metrics.find("choregos_freezes_total 0\n"), std::string::npos);
}

TEST_F(Handlers, DoubtOfOurOwnEarsStandsInTheAnswerAndInItsTag) {
  fleet.hear("a1");
  const auto note = [&](SignKind kind) {
    fleet.now = fleet.now + 1ms;
    Sign sign;
    sign.kind = kind;
    sign.at = fleet.now;
    sign.amount = 2s;
    sign.count = 7;
    fleet.registry.note(sign, fleet.now, fleet.wall(), fleet.changes);
    return header(ask(RouteId::agents_list), "ETag");
  };
  const auto plain = header(ask(RouteId::agents_list), "ETag");
  const auto late = note(SignKind::lag), drops = note(SignKind::drops);
  EXPECT_NE(late, plain);
  EXPECT_NE(drops, late) << "no revision and no mode changed, what is said of the guard did";
  const auto body = json(ask(RouteId::agents_list));
  EXPECT_EQ(body.at("mode").as_string(), "normal");
  EXPECT_EQ(body.at("guard").at("health_score").as_int64(), 2);
  EXPECT_EQ(body.at("guard").at("health_reason").as_string(), "our sockets dropped 7 datagrams");
  EXPECT_EQ(ask(RouteId::agents_list, {}, {}, drops).status, 304);
}

TEST_F(Handlers, ThawGivesTheSignForFrozenDomainsOnly) {
  body = "{}";
  EXPECT_EQ(ask(RouteId::thaw).body, R"({"thawed":[]})");
  body = R"({"domain":"network"})";
  EXPECT_EQ(ask(RouteId::thaw).status, 404);
  EXPECT_TRUE(signs.empty());
  freeze();
  const std::string frozen = fleet.snapshot()->guard()->domains.at(0).name;
  body = R"({"domain":"node nowhere"})";
  const auto unknown = ask(RouteId::thaw);
  EXPECT_EQ(unknown.status, 404);
  EXPECT_NE(unknown.body.find("frozen are " + frozen), std::string::npos) << unknown.body;
  body = "{\"domain\":\"" + frozen + "\"}";
  EXPECT_EQ(ask(RouteId::thaw).body, "{\"thawed\":[\"" + frozen + "\"]}");
  ASSERT_EQ(signs.size(), 1u);
  EXPECT_EQ(signs[0].kind, SignKind::thaw);
  EXPECT_EQ(signs[0].subject, frozen);
  body = "{}";
  EXPECT_FALSE(json(ask(RouteId::thaw)).at("thawed").as_array().empty());
  EXPECT_EQ(signs.back().subject, "");
  for (const char* wrong : {"[]", R"({"domain":1})", R"({"domian":"network"})", "{"}) {
    body = wrong;
    EXPECT_EQ(ask(RouteId::thaw).status, 400) << wrong;
  }
  services.sign = nullptr;
  body = "{}";
  EXPECT_EQ(ask(RouteId::thaw).status, 503);
}

TEST_F(Handlers, WhyTellsTheEvidenceByIdAndByAlias) {
  fleet.hear("a1", fakes::claims_like_the_original());
  const auto body = json(ask(RouteId::agent_why, {}, "a1"));
  EXPECT_EQ(body.at("id").as_string(), "a1");
  EXPECT_EQ(body.at("liveness").as_string(), "alive");
  EXPECT_EQ(body.at("channels").at(0).at("source").as_string(), "beacon");
  EXPECT_FALSE(body.at("fields").as_array().empty());
  EXPECT_FALSE(body.at("would_change").as_array().empty());
  EXPECT_EQ(body.at("revision").as_int64(), 1001);
  EXPECT_EQ(body.at("mode").as_string(), "normal");
  EXPECT_EQ(ask(RouteId::agent_why, {}, "a9").status, 404);
  readiness.ready = false;
  EXPECT_EQ(ask(RouteId::agent_why, {}, "a1").status, 200);
  EXPECT_EQ(ask(RouteId::agent_why, {}, "a9").status, 503);
  services.explain = nullptr;
  EXPECT_EQ(ask(RouteId::agent_why, {}, "a1").status, 503);
}

TEST_F(Handlers, AForgottenAgentIsNotFoundWithItsLastWordAndItsHistory) {
  fleet.hear("a1");
  HistoryEvent event;
  event.id = "a1";
  pasts["a1"].events = {event};
  const auto listed = json(ask(RouteId::agent_history, {}, "a1"));
  EXPECT_TRUE(listed.at("listed").as_bool());
  EXPECT_EQ(listed.at("events").as_array().size(), 1u);

  Forgotten gone;
  gone.agent.id = "b1";
  gone.agent.liveness = Liveness::lost;
  gone.agent.reason = "silent for 10 s";
  gone.forgotten_at = gone.last_seen = fleet.wall();
  pasts["b1"].forgotten = gone;
  const auto reply = ask(RouteId::agent_get, {}, "b1");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.content_type, "application/problem+json");
  const auto body = json(reply);
  EXPECT_EQ(body.at("code").as_string(), "not_found");
  EXPECT_NE(body.at("detail").as_string().find("was forgotten at " + to_rfc3339(fleet.wall()) + ": it was lost (silent for 10 s)"), std::string::npos) << reply.body;
  EXPECT_EQ(body.at("forgotten").at("liveness").as_string(), "lost");
  EXPECT_EQ(body.at("history").as_string(), "/api/v1/agents/b1/history");
  EXPECT_EQ(ask(RouteId::agent_why, {}, "b1").body.find("was forgotten") == std::string::npos, false);
  const auto history = json(ask(RouteId::agent_history, {}, "b1"));
  EXPECT_FALSE(history.at("listed").as_bool());
  EXPECT_EQ(history.at("forgotten").at("liveness_reason").as_string(), "silent for 10 s");
  EXPECT_EQ(ask(RouteId::agent_history, {}, "c1").status, 404);
  services.past = nullptr;
  EXPECT_EQ(ask(RouteId::agent_history, {}, "a1").status, 503);
  EXPECT_EQ(ask(RouteId::agent_get, {}, "b1").status, 404);
}

TEST_F(Handlers, ExpectedNamesWhoIsMissingAndNeverAnswersBeforeItCanBeTrue) {
  services.expected = [] {
    ExpectedFound found;
    found.services.push_back({});
    found.services[0].name = "chorus";
    found.services[0].desired = 1;
    found.services[0].desired_by = "configuration";
    found.services[0].missing.push_back({"chorus.1.t1", "", "", "", "DNS lacks it"});
    return found;
  };
  const auto body = json(ask(RouteId::expected));
  EXPECT_FALSE(body.at("matches").as_bool());
  EXPECT_EQ(body.at("services").at(0).at("missing").at(0).at("task").as_string(), "chorus.1.t1");
  EXPECT_EQ(body.at("mode").as_string(), "normal");
  readiness.ready = false;
  EXPECT_EQ(ask(RouteId::expected).status, 503);
  readiness.ready = true;
  services.expected = nullptr;
  EXPECT_EQ(ask(RouteId::expected).status, 503);
}

}  // namespace
}  // namespace choregos::api
