#include "choregos/wire/problem.hpp"

#include <gtest/gtest.h>

#include "choregos/wire/source_json.hpp"

namespace choregos::wire {
namespace {

TEST(Problem, IsAnRfc9457Document) {
  EXPECT_EQ(problem_json(fail(ErrorCode::not_found, "no agent 'x'"), "/api/v1/agents/x"),
            R"({"type":"urn:choregos:problem:not_found","title":"Not found","status":404,"detail":"no agent 'x'","instance":"/api/v1/agents/x","code":"not_found"})");
  EXPECT_EQ(problem_json(fail(ErrorCode::unsupported, "use GET"), "", 405),
            R"({"type":"urn:choregos:problem:unsupported","title":"Not supported","status":405,"detail":"use GET","code":"unsupported"})");
}

TEST(Problem, ReadsBackEveryCode) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const Error error{static_cast<ErrorCode>(code), "why \"quoted\""};
    const Error read = read_problem(http_status(error.code), problem_json(error, "/x"));
    EXPECT_EQ(read.code, error.code);
    EXPECT_EQ(read.message, error.message);
  }
}

TEST(Problem, MakesSomethingOfAnyAnswer) {
  EXPECT_EQ(read_problem(404, "").code, ErrorCode::not_found);
  EXPECT_EQ(read_problem(404, "").message, "the server answered with status 404");
  EXPECT_EQ(read_problem(502, "<html>").code, ErrorCode::unavailable);
  EXPECT_EQ(read_problem(418, "{}").code, ErrorCode::invalid);
  EXPECT_EQ(read_problem(431, "[]").code, ErrorCode::too_large);
  EXPECT_EQ(read_problem(599, R"({"title":"Odd"})").message, "Odd");
  EXPECT_EQ(read_problem(400, R"({"detail":"\u001b[31mred"})").message, "\xef\xbf\xbd[31mred");
}

TEST(SourceJson, ReadsBackWhatItWrote) {
  SourceHealth health;
  health.name = "beacon";
  health.kind = "beacon";
  health.state = SourceState::degraded;
  health.detail = "listening on 4471";
  EXPECT_EQ(source_json(health), R"({"name":"beacon","kind":"beacon","state":"degraded","detail":"listening on 4471","counters":{},"gauges":{}})");
  health.last_error = "refused";
  health.advice = "open the port";
  health.last_ok = WallTime{1'795'428'414'120};
  health.last_error_at = WallTime{1'795'428'414'121};
  health.counters = {{"received", 7}, {"dropped", 1}};
  health.gauges = {{"agents", 9}};
  const auto read = read_sources(sources_json(std::vector<SourceHealth>{health, health}));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  const SourceHealth& back = (*read)[1];
  EXPECT_EQ(back.name, health.name);
  EXPECT_EQ(back.kind, health.kind);
  EXPECT_EQ(back.state, health.state);
  EXPECT_EQ(back.detail, health.detail);
  EXPECT_EQ(back.last_error, health.last_error);
  EXPECT_EQ(back.advice, health.advice);
  EXPECT_EQ(back.last_ok, health.last_ok);
  EXPECT_EQ(back.last_error_at, health.last_error_at);
  EXPECT_EQ(back.counters, health.counters);
  EXPECT_EQ(back.gauges, health.gauges);
  EXPECT_FALSE(read_sources("{}"));
  EXPECT_FALSE(read_sources(R"({"sources":[1]})"));
  EXPECT_FALSE(read_sources(R"({"sources":[{"name":"a","counters":{"x":-1}}]})"));
  EXPECT_FALSE(read_sources(R"({"sources":[{"kind":"a"}]})"));
}

}  // namespace
}  // namespace choregos::wire
