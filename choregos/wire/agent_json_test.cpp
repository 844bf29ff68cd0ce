#include "choregos/wire/agent_json.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "choregos/wire/change_json.hpp"
#include "choregos/wire/registered_json.hpp"

namespace choregos::wire {
namespace {

constexpr Instant kNow{5'000'000'000};

Agent seed_agent() {
  Agent agent;
  agent.id = "chorus-agent-001";
  agent.name = "CHORUS Agent 1";
  agent.status = Status::idle;
  agent.capabilities = {"database_design", "go_development"};
  agent.model = "llama3.1:8b";
  agent.endpoint = "http://10.0.0.4:8080";
  agent.tasks_completed = 4;
  agent.current_team = "alpha";
  agent.p2p_addr = "10.0.0.4:9000";
  agent.cluster_id = "docker-unified-stack";
  agent.sources = {"http_probe"};
  return agent;
}

Agent full_agent() {
  Agent agent = seed_agent();
  agent.liveness = Liveness::suspect;
  agent.reason = "no answer for 3 s on http_probe";
  agent.identity = IdentityKind::proven;
  agent.incarnation = 1'700'000'000'123;
  agent.first_seen = WallTime{1'795'000'000'000};
  agent.liveness_since = WallTime{1'795'000'060'001};
  agent.task = SwarmTask{"chorus", "3", "abc"};
  agent.node = "host-1";
  agent.version = "1.2.3";
  agent.health_url = "http://10.0.0.4:8081/health";
  agent.aliases = {"10.0.0.4:8081", "chorus.3.abc"};
  agent.labels = {{"gpu", "no"}, {"zone", "b"}};
  agent.draining = true;
  agent.reachable = false;
  agent.conflict = true;
  agent.contenders = {"10.0.0.9:8081"};
  return agent;
}

AgentRecord record_of(Agent agent) {
  auto vitals = std::make_shared<Vitals>();
  vitals->last_seen_ms = 1'795'428'414'120;  // 2026-11-23T10:06:54.120Z
  vitals->last_heard_ns = 3'500'000'000;
  return AgentRecord{std::move(agent), 1042, vitals};
}

TEST(AgentJson, KeepsTheElevenFieldsOfTheSeed) {
  EXPECT_EQ(agent_json(record_of(seed_agent()), kNow),
            R"({"id":"chorus-agent-001","name":"CHORUS Agent 1","status":"idle","capabilities":["database_design","go_development"],)"
            R"("model":"llama3.1:8b","endpoint":"http://10.0.0.4:8080","last_seen":"2026-11-23T10:06:54.120Z","tasks_completed":4,)"
            R"("current_team":"alpha","p2p_addr":"10.0.0.4:9000","cluster_id":"docker-unified-stack",)"
            R"("liveness":"alive","identity":"declared","age_ms":1500,"sources":["http_probe"],"revision":1042})");
}

TEST(AgentJson, StatusIsOneOfThreeWordsWhateverIsBelieved) {
  std::set<std::string> words;
  for (const auto liveness : {Liveness::unconfirmed, Liveness::alive, Liveness::suspect, Liveness::lost, Liveness::left})
    for (const auto status : {Status::online, Status::idle, Status::working})
      for (const bool draining : {false, true}) {
        Agent agent = seed_agent();
        agent.liveness = liveness;
        agent.status = status;
        agent.draining = draining;
        const auto tree = parse_json(agent_json(record_of(agent), kNow));
        ASSERT_TRUE(tree);
        words.emplace(tree->at("status").as_string());
        EXPECT_EQ(tree->at("liveness").as_string(), to_string(liveness)) << "beside it";
      }
  EXPECT_EQ(words, (std::set<std::string>{"idle", "online", "working"}));
}

TEST(AgentJson, WritesEmptySeedFieldsExceptCurrentTeam) {
  AgentRecord record;
  record.agent.id = "a";
  EXPECT_EQ(agent_json(record, Instant{0}),
            R"({"id":"a","name":"","status":"online","capabilities":[],"model":"","endpoint":"","last_seen":"1970-01-01T00:00:00.000Z",)"
            R"("tasks_completed":0,"p2p_addr":"","cluster_id":"","liveness":"alive","identity":"declared","age_ms":0,"sources":[],"revision":0})");
}

TEST(AgentJson, WritesEveryFieldOfOursWhenSaid) {
  AgentRecord record = record_of(full_agent());
  auto vitals = std::make_shared<Vitals>();
  vitals->latency_us = 1250;
  vitals->running = 2;
  vitals->capacity = 8;
  record.vitals = vitals;
  const std::string text = agent_json(record, kNow);
  EXPECT_EQ(text.substr(text.find("\"liveness\"")),
            R"("liveness":"suspect","liveness_reason":"no answer for 3 s on http_probe","liveness_since":"2026-11-18T11:07:40.001Z",)"
            R"("identity":"proven","incarnation":1700000000123,"first_seen":"2026-11-18T11:06:40.000Z","age_ms":5000,"sources":["http_probe"],)"
            R"("aliases":["10.0.0.4:8081","chorus.3.abc"],"labels":{"gpu":"no","zone":"b"},"node":"host-1","version":"1.2.3",)"
            R"("health_url":"http://10.0.0.4:8081/health","task":{"service":"chorus","slot":"3","task_id":"abc"},"draining":true,)"
            R"("reachable":false,"conflict":true,"contenders":["10.0.0.9:8081"],"latency_ms":1.25,"running":2,"capacity":8,"revision":1042})");
}

TEST(AgentJson, ReadsBackWhatItWrote) {
  for (const Agent& agent : {seed_agent(), full_agent()}) {
    const AgentRecord record = record_of(agent);
    const auto tree = parse_json(agent_json(record, kNow));
    ASSERT_TRUE(tree);
    const auto read = read_agent(tree->as_object());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->agent, agent);
    EXPECT_EQ(read->last_seen.ms, record.vitals->last_seen_ms);
    EXPECT_EQ(read->age, 1500ms);
    EXPECT_EQ(read->revision, 1042U);
    EXPECT_FALSE(read->latency);
  }
}

TEST(AgentJson, NeverShowsANegativeOrOverflowingAge) {
  auto vitals = std::make_shared<Vitals>();
  vitals->last_heard_ns = 9'000'000'000;
  AgentRecord record{seed_agent(), 1, vitals};
  EXPECT_NE(agent_json(record, kNow).find("\"age_ms\":0,"), std::string::npos);
  vitals->last_heard_ns = INT64_MIN;
  EXPECT_NE(agent_json(record, Instant::never()).find("\"age_ms\":18446744073709,"), std::string::npos);
}

TEST(AgentJson, SelectsFieldsAndNamesTheNearMiss) {
  const auto fields = parse_agent_fields("id, status,age_ms");
  ASSERT_TRUE(fields);
  EXPECT_EQ(agent_json(record_of(full_agent()), kNow, *fields), R"({"id":"chorus-agent-001","status":"idle","age_ms":1500})");
  EXPECT_EQ(*parse_agent_fields(""), AgentFields{});
  const auto wrong = parse_agent_fields("id,capabilites");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("did you mean 'capabilities'?"), std::string::npos) << wrong.error().message;
  EXPECT_FALSE(parse_agent_fields("id,,name"));
  EXPECT_EQ(agent_field_names().front(), "id");
  EXPECT_EQ(agent_field_names().back(), "revision");
}

TEST(AgentJson, IsAlwaysValidEvenForBadBytes) {
  Agent agent = full_agent();
  agent.name = "\xff\n\"";
  agent.labels = {{"k\x01", "\xc3"}};
  JsonRules any;
  any.text = JsonText::any;
  EXPECT_TRUE(parse_json(agent_json(record_of(agent), kNow), any));
}

TEST(ReadAgent, IsTolerantOfUnknownMembersAndStrictAboutTypes) {
  const auto read = [](std::string_view text) { return read_agent(parse_json(text)->as_object()); };
  EXPECT_TRUE(read(R"({"id":"a","future":{"x":[1]},"model":null})"));
  const auto wrong = read(R"({"id":"a","capabilities":"x"})");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "the member 'capabilities' is not an array of strings");
  for (const char* text : {R"({})", R"({"id":""})", R"({"id":5})", R"({"id":"a","tasks_completed":-1})", R"({"id":"a","last_seen":"yesterday"})",
                           R"({"id":"a","status":"busy"})", R"({"id":"a","labels":[]})", R"({"id":"a","running":4294967296})",
                           R"({"id":"a","task":"x"})", R"({"id":"a","age_ms":"x"})"})
    EXPECT_FALSE(read(text)) << text;
}

TEST(ListJson, ReadsBackWhatItWrote) {
  std::vector<AgentRecordPtr> records;
  for (int i = 0; i < 1500; ++i) {
    Agent agent = full_agent();
    agent.id = "agent-" + std::to_string(i);
    records.push_back(std::make_shared<AgentRecord>(record_of(agent)));
  }
  ListHead head;
  head.total = 3000;
  head.revision = {3, 1042};
  head.next_cursor = "abc";
  head.oldest_evidence = 1500ms;
  const auto list = read_list(list_json(records, head, kNow));
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->agents.size(), records.size());
  EXPECT_EQ(list->agents[1499].agent, records[1499]->agent);
  EXPECT_EQ(list->head.total, 3000U);
  EXPECT_EQ(list->head.revision, (Revision{3, 1042}));
  EXPECT_EQ(list->head.mode, "normal");
  EXPECT_EQ(list->head.next_cursor, "abc");
  EXPECT_EQ(list->head.oldest_evidence, Duration(1500ms));
  EXPECT_EQ(list_json({}, ListHead{}, kNow), R"({"agents":[],"total":0,"epoch":0,"revision":0,"mode":"normal"})");
  EXPECT_FALSE(read_list("[]"));
  EXPECT_FALSE(read_list(R"({"total":1})"));
  EXPECT_FALSE(read_list(R"({"agents":[1]})"));
}

TEST(ChangeJson, ReadsBackWhatItWrote) {
  Change change;
  change.revision = {3, 7};
  change.kind = ChangeKind::liveness;
  change.record = std::make_shared<AgentRecord>(record_of(full_agent()));
  change.was = Liveness::alive;
  change.source = "beacon";
  change.wall_at = WallTime{1'795'428'414'120};
  const std::string text = change_json(change, kNow, *parse_agent_fields("id"));
  EXPECT_EQ(text, R"({"kind":"liveness","epoch":3,"revision":7,"at":"2026-11-23T10:06:54.120Z","was":"alive","source":"beacon",)"
                  R"("agent":{"id":"chorus-agent-001"}})");
  change.kind = ChangeKind::merged;
  change.into = "b";
  const auto read = read_change(parse_json(change_json(change, kNow))->as_object());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->kind, ChangeKind::merged);
  EXPECT_EQ(read->revision, change.revision);
  EXPECT_EQ(read->was, change.was);
  EXPECT_EQ(read->into, "b");
  EXPECT_EQ(read->at, change.wall_at);
  EXPECT_EQ(read->agent.agent, full_agent());
  EXPECT_FALSE(read_change(parse_json(R"({"agent":{"id":"a"}})")->as_object()));
  EXPECT_FALSE(read_change(parse_json(R"({"kind":"born","agent":{"id":"a"}})")->as_object()));
}

TEST(RegisteredJson, ReadsBackWhatItWrote) {
  const RegisterReply reply{std::make_shared<AgentRecord>(record_of(seed_agent())), true, 30s, 1s};
  const auto read = read_registered(registered_json(reply, kNow));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->created);
  EXPECT_EQ(read->ttl, Duration(30s));
  EXPECT_EQ(read->beacon_interval, Duration(1s));
  EXPECT_EQ(read->agent.agent, seed_agent());
  EXPECT_FALSE(read_registered("{}"));
  EXPECT_FALSE(read_registered("x"));
}

}  // namespace
}  // namespace choregos::wire
