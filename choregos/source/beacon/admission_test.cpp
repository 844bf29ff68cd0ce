#include "choregos/source/beacon/admission.hpp"

#include <gtest/gtest.h>

namespace choregos::source::beacon {
namespace {

bool allows(std::string_view rule, std::string_view from) { return UnsignedRule::parse(rule).value().allows(parse_ip(from).value()); }

TEST(UnsignedRule, ByDefaultBelievesLoopbackAlone) {
  const UnsignedRule rule;
  EXPECT_TRUE(rule.allows(*parse_ip("127.0.0.1")));
  EXPECT_TRUE(rule.allows(*parse_ip("127.9.9.9")));
  EXPECT_TRUE(rule.allows(*parse_ip("::1")));
  EXPECT_FALSE(rule.allows(*parse_ip("10.0.0.1")));
  EXPECT_FALSE(rule.allows(*parse_ip("fe80::1")));
  EXPECT_EQ(rule.text(), "loopback");
}

TEST(UnsignedRule, ReadsWordsAndRanges) {
  EXPECT_TRUE(allows("any", "8.8.8.8"));
  EXPECT_FALSE(allows("none", "127.0.0.1"));
  EXPECT_TRUE(allows("10.0.0.0/8, fd00::/8", "10.1.2.3"));
  EXPECT_TRUE(allows("10.0.0.0/8, fd00::/8", "fd00::7"));
  EXPECT_FALSE(allows("10.0.0.0/8, fd00::/8", "11.0.0.1"));
  EXPECT_FALSE(allows("10.0.0.0/8", "127.0.0.1")) << "a list means what it says";
  EXPECT_TRUE(allows("loopback, 10.0.0.0/8", "127.0.0.1"));
  for (const auto* text : {"any", "none", "loopback", "loopback,10.0.0.0/8"}) EXPECT_EQ(UnsignedRule::parse(text).value().text(), text);
}

TEST(UnsignedRule, RefusesWhatIsNeither) {
  for (const auto* text : {"", "lo", "10.0.0.1/8", "10.0.0.0/33", "any,10.0.0.0/8", "10.0.0.0/8,"}) {
    const auto rule = UnsignedRule::parse(text);
    ASSERT_FALSE(rule) << text;
    EXPECT_EQ(rule.error().code, ErrorCode::invalid);
    EXPECT_NE(rule.error().message.find("loopback, any, none"), std::string::npos);
  }
}

TEST(TokenBucket, GivesTheBurstThenTheRate) {
  TokenBucket bucket(200, 400);
  Instant now{5'000'000'000};
  int given = 0;
  for (int i = 0; i < 1000; ++i) given += bucket.take(now);
  EXPECT_EQ(given, 400);
  for (int step = 0; step < 100; ++step) {
    now = now + 10ms;
    for (int i = 0; i < 50; ++i) given += bucket.take(now);
  }
  EXPECT_EQ(given, 600) << "200 more within a second";
  EXPECT_TRUE(bucket.take(now + 10s));
}

}  // namespace
}  // namespace choregos::source::beacon
