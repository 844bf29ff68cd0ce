#include "choregos/api/http/routes.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace choregos::api {
namespace {

TEST(Routes, AreInTheOrderOfTheirIds) {
  ASSERT_EQ(routes().size(), kRouteCount);
  for (std::size_t i = 0; i < routes().size(); ++i) EXPECT_EQ(static_cast<std::size_t>(routes()[i].id), i);
}

TEST(Routes, MatchByMethodAndPath) {
  EXPECT_EQ(match_route("GET", "/api/v1/agents").route->id, RouteId::agents_list);
  EXPECT_EQ(match_route("HEAD", "/api/v1/agents").route->id, RouteId::agents_list);
  EXPECT_EQ(match_route("PUT", "/api/v1/agents/a1").route->id, RouteId::agent_register);
  EXPECT_EQ(match_route("POST", "/api/v1/agents/a1/renew").route->id, RouteId::agent_renew);
  EXPECT_EQ(match_route("GET", "/").route->id, RouteId::index);
}

TEST(Routes, DecodeTheIdAfterSplitting) {
  EXPECT_EQ(match_route("GET", "/api/v1/agents/a%2Fb").id, "a/b");
  EXPECT_EQ(match_route("GET", "/api/v1/agents/10.0.0.4%3A8081").id, "10.0.0.4:8081");
  EXPECT_TRUE(match_route("GET", "/api/v1/agents/a%2").bad_encoding);
  EXPECT_TRUE(match_route("GET", "/api/v1/agents/a%00").bad_encoding);
}

TEST(Routes, NameTheMethodsOfAKnownPath) {
  const auto match = match_route("PATCH", "/api/v1/agents/a1");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allowed, (std::vector<std::string_view>{"GET", "HEAD", "PUT", "DELETE"}));
  EXPECT_EQ(match_route("HEAD", "/api/v1/agents/a1/renew").route, nullptr);
}

TEST(Routes, DoNotMatchOtherPaths) {
  for (const auto* path : {"", "api", "//", "/api", "/api/v1", "/api/v1/agents/", "/api/v1/agents//renew", "/api/v1/agents/a/b", "/api/v1/agents/a/renew/", "/API/v1/agents", "*"})
    EXPECT_TRUE(match_route("GET", path).allowed.empty()) << path;
}

TEST(Routes, NameNearPaths) {
  EXPECT_EQ(near_paths("/api/v1/agent").at(0), "/api/v1/agents");
  EXPECT_EQ(near_paths("/agents").at(0), "/api/v1/agents");
  EXPECT_EQ(near_paths("/health").at(0), "/healthz");
  EXPECT_TRUE(near_paths("/something/else/entirely").empty());
}

TEST(Routes, HaveStatusesInOrderWithoutRepetition) {
  for (const auto& each : routes()) {
    EXPECT_TRUE(std::is_sorted(each.statuses.begin(), each.statuses.end()));
    for (const int gate : gate_statuses(each)) EXPECT_EQ(std::count(each.statuses.begin(), each.statuses.end(), gate), 0) << each.pattern << " " << gate;
  }
}

}  // namespace
}  // namespace choregos::api
