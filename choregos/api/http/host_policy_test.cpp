#include "choregos/api/http/host_policy.hpp"

#include <gtest/gtest.h>

namespace choregos::api {
namespace {

HostPolicy on(std::string_view address, std::vector<std::string> hosts = {}) { return HostPolicy({*parse_socket_address(address)}, hosts); }

TEST(HostPolicy, AcceptsLoopbackNamesAtAnyPort) {
  const auto policy = on("127.0.0.1:4470");
  for (const auto* host : {"localhost", "localhost:4470", "LOCALHOST:80", "localhost.", "127.0.0.1", "127.0.0.1:8080", "127.0.0.2:1", "[::1]", "[::1]:4470"})
    EXPECT_TRUE(policy.host_is_ours(host)) << host;
}

TEST(HostPolicy, RefusesNamesThatAPageCouldRebind) {
  const auto policy = on("127.0.0.1:4470");
  for (const auto* host : {"", "evil.example", "evil.example:4470", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.4", "0.0.0.0", "127.1", "2130706433",
                           "0x7f.0.0.1", "localhost:", "localhost:x", "localhost:123456", "localhost:80:80", "[::1", "[::1]x", "user@localhost", "localhost/", " localhost"})
    EXPECT_FALSE(policy.host_is_ours(host)) << host;
}

TEST(HostPolicy, AcceptsTheBoundAddressAndConfiguredNames) {
  const auto policy = on("10.0.0.4:4470", {"Choregos.Internal", "10.9.9.9"});
  EXPECT_TRUE(policy.host_is_ours("10.0.0.4:4470"));
  EXPECT_TRUE(policy.host_is_ours("choregos.internal"));
  EXPECT_TRUE(policy.host_is_ours("CHOREGOS.internal:80"));
  EXPECT_TRUE(policy.host_is_ours("10.9.9.9"));
  EXPECT_FALSE(policy.host_is_ours("10.0.0.5"));
}

TEST(HostPolicy, TakesAnyLiteralAddressButNoNameWhenBoundToAll) {
  const auto policy = on("0.0.0.0:4470");
  EXPECT_TRUE(policy.host_is_ours("192.168.1.9:4470"));
  EXPECT_TRUE(policy.host_is_ours("[fd00::1]:4470"));
  EXPECT_FALSE(policy.host_is_ours("choregos.example"));
}

TEST(HostPolicy, TakesOnlyTheVeryHostAsOrigin) {
  EXPECT_TRUE(HostPolicy::same_origin("http://127.0.0.1:4470", "127.0.0.1:4470"));
  EXPECT_TRUE(HostPolicy::same_origin("https://Choregos.Internal", "choregos.internal"));
  for (const auto* origin : {"null", "", "http://localhost:4470", "http://127.0.0.1", "http://127.0.0.1:4471", "file://127.0.0.1:4470", "http://evil.example", "127.0.0.1:4470",
                             "http://127.0.0.1:4470.evil.example"})
    EXPECT_FALSE(HostPolicy::same_origin(origin, "127.0.0.1:4470")) << origin;
}

}  // namespace
}  // namespace choregos::api
