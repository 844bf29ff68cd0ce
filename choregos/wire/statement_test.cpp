#include "choregos/wire/statement.hpp"

#include <gtest/gtest.h>

#include "choregos/base/limits.hpp"

namespace choregos::wire {
namespace {

TEST(HealthBody, ReadsEveryKnownField) {
  std::vector<std::string> notes;
  const Statement read = read_health_body(
      R"({"agent_id":"a-1","name":"A","status":"Working","capabilities":["b","a","b"],"model":"m","endpoint":"http://x:1","tasks_completed":7.0,
          "current_team":"t","p2p_addr":"h:9000","cluster_id":"c","started_at":"2026-11-23T10:06:54Z","node":"n","version":"1","labels":{"z":"1","k":"v"},
          "draining":true,"running":1,"capacity":4,"uptime":17,"deep":{"log":"line\nline"}})",
      &notes);
  EXPECT_EQ(notes, std::vector<std::string>{});
  EXPECT_EQ(read.id, "a-1");
  EXPECT_EQ(read.incarnation, 1'795'428'414'000U);
  EXPECT_TRUE(read.draining);
  Claims want;
  want.name = "A";
  want.status = Status::working;
  want.capabilities = {"a", "b"};
  want.model = "m";
  want.endpoint = "http://x:1";
  want.tasks_completed = 7;
  want.current_team = "t";
  want.p2p_addr = "h:9000";
  want.cluster_id = "c";
  want.node = "n";
  want.version = "1";
  want.labels = Labels{{"k", "v"}, {"z", "1"}};
  want.running = 1;
  want.capacity = 4;
  EXPECT_EQ(read.claims, want);
}

TEST(HealthBody, InventsNothing) {
  for (const char* body : {"", "  \n", "OK", "<html></html>", "null", "true", "[]", "\"up\"", "{}", R"({"status":"ok"})", R"({"status":"UP"})",
                           R"({"status":"healthy","checks":[{"name":"x","status":"pass"}]})", R"({"id":null,"name":null})"})
    EXPECT_EQ(read_health_body(body), Statement{}) << body;
}

TEST(HealthBody, ABadFieldNeverSpoilsTheOthers) {
  struct Case {
    std::string member;
    std::string note;
  };
  const std::vector<Case> cases{
      {R"("name":5)", "name is a number, not a string"},
      {R"("name":"\u202e")", "name has control"},
      {R"("status":"busy")", "'busy' is not online, idle or working"},
      {R"("status":7)", "status is a number"},
      {R"("capabilities":7)", "capabilities is a number"},
      {R"("capabilities":["fine","not fine"])", "'not fine'"},
      {R"("capabilities":["fine",3])", "capabilities[] is a number"},
      {R"("p2p_addr":"nowhere")", "has no port"},
      {R"("tasks_completed":-1)", "tasks_completed is not a whole number"},
      {R"("tasks_completed":1.5)", "tasks_completed is not a whole number"},
      {R"("running":4294967296)", "running is not a whole number"},
      {R"("incarnation":"x")", "incarnation is not a whole number"},
      {R"("started_at":"yesterday")", "'yesterday' is not an RFC 3339 time"},
      {R"("started_at":-4)", "started_at is not a time"},
      {R"("labels":{"k":1})", "labels.k is a number"},
      {R"("labels":{"bad key":"1"})", "'bad key'"},
      {R"("draining":"yes")", "draining is a string"},
      {R"("node_id":"other","id":"not an id")", "id has characters"},
  };
  for (const auto& [member, note] : cases) {
    std::vector<std::string> notes;
    const Statement read = read_health_body("{\"model\":\"m\"," + member + "}", &notes);
    EXPECT_EQ(read.claims.model, "m") << member;
    ASSERT_EQ(notes.size(), 1U) << member;
    EXPECT_NE(notes[0].find(note), std::string::npos) << member << " -> " << notes[0];
  }
  EXPECT_EQ(read_health_body(R"({"id":"not an id","node_id":"other"})").id, "other");
  EXPECT_EQ(read_health_body(R"({"capabilities":["fine",3,"not fine"]})").claims.capabilities, std::vector<std::string>{"fine"});
}

TEST(HealthBody, ReadsStartTimesAsProgramsWriteThem) {
  const auto incarnation = [](const std::string& value) { return read_health_body("{\"started_at\":" + value + "}").incarnation; };
  EXPECT_EQ(incarnation("1700000000123"), 1'700'000'000'123U);
  EXPECT_EQ(incarnation("1700000000.5"), 1'700'000'000'500U);
  EXPECT_EQ(incarnation("1700000000"), 1'700'000'000'000U);
  EXPECT_EQ(incarnation("\"2023-11-14T22:13:20+00:00\""), 1'700'000'000'000U);
  EXPECT_EQ(incarnation("1e300"), 0U);
  EXPECT_EQ(incarnation("\"1960-01-01T00:00:00Z\""), 0U);
  EXPECT_EQ(read_health_body(R"({"incarnation":18446744073709551615,"started_at":5})").incarnation, UINT64_MAX);
}

TEST(HealthBody, BoundsListsAndSize) {
  std::string list = "[\"c0\"";
  for (int i = 1; i < 70; ++i) list += ",\"c" + std::to_string(i) + "\"";
  std::vector<std::string> notes;
  EXPECT_EQ(read_health_body("{\"capabilities\":" + list + "]}", &notes).claims.capabilities->size(), limits::capability_count_max);
  EXPECT_EQ(notes.size(), 1U);
  EXPECT_EQ(read_health_body(R"({"capabilities":" a, b ,,c "})").claims.capabilities, (std::vector<std::string>{"a", "b", "c"}));
  notes.clear();
  EXPECT_EQ(read_health_body("{\"id\":\"a\",\"x\":\"" + std::string(limits::probe_body_bytes_max, 'x') + "\"}", &notes), Statement{});
  EXPECT_EQ(notes.size(), 1U);
}

TEST(Registration, RefusesWithAMessageThatSaysWhatIsRight) {
  struct Case {
    std::string body;
    std::string part;
  };
  const std::vector<Case> cases{
      {"", "ends before the value"},
      {"[]", "the body is an array; write a JSON object"},
      {R"({"name":"x"})", "id is missing"},
      {R"({"id":5})", "id is a number; write a string"},
      {R"({"id":"a b"})", "id has characters that are not allowed"},
      {R"({"id":"a","capabilites":[]})", "did you mean 'capabilities'?"},
      {R"({"id":"a","zzzzzzzzzzzz":1})", "put what is your own into labels"},
      {R"({"id":"a","last_seen":"x"})", "last_seen is written by choregosd alone"},
      {R"({"id":"a","current_team":"x"})", "current_team is written by choregosd alone"},
      {R"({"id":"a","tasks_completed":1})", "tasks_completed is written by choregosd alone"},
      {R"({"id":"a","liveness":"alive"})", "liveness is written by choregosd alone"},
      {R"({"id":"a","verified":true})", "verified is written by choregosd alone"},
      {R"({"id":"a","revision":1})", "revision is written by choregosd alone"},
      {R"({"id":"a","name":null})", "name is null; write a string"},
      {R"({"id":"a","status":"busy"})", "status 'busy' is not known; write online, idle or working"},
      {R"({"id":"a","capabilities":"x"})", "capabilities is a string; write an array"},
      {R"({"id":"a","capabilities":[1]})", "capabilities[] is a number"},
      {R"({"id":"a","capabilities":["x y"]})", "capabilities[] has characters"},
      {R"({"id":"a","labels":{"k":1}})", "labels.k is a number"},
      {R"({"id":"a","p2p_addr":"x"})", "p2p_addr"},
      {R"({"id":"a","running":-1})", "running must be a whole number"},
      {R"({"id":"a","incarnation":"1"})", "incarnation must be a whole number"},
      {R"({"id":"a","ttl":0})", "ttl must be between"},
      {R"({"id":"a","ttl":1e9})", "ttl must be between"},
      {R"({"id":"a","ttl":"30"})", "ttl '30' is not a duration"},
      {R"({"id":"a","ttl":"25h"})", "ttl must be between"},
      {R"({"id":"a","ttl":[]})", "ttl must be between"},
      {R"({"id":"a","id":"b"})", "is there twice"},
  };
  for (const auto& [body, part] : cases) {
    const auto read = read_registration(body);
    ASSERT_FALSE(read) << body;
    EXPECT_NE(read.error().message.find(part), std::string::npos) << body << " -> " << read.error().message;
  }
  const auto large = read_registration("{\"id\":\"" + std::string(limits::record_bytes_max, 'a') + "\"}");
  EXPECT_EQ(large.error().code, ErrorCode::too_large);
}

TEST(Registration, TakesTheIdFromThePathAndRefusesAnother) {
  EXPECT_EQ(read_registration("{}", "a-1")->id, "a-1");
  EXPECT_EQ(read_registration(R"({"id":"a-1"})", "a-1")->id, "a-1");
  const auto other = read_registration(R"({"id":"a-2"})", "a-1");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("differs from 'a-1' in the path"), std::string::npos);
  EXPECT_FALSE(read_registration("{}", "a b"));
}

TEST(Registration, ReadsBackWhatItWrote) {
  Statement statement;
  statement.id = "a-1";
  EXPECT_EQ(*read_registration(write_registration(statement)), statement);
  statement.incarnation = UINT64_MAX;
  statement.ttl = 90s;
  Claims& claims = statement.claims;
  claims.name = "Ä \"quoted\" \\";
  claims.status = Status::working;
  claims.capabilities = std::vector<std::string>{};
  claims.model = "";
  claims.endpoint = "http://x";
  claims.p2p_addr = "[::1]:9000";
  claims.cluster_id = "c";
  claims.node = "n";
  claims.version = "v";
  claims.health_url = "http://x/health";
  claims.labels = Labels{{"a", ""}, {"b", "x y"}};
  claims.running = 0;
  claims.capacity = UINT32_MAX;
  EXPECT_EQ(*read_registration(write_registration(statement)), statement);
  claims.current_team = "t";
  claims.tasks_completed = 4;
  EXPECT_TRUE(read_registration(write_registration(statement)));
}

TEST(Registration, ReadsTtlAsSecondsOrText) {
  EXPECT_EQ(read_registration(R"({"id":"a","ttl":30})")->ttl, Duration(30s));
  EXPECT_EQ(read_registration(R"({"id":"a","ttl":1.5})")->ttl, Duration(1500ms));
  EXPECT_EQ(read_registration(R"({"id":"a","ttl":"1m30s"})")->ttl, Duration(90s));
}

TEST(Renewal, MayBeEmptyAndKeepsTheLease) {
  EXPECT_EQ(read_renewal("", "a")->id, "a");
  EXPECT_EQ(read_renewal(R"({"status":"idle","running":2})", "a")->claims.status, Status::idle);
  EXPECT_FALSE(read_renewal(R"({"ttl":30})", "a"));
  EXPECT_FALSE(read_renewal("x", "a"));
}

}  // namespace
}  // namespace choregos::wire
