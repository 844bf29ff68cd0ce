#include "choregos/wire/expected_json.hpp"

#include <gtest/gtest.h>

namespace choregos::wire {
namespace {

std::string text_of(const ExpectedFound& found) {
  JsonWriter out;
  out.begin_object();
  write_expected(out, found);
  out.end_object();
  return std::move(out).take();
}

TEST(ExpectedJson, ReadsBackWhatItWroteAndLeavesOutWhatNobodySays) {
  ExpectedFound found;
  EXPECT_EQ(text_of(found), R"({"matches":true,"services":[]})");
  ServiceFound chorus;
  chorus.name = "chorus";
  chorus.mode = "replicated";
  chorus.desired = 5;
  chorus.desired_by = "docker_engine";
  chorus.tasks = 4;
  chorus.in_dns = 5;
  chorus.answering = chorus.listed = 4;
  chorus.missing.push_back({"chorus.3.abc", "", "", "worker-1", "it is wanted and failed"});
  chorus.phantom.push_back({"", "10.0.1.9:8081", "x", "", "no task has it"});
  ServiceFound other;
  other.name = "other";
  found.services = {chorus, other};
  found.orchestrator_age = 1200ms;
  found.nodes = {"worker-3 is down"};
  const std::string text = text_of(found);
  EXPECT_EQ(text,
            R"({"matches":false,"services":[{"name":"chorus","mode":"replicated","desired":5,"desired_by":"docker_engine","tasks":4,"in_dns":5,"answering":4,"listed":4,"matches":false,)"
            R"("missing":[{"task":"chorus.3.abc","node":"worker-1","reason":"it is wanted and failed"}],"phantom":[{"address":"10.0.1.9:8081","agent":"x","reason":"no task has it"}]},)"
            R"({"name":"other","in_dns":0,"answering":0,"listed":0,"matches":true,"missing":[],"phantom":[]}],"orchestrator_age_ms":1200,"nodes":["worker-3 is down"]})");
  const auto tree = parse_json(text);
  const auto read = read_expected(tree->get_object());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(text_of(*read), text);
  EXPECT_FALSE(read->services[1].desired);
  EXPECT_FALSE(read_expected(parse_json(R"({"services":[1]})")->get_object()));
  EXPECT_FALSE(read_expected(parse_json(R"({"services":[{"name":"a","missing":{}}]})")->get_object()));
  EXPECT_FALSE(read_expected(parse_json(R"({"services":[{"name":"a","desired":"many"}]})")->get_object()));
}

}  // namespace
}  // namespace choregos::wire
