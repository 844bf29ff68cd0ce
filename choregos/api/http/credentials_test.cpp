#include "choregos/api/http/credentials.hpp"
#include "choregos/base/limits.hpp"

#include <gtest/gtest.h>

namespace choregos::api {
namespace {

const std::string kToken = "0123456789abcdef0123";

TEST(TokenSet, HoldsExactlyItsTokens) {
  const auto set = TokenSet::create({kToken, "another-token-of-ours"});
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->holds(kToken));
  EXPECT_TRUE(set->holds("another-token-of-ours"));
  EXPECT_FALSE(set->holds(""));
  EXPECT_FALSE(set->holds(kToken.substr(1)));
  EXPECT_FALSE(set->holds(kToken + "0"));
}

TEST(TokenSet, RefusesWhatCouldBeGuessedOrNotBeSent) {
  EXPECT_FALSE(TokenSet::create({"short"}));
  EXPECT_FALSE(TokenSet::create({"has a space in the middle"}));
  EXPECT_FALSE(TokenSet::create({"has-a-line-feed-in-it\n"}));
  EXPECT_NE(TokenSet::create({kToken, "short"}).error().message.find("number 2"), std::string::npos);
}

TEST(BearerToken, IsReadFromTheHeaderOnly) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bearer   abc "), "abc");
  EXPECT_EQ(bearer_token("Basic abc"), "");
  EXPECT_EQ(bearer_token("Bearer"), "");
  EXPECT_EQ(bearer_token("Bearer "), "");
  EXPECT_EQ(bearer_token("abc"), "");
}

TEST(FailureLimit, AllowsTwentyAMinuteOfEachAddress) {
  FailureLimit limit;
  const Instant start{1'000'000'000'000};
  const auto one = IpAddress::v4(10, 0, 0, 1), two = IpAddress::v4(10, 0, 0, 2);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(limit.count(one, start)) << i;
  EXPECT_TRUE(limit.count(one, start + 1s));
  EXPECT_FALSE(limit.count(two, start + 1s));
  EXPECT_EQ(limit.retry_after(one, start + 20s), 40s);
  EXPECT_TRUE(limit.count(one, start + 59s));
  EXPECT_FALSE(limit.count(one, start + 60s));
}

TEST(FailureLimit, CountsAnIpv6SiteAsOne) {
  FailureLimit limit;
  const Instant start{1'000'000'000'000};
  bool over = false;
  for (int i = 1; i <= 21; ++i) over = limit.count(*parse_ip("fd00:0:0:1::" + std::to_string(i)), start);
  EXPECT_TRUE(over);
  EXPECT_FALSE(limit.count(*parse_ip("fd00:0:0:2::1"), start));
}

TEST(FailureLimit, RemembersABoundedNumberOfAddresses) {
  FailureLimit limit;
  const Instant start{1'000'000'000'000};
  for (std::uint32_t i = 0; i < limits::wrong_token_address_max; ++i) EXPECT_FALSE(limit.count(IpAddress::v4(0x0a000000u + i), start));
  // The table is full: strangers share one counter until the window has passed.
  bool over = false;
  for (std::uint32_t i = 0; i < 21; ++i) over = limit.count(IpAddress::v4(0x0b000000u + i), start);
  EXPECT_TRUE(over);
  EXPECT_FALSE(limit.count(IpAddress::v4(0x0c000000u), start + 61s));
}

}  // namespace
}  // namespace choregos::api
