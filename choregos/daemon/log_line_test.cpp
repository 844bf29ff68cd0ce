#include "choregos/daemon/log_line.hpp"

#include <gtest/gtest.h>

#include "choregos/wire/json.hpp"

namespace choregos::daemon {
namespace {

const WallTime kTime{1795428414120};  // 2026-11-23T10:06:54.120Z

std::string json(std::string_view event, std::vector<LogField> fields) { return json_line(kTime, LogLevel::info, event, fields); }
std::string text(std::string_view event, std::vector<LogField> fields) { return text_line(kTime, LogLevel::warn, event, fields, false); }

TEST(LogLine, KeepsTheOrderOfFieldsAndLeavesOutEmptyOnes) {
  EXPECT_EQ(json("agent_liveness", {{"agent_id", "a1"}, {"source", ""}, {"from", "alive"}, {"count", 3}, {"negative", -1}, {"on", true}}),
            R"({"time":"2026-11-23T10:06:54.120Z","level":"info","event":"agent_liveness","agent_id":"a1","from":"alive","count":3,"negative":-1,"on":true})"
            "\n");
  EXPECT_EQ(text("agent_liveness", {{"agent_id", "a1"}, {"source", ""}, {"reason", "no answer for 10 s"}, {"count", 3}}),
            "10:06:54.120 warn   agent_liveness  agent_id=a1 reason=\"no answer for 10 s\" count=3\n");
  EXPECT_EQ(text("ready", {}), "10:06:54.120 warn   ready\n");
}

TEST(LogLine, LetsNobodyBreakOutOfALine) {
  const std::string nasty = "a\"b\\\n{\"level\":\"error\"}\x1b[31m\xff\xe2\x80\xae";
  const std::string as_json = json("observation", {{"reason", nasty}});
  EXPECT_EQ(as_json.find('\n'), as_json.size() - 1);
  EXPECT_EQ(as_json.find('\x1b'), std::string::npos);
  wire::JsonRules rules;
  rules.text = wire::JsonText::any;
  EXPECT_TRUE(wire::parse_json(as_json.substr(0, as_json.size() - 1), rules).has_value()) << as_json;
  const std::string as_text = text("observation", {{"reason", nasty}});
  EXPECT_EQ(as_text.find('\n'), as_text.size() - 1);
  EXPECT_EQ(as_text.find('\x1b'), std::string::npos);
  EXPECT_EQ(as_text.find("\xe2\x80\xae"), std::string::npos);
}

TEST(LogLine, ColorsTheLevelOnly) {
  EXPECT_EQ(text_line(kTime, LogLevel::error, "x", {}, true), "10:06:54.120 \033[31merror\033[0m  x\n");
}

TEST(LogLevel, ReadsItsOwnWords) {
  for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error}) EXPECT_EQ(parse_log_level(to_string(level)), level);
  EXPECT_FALSE(parse_log_level("verbose"));
}

}  // namespace
}  // namespace choregos::daemon
